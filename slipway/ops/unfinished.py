"""What a command has begun and must undo when it ends early, by an error, Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Self


class Terminated(KeyboardInterrupt):
    """SIGTERM came: the command ends as with Ctrl-C."""


@contextmanager
def terminable() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that what was begun is undone; outside the main thread it does nothing."""

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not in the main thread, which alone gets signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until a short step is over; they come then."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread, which alone gets signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for came_first in dict.fromkeys(came):
            signal.raise_signal(came_first)


@dataclass
class _Step:
    what: str
    undo: Callable[[], object]
    by_hand: str


@dataclass
class Unfinished:
    """Steps that are undone, the last one first, unless the command gets to its end.

    Used as a context. When its block raises, each step is undone with signals held back; what cannot be undone is said,
    with what to do by hand. When the block ends well nothing is undone, unless ``always`` says so.

    Attributes
    ----------
    say
        Where to say it; standard error by default.
    """

    say: Callable[[str], object] = lambda line: print(line, file=sys.stderr, flush=True)
    _steps: list[_Step] = field(default_factory=list)
    _lasting: list[_Step] = field(default_factory=list)

    def begin(self, what: str, do: Callable[[], object], undo: Callable[[], object], by_hand: str) -> None:
        """Take a step that can be undone; no signal comes between the step and its being noted.

        Parameters
        ----------
        what
            What is undone, such as ``the weights as they were``.
        do, undo
            The step, and the way back. A step that raises is not noted.
        by_hand
            What a person types when the way back fails.
        """
        with uninterrupted():
            do()
            self._steps.append(_Step(what, undo, by_hand))

    def always(self, what: str, do: Callable[[], object], undo: Callable[[], object], by_hand: str) -> None:
        """Take a step that is undone in any case, also when all went well, such as a temporary alarm."""
        with uninterrupted():
            do()
            self._lasting.append(_Step(what, undo, by_hand))

    def done(self) -> None:
        """Nothing that was begun so far is to be undone any more, but for what always is."""
        self._steps.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = [*self._lasting, *([] if error is None else self._steps)]
        self._steps.clear()
        self._lasting.clear()
        try:
            self._undo(left, aloud=error is not None)
        except KeyboardInterrupt:
            # It came before signals were held back, or when all was done.
            self._undo(left, aloud=True)
            raise

    def _undo(self, left: list[_Step], *, aloud: bool) -> None:
        """Undo what is left, the last step first; what was tried is not left any more."""
        with uninterrupted():
            while left:
                step = left.pop()
                try:
                    step.undo()
                except Exception as trouble:  # noqa: BLE001 - whatever it is, the other steps are undone too
                    self.say(f"left as it is: {step.what} ({trouble}). By hand: {step.by_hand}")
                else:
                    if aloud:
                        self.say(f"undone: {step.what}")
