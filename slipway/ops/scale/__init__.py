"""Temporary limits of autoscaling."""
