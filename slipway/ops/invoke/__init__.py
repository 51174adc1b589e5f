"""Ask an endpoint, once or many times."""
