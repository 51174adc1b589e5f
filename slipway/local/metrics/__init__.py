"""CloudWatch's numbers: series, metric math, and the states of alarms. Nothing here knows moto."""
