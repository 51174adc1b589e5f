"""The sizes of an update's stages are chosen by the fleet, and its times are the sums of its waits."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

import pytest

from slipway.spec.deployment import AllAtOnce, Canary, Fleet, Linear, Rolling
from slipway.spec.units import Duration, Percent


@pytest.mark.parametrize(
    ("least", "most", "size"),
    [(2, 2, 1), (3, 3, 1), (4, 4, 2), (2, 4, 1), (5, 5, 1), (8, 8, 2), (10, 10, 2), (11, 11, 2), (20, 20, 3), (100, 100, 15), (2, 40, Percent(50)), (5, 200, Percent(25))],
)  # fmt: skip
def test_a_batch_is_chosen_by_the_size_of_the_fleet(least: int, most: int, size: int | Percent) -> None:
    assert Rolling(strategy="rolling").size_for(Fleet(least, most)) == size


@pytest.mark.parametrize("least", range(2, 60))
@pytest.mark.parametrize("extra", [0, 1, 7, 50])
def test_a_chosen_size_fits_every_live_fleet_or_is_an_allowed_share(least: int, extra: int) -> None:
    fleet = Fleet(least, least + extra)
    for strategy in (Rolling(strategy="rolling"), Canary(strategy="canary"), Linear(strategy="linear")):
        size, limit = strategy.size_for(fleet), strategy.limit
        if isinstance(size, Percent):
            assert limit.least <= size <= limit.most
        else:
            for count in fleet.counts:
                assert limit.least / 100 * count <= size <= limit.most / 100 * count


def test_canary_and_linear_have_their_default_sizes() -> None:
    assert [Canary(strategy="canary").size_for(Fleet(n, n)) for n in (2, 10, 20, 40)] == [1, 1, 2, 4]
    assert [Linear(strategy="linear").size_for(Fleet(n, n)) for n in (2, 4, 8, 12)] == [1, 1, 2, 3]


TEN = Fleet(10, 10)


def test_waits_follow_the_closed_forms() -> None:
    minute = Duration(60)
    assert Canary(strategy="canary", wait=minute, termination_wait=Duration(30)).waits(TEN) == Duration(90)
    thirds = Linear(strategy="linear", step=Percent(30), wait=minute, termination_wait=Duration(30))
    assert thirds.waits(TEN) == Duration(3 * 60 + 30)
    assert Linear(strategy="linear", step=3, wait=minute, termination_wait=Duration(30)).waits(TEN) == Duration(
        3 * 60 + 30
    )
    assert Linear(strategy="linear", step=Percent(10), wait=Duration(600), termination_wait=Duration(0)).waits(
        TEN
    ) == Duration(5400)
    assert Rolling(strategy="rolling", batch=Percent(30), wait=minute).waits(TEN) == Duration(4 * 60)
    assert Rolling(strategy="rolling", batch=3, wait=minute).waits(TEN) == Duration(4 * 60)
    assert AllAtOnce(strategy="all_at_once", termination_wait=minute).waits(TEN) == Duration(60)


def test_waits_are_those_of_the_largest_live_fleet() -> None:
    assert Rolling(strategy="rolling", batch=1, wait=Duration(60)).waits(Fleet(2, 20)) == Duration(20 * 60)


def test_a_timeout_is_derived_above_the_waits_and_within_its_limits() -> None:
    assert Canary(strategy="canary").timeout_for(TEN) == Duration(600 + 300 + 1800)
    assert AllAtOnce(strategy="all_at_once", termination_wait=Duration(0)).timeout_for(TEN) == Duration(1800)
    rolling = Rolling(strategy="rolling", batch=Percent(5), wait=Duration(300))
    assert rolling.timeout_for(TEN) == Duration(28800)
    assert Rolling(strategy="rolling", timeout=Duration(660)).timeout_for(TEN) == Duration(660)
    assert Canary(strategy="canary", wait=Duration(61)).timeout_for(TEN) == Duration(2220)
