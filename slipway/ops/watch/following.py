"""Watch an update to its end, and say what became of it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.aws_clock import AwsClock
from slipway.ops.trouble import AwsError, NoEndpointError, OperationError, explained, is_expired, is_passing
from slipway.ops.watch.clock import WatchClock
from slipway.ops.watch.component import ComponentJudge, ComponentLooker
from slipway.ops.watch.events import Event, Outcome
from slipway.ops.watch.judging import HEARTBEAT, Judge, Judgement
from slipway.ops.watch.looking import Looker
from slipway.ops.watch.view import View, lasting

if TYPE_CHECKING:
    from types import TracebackType

    from slipway.ops.target import Target

#: Seconds that a watch lasts unless told otherwise; an update lasts eight hours at most.
TIMEOUT = 7200.0
#: Seconds of AWS's time between two looks, and at most after failed ones.
_EVERY, _BACKOFF = 10.0, 60.0
#: Seconds that an update which was just begun may take to show.
_TO_SHOW = 60.0
#: Real seconds between two heartbeats, however fast the local clock runs.
_LEAST_BEAT = 2.0


class Show(Protocol):
    """Shows what a watch sees."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, also when interrupted."""

    def event(self, event: Event) -> None:
        """Show something that happened."""

    def view(self, view: View, clock: WatchClock) -> None:
        """Show how it stands after a look; the clock tells how the time goes on until the next one."""


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    def event(self, event: Event) -> None:
        """Show nothing."""

    def view(self, view: View, clock: WatchClock) -> None:
        """Show nothing."""


class Seen(Protocol):
    """What one look finds."""

    @property
    def there(self) -> bool:
        """Whether what is watched exists."""


S = TypeVar("S", bound=Seen)
_Found = TypeVar("_Found", bound=Seen, covariant=True)
_Judged = TypeVar("_Judged", bound=Seen, contravariant=True)


class Looks(Protocol[_Found]):
    """Looks at what is watched."""

    def look(self) -> _Found:
        """Look once."""

    def renew(self) -> None:
        """Open new clients."""


class Judges(Protocol[_Judged]):
    """Judges looks."""

    heartbeat: timedelta

    def see(self, snapshot: _Judged, /) -> Judgement:
        """Judge the latest look."""

    def give_up(self, at: datetime, /) -> Judgement:
        """Say that the time is over."""


def follow(
    target: Target,
    endpoint: str,
    *,
    stack: str = "",
    expect: str = "",
    begun: bool = False,
    wait_start: float = 0.0,
    timeout: float = TIMEOUT,
    show: Show | None = None,
    again: str = "slipway watch",
    clock: AwsClock | None = None,
) -> Outcome:
    """Watch an endpoint until nothing is under way there any more.

    Parameters
    ----------
    target
        Where it is.
    endpoint
        Its full name.
    stack
        Name of its stack; empty when it has none.
    expect
        The endpoint config that it is to serve in the end; by default the one that its stack holds, else the one to
        which the update under way moves it.
    begun
        The caller has just begun an update, so that "nothing is under way" is not believed in the first minute.
    wait_start
        Seconds in which an update is still to begin, by AWS's clock.
    timeout
        Seconds, by AWS's clock.
    show
        Shows it meanwhile; by default nothing does.
    again
        The command that watches again, for messages.
    clock
        AWS's time; by default the target's.

    Returns
    -------
    Outcome
        With its exit code, and all that was seen.

    Raises
    ------
    NoEndpointError
        When there is no such endpoint to begin with.
    OperationError
        When AWS cannot be asked any more, as with expired credentials; the update goes on.
    """
    own, soon = WatchClock(clock or AwsClock(target)), max(wait_start, _TO_SHOW if begun else 0.0)
    looker = Looker(target, endpoint, own, stack=stack, expect=expect)
    judge = Judge(endpoint, expect=expect, wait_start=soon, again=again)
    return Watch(looker, judge, own, show or Quiet(), endpoint, again).run(timeout)


