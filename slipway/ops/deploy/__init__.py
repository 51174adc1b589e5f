"""Bring an environment to what its config says, and say what became of it."""
