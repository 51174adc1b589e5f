"""A model version from one environment to the next: the same bytes, the same image digest."""
