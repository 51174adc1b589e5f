"""Watch an update to its end: looking, judging and showing are kept apart."""
