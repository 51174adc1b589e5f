"""How an update unfolds in time, and when an alarm ends it. Pure: no AWS, no clock, no randomness."""
