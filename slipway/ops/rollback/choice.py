"""Which revision a rollback goes to: the previous one, or the one that is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.ops.live import Live, Revision, same_config
from slipway.ops.rollback.revisions import created, named, standing
from slipway.ops.trouble import OperationError, WrongOperation

if TYPE_CHECKING:
    from slipway.ops.rollback.contents import Models

#: An update failed and so did its rollback: instances of both configs serve. Another update mends it.
UNSETTLED = "UpdateRollbackFailed"


@dataclass(frozen=True, slots=True)
class Choice:
    """A revision to go to.

    Attributes
    ----------
    revision
        The revision.
    notes
        Why not another one, a sentence each.
    """

    revision: Revision
    notes: tuple[str, ...] = ()


def choose(
    known: Sequence[Revision], live: Live, held: str, models: Models, to: str | None, *, list_command: str
) -> Choice:
    """Choose the revision to go to.

    Parameters
    ----------
    known
        The endpoint's revisions, the newest first.
    live
        The endpoint as it is.
    held
        The config that its stack holds.
    models
        Describes models.
    to
        A version or a config's name; ``None`` for the previous one: the newest of those older than the live one whose
        models are there and that serves something else.
    list_command
        What lists the revisions, for messages.

    Returns
    -------
    Choice
        It exists; whether it can serve is not looked at any further.

    Raises
    ------
    OperationError
        When there is none; ``WrongOperation`` when ``to`` names none.
    """
    if to is not None:
        return _asked(known, live, models, to, list_command)
    if live.status == UNSETTLED:
        raise OperationError(
            f"{live.name} is {UNSETTLED}: instances of two configs serve, so nobody can tell which revision is the "
            f"previous one. Say which one it is to have with --to: {_all(known)}. Nothing was changed"
        )
    return _previous(known, live, held, models, list_command)


def _asked(known: Sequence[Revision], live: Live, models: Models, to: str, list_command: str) -> Choice:
    found = [one for one in known if same_config(one.config, to)] or [one for one in known if one.version == to]
    if not found:
        raise WrongOperation(
            f"--to {to}: {live.name} has no such version or config, but {_all(known)}; nothing was changed"
        )
    # Of one version there may be several, such as after a change of the instance type; the live one comes first.
    serving = [one for one in found if same_config(one.config, live.config)] if live.status != UNSETTLED else []
    sound = [one for one in found if not models.gone(one)]
    chosen = (serving or sound or found)[0]
    note = (
        f"{len(found)} revisions are called {to}; this is {chosen.config} of {created(chosen)}, the "
        f"{'live one' if serving else 'newest'}: `{list_command}` shows the others, --to takes a config's name too"
    )
    return Choice(chosen, (note,) if len(found) > 1 else ())


def _previous(known: Sequence[Revision], live: Live, held: str, models: Models, list_command: str) -> Choice:
    serving = next((one for one in known if same_config(one.config, live.config)), None)
    if serving is None:
        raise OperationError(
            f"{live.name} serves {live.config}, which is gone, so nobody can tell which revision is the previous one. "
            f"Say which one it is to have with --to: {_all(known)}. The service may refuse any update of such an "
            "endpoint; nothing was changed"
        )
    passed: list[str] = []
    for one in known:
        if one.created >= serving.created or one is serving:
            continue
        found = standing(one, known, live, held, models)
        if found.gone:
            passed.append(f"{named(one)}: {', '.join(found.gone)} is gone")
        elif not found.serves_otherwise:
            passed.append(f"{named(one)}: it serves the same ({', '.join(found.differs) or 'no difference'})")
        else:
            return Choice(one, tuple(f"passed over {words}" for words in passed))
    why = f" Passed over: {'; '.join(passed)}." if passed else ""
    raise OperationError(
        f"{live.name} has no previous revision: it serves {named(serving)}, and no older one can serve something else."
        f"{why} Deploy the old version from git instead: take the config back with `git checkout COMMIT -- config` "
        f"and deploy it. `{list_command}` shows every revision; nothing was changed"
    )


def _all(known: Sequence[Revision]) -> str:
    return ", ".join(named(one) for one in known) or "no revision at all"
