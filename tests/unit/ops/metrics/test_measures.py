"""Figures of metrics as people read them."""

from __future__ import annotations

import pytest

from slipway.ops.metrics.measures import Machine, Measure, number, readable

LARGE, XLARGE, GPUS = Machine(("ml.m5.large",)), Machine(("ml.m5.xlarge",)), Machine(("ml.g5.12xlarge",))
NEW = Machine(("ml.m99.large",))


@pytest.mark.parametrize(
    ("value", "measure", "words"),
    [
        (0, Measure.MICROSECONDS, "0 ms"),
        (352, Measure.MICROSECONDS, "0.352 ms"),
        (35_234, Measure.MICROSECONDS, "35.2 ms"),
        (999_400, Measure.MICROSECONDS, "999 ms"),
        (999_600, Measure.MICROSECONDS, "1 s"),
        (5_000_000, Measure.MICROSECONDS, "5 s"),
        (1500, Measure.MILLISECONDS, "1.5 s"),
        (90, Measure.SECONDS, "90 s"),
        (600, Measure.SECONDS, "10 min"),
        (9000, Measure.SECONDS, "2.5 h"),
        (0.001, Measure.RATE, "0.1%"),
        (1.0, Measure.RATE, "100%"),
        (0.25, Measure.SHARE, "25%"),
        (12.345, Measure.PERCENT, "12.3%"),
        (7.0, Measure.REQUESTS, "7/min"),
        (12_345.6, Measure.REQUESTS, "12,346/min"),
        (3, Measure.NUMBER, "3"),
    ],
)
def test_a_value_has_a_unit_that_is_read_easily(value: float, measure: Measure, words: str) -> None:
    assert readable(value, measure, LARGE) == words


@pytest.mark.parametrize(
    ("machine", "measure", "words"),
    [
        (LARGE, Measure.CORES, "80%"),
        (XLARGE, Measure.CORES, "40%"),
        (GPUS, Measure.GPUS, "40%"),
        (NEW, Measure.CORES, "1.6 cores"),
        (NEW, Measure.GPUS, "1.6 GPUs"),
        (Machine(), Measure.CORES, "1.6 cores"),
        (Machine(("ml.m5.large", "ml.c5.large")), Measure.CORES, "80%"),
        (Machine(("ml.m5.large", "ml.m5.xlarge")), Measure.CORES, "1.6 cores"),
        (Machine(("ml.m5.large", "ml.m99.large")), Measure.CORES, "1.6 cores"),
    ],
)
def test_cores_and_gpus_are_a_share_of_the_machine_where_it_is_known(
    machine: Machine, measure: Measure, words: str
) -> None:
    assert readable(160, measure, machine) == words


def test_only_a_machine_that_is_known_to_have_no_gpu_has_none() -> None:
    assert [one.may_have_gpus for one in (LARGE, GPUS, NEW, Machine())] == [False, True, True, False]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00012, "0.00012"), (0.000012, "1.2e-05"), (99.94, "99.9"), (99.96, "100"), (1234567, "1,234,567")],
)
def test_a_number_has_three_digits_or_all_before_the_point(value: float, text: str) -> None:
    assert number(value) == text
