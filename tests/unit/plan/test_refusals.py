"""What the service refuses and ignores, with the steps that work instead."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.plan.findings import Kind
from slipway.plan.live import LiveEndpoint
from slipway.spec.deployment import Fleet

from .pairs import (
    CONFIG,
    ENDPOINT,
    MODEL,
    NAME,
    POLICY,
    TARGET,
    edited,
    findings,
    next_model,
    only,
    planned,
    template,
    without,
)

CANARY = template()
VARIANT = f"{CONFIG}__ProductionVariants___0"
BLUE_GREEN = f"{ENDPOINT}__DeploymentConfig__BlueGreenUpdatePolicy"
ROUTING = f"{BLUE_GREEN}__TrafficRoutingConfiguration"
FREE = without(CANARY, TARGET, POLICY)
UNRETAINED = edited(CANARY, **{f"{ENDPOINT}__RetainAllVariantProperties": False})


def refusals(old: dict[str, Any], new: dict[str, Any], **more: Any) -> list[str]:
    return [finding.text for finding in findings(planned(old, new, **more), Kind.REFUSED)]


def test_a_plain_change_of_the_model_is_refused_by_nothing() -> None:
    assert refusals(CANARY, next_model(CANARY)) == []


def test_the_instance_type_of_a_scaled_variant_takes_two_deployments() -> None:
    found = findings(planned(CANARY, edited(CANARY, **{f"{VARIANT}__InstanceType": "ml.c5.xlarge"})), Kind.REFUSED)
    (finding,) = found
    assert "from ml.m5.large to ml.c5.xlarge" in finding.text
    assert "scalable target" in finding.text
    assert len(finding.steps) == 2
    assert "without the scalable target" in finding.steps[0]
    assert "ml.c5.xlarge" in finding.steps[1]


def test_taking_the_scalable_target_away_in_the_same_deployment_is_too_late() -> None:
    new = without(edited(CANARY, **{f"{VARIANT}__InstanceType": "ml.c5.xlarge"}), TARGET, POLICY)
    assert len(refusals(CANARY, new)) == 1


def test_both_steps_of_the_way_out_are_refused_by_nothing() -> None:
    other_type = edited(CANARY, **{f"{VARIANT}__InstanceType": "ml.c5.xlarge"})
    assert refusals(CANARY, FREE) == []
    assert refusals(FREE, other_type) == []


def test_a_target_that_only_exists_live_counts_too() -> None:
    new = edited(FREE, **{f"{VARIANT}__InstanceType": "ml.c5.xlarge"})
    live = LiveEndpoint(NAME, "InService", "a", "a", {"primary": 4}, {}, {"primary": Fleet(4, 8)})
    assert refusals(FREE, new) == []
    assert len(refusals(FREE, new, live={NAME: live})) == 1


def test_renamed_variants_are_refused_and_a_second_endpoint_is_the_way() -> None:
    (finding,) = findings(planned(FREE, edited(FREE, **{f"{VARIANT}__VariantName": "main"})), Kind.REFUSED)
    assert "primary becomes main" in finding.text
    assert len(finding.steps) == 2
    assert "second endpoint" in finding.steps[0]


def test_an_added_variant_is_refused() -> None:
    first = template()["Resources"][CONFIG]["Properties"]["ProductionVariants"][0]
    both = [first, {**first, "VariantName": "challenger"}]
    assert "Variant challenger is added" in refusals(FREE, edited(FREE, **{f"{CONFIG}__ProductionVariants": both}))[0]


def test_instances_do_not_become_serverless_by_an_update() -> None:
    serverless = {
        "VariantName": "primary",
        "ModelName": {"Fn::GetAtt": [MODEL, "ModelName"]},
        "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
    }
    new = edited(FREE, **{VARIANT: serverless})
    assert "from instances to serverless" in refusals(FREE, new)[0]
    assert "from serverless to instances" in refusals(new, FREE)[0]


def test_queueing_requests_is_a_note_since_nobody_documents_it() -> None:
    new = edited(FREE, **{f"{CONFIG}__AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/o"}}})
    assert refusals(FREE, new) == []
    assert any("asynchronous" in one.text for one in findings(planned(FREE, new), Kind.CAUTION))


@pytest.mark.parametrize(
    ("size", "refused"),
    [
        ({"Type": "INSTANCE_COUNT", "Value": 2}, ""),
        ({"Type": "INSTANCE_COUNT", "Value": 3}, "3 of 4 instances is out of range: 1 to 2"),
        ({"Type": "CAPACITY_PERCENT", "Value": 50}, ""),
        ({"Type": "CAPACITY_PERCENT", "Value": 60}, "60 % is out of range"),
        ({"Type": "CAPACITY_PERCENTAGE", "Value": 50}, "CAPACITY_PERCENTAGE is a mistake of the documentation"),
    ],
)
def test_a_canary_fits_every_count_that_autoscaling_may_have_set(size: dict[str, Any], refused: str) -> None:
    found = refusals(CANARY, edited(next_model(CANARY), **{f"{ROUTING}__CanarySize": size}))
    assert len(found) == bool(refused)
    assert refused in "".join(found)


def test_a_canary_of_one_instance_is_refused() -> None:
    alone = edited(FREE, **{f"{VARIANT}__InitialInstanceCount": 1})
    assert "needs at least 2 instances" in refusals(alone, next_model(alone))[0]


def test_a_maximum_time_below_the_bakes_can_never_end() -> None:
    short = edited(CANARY, **{f"{BLUE_GREEN}__MaximumExecutionTimeoutInSeconds": 900})
    (text,) = refusals(CANARY, edited(next_model(short), **{f"{BLUE_GREEN}__TerminationWaitInSeconds": 600}))
    assert "its bakes alone take 20m, and after 15m" in text


def test_a_maximum_time_that_only_provisioning_exceeds_is_a_note() -> None:
    new = edited(next_model(CANARY), **{f"{BLUE_GREEN}__MaximumExecutionTimeoutInSeconds": 1200})
    found = planned(CANARY, new)
    assert findings(found, Kind.REFUSED) == []
    assert any("takes 25m, longer than the 20m" in one.text for one in findings(found, Kind.CAUTION))


def test_a_fixed_name_keeps_a_config_from_being_replaced() -> None:
    named = edited(CANARY, **{f"{CONFIG}__EndpointConfigName": "iris-config"})
    (finding,) = findings(planned(named, next_model(named)), Kind.REFUSED)
    assert "EndpointConfigName iris-config" in finding.text
    assert refusals(named, edited(next_model(named), **{f"{CONFIG}__EndpointConfigName": "iris-config-2"})) == []


def test_another_type_under_a_logical_id_is_refused() -> None:
    new = template()
    new["Resources"][POLICY] = {"Type": "AWS::SNS::Topic", "Properties": {}}
    assert "changes its type" in refusals(CANARY, new)[0]


def test_a_retained_count_ignores_the_declared_one() -> None:
    found = planned(CANARY, edited(CANARY, **{f"{VARIANT}__InitialInstanceCount": 9}))
    (finding,) = findings(found, Kind.IGNORED)
    assert "declares 9 instances" in finding.text
    assert "what runs stays" in finding.text
    # The new fleet is as large as the old one, wherever autoscaling has it.
    (course,) = only(found).courses
    assert [rollout.update.variants[0].new.count for rollout in (course.lowest, course.highest)] == [4, 12]


def test_a_retained_weight_ignores_the_declared_one() -> None:
    (finding,) = findings(planned(CANARY, edited(CANARY, **{f"{VARIANT}__InitialVariantWeight": 3})), Kind.IGNORED)
    assert "weight 3" in finding.text
    excluded = edited(
        CANARY,
        **{
            f"{VARIANT}__InitialVariantWeight": 3,
            f"{ENDPOINT}__ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
        },
    )
    assert findings(planned(CANARY, excluded), Kind.IGNORED) == []


def test_an_update_that_resets_what_autoscaling_set_is_said() -> None:
    found = planned(UNRETAINED, next_model(UNRETAINED))
    assert any("may run up to 12" in one.text for one in findings(found, Kind.CAUTION))
    (course,) = only(found).courses
    assert course.highest.update.variants[0].old.count == 12
    assert course.highest.update.variants[0].new.count == 4


def test_an_update_without_alarms_is_said() -> None:
    bare = template("all-at-once")
    found = [one.text for one in findings(planned(bare, next_model(bare)), Kind.CAUTION)]
    assert found == ["No alarm ends the update: a bad model is not rolled back."]


def test_alarms_without_a_bake_never_watch() -> None:
    hasty = edited(CANARY, **{ROUTING: {"Type": "ALL_AT_ONCE"}, f"{BLUE_GREEN}__TerminationWaitInSeconds": 0})
    found = [one.text for one in findings(planned(hasty, next_model(hasty)), Kind.CAUTION)]
    assert found == ["3 alarms are named, but there is no bake in which they watch: a bad model is not rolled back."]


def test_both_policies_at_once_are_refused() -> None:
    size = {"Type": "INSTANCE_COUNT", "Value": 1}
    new = edited(
        CANARY,
        **{
            f"{ENDPOINT}__DeploymentConfig__RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 0}
        },
    )
    assert "both BlueGreenUpdatePolicy and RollingUpdatePolicy" in refusals(CANARY, new)[0]


def test_a_strategy_from_a_parameter_without_a_value_is_a_note_not_a_refusal() -> None:
    new = edited(CANARY, **{f"{BLUE_GREEN}__TerminationWaitInSeconds": {"Ref": "Wait"}})
    new["Parameters"] = {"Wait": {"Type": "Number"}}
    assert refusals(CANARY, new) == []
    assert any(
        "depends on what only a deployment knows" in one.text for one in findings(planned(CANARY, new), Kind.CAUTION)
    )


@pytest.mark.parametrize("status", ["Updating", "RollingBack", "SystemUpdating", "Failed"])
def test_an_endpoint_that_cannot_be_updated_now_stops_the_plan(status: str) -> None:
    live = LiveEndpoint(NAME, status, "a", "a", {"primary": 5})
    assert len(findings(planned(CANARY, next_model(CANARY), live={NAME: live}), Kind.LIVE)) == 1


def test_a_live_config_other_than_the_stacks_stops_the_plan() -> None:
    live = LiveEndpoint(NAME, "InService", "config-of-may", "config-of-june", {"primary": 5})
    (finding,) = findings(planned(CANARY, next_model(CANARY), live={NAME: live}), Kind.LIVE)
    assert "serves config config-of-may, but its stack has config-of-june" in finding.text


def test_the_live_count_is_drawn_beside_the_limits() -> None:
    live = LiveEndpoint(NAME, "InService", "a", "a", {"primary": 5}, {}, {"primary": Fleet(4, 16)})
    found = planned(CANARY, next_model(CANARY), live={NAME: live})
    (course,) = only(found).courses
    assert course.live is not None
    counts = [rollout.update.variants[0].old.count for rollout in (course.lowest, course.live, course.highest)]
    assert counts == [4, 5, 16]
