"""What kind of change an endpoint sees, and whether its fleet moves."""

from __future__ import annotations

from typing import Any

import pytest

from .pairs import (
    CONFIG,
    ENDPOINT,
    LATENCY,
    POLICY,
    TARGET,
    edited,
    next_model,
    only,
    planned,
    template,
    without,
)

CANARY = template()
VARIANT = f"{CONFIG}__ProductionVariants___0"
STRATEGY = f"{ENDPOINT}__DeploymentConfig__BlueGreenUpdatePolicy"


def test_the_same_template_changes_nothing() -> None:
    found = planned(CANARY, template())
    assert only(found).kinds == ("nothing",)
    assert found.stacks[0].action == "unchanged"
    assert not only(found).rolls
    assert not only(found).courses


def test_a_new_version_is_a_change_of_the_model_and_the_fleet_moves() -> None:
    endpoint = only(planned(CANARY, next_model(CANARY)))
    assert endpoint.kinds == ("model",)
    assert endpoint.rolls
    assert [(one.path, one.new) for one in endpoint.models][1] == ("Tags[Version].Value", "2")


@pytest.mark.parametrize(
    ("change", "kinds", "rolls"),
    [
        ({f"{VARIANT}__InitialInstanceCount": 6}, ("instances",), True),
        ({f"{VARIANT}__InitialVariantWeight": 2}, ("traffic",), True),
        ({f"{CONFIG}__KmsKeyId": "alias/other"}, ("config",), True),
        ({f"{STRATEGY}__TerminationWaitInSeconds": 600}, ("strategy",), True),
        ({f"{ENDPOINT}__RetainAllVariantProperties": None}, ("strategy",), True),
        ({f"{ENDPOINT}__DeploymentConfig__AutoRollbackConfiguration__Alarms___2": None}, ("alarms",), True),
        ({f"{LATENCY}__Threshold": 800_000}, ("alarms",), False),
        ({f"{TARGET}__MaxCapacity": 20}, ("scaling",), False),
        ({f"{POLICY}__TargetTrackingScalingPolicyConfiguration__TargetValue": 90}, ("scaling",), False),
        ({f"{ENDPOINT}__Tags___0__Value": "1b"}, ("tags",), False),
        ({f"{VARIANT}__InitialInstanceCount": 6, f"{TARGET}__MaxCapacity": 20}, ("instances", "scaling"), True),
        ({f"{ENDPOINT}__EndpointName": "other"}, ("replaced",), False),
    ],
)
def test_each_kind_is_told_from_the_others(change: dict[str, Any], kinds: tuple[str, ...], *, rolls: bool) -> None:
    endpoint = only(planned(CANARY, edited(CANARY, **change)))
    assert endpoint.kinds == kinds
    assert endpoint.rolls is rolls


def test_an_endpoint_of_one_side_only_is_new_or_removed() -> None:
    assert only(planned(None, CANARY)).kinds == ("new",)
    gone = only(planned(CANARY, without(CANARY, ENDPOINT, TARGET, POLICY)))
    assert gone.kinds == ("removed",)


def test_a_stack_that_is_not_declared_any_more_goes_on() -> None:
    found = planned(CANARY, None)
    assert found.stacks[0].action == "gone"
    assert found.stacks[0].changes == ()
    endpoint = only(found)
    assert endpoint.kinds == ("undeclared",)
    assert endpoint.before == endpoint.after != {}


def test_only_the_strategy_is_reckoned_as_a_full_rollout() -> None:
    endpoint = only(planned(CANARY, edited(CANARY, **{f"{STRATEGY}__TerminationWaitInSeconds": 600})))
    assert "full rollout" in endpoint.why
    (course,) = endpoint.courses
    # Ten minutes until the fleet is there, ten of canary, ten of the termination wait: the new one.
    assert course.minutes.high == 30


def test_an_alarm_that_only_follows_the_new_config_is_no_change_of_the_alarms() -> None:
    found = planned(CANARY, next_model(CANARY))
    follows = [change for change in found.stacks[0].changes if change.type == "AWS::CloudWatch::Alarm"]
    assert {change.because for change in follows} == {(CONFIG,)}
    assert only(found).kinds == ("model",)
