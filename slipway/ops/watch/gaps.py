"""What a watch can do without: it is looked at, and what cannot be seen is noted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.trouble import is_denied, is_expired, is_passing, message
from slipway.ops.watch.snapshot import Gap

T = TypeVar("T")


class Gaps:
    """What could not be seen so far."""

    def __init__(self) -> None:
        self._found: dict[str, Gap] = {}

    def around(self, what: str, permission: str, look: Callable[[], T], last: T) -> T | None:
        """Look at something.

        Parameters
        ----------
        what
            In words, such as ``the alarms``.
        permission
            The actions that it takes.
        look
            Asks AWS.
        last
            What was seen before.

        Returns
        -------
        T or None
            What is seen. What AWS does not answer just now is as it was; ``None`` for what is refused, which is not
            asked for again where a permission is missing.

        Raises
        ------
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            When the credentials have expired, so that nothing at all can be seen.
        """
        if what in self._found and self._found[what].permission:
            return None
        try:
            found = look()
        except (ClientError, BotoCoreError) as error:
            if is_expired(error):
                raise
            if is_passing(error):
                return last
            self._found[what] = Gap(what, permission if is_denied(error) else "", message(error))
            return None
        self._found.pop(what, None)
        return found

    def all(self) -> tuple[Gap, ...]:
        """All that cannot be seen."""
        return tuple(self._found.values())
