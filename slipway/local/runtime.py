"""Invoking."""


class Fleet:
    """Workers."""

    def stop(self) -> None:
        """Stop."""


FLEET = Fleet()
