"""The stages of each strategy, in minutes."""

import pytest

from slipway.rollout.capacity import Size, moved
from slipway.rollout.fleets import Instances, Pace, Update, Variant
from slipway.rollout.policy import BlueGreen, Policy, Rolling
from slipway.rollout.simulation import between_limits, roll_out
from slipway.rollout.stages import Kind, Rollout
from slipway.rollout.strategies import intended
from slipway.spec.deployment import Fleet

ALARMS = ("latency",)


def update(strategy: BlueGreen | Rolling, *variants: Variant, exclusion: str = "") -> Update:
    return Update(Policy(strategy, ALARMS), variants, Pace(600), exclusion)


def instances(count: int) -> Size:
    return Size("INSTANCE_COUNT", count)


def table(rollout: Rollout) -> list[tuple[str, float, float, float, str]]:
    """Kind, start, end, the new fleet's share of the traffic in percent, instances old + new."""
    return [
        (
            stage.kind.value,
            stage.start / 60,
            stage.end / 60,
            round(100 * stage.traffic.new, 1),
            f"{stage.running('old')}+{stage.running('new')}",
        )
        for stage in rollout.stages
    ]


FOUR = Variant.of("primary", 4, "ml.m5.large")


def test_a_canary_bakes_then_the_rest_follows_and_bakes_before_the_old_fleet_goes() -> None:
    rollout = intended(update(BlueGreen("CANARY", instances(1), 600, 300), FOUR))
    assert table(rollout) == [
        ("provision", 0, 10, 0, "4+4"),
        ("shift", 10, 10, 25, "4+4"),
        ("bake", 10, 20, 25, "4+4"),
        ("shift", 20, 20, 100, "4+4"),
        ("final bake", 20, 25, 100, "4+4"),
        ("terminate", 25, 25, 100, "4+4"),
    ]
    assert [stage.kind for stage in rollout.stages if stage.watched] == [Kind.BAKE, Kind.FINAL_BAKE]
    assert rollout.peak == {"ml.m5.large": 8}
    assert rollout.extra_hours == {"ml.m5.large": pytest.approx(4 * 25 / 60)}


def test_linear_bakes_between_steps_and_after_the_last_one() -> None:
    rollout = intended(update(BlueGreen("LINEAR", Size("CAPACITY_PERCENT", 33), 300, 120), Variant.of("v", 3)))
    assert [row[:4] for row in table(rollout) if "bake" in row[0]] == [
        ("bake", 10, 15, 33.3),
        ("bake", 15, 20, 66.7),
        ("bake", 20, 25, 100),
        ("final bake", 25, 27, 100),
    ]
    assert [(stage.step, stage.steps) for stage in rollout.stages if stage.kind is Kind.SHIFT] == [
        (1, 4),
        (2, 4),
        (3, 4),
        (4, 4),
    ]


def test_all_at_once_has_the_final_bake_only() -> None:
    assert [row[0] for row in table(intended(update(BlueGreen(termination_wait=60), FOUR)))] == [
        "provision",
        "shift",
        "final bake",
        "terminate",
    ]


def test_no_config_is_all_at_once_without_a_bake() -> None:
    rollout = intended(Update(Policy(), (FOUR,)))
    assert [row[0] for row in table(rollout)] == ["provision", "shift", "terminate"]
    assert not any(stage.watched for stage in rollout.stages)


def test_rolling_provisions_shifts_bakes_and_removes_batch_by_batch() -> None:
    rollout = intended(update(Rolling(instances(2), 300), FOUR))
    assert table(rollout) == [
        ("provision", 0, 10, 0, "4+2"),
        ("shift", 10, 10, 50, "4+2"),
        ("bake", 10, 15, 50, "4+2"),
        ("terminate", 15, 15, 50, "4+2"),
        ("provision", 15, 25, 50, "2+4"),
        ("shift", 25, 25, 100, "2+4"),
        ("bake", 25, 30, 100, "2+4"),
        ("terminate", 30, 30, 100, "2+4"),
    ]
    assert rollout.peak == {"ml.m5.large": 6}
    assert rollout.extra_hours == {"ml.m5.large": pytest.approx(2 * 30 / 60)}


def test_the_last_batch_may_be_smaller() -> None:
    rollout = intended(update(Rolling(instances(3), 60), Variant.of("primary", 7)))
    assert [stage.ready("new") for stage in rollout.stages if stage.kind is Kind.BAKE] == [3, 6, 7]
    assert [stage.ready("old") for stage in rollout.stages if stage.kind is Kind.TERMINATE] == [4, 1, 0]


def test_copies_of_an_inference_component_roll_like_instances() -> None:
    rollout = intended(update(Rolling(Size("COPY_COUNT", 1), 60), Variant.of("llama", 2)))
    assert [row[4] for row in table(rollout) if row[0] == "bake"] == ["2+1", "1+2"]


@pytest.mark.parametrize(
    ("percent", "count", "expected"),
    [(10, 4, [1, 1, 2, 2, 2, 3, 3, 4, 4, 4]), (50, 3, [2, 3]), (25, 4, [1, 2, 3, 4]), (33, 3, [1, 2, 3, 3])],
)
def test_shares_are_rounded_up_along_the_way(percent: int, count: int, expected: list[int]) -> None:
    size = Size("CAPACITY_PERCENT", percent)
    assert [moved(size, count, step + 1) for step in range(size.steps([count]))] == expected


