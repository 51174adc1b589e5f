"""The simulated waits are the closed forms, and those that the config's spec reckons with."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.rollout.capacity import Size
from slipway.rollout.fleets import Pace, Update, Variant
from slipway.rollout.policy import BlueGreen, Policy, Rolling
from slipway.rollout.simulation import roll_out
from slipway.rollout.stages import Kind, Outcome
from slipway.rollout.strategies import intended
from slipway.spec import deployment as spec
from slipway.spec.units import Duration, Percent

W, T = 300, 420


def update(strategy: BlueGreen | Rolling, count: int, provision: float = 600) -> Update:
    return Update(Policy(strategy, ("alarm",)), (Variant.of("primary", count),), Pace(provision))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 10, 33])
@pytest.mark.parametrize("percent", [5, 10, 15, 20, 25, 33, 34, 50])
def test_waits_of_shares(percent: int, count: int) -> None:
    size = Size("CAPACITY_PERCENT", percent)
    steps = math.ceil(100 / percent)
    assert intended(update(BlueGreen("CANARY", size, W, T), count)).waits == W + T
    assert intended(update(BlueGreen("LINEAR", size, W, T), count)).waits == (steps - 1) * W + T
    assert intended(update(Rolling(size, W), count)).waits == steps * W
    assert intended(update(BlueGreen(termination_wait=T), count)).waits == T
    assert intended(Update(Policy(), (Variant.of("primary", count),))).waits == 0


@pytest.mark.parametrize("count", range(2, 14))
def test_waits_of_instances(count: int) -> None:
    for value in range(1, count // 2 + 1):
        size, steps = Size("INSTANCE_COUNT", value), math.ceil(count / value)
        assert intended(update(BlueGreen("CANARY", size, W, T), count)).waits == W + T
        assert intended(update(BlueGreen("LINEAR", size, W, T), count)).waits == (steps - 1) * W + T
        assert intended(update(Rolling(size, W), count)).waits == steps * W


# -- the spec's own reckoning

FLEETS = st.tuples(st.integers(2, 30), st.integers(0, 12)).map(lambda pair: spec.Fleet(pair[0], sum(pair)))
WAITS = st.integers(0, 3600).map(Duration)
MINUTES = st.integers(0, 10).map(lambda minutes: Duration(60 * minutes))


def size(given: int | Percent) -> Size:
    return Size("CAPACITY_PERCENT", round(given)) if isinstance(given, Percent) else Size("INSTANCE_COUNT", given)


def policy(declared: spec.Deployment, fleet: spec.Fleet) -> Policy:
    """The declared strategy as the template has it."""
    timeout = declared.timeout_for(fleet).seconds
    if isinstance(declared, spec.Rolling):
        return Policy(Rolling(size(declared.size_for(fleet)), declared.wait.seconds, None, timeout), ("alarm",))
    last = declared.termination_wait.seconds
    if isinstance(declared, spec.AllAtOnce):
        return Policy(BlueGreen("ALL_AT_ONCE", None, 0, last, timeout), ("alarm",))
    routing = "CANARY" if isinstance(declared, spec.Canary) else "LINEAR"
    return Policy(
        BlueGreen(routing, size(declared.size_for(fleet)), declared.wait.seconds, last, timeout),  # type: ignore[arg-type]
        ("alarm",),
    )


def shares(least: int) -> st.SearchStrategy[Percent | None]:
    return st.none() | st.integers(least, 50).map(Percent)


@st.composite
def declared(draw: st.DrawFn, waits: st.SearchStrategy[Duration] = WAITS) -> tuple[spec.Deployment, spec.Fleet]:
    fleet, wait, last = draw(FLEETS), draw(waits), draw(waits)
    match draw(st.sampled_from(["rolling", "canary", "linear", "all_at_once"])):
        case "rolling":
            return spec.Rolling(strategy="rolling", batch=draw(shares(5)), wait=wait), fleet
        case "canary":
            return spec.Canary(strategy="canary", size=draw(shares(1)), wait=wait, termination_wait=last), fleet
        case "linear":
            return spec.Linear(strategy="linear", step=draw(shares(10)), wait=wait, termination_wait=last), fleet
        case _:
            return spec.AllAtOnce(strategy="all_at_once", termination_wait=last), fleet


@given(declared())
def test_the_config_s_waits_are_those_of_the_fleet_that_takes_longest(
    case: tuple[spec.Deployment, spec.Fleet],
) -> None:
    deployment, fleet = case
    waits = [intended(update(policy(deployment, fleet).strategy, count)).waits for count in fleet.counts]
    assert max(waits) == deployment.waits(fleet)


@given(declared())
def test_the_config_provisions_as_often_as_it_says(case: tuple[spec.Deployment, spec.Fleet]) -> None:
    deployment, fleet = case
    strategy = policy(deployment, fleet).strategy
    found = sum(stage.kind is Kind.PROVISION for stage in intended(update(strategy, fleet.highest)).stages)
    # A share of few instances can have steps with nothing to provision, which the allowance counts as well.
    assert found <= deployment.provisionings(fleet)
    if isinstance(strategy, BlueGreen) or not strategy.batch.relative:
        assert found == deployment.provisionings(fleet)


@given(declared(MINUTES))
def test_the_derived_maximum_time_suffices_for_every_live_count(case: tuple[spec.Deployment, spec.Fleet]) -> None:
    deployment, fleet = case
    timeout = deployment.timeout_for(fleet)
    for count in fleet.counts:
        rollout = roll_out(update(policy(deployment, fleet).strategy, count, spec.PROVISIONING))
        if timeout < spec.LONGEST_TIMEOUT:
            assert rollout.outcome is Outcome.UPDATED
        assert (rollout.duration <= timeout) == (rollout.outcome is Outcome.UPDATED)
