"""CloudWatch."""


def apply() -> None:
    """Install the mends."""