def test_what_is_not_documented_is_said() -> None:
    said = intended(update(BlueGreen("CANARY", Size("CAPACITY_PERCENT", 10), 600, 0, 3600), FOUR)).assumptions
    assert said == (
        "Instances serve 10 minutes after they were asked for (not documented).",
        "10 % of the 4 of primary is taken as 1: how SageMaker rounds is not documented.",
        "The maximum execution time counts provisioning (not documented).",
    )


def test_variants_share_the_traffic_by_weight_while_it_moves() -> None:
    big, small = Variant.of("big", 4, weight=90), Variant.of("small", 2, weight=10)
    bake = next(
        stage
        for stage in intended(update(BlueGreen("CANARY", instances(1), 60), big, small)).stages
        if stage.kind is Kind.BAKE
    )
    assert [standing.shifted for standing in bake.variants] == [0.25, 0.5]
    assert bake.traffic.new == pytest.approx(0.9 * 0.25 + 0.1 * 0.5)


def test_another_type_and_count_show_by_type() -> None:
    grown = Variant("primary", Instances(2, "ml.m5.large"), Instances(3, "ml.c7i.xlarge"))
    rollout = intended(update(BlueGreen(termination_wait=0), grown))
    assert rollout.peak == {"ml.m5.large": 2, "ml.c7i.xlarge": 3}
    assert rollout.extra_hours == {"ml.m5.large": pytest.approx(0), "ml.c7i.xlarge": pytest.approx(3 * 10 / 60)}
    assert rollout.at(rollout.duration).by_type == {"ml.c7i.xlarge": 3}


def test_rolling_to_another_count_keeps_a_whole_fleet() -> None:
    grown = Variant("primary", Instances(4), Instances(6))
    rollout = intended(update(Rolling(instances(2), 60), grown))
    assert [(s.ready("old"), s.ready("new")) for s in rollout.stages if s.kind is Kind.TERMINATE] == [
        (3, 2),
        (2, 4),
        (0, 6),
    ]


@pytest.mark.parametrize(
    ("strategy", "variants", "exclusion", "why"),
    [
        (BlueGreen("CANARY", instances(1), 60, 60), (Variant.of("v", 4, "ml.inf1.xlarge"),), "", "Inf1 instances"),
        (Rolling(instances(1), 60), (Variant.of("v", 4, "ml.inf1.xlarge"),), "", "Inf1 instances"),
        (BlueGreen(termination_wait=60), (FOUR,), "Marketplace containers", "Marketplace containers"),
        (Rolling(instances(1), 60), (FOUR, Variant.of("other", 4)), "", "several variants"),
    ],
)
def test_where_there_are_no_guardrails_all_moves_at_once_unwatched(
    strategy: BlueGreen | Rolling, variants: tuple[Variant, ...], exclusion: str, why: str
) -> None:
    rollout = intended(update(strategy, *variants, exclusion=exclusion))
    assert [row[0] for row in table(rollout)] == ["provision", "shift", "terminate"]
    assert not any(stage.watched for stage in rollout.stages)
    assert why in rollout.assumptions[0]
    assert "no alarm ends it" in rollout.assumptions[0]


def test_inf2_has_guardrails() -> None:
    rollout = intended(update(BlueGreen("CANARY", instances(1), 60), Variant.of("v", 4, "ml.inf2.xlarge")))
    assert any(stage.watched for stage in rollout.stages)


def test_serverless_moves_without_instances() -> None:
    rollout = roll_out(Update(Policy(), (Variant.of("v", 0),)))
    assert rollout.duration == 0
    assert rollout.at(0).traffic == (0.0, 1.0)
    assert rollout.peak == {}


def test_a_component_that_goes_to_no_copies_moves_in_one_step() -> None:
    rollout = intended(update(Rolling(Size("CAPACITY_PERCENT", 50), 60), Variant("c", Instances(2), Instances(0))))
    assert table(rollout) == [
        ("provision", 0, 0, 0, "2+0"),
        ("shift", 0, 0, 100, "2+0"),
        ("bake", 0, 1, 100, "2+0"),
        ("terminate", 1, 1, 100, "2+0"),
        ("bake", 1, 2, 100, "0+0"),
    ]


def test_autoscaling_gives_a_range() -> None:
    scaled = Variant.of("primary", 4, "ml.m5.large", limits=Fleet(2, 12))
    lowest, highest = between_limits(update(Rolling(instances(1), 300), scaled))
    assert (lowest.duration / 60, highest.duration / 60) == (2 * 15, 12 * 15)
    assert (lowest.peak, highest.peak) == ({"ml.m5.large": 3}, {"ml.m5.large": 13})


def test_the_moments_before_and_after_are_steady() -> None:
    rollout = intended(update(BlueGreen(termination_wait=60), FOUR))
    before, after = rollout.at(-1), rollout.at(rollout.duration)
    assert (before.kind, before.traffic, before.running("old"), before.running("new")) == (Kind.STEADY, (1, 0), 4, 0)
    assert (after.kind, after.traffic, after.running("old"), after.running("new")) == (Kind.STEADY, (0, 1), 0, 4)


def test_an_update_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one variant"):
        Update(Policy(), ())
