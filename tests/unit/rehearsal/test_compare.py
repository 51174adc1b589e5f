"""The strategies side by side, so that a team can choose."""

from __future__ import annotations

import pytest

from slipway.rehearsal.compare import Choice, compare
from slipway.rehearsal.faults import matrix
from slipway.rehearsal.rehearsal import Verdict
from slipway.rehearsal.target import Target
from slipway.rollout.capacity import Size
from slipway.rollout.fleets import Variant
from slipway.rollout.policy import Rolling
from tests.unit.rehearsal.endpoints import ROLLING, VARIANT, target

FAULTS = [fault for fault in matrix() if fault.name in ("errors-5xx", "old-sick")]


def choices(of: Target) -> dict[str, Choice]:
    return {choice.name: choice for choice in compare(of, FAULTS).choices}


def harmed(choice: Choice, fault: str) -> int:
    return next(found.harmed for found in choice.rehearsals if found.fault.name == fault)


def test_the_declared_strategy_stands_first() -> None:
    assert [choice.name for choice in compare(target(), FAULTS).choices] == [
        "as declared",
        "rolling",
        "canary",
        "linear",
        "all_at_once",
    ]


def test_minutes_are_provisioning_and_waits_with_the_sizes_that_slipway_chooses() -> None:
    found = choices(target())
    assert {name: choice.rollout.duration / 60 for name, choice in found.items()} == {
        "as declared": 25,
        "rolling": 30,
        "canary": 25,
        "linear": 30,
        "all_at_once": 15,
    }


def test_rolling_needs_one_batch_more_and_the_others_a_second_fleet() -> None:
    assert {name: choice.peak for name, choice in choices(target()).items()} == {
        "as declared": 8,
        "rolling": 6,
        "canary": 8,
        "linear": 8,
        "all_at_once": 8,
    }


def test_the_less_traffic_goes_first_the_fewer_are_harmed() -> None:
    found = choices(target())
    assert harmed(found["canary"], "errors-5xx") < harmed(found["rolling"], "errors-5xx")
    assert harmed(found["rolling"], "errors-5xx") < harmed(found["all_at_once"], "errors-5xx")


def test_a_cure_comes_sooner_all_at_once() -> None:
    found = choices(target())
    assert harmed(found["all_at_once"], "old-sick") < harmed(found["canary"], "old-sick")


def test_requests_are_counted_over_the_same_time() -> None:
    found = compare(target(), matrix())
    for place, _ in enumerate(found.choices[0].rehearsals):
        assert len({choice.rehearsals[place].watched_for for choice in found.choices}) == 1
    # A leak harms the same requests whichever way the model came; and calls come back at one time.
    assert {harmed(choice, "memory-leak") for choice in found.choices} == {240}
    assert {harmed(choice, "no-traffic") for choice in found.choices} == {60 * 120}


def test_without_alarms_a_shorter_update_harms_no_fewer() -> None:
    found = choices(target(()))
    assert harmed(found["all_at_once"], "errors-5xx") >= harmed(found["canary"], "errors-5xx")


def test_alarms_stay_the_declared_ones() -> None:
    for choice in choices(target()).values():
        assert choice.policy.alarms == ("latency", "errors-5xx", "model-errors")
        assert choice.rehearsals[0].verdict is Verdict.ROLLED_BACK


def test_one_instance_has_no_part_that_could_go_first() -> None:
    found = compare(target(variants=(Variant.of(VARIANT, 1, "ml.m5.large"),), config={}), FAULTS)
    assert [choice.name for choice in found.choices] == ["as declared", "all_at_once"]
    assert [line.split(":")[0] for line in found.impossible] == ["rolling", "canary", "linear"]
    assert "it takes two" in found.impossible[0]


def test_several_variants_exclude_rolling() -> None:
    two = (Variant.of("a", 4, "ml.m5.large"), Variant.of("b", 4, "ml.m5.large"))
    found = compare(target((), config={}, variants=two), FAULTS)
    assert "rolling" not in [choice.name for choice in found.choices]
    assert "several variants" in found.impossible[0]


def test_components_know_rolling_only() -> None:
    part = target((), config=ROLLING, mode="components", variants=(Variant.of(VARIANT, 6),))
    found = choices(part)
    assert list(found) == ["as declared", "rolling"]
    strategy = found["rolling"].policy.strategy
    assert isinstance(strategy, Rolling)
    assert strategy.batch == Size("COPY_COUNT", 2)


@pytest.mark.parametrize("exclusion", ["serverless endpoints", "Marketplace containers"])
def test_without_guardrails_there_is_nothing_to_choose(exclusion: str) -> None:
    found = compare(target(exclusion=exclusion), FAULTS)
    assert [choice.name for choice in found.choices] == ["as declared"]
    assert "have no deployment guardrails" in found.impossible[0]


def test_faults_that_take_a_gpu_are_left_out_without_one() -> None:
    names = {found.fault.name for found in compare(target(), matrix()).choices[0].rehearsals}
    assert "gpu-oom" not in names
