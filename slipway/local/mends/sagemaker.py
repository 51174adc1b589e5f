"""SageMaker."""


def apply(url: str) -> None:
    """Install the mends."""
