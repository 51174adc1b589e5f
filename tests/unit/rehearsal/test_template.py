"""Any template can be rehearsed: what can be resolved is, and what cannot is said."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

import pytest

from slipway.plan.assembly import Assembly, Stack
from slipway.plan.documents import UnreadableError, parse
from slipway.rehearsal.faults import matrix
from slipway.rehearsal.report import report
from slipway.rehearsal.target import Target
from slipway.rehearsal.template import Declarations, declarations
from slipway.rehearsal.text import text
from slipway.rollout.capacity import Size
from slipway.rollout.policy import BlueGreen
from tests.unit.rehearsal.templates import GUIDES, assembly


def guides(**changes: dict[str, Any]) -> dict[str, Any]:
    """The template of the guides, with properties of resources changed; ``None`` takes one out."""
    template = deepcopy(parse(GUIDES, "test"))
    for name, properties in changes.items():
        given = template["Resources"][name]["Properties"]
        for key, value in properties.items():
            given.pop(key, None)
            if value is not None:
                given[key] = value
    return template


def read(template: dict[str, Any], **parameters: str) -> Declarations:
    return declarations(assembly(json.dumps(template), **parameters))


def only(template: dict[str, Any], **parameters: str) -> Target:
    (target,) = read(template, **parameters).targets
    return target


def texts(found: Declarations) -> str:
    return "\n".join(finding.text for those in found.findings.values() for finding in those)


def test_yaml_with_short_forms_and_json_are_the_same() -> None:
    assert declarations(assembly(GUIDES)) == read(guides())


def test_functions_are_answered() -> None:
    target = only(guides())
    assert target.name == "churn"
    assert target.rollback_names == ("churn-model-errors", "churn-latency")
    assert {alarm.name for alarm in target.alarms} == {"churn-model-errors", "churn-latency"}


def test_the_update_is_the_declared_one() -> None:
    update = only(guides()).update
    assert update.policy.strategy == BlueGreen("CANARY", Size("CAPACITY_PERCENT", 25), 600, 300)
    (variant,) = update.variants
    assert (variant.name, variant.new.count, variant.new.type) == ("AllTraffic", 4, "ml.m5.xlarge")


def test_a_parameter_can_be_given() -> None:
    assert only(guides(), Name="other").name == "other"


def test_what_a_parameter_without_a_value_leaves_open_is_said() -> None:
    template = guides(LatencyAlarm={"Threshold": {"Ref": "Level"}})
    template["Parameters"]["Level"] = {"Type": "Number"}
    found = read(template)
    assert "churn-latency cannot be rehearsed: Threshold: '⟨parameter Level⟩' is no number" in texts(found)
    assert [alarm.name for alarm in only(template).alarms] == ["churn-model-errors"]
    assert {alarm.name for alarm in only(template, Level="5000").alarms} == {"churn-model-errors", "churn-latency"}


def test_an_alarm_without_a_name_is_known_by_its_reference() -> None:
    target = only(guides(LatencyAlarm={"AlarmName": None}))
    assert "⟨LatencyAlarm⟩" in target.rollback_names
    assert "⟨LatencyAlarm⟩" in {alarm.name for alarm in target.alarms}


def test_an_endpoint_without_a_name_is_watched_by_reference() -> None:
    by_reference = [
        {"Name": "EndpointName", "Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
        {"Name": "VariantName", "Value": "AllTraffic"},
    ]
    template = guides(
        Endpoint={"EndpointName": None, "DeploymentConfig": None},
        ErrorAlarm={"Dimensions": by_reference},
        LatencyAlarm={"Dimensions": by_reference},
    )
    assert {alarm.name for alarm in only(template).alarms} == {"churn-model-errors", "churn-latency"}


def test_without_a_deployment_config_an_update_is_all_at_once() -> None:
    target = only(guides(Endpoint={"DeploymentConfig": None}))
    assert target.update.policy.name == "all_at_once"
    assert target.rollback_names == ()


def test_a_config_that_is_elsewhere_is_said_to_be_missing() -> None:
    template = guides(Endpoint={"EndpointConfigName": "imported"})
    template["Resources"]["Config"]["Properties"]["EndpointConfigName"] = "another"
    found = read(template)
    assert found.targets == ()
    assert "churn cannot be rehearsed: its endpoint config, imported, is not in the template" in texts(found)


def test_all_that_the_service_would_refuse_is_said_at_once() -> None:
    wrong = guides()["Resources"]["Endpoint"]["Properties"]["DeploymentConfig"]
    wrong["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] = 9999
    wrong["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["CanarySize"]["Type"] = "CAPACITY_PERCENTAGE"
    found = read(guides(Endpoint={"DeploymentConfig": wrong}))
    assert "TerminationWaitInSeconds: 9999 is out of range" in texts(found)
    assert "CAPACITY_PERCENTAGE is a mistake of the documentation" in texts(found)
    assert len(found.targets) == 1


def test_an_alarm_that_cannot_be_followed_is_said_with_why_when_the_update_needs_it() -> None:
    template = guides(LatencyAlarm={"Threshold": None, "ThresholdMetricId": "ad1"})
    assert "churn-latency cannot be rehearsed: ThresholdMetricId" in texts(read(template))
    template = guides(LatencyAlarm={"ExtendedStatistic": "tm99"})
    assert "The value tm99" in texts(read(template))


def test_an_expression_that_is_wrong_is_found_before_it_is_evaluated() -> None:
    metrics = [{"Id": "e1", "Expression": "NONSENSE(m1)"}]
    changed = {"Metrics": metrics, "MetricName": None, "Namespace": None, "Dimensions": None, "ExtendedStatistic": None}
    found = read(guides(LatencyAlarm=changed))
    assert "churn-latency cannot be rehearsed: Error in expression" in texts(found)


def test_metric_math_over_the_endpoints_metrics_is_rehearsed() -> None:
    fleet = guides()["Resources"]["ErrorAlarm"]["Properties"]["Dimensions"]

    def metric(id: str, name: str) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": fleet}, "Period": 60}
        return {"Id": id, "MetricStat": {**stat, "Stat": "Sum"}, "ReturnData": False}

    metrics = [
        metric("bad", "Invocation5XXErrors"),
        metric("all", "Invocations"),
        {"Id": "rate", "Expression": "100 * bad / all", "ReturnData": True},
    ]
    changed = {
        "Metrics": metrics,
        "Threshold": 1,
        "MetricName": None,
        "Namespace": None,
        "Dimensions": None,
        "Statistic": None,
        "Period": None,
    }
    template = guides(ErrorAlarm=changed, LatencyAlarm={"Threshold": 1_000_000})
    (one,) = report(read(template), matrix()).targets
    ended = {found.fault.name: found.ended_by.alarm for found in one.rehearsals if found.ended_by}
    assert ended["errors-5xx"] == "churn-model-errors"
    assert ended["latency-step"] == "churn-latency"


def test_composite_alarms_bring_those_that_they_look_at() -> None:
    template = guides(Endpoint={"DeploymentConfig": None})
    template["Resources"]["Both"] = {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {
            "AlarmName": "both",
            "AlarmRule": {"Fn::Sub": 'ALARM("${ErrorAlarm}") AND ALARM(churn-latency)'},
        },
    }
    assert {alarm.name for alarm in only(template).alarms} == {"churn-model-errors", "churn-latency", "both"}


def test_alarms_in_a_circle_are_a_finding() -> None:
    template = guides()
    for name, other in (("one", "two"), ("two", "one")):
        template["Resources"][name] = {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {"AlarmName": name, "AlarmRule": f"ALARM({other}) OR ALARM(churn-latency)"},
        }
    found = read(template)
    assert "one, two look at each other in a circle" in texts(found)
    assert report(found, matrix()).targets


def test_alarms_of_other_endpoints_are_not_this_ones() -> None:
    template = guides(Endpoint={"DeploymentConfig": None})
    elsewhere = [{"Name": "EndpointName", "Value": "else"}, {"Name": "VariantName", "Value": "AllTraffic"}]
    template["Resources"]["LatencyAlarm"]["Properties"]["Dimensions"] = elsewhere
    assert [alarm.name for alarm in only(template).alarms] == ["churn-model-errors"]


def test_an_alarm_of_another_stack_is_found_by_its_literal_name() -> None:
    template = guides()
    alarms = {"Resources": {"A": template["Resources"].pop("LatencyAlarm")}, "Parameters": template["Parameters"]}
    listed = template["Resources"]["Endpoint"]["Properties"]["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    listed[1]["AlarmName"] = "churn-latency"
    stacks = {"alarms": Stack("alarms", alarms), "endpoint": Stack("endpoint", template)}
    (target,) = declarations(Assembly("test", stacks)).targets
    assert {alarm.name for alarm in target.alarms} == {"churn-model-errors", "churn-latency"}


def scaled(low: int, high: int) -> dict[str, Any]:
    template = guides()
    template["Resources"]["Target"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ServiceNamespace": "sagemaker",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "ResourceId": "endpoint/churn/variant/AllTraffic",
            "MinCapacity": low,
            "MaxCapacity": high,
        },
    }
    return template


@pytest.mark.parametrize(("low", "high", "count"), [(2, 8, 4), (6, 8, 6), (1, 3, 3)])
def test_the_count_is_the_declared_one_within_the_scaling_limits(low: int, high: int, count: int) -> None:
    (variant,) = only(scaled(low, high)).update.variants
    assert variant.new.count == count


def test_the_count_can_be_the_highest() -> None:
    (target,) = declarations(assembly(json.dumps(scaled(2, 8))), highest=True).targets
    assert target.update.variants[0].new.count == 8


def test_a_serverless_endpoint_has_no_guardrails() -> None:
    variant = {"VariantName": "v", "ModelName": "m", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
    target = only(guides(Config={"ProductionVariants": [variant]}))
    assert target.mode == "serverless"
    assert target.rollback_names == ()


def test_an_asynchronous_endpoint_is_one() -> None:
    assert only(guides(Config={"AsyncInferenceConfig": {"OutputConfig": {}}})).mode == "asynchronous"


def test_each_component_is_a_target_of_its_own() -> None:
    fleet = {"VariantName": "v", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 2}
    template = guides(Config={"ProductionVariants": [fleet]}, Endpoint={"DeploymentConfig": None})
    template["Resources"]["Part"] = {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {
            "InferenceComponentName": "part",
            "EndpointName": "churn",
            "VariantName": "v",
            "RuntimeConfig": {"CopyCount": 4},
            "Specification": {"ComputeResourceRequirements": {"NumberOfAcceleratorDevicesRequired": 1}},
            "DeploymentConfig": {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 2},
                    "WaitIntervalInSeconds": 300,
                },
                "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "part-errors"}]},
            },
        },
    }
    template["Resources"]["Errors"] = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            **guides()["Resources"]["ErrorAlarm"]["Properties"],
            "AlarmName": "part-errors",
            "MetricName": "Invocation5XXErrors",
            "Threshold": 0.01,
            "Dimensions": [{"Name": "InferenceComponentName", "Value": "part"}],
        },
    }
    target = only(template)
    assert (target.name, target.mode, target.gpus) == ("part", "components", True)
    assert target.update.variants[0].new.count == 4
    (one,) = report(read(template), matrix()).targets
    by_fault = {found.fault.name: found for found in one.rehearsals}
    assert by_fault["errors-5xx"].ended_by is not None
    # Its metrics do not tell new copies from old ones.
    assert "both-fleets" in [gap.code for gap in one.wrong]
    assert by_fault["old-sick"].ended_by is not None


def test_a_fleet_for_components_without_any_has_no_model_to_rehearse() -> None:
    fleet = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    found = read(guides(Config={"ProductionVariants": [fleet]}))
    assert found.targets == ()
    assert "there is no model" in texts(found)


def test_a_shadow_variant_answers_nobody() -> None:
    shadow = dict(guides()["Resources"]["Config"]["Properties"]["ProductionVariants"][0], VariantName="shadow")
    target = only(guides(Config={"ShadowProductionVariants": [shadow]}))
    assert [variant.name for variant in target.update.variants] == ["AllTraffic"]


def test_of_several_variants_each_is_sick_once() -> None:
    first = guides()["Resources"]["Config"]["Properties"]["ProductionVariants"][0]
    template = guides(Config={"ProductionVariants": [first, {**first, "VariantName": "other"}]})
    (one,) = report(read(template), matrix()).targets
    titles = [found.title for found in one.rehearsals]
    assert "5XX burst (AllTraffic)" in titles
    assert "5XX burst (other)" in titles
    assert titles.count("healthy traffic") == titles.count("nobody calls") == 1


def test_a_template_without_endpoints_has_no_targets() -> None:
    found = declarations(assembly("Resources: {Topic: {Type: AWS::SNS::Topic}}"))
    assert (found.targets, dict(found.findings)) == ((), {})


JUNK: tuple[Any, ...] = (None, "", "⟨x⟩", "text", 0, -1, 1.5, True, [], [1], ["x"], {}, {"Ref": "Gone"}, [{}], [[]])


def _spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(spot for key, one in inner for spot in _spots(one, (*path, key)))]


def _put(template: dict[str, Any], spot: tuple[Any, ...], junk: Any) -> dict[str, Any]:
    changed: Any = deepcopy(template)
    at = changed
    for key in spot[:-1]:
        at = at[key]
    at[spot[-1]] = junk
    return changed  # type: ignore[no-any-return]


def test_whatever_stands_in_a_template_there_is_no_traceback() -> None:
    template = guides()
    template["Conditions"] = {"Large": {"Fn::Equals": [{"Ref": "Name"}, "x"]}}
    template["Resources"]["Model"]["Condition"] = "Large"
    spots = [spot for spot in _spots(template) if len(spot) > 1]
    dice = random.Random(1)  # noqa: S311
    healthy, read_anyway = matrix()[:1], 0
    for spot in spots:
        for junk in dice.sample(JUNK, 3):
            try:
                found = declarations(assembly(json.dumps(_put(template, spot, junk))))
            except UnreadableError:
                continue
            if dice.random() < 0.25:
                text(report(found, healthy))
            read_anyway += 1
    assert read_anyway > 200


@pytest.mark.parametrize(
    ("where", "junk", "said"),
    [
        (
            ("Resources", "Config", "Properties", "ProductionVariants"),
            True,
            "Config.ProductionVariants: true is no list",
        ),
        (("Resources", "Endpoint", "Properties", "DeploymentConfig"), [], "DeploymentConfig: a list is no mapping"),
        (("Resources", "LatencyAlarm", "Properties", "Dimensions"), {"Ref": "Gone"}, "is only known by deploying"),
        (
            ("Resources", "LatencyAlarm", "Properties", "Threshold"),
            {"Fn::GetAtt": [[]]},
            "a function in it is malformed",
        ),
        (("Parameters", "Name"), "x", "its parameters or conditions are malformed"),
    ],
)
def test_what_has_the_wrong_shape_is_said(where: tuple[Any, ...], junk: Any, said: str) -> None:
    assert said in texts(read(_put(guides(), where, junk)))
