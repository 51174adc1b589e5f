"""All endpoints of an environment at a glance."""
