"""The checklist before an update: what would make it fail, or leave no way back, told before anything changes."""
