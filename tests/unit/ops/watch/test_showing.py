"""The three ways to show a watch: lines, JSON and a terminal are what was reviewed."""

from __future__ import annotations

import io
import json
import re
from typing import NoReturn

import pytest
from rich.console import Console
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from slipway.ops.watch.clock import WatchClock
from slipway.ops.watch.display import LiveDisplay, drawn
from slipway.ops.watch.events import Event
from slipway.ops.watch.showing import JsonLines, Lines, chosen
from slipway.ops.watch.view import View
from tests.unit.ops.answering import START, denied
from tests.unit.ops.watch.watching import ALARMS, ENDPOINT, MOVES, NEW, OLD, World, described, variant

WHY = "Threshold Crossed: 2 datapoints [1.0, 0.9] were greater than the threshold (0.02)."


class _Text(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class Terminal(io.StringIO):
    """A terminal of 100 columns, as far as rich can tell."""

    def isatty(self) -> bool:
        return True


def deployed() -> World:
    return World()


def rolled_back() -> World:
    """The new fleet fails; two minutes later its alarm goes off, and the old one is alone again."""
    back = described("RollingBack", new=variant(1, 3, "Deleting", "Terminating 3 instance(s).", 500))
    return World(
        moves=(*MOVES[:3], (500, back), (560, described())),
        states=((480.0, ALARMS[1], "ALARM", WHY),),
        failed=lambda second, config: 15.0 if config == NEW and second >= 300 else 0.0,
        stack=lambda _: ("UPDATE_COMPLETE", NEW.lower()),
    )


WORLDS = {"deployed": deployed, "rolled-back": rolled_back}


class Views(Lines):
    """Keeps what a display would draw."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.seen: list[View] = []

    def view(self, view: View, clock: WatchClock) -> None:  # noqa: ARG002
        self.seen.append(view)


def screen(view: View, passed: float = 0.0, width: int = 100) -> str:
    output = io.StringIO()
    Console(file=output, width=width).print(drawn(view, passed))
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines()) + "\n"


def views(world: World) -> dict[float, View]:
    """Views by the seconds since the start."""
    show = Views()
    world.watch(show=show)
    return {(view.at - START).total_seconds(): view for view in show.seen}


@pytest.mark.parametrize("name", WORLDS)
def test_lines_are_what_was_reviewed(name: str, snapshot: SnapshotAssertion) -> None:
    assert "\n".join([*WORLDS[name]().lines(), ""]) == snapshot(name=name, extension_class=_Text)


@pytest.mark.parametrize("name", WORLDS)
def test_json_is_what_was_reviewed(name: str, snapshot: SnapshotAssertion) -> None:
    output = io.StringIO()
    WORLDS[name]().watch(show=JsonLines(output))
    assert output.getvalue() == snapshot(name=name, extension_class=_Text)


@pytest.mark.parametrize(
    ("name", "second"), [("deployed", 400), ("deployed", 1000), ("rolled-back", 490), ("rolled-back", 520)]
)
def test_the_terminal_is_what_was_reviewed(name: str, second: float, snapshot: SnapshotAssertion) -> None:
    found = views(WORLDS[name]())
    assert screen(found[second]) == snapshot(name=f"{name}-{second}", extension_class=_Text)


def test_every_json_line_is_one_event_with_what_all_have() -> None:
    output = io.StringIO()
    outcome = rolled_back().watch(show=JsonLines(output))
    events = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [event["event"] for event in events] == [event.kind for event in outcome.events]
    assert all(event["at"].endswith("Z") and event["text"] for event in events)
    assert {event["schema"] for event in events} == {1}
    assert {event["event"] for event in events} == {"started", "stage", "traffic", "alarm", "metrics", "finished"}
    last = events[-1]
    assert (last["outcome"], last["exit_code"], last["serves"]) == ("rolled back", 3, OLD)
    assert last["alarms"] == [{"alarm": ALARMS[1], "at": "2026-12-24T12:08:00Z", "reason": WHY}]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_terminal_is_never_wider_than_it_is(width: int) -> None:
    for world in WORLDS.values():
        for view in views(world()).values():
            assert max(map(len, screen(view, 3.0, width).splitlines())) <= width


def test_many_stages_fit_into_a_row() -> None:
    linear = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 10},
                "WaitIntervalInSeconds": 60,
            }
        }
    }
    moves = tuple((second, {**found, "LastDeploymentConfig": linear}) for second, found in MOVES[:3])
    show = Views()
    World(moves=moves).watch(show=show, timeout=400.0)
    assert "provision ›" in screen(show.seen[0]).splitlines()[3]
    assert len(screen(show.seen[-1]).splitlines()[3]) <= 100
    assert "…" in screen(show.seen[-1]).splitlines()[3]


def test_between_two_looks_the_time_goes_on() -> None:
    view = views(deployed())[400]
    assert "8:30 left" in screen(view)
    assert "8:23 left" in screen(view, 7.0)


def test_alarms_that_cannot_be_seen_are_not_taken_for_quiet() -> None:
    world = World()
    world.aws.answers["DescribeAlarms"] = _denied
    assert "alarms cannot be seen" in screen(views(world)[400])


def _denied(_: object) -> NoReturn:
    raise denied("cloudwatch:DescribeAlarms")


def test_a_terminal_shows_what_happened_and_is_left_as_it_was() -> None:
    terminal = Terminal()
    show = chosen(as_json=False, output=terminal)
    assert isinstance(show, LiveDisplay)
    rolled_back().watch(show=show)
    shown = terminal.getvalue()
    # The cursor that the display hid is there again.
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1
    shown = " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).split())
    assert f"{ENDPOINT} moves from" in shown
    assert "rolling back: removing 3 new instances" in shown
    assert f"rolled back: {ENDPOINT} serves version 1 ({OLD})" in shown


def test_a_terminal_is_left_as_it_was_when_a_watch_is_interrupted() -> None:
    terminal, world = Terminal(), World()
    world.aws.next["DescribeEndpoint"] = [None, None, KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        world.watch(show=chosen(as_json=False, output=terminal))
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1


def test_a_log_and_a_program_get_no_display() -> None:
    assert type(chosen(as_json=False, output=io.StringIO())) is Lines
    assert type(chosen(as_json=True, output=Terminal())) is JsonLines


def test_a_warning_is_told_as_one() -> None:
    output = io.StringIO()
    Lines(output).event(Event("warning", START, "look"))
    assert output.getvalue() == "12:00:00  warning: look\n"
