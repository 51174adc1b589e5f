"""Removes idle development endpoints, and nothing else: mark, notify, wait, look again, delete."""
