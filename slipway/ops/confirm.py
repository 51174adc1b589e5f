"""The endpoint's name typed out: what production asks before something is taken away from it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.spec.environment import Environment

#: Where a name has to be typed out.
ASKS = "prod"


class Unconfirmed(Exception):  # noqa: N818  (it is what was not said, not a malfunction)
    """Nobody confirmed it by the endpoint's name; nothing was changed."""


def confirm(environment: Environment, full_endpoint_name: str, given: str | None, *, what: str) -> None:
    """Go on only if whoever asks knows which endpoint it is about.

    In dev, test and staging nothing is asked. In prod the endpoint's full name is, on a terminal, unless it was given
    already. A name that was given and is another endpoint's is refused everywhere: somebody means something else.

    Parameters
    ----------
    environment
        The environment.
    full_endpoint_name
        As AWS has it, such as ``rc-project-a-prod-iris-ep``.
    given
        From ``--confirm``; ``None`` if it was not said.
    what
        What is about to happen, as a clause without a full stop, such as ``this deletes the endpoint and creates it
        again``.

    Raises
    ------
    Unconfirmed
        If there is no terminal to ask on, or the name is not this endpoint's.
    """
    if given is not None:
        if given != full_endpoint_name:
            raise Unconfirmed(
                f"--confirm {given}: the endpoint is called {full_endpoint_name}; nothing was changed. Write "
                f"`--confirm {full_endpoint_name}` if that is the one you mean"
            )
        return
    if environment.environment != ASKS:
        return
    if not sys.stdin.isatty():
        raise Unconfirmed(
            f"{environment.environment} asks for the endpoint's name, and there is no terminal to ask on: {what}. "
            f"If that is meant, say `--confirm {full_endpoint_name}`; nothing was changed"
        )
    # Standard output may be data.
    print(
        f"{environment.environment}: {what}.\nType {full_endpoint_name} to go on: ", end="", file=sys.stderr, flush=True
    )
    typed = sys.stdin.readline().strip()
    if typed != full_endpoint_name:
        raise Unconfirmed(f"{typed!r} is not {full_endpoint_name}: nothing was changed")
