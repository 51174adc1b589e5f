"""What a command has begun is undone when it ends early; what cannot be undone is said."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from slipway.ops.unfinished import Terminated, Unfinished, terminable, uninterrupted


class Ledger:
    """What was done, undone and said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> Callable[[], None]:
        return lambda: self.lines.append(line)

    def unfinished(self) -> Unfinished:
        return Unfinished(say=lambda line: self.lines.append(f"said: {line}"))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def interrupt(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def test_steps_are_undone_when_the_block_raises_the_last_one_first(ledger: Ledger) -> None:
    def work() -> None:
        with ledger.unfinished() as unfinished:
            unfinished.begin("one", ledger("do one"), ledger("undo one"), "by hand one")
            unfinished.begin("two", ledger("do two"), ledger("undo two"), "by hand two")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    done = ["do one", "do two", "undo two", "said: undone: two", "undo one", "said: undone: one"]
    assert ledger.lines == done


def test_nothing_is_undone_when_the_block_ends_well_but_for_what_always_is(ledger: Ledger) -> None:
    with ledger.unfinished() as unfinished:
        unfinished.always("alarm", ledger("make alarm"), ledger("remove alarm"), "by hand")
        unfinished.begin("one", ledger("do one"), ledger("undo one"), "by hand")
    assert ledger.lines == ["make alarm", "do one", "remove alarm"]


def test_what_always_is_undone_comes_after_the_steps_that_rest_on_it(ledger: Ledger) -> None:
    def work() -> None:
        with ledger.unfinished() as unfinished:
            unfinished.always("alarm", ledger("make alarm"), ledger("remove alarm"), "by hand")
            unfinished.begin("one", ledger("do one"), ledger("undo one"), "by hand")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert [line for line in ledger.lines if not line.startswith("said")] == [
        "make alarm",
        "do one",
        "undo one",
        "remove alarm",
    ]


def test_steps_that_are_done_are_not_undone_later(ledger: Ledger) -> None:
    def work() -> None:
        with ledger.unfinished() as unfinished:
            unfinished.begin("one", ledger("do one"), ledger("undo one"), "by hand")
            unfinished.done()
            unfinished.begin("two", ledger("do two"), ledger("undo two"), "by hand")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert "undo one" not in ledger.lines
    assert "undo two" in ledger.lines


def test_a_step_that_raises_is_not_undone(ledger: Ledger) -> None:
    def fail() -> None:
        raise RuntimeError

    def work() -> None:
        with ledger.unfinished() as unfinished:
            unfinished.begin("one", fail, ledger("undo one"), "by hand")

    with pytest.raises(RuntimeError):
        work()
    assert ledger.lines == []


def test_what_cannot_be_undone_is_said_with_what_to_do_and_the_others_are_undone(ledger: Ledger) -> None:
    def fail() -> None:
        raise OSError("no network")

    def work() -> None:
        with ledger.unfinished() as unfinished:
            unfinished.begin("one", ledger("do one"), ledger("undo one"), "by hand one")
            unfinished.begin("two", ledger("do two"), fail, "slipway mend two")
            raise RuntimeError("first")

    with pytest.raises(RuntimeError, match="first"):
        work()
    assert "said: left as it is: two (no network). By hand: slipway mend two" in ledger.lines
    assert "undo one" in ledger.lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_step_comes_when_the_step_is_noted(ledger: Ledger, number: signal.Signals) -> None:
    def step() -> None:
        interrupt(number)
        ledger("do one")()

    def work() -> None:
        with ledger.unfinished() as unfinished:
            unfinished.begin("one", step, ledger("undo one"), "by hand")
            ledger("went on")()

    with terminable(), pytest.raises(KeyboardInterrupt):
        work()
    assert ledger.lines == ["do one", "undo one", "said: undone: one"]


def test_a_signal_while_steps_are_undone_waits_for_the_last_one(ledger: Ledger) -> None:
    def work() -> None:
        with ledger.unfinished() as unfinished:
            unfinished.begin("one", ledger("do one"), ledger("undo one"), "by hand")
            unfinished.begin("two", ledger("do two"), interrupt, "by hand")
            raise RuntimeError

    with pytest.raises(KeyboardInterrupt):
        work()
    assert "undo one" in ledger.lines


def test_a_signal_before_they_are_held_back_loses_no_step(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    held = uninterrupted
    attempts = iter([True])

    def late() -> object:
        if next(attempts, False):
            raise KeyboardInterrupt
        return held()

    def work() -> None:
        with ledger.unfinished() as unfinished:
            unfinished.begin("one", ledger("do one"), ledger("undo one"), "by hand")
            monkeypatch.setattr("slipway.ops.unfinished.uninterrupted", late)
            raise RuntimeError

    with pytest.raises(KeyboardInterrupt):
        work()
    assert "undo one" in ledger.lines


def test_handlers_are_as_before_when_signals_are_let_through_again() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with uninterrupted():
        assert signal.getsignal(signal.SIGINT) is not before[signal.SIGINT]
    with terminable(), pytest.raises(Terminated):
        interrupt(signal.SIGTERM)
    assert {number: signal.getsignal(number) for number in before} == before


def test_outside_the_main_thread_steps_are_taken_all_the_same(ledger: Ledger) -> None:
    def work() -> None:
        with terminable(), ledger.unfinished() as unfinished:
            unfinished.always("one", ledger("do one"), ledger("undo one"), "by hand")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ledger.lines == ["do one", "undo one"]
