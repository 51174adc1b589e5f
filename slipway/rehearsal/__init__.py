"""A rollout tried before it happens: traffic and faults against what a template declares, and what its alarms do."""