def follow_component(
    target: Target,
    component: str,
    *,
    stack: str = "",
    expect: str = "",
    begun: bool = False,
    wait_start: float = 0.0,
    timeout: float = TIMEOUT,
    show: Show | None = None,
    again: str = "slipway watch",
    clock: AwsClock | None = None,
) -> Outcome:
    """Watch an inference component until nothing is under way there any more.

    Parameters
    ----------
    target, stack, begun, wait_start, timeout, show, again, clock
        As ``follow``.
    component
        Its full name.
    expect
        The model that it is to run in the end; by default what its stack declares, all of it.

    Returns
    -------
    Outcome
        With its exit code, and all that was seen.

    Raises
    ------
    NoEndpointError, OperationError
        As ``follow``.
    """
    own, soon = WatchClock(clock or AwsClock(target)), max(wait_start, _TO_SHOW if begun else 0.0)
    looker = ComponentLooker(target, component, own, stack=stack)
    judge = ComponentJudge(component, expect=expect, wait_start=soon, again=again)
    return Watch(looker, judge, own, show or Quiet(), component, again).run(timeout)


class Watch(Generic[S]):
    """Looks again and again until the judge says that it is over.

    Parameters
    ----------
    looker, judge, clock, show
        Its parts.
    name
        Full name of what is watched.
    again
        The command that watches again.
    """

    def __init__(
        self, looker: Looks[S], judge: Judges[S], clock: WatchClock, show: Show, name: str, again: str
    ) -> None:
        self._looker, self._judge, self._clock, self._show = looker, judge, clock, show
        self._name, self._again = name, again
        self._events: list[Event] = []
        self._trouble: datetime | None = None
        self._failures = 0
        self._seen = False

    def run(self, timeout: float) -> Outcome:
        """Watch.

        Parameters
        ----------
        timeout
            Seconds, by AWS's clock.

        Returns
        -------
        Outcome
            With all events.

        Raises
        ------
        NoEndpointError, OperationError
            As ``follow``.
        """
        until = self._clock.now() + timedelta(seconds=timeout)
        with self._show:
            while True:
                wait = _EVERY
                snapshot = self._look()
                if snapshot is None:
                    # With jitter, so that those who were throttled together do not come back together.
                    wait = min(_BACKOFF, 2.0**self._failures) * random.uniform(0.5, 1.0)  # noqa: S311
                else:
                    outcome = self._tell(self._judge.see(snapshot))
                    if outcome is not None:
                        return outcome
                left = (until - self._clock.now()).total_seconds()
                if left <= 0:
                    outcome = self._tell(self._judge.give_up(self._clock.now()))
                    assert outcome is not None  # noqa: S101  (giving up is an outcome)
                    return outcome
                self._clock.wait(min(wait, left))
                self._judge.heartbeat = max(HEARTBEAT, timedelta(seconds=_LEAST_BEAT * self._clock.speed))

    def _look(self) -> S | None:
        """Look once; ``None`` when AWS did not answer, and may yet."""
        try:
            snapshot = self._looker.look()
        except (ClientError, BotoCoreError) as error:
            if is_expired(error):
                snapshot = self._look_anew(error)
            elif is_passing(error):
                self._failed(error)
                return None
            else:
                raise self._lost(error) from None
        if not snapshot.there and not self._seen:
            raise NoEndpointError(f"there is no {self._name}: `slipway deploy` makes it")
        self._seen = True
        if self._trouble is not None:
            after = lasting((self._clock.now() - self._trouble).total_seconds())
            self._warn(f"AWS answers again, after {after}")
        self._trouble, self._failures = None, 0
        return snapshot

    def _look_anew(self, error: AwsError) -> S:
        """Look with credentials that are read anew, since somebody may have logged in again."""
        try:
            self._looker.renew()
            return self._looker.look()
        except (ClientError, BotoCoreError):
            raise self._lost(error) from None

    def _failed(self, error: AwsError) -> None:
        self._failures += 1
        if self._trouble is None:
            self._trouble = self._clock.now()
            why = explained(error, f"look at {self._name}").split(": wait a minute")[0].split(": look whether")[0]
            self._warn(f"{why}; trying again since {self._trouble:%H:%M:%S}, the update goes on meanwhile")

    def _lost(self, error: AwsError) -> OperationError:
        why = explained(error, f"look at {self._name}")
        return OperationError(f"{why}\nwhatever is under way goes on; watch it again with `{self._again}`")

    def _warn(self, text: str) -> None:
        self._emit(Event("warning", self._clock.now(), text))

    def _tell(self, judgement: Judgement) -> Outcome | None:
        for event in judgement.events:
            self._emit(event)
        if judgement.view is not None:
            self._show.view(judgement.view, self._clock)
        return replace(judgement.outcome, events=tuple(self._events)) if judgement.outcome is not None else None

    def _emit(self, event: Event) -> None:
        self._events.append(event)
        self._show.event(event)
