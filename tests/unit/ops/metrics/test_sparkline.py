"""A series in a few letters."""

from __future__ import annotations

import pytest

from slipway.ops.metrics.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([None, None], ""),
        ([0.0, 0.0], "▁▁"),
        ([5.0], "█"),
        ([1, 2, 3, 4, 5, 6, 7, 8], "▂▃▄▅▅▆▇█"),
        ([None, 1.0, None, 0.5], "·█·▅"),
        ([1000.0, 0.001, 0.0], "█▂▁"),
    ],
)
def test_each_value_is_a_block_above_zero_and_a_gap_is_a_dot(values: list[float | None], drawn: str) -> None:
    assert sparkline(values) == drawn


def test_what_does_not_fit_is_put_together_so_that_a_peak_stays() -> None:
    values: list[float | None] = [1.0] * 60
    values[31] = 100.0
    assert sparkline(values, width=30) == "▂" * 15 + "█" + "▂" * 14
    values[10] = None
    assert "·" not in sparkline(values, width=30)
    assert len(sparkline([1.0] * 61, width=32)) == 31
