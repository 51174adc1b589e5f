"""What can be declared: the typed spec, the limits of the service, names, and loading YAML."""
