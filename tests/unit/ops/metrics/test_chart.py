"""Metrics as a picture: which charts there are, what they show in which unit, and that a picture comes of it."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.ops.metrics import chart as metrics_chart
from slipway.ops.metrics.chart import Line, check_drawable, draw, panels
from slipway.ops.metrics.key_metrics import REQUESTS, KeyMetric, Owner
from slipway.ops.metrics.measures import Machine, Measure
from slipway.ops.metrics.metrics import Figures, Found, Section
from slipway.ops.metrics.span import Span
from slipway.ops.trouble import OperationError, WrongOperation

START = datetime(2026, 11, 29, 9, tzinfo=UTC)
SPAN = Span(START, START + timedelta(hours=1), 60, START + timedelta(hours=1))
LATER = START + timedelta(minutes=30)
LATENCY = KeyMetric("ModelLatency", REQUESTS, Measure.MICROSECONDS, "Latency")
OVERHEAD = KeyMetric("OverheadLatency", REQUESTS, Measure.MICROSECONDS, "Latency")
CPU = KeyMetric("CPUUtilization", REQUESTS, Measure.CORES, "Machine")
MEMORY = KeyMetric("MemoryUtilization", REQUESTS, Measure.PERCENT, "Machine")
ERRORS = KeyMetric("Invocation5XXErrors", REQUESTS, Measure.RATE, "Errors")


def found(*figures: Figures, machine: tuple[str, ...] = ("ml.m5.large",), variants: int = 1) -> Found:
    owners = [Owner("variant", f"v{at}", (), Machine(machine)) for at in range(variants)]
    return Found("an-endpoint", SPAN, tuple(Section(owner, figures) for owner in owners), exists=True)


def slow(average: float, tail: float) -> Figures:
    return Figures(LATENCY, trend={START: average}, percentiles={"p50": {START: 1.0}, "p99": {START: tail}})


def test_metrics_of_a_group_share_a_chart_in_a_unit_that_fits() -> None:
    (panel,) = panels(found(slow(20_000, 90_000), Figures(OVERHEAD, trend={START: 1000})))
    assert (panel.title, panel.unit) == ("Latency: average, and p99 dashed", "ms")
    assert panel.lines == (
        Line("ModelLatency", {START: 20}, 0),
        Line("p99", {START: 90}, 0, dashed=True),
        Line("OverheadLatency", {START: 1}, 1),
    )
    (panel,) = panels(found(slow(20_000, 2_000_000)))
    assert (panel.unit, panel.lines[1].points) == ("s", {START: 2})


def test_rates_and_machines_are_in_percent() -> None:
    errors, machine = panels(
        found(
            Figures(ERRORS, trend={START: 0.01}), Figures(CPU, trend={START: 100}), Figures(MEMORY, trend={START: 30})
        )
    )
    assert (errors.title, errors.unit, errors.lines[0].points) == ("Errors", "%", {START: 1})
    assert (machine.unit, [line.points[START] for line in machine.lines]) == ("%", [50, 30])


def test_cores_of_a_machine_that_is_not_known_have_a_chart_of_their_own() -> None:
    figures = (Figures(CPU, trend={START: 150}), Figures(MEMORY, trend={START: 30}))
    cores, memory = panels(found(*figures, machine=("ml.z9.large",)))
    assert (cores.unit, cores.lines[0].points) == ("cores", {START: 1.5})
    assert memory.unit == "%"


def test_each_variant_has_charts_that_name_it() -> None:
    titles = [panel.title for panel in panels(found(Figures(ERRORS, trend={START: 0.0}), variants=2))]
    assert titles == ["Errors, variant v0", "Errors, variant v1"]


def test_what_has_no_data_keeps_its_chart_without_a_line() -> None:
    (panel,) = panels(found(Figures(ERRORS)))
    assert panel.lines == ()


@pytest.mark.parametrize("variants", [1, 3])
def test_a_picture_has_room_for_every_chart(tmp_path: Path, variants: int) -> None:
    file = tmp_path / "metrics.png"
    file.write_bytes(b"older")
    figures = (slow(20_000, 90_000), Figures(ERRORS), Figures(CPU, trend={START: 0.0, LATER: 80.0}))
    draw(found(*figures, variants=variants), file)
    content = file.read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1440
    assert height == round((0.5 + 2.7 * -(-3 * variants // 2)) * 120)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OperationError, match=r"cannot write .*x\.png: No space left on device"):
        draw(found(Figures(ERRORS)), tmp_path / "x.png")


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_drawable(tmp_path / "x.png")
    monkeypatch.setattr(metrics_chart, "find_spec", lambda _: None)
    with pytest.raises(WrongOperation, match=r"not installed: pip install 'slipway\[charts\]'"):
        check_drawable(tmp_path / "x.png")


def test_a_place_where_no_file_can_be_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none" / "x.png"):
        with pytest.raises(WrongOperation, match="write a file in a folder that exists"):
            check_drawable(place)
