"""The way back to an earlier revision: which there are, what is checked, what guards it, what to change afterwards."""
