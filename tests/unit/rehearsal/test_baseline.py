"""Healthy traffic: a distribution of which every statistic is known."""

from __future__ import annotations

import math

import pytest

from slipway.rehearsal.baseline import Baseline, Latency, bins

LATENCY = Latency(0.060, 0.200)


def test_the_median_and_the_99th_percentile_are_the_given_ones() -> None:
    assert LATENCY.at(0.5) == pytest.approx(0.060)
    assert LATENCY.at(0.99) == pytest.approx(0.200)


def test_the_mean_is_the_one_of_a_log_normal_distribution() -> None:
    spread = math.log(200 / 60) / 2.3263478740408408
    assert LATENCY.mean == pytest.approx(0.060 * math.exp(spread**2 / 2))


def test_the_shares_of_the_bins_add_up_to_one_and_their_values_rise() -> None:
    found = bins(LATENCY, frozenset({0.985}))
    assert sum(share for _, share in found) == pytest.approx(1)
    assert [value for value, _ in found] == sorted({value for value, _ in found})


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.985, 0.99, 0.999])
def test_percentiles_of_the_bins_are_exact(share: float) -> None:
    seen = 0.0
    for value, part in bins(LATENCY, frozenset({0.985})):
        seen += part
        if seen >= share - 1e-9:
            assert value == pytest.approx(LATENCY.at(share))
            return
    pytest.fail("no bin reaches the share")


def test_one_healthy_request_in_a_thousand_is_slow_and_counts_as_no_harm() -> None:
    assert LATENCY.slowed(1) == 0


def test_the_slower_the_more_requests_are_slow_up_to_all() -> None:
    parts = [LATENCY.slowed(factor) for factor in (1.5, 2, 5, 10, 1000)]
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(0.999)


def test_how_many_become_slow_is_the_share_beyond_the_shrunk_limit() -> None:
    # Ten times as long: slow is what took more than a tenth of the healthy 99.9th percentile.
    limit = LATENCY.at(0.999) / 10
    below = next(share / 10_000 for share in range(1, 10_000) if LATENCY.at(share / 10_000) >= limit)
    assert LATENCY.slowed(10) == pytest.approx(0.999 - below, abs=1e-3)


@pytest.mark.parametrize(("median", "p99"), [(0, 1), (-1, 1), (1, 1), (2, 1)])
def test_a_latency_that_is_none_is_refused(median: float, p99: float) -> None:
    with pytest.raises(ValueError, match="write a median above 0"):
        Latency(median, p99)


@pytest.mark.parametrize("requests", [0.0, -1.0, math.inf, math.nan])
def test_no_traffic_is_no_baseline(requests: float) -> None:
    with pytest.raises(ValueError, match="write a number above 0"):
        Baseline(requests=requests)


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_shares_are_shares(share: float) -> None:
    with pytest.raises(ValueError, match="errors_5xx"):
        Baseline(errors_5xx=share)


def test_all_that_is_assumed_is_said() -> None:
    said = " ".join(Baseline(requests=30, errors_5xx=0.002, gpu=0.7).sentences(gpus=True))
    for what in ("30 requests a minute", "60 ms", "200 ms", "0.2 % 5XX", "0.1 % of requests", "CPU 35 %", "GPUs 70 %"):
        assert what in said


def test_gpus_are_only_spoken_of_where_there_are_some() -> None:
    assert "GPU" not in " ".join(Baseline().sentences(gpus=False))
