"""Delete an endpoint and create it again."""
