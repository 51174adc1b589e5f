"""What the steps of a deployment have in common: how they are told, and how they fail."""

from __future__ import annotations


class DeployError(Exception):
    """A step failed; the message says which and what to do."""


class WrongArtifact(DeployError):  # noqa: N818  (it is what lies in the bucket, not a malfunction)
    """The bucket holds other bytes than the lock file says, or cannot be told to hold them."""


class UnreadyError(DeployError):
    """A check before the deployment failed; nothing was changed."""


def step(what: str, note: str = "") -> None:
    """Say which step comes, or how it went.

    Parameters
    ----------
    what
        The step.
    note
        More about it.
    """
    print(f"· {what}{f': {note}' if note else ''}", flush=True)
