from __future__ import annotations

from typing import Any

import pytest

from tests.synth.conftest import Assembly
from tests.synth.hosting import BASE, SHARED, Declared, hosted

ALARM, ENDPOINT = "AWS::CloudWatch::Alarm", "AWS::SageMaker::Endpoint"


def alarms(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Alarms by the end of their names, with dimensions as a mapping; not those of autoscaling."""
    found = {}
    for resource in assembly.resources("iris", ALARM):
        name = resource["Properties"]["AlarmName"].removeprefix(f"{BASE}-")
        if not name.startswith("scaling-"):
            dimensions = {d["Name"]: d["Value"] for d in resource["Properties"]["Dimensions"]}
            found[name] = {**resource["Properties"], "Dimensions": dimensions}
    return found


def read(alarm: dict[str, Any]) -> tuple[str, str, str, float]:
    statistic = alarm["Statistic"] if "Statistic" in alarm else alarm["ExtendedStatistic"]
    return alarm["Namespace"], alarm["MetricName"], statistic, alarm["Threshold"]


def test_a_serverless_endpoint_has_alarms_on_what_it_publishes_only(declared: Declared) -> None:
    assert {name: read(alarm) for name, alarm in alarms(hosted(declared, "serverless")).items()} == {
        "latency": ("AWS/SageMaker", "ModelLatency", "p95", 1_000_000),
        "overhead": ("AWS/SageMaker", "OverheadLatency", "p95", 200_000),
        "errors-4xx": ("AWS/SageMaker", "Invocation4XXErrors", "Average", 0.01),
        "errors-5xx": ("AWS/SageMaker", "Invocation5XXErrors", "Average", 0.001),
        "surge": ("AWS/SageMaker", "Invocations", "Sum", 1000),
        "memory": ("/aws/sagemaker/Endpoints", "MemoryUtilization", "Average", 80),
        # A ratio, whatever the concurrency.
        "concurrency": ("AWS/SageMaker", "ServerlessConcurrentExecutionsUtilization", "Average", 0.8),
    }


def test_an_asynchronous_endpoint_has_alarms_on_what_it_publishes_only(declared: Declared) -> None:
    assert {name: read(alarm) for name, alarm in alarms(hosted(declared, "asynchronous")).items()} == {
        "rollback-latency": ("AWS/SageMaker", "ModelLatency", "p95", 1_000_000),
        "rollback-errors-5xx": ("AWS/SageMaker", "Invocation5XXErrors", "Average", 0.001),
        "latency": ("AWS/SageMaker", "ModelLatency", "p95", 1_000_000),
        "errors-4xx": ("AWS/SageMaker", "Invocation4XXErrors", "Average", 0.01),
        "errors-5xx": ("AWS/SageMaker", "Invocation5XXErrors", "Average", 0.001),
        "cpu": ("/aws/sagemaker/Endpoints", "CPUUtilization", "Average", 160),
        "memory": ("/aws/sagemaker/Endpoints", "MemoryUtilization", "Average", 80),
        "disk": ("/aws/sagemaker/Endpoints", "DiskUtilization", "Average", 80),
        "failures": ("AWS/SageMaker", "InvocationFailures", "Sum", 10),
        "backlog": ("AWS/SageMaker", "ApproximateBacklogSize", "Average", 1000),
        "age": ("AWS/SageMaker", "ApproximateAgeOfOldestRequest", "Maximum", 900),
    }


def test_what_waits_is_watched_for_the_endpoint_and_what_fails_for_the_variant(declared: Declared) -> None:
    found = alarms(hosted(declared, "asynchronous"))
    assert found["backlog"]["Dimensions"] == found["age"]["Dimensions"] == {"EndpointName": BASE}
    assert found["failures"]["Dimensions"] == {"EndpointName": BASE, "VariantName": "primary"}


def test_the_waiting_requests_of_several_variants_are_counted_once(declared: Declared) -> None:
    model = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
    variants = {name: {"model": model, "hosting": {"instance_type": "ml.m5.large"}} for name in ("a", "b")}
    given = {"model": None, "hosting": None, "variants": variants, "asynchronous": {}}
    names = set(alarms(declared(given)))
    assert {"backlog", "age", "failures-a", "failures-b"} <= names
    assert not {"backlog-a", "age-b"} & names


def test_a_component_is_watched_by_its_own_name(declared: Declared) -> None:
    found = {
        name.removesuffix("--prices"): alarm
        for name, alarm in alarms(hosted(declared, "components")).items()
        if name.endswith("--prices")
    }
    assert {name: read(alarm) for name, alarm in found.items()} == {
        "latency": ("AWS/SageMaker", "ModelLatency", "p95", 1_000_000),
        "errors-4xx": ("AWS/SageMaker", "Invocation4XXErrors", "Average", 0.01),
        "errors-5xx": ("AWS/SageMaker", "Invocation5XXErrors", "Average", 0.001),
        "model-errors": ("AWS/SageMaker", "InvocationModelErrors", "Average", 0.01),
        "surge": ("AWS/SageMaker", "Invocations", "Sum", 1000),
        # Shares of what a copy is given, whatever the machine.
        "cpu": ("/aws/sagemaker/InferenceComponents", "CPUUtilizationNormalized", "Average", 80),
        "memory": ("/aws/sagemaker/InferenceComponents", "MemoryUtilizationNormalized", "Average", 80),
    }
    for alarm in found.values():
        assert alarm["Dimensions"] == {"InferenceComponentName": f"{SHARED}prices"}


def test_the_fleet_of_components_is_watched_for_what_they_have_none_of_their_own(declared: Declared) -> None:
    found = alarms(hosted(declared, "components"))
    fleet = {name for name, alarm in found.items() if "VariantName" in alarm["Dimensions"]}
    assert fleet == {"disk"}


def test_components_named_like_the_variant_or_a_metric_have_alarms_of_their_own(declared: Declared) -> None:
    found = alarms(hosted(declared, "components"))
    assert found["memory--primary"]["Dimensions"] == {"InferenceComponentName": f"{SHARED}primary"}
    assert found["cpu--memory-primary"]["Dimensions"] == {"InferenceComponentName": f"{SHARED}memory-primary"}


def test_only_a_component_with_accelerators_has_alarms_on_gpus_and_an_adapter_none_on_machines(
    declared: Declared,
) -> None:
    found = set(alarms(hosted(declared, "adapters")))
    assert {"gpu--llm", "gpu-memory--llm", "cpu--llm", "latency--german"} <= found
    assert not {"gpu--german", "cpu--german", "memory--german"} & found
    assert "gpu--primary" not in alarms(hosted(declared, "components"))


def test_a_component_can_have_levels_of_its_own_or_none(declared: Declared) -> None:
    model = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
    one = {"model": model, "memory": "1GB", "cpus": 1}
    given = {
        "model": None,
        "hosting": {"instance_type": "ml.m5.xlarge"},
        "alarms": {"latency": "2s"},
        "components": {
            "a": one,
            "b": {**one, "alarms": {"latency": "5s", "surge": False}},
            "c": {**one, "alarms": False},
        },
    }
    found = alarms(declared(given))
    assert [found[f"latency--{name}"]["Threshold"] for name in ("a", "b")] == [2_000_000, 5_000_000]
    assert "surge--a" in found
    assert "surge--b" not in found
    # What ends its updates is another matter.
    assert {name for name in found if name.endswith("--c")} == {
        f"rollback-{what}--c" for what in ("latency", "errors-5xx", "model-errors")
    }


def test_rollback_alarms_of_a_component_see_all_its_copies_and_say_so(declared: Declared) -> None:
    found = alarms(hosted(declared, "components"))["rollback-latency--primary"]
    assert found["Dimensions"] == {"InferenceComponentName": f"{SHARED}primary"}
    assert found["AlarmDescription"] == (
        f"Copies of {SHARED}primary, new and old ones, which the metric does not tell apart: the model answers slowly "
        "(above 1s). An update in progress is rolled back; compare the live component with the stack's."
    )


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        (
            "serverless",
            "overhead",
            (
                f"{BASE}: SageMaker adds much latency (above 200ms). Cold starts count here: see ModelSetupTime, and "
                "keep capacity warm (`provisioned`)."
            ),
        ),
        (
            "asynchronous",
            "age",
            f"{BASE}: a request has waited long (above 15m). Check the scaling limits and whether the model hangs.",
        ),
        (
            "components",
            "cpu--prices",
            f"{SHARED}prices: the CPUs are busy (above 80%). Run more copies, or give each more.",
        ),
        (
            "variants",
            "errors-5xx-challenger",
            f"{BASE}-challenger: many requests fail (above 0.1%). Read the endpoint's log group.",
        ),
    ],
)
def test_an_alarm_says_of_whom_it_is_what_happened_and_where_to_look(
    declared: Declared, kind: str, name: str, text: str
) -> None:
    assert alarms(hosted(declared, kind))[name]["AlarmDescription"] == text


def test_an_asynchronous_update_is_rolled_back_by_what_it_publishes(declared: Declared) -> None:
    assembly = hosted(declared, "asynchronous")
    resources = assembly.template("iris")["Resources"]
    config = assembly.only("iris", ENDPOINT)["DeploymentConfig"]["AutoRollbackConfiguration"]
    names = [resources[a["AlarmName"]["Ref"]]["Properties"]["AlarmName"] for a in config["Alarms"]]
    assert names == [f"{BASE}-rollback-latency", f"{BASE}-rollback-errors-5xx"]


def test_further_alarms_of_the_config_end_the_updates_of_components_too(declared: Declared) -> None:
    model = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
    given = {
        "model": None,
        "hosting": {"instance_type": "ml.m5.xlarge"},
        "deployment": {"strategy": "rolling", "rollback_alarms": {"also": ["checkout-errors"]}},
        "components": {name: {"model": model, "memory": "1GB", "cpus": 1} for name in ("a", "b")},
    }
    assembly = declared(given)
    for resource in assembly.resources("iris", "AWS::SageMaker::InferenceComponent"):
        listed = resource["Properties"]["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
        assert {"AlarmName": "checkout-errors"} in listed
        assert len(listed) == 4


def test_the_construct_lists_the_alarms_of_components_once_and_none_of_autoscaling(declared: Declared) -> None:
    from aws_cdk import App, Stack
    from aws_cdk import Environment as Account

    from slipway_cdk.inference_endpoint import InferenceEndpoint

    environment = hosted(declared, "components").environment
    stack = Stack(App(), "mine", env=Account(account=environment.account, region=environment.region))
    made = InferenceEndpoint(stack, "Iris", environment=environment, name="iris")
    names = set(made.alarm_names)
    assert len(names) == len(made.alarm_names)
    assert {f"{BASE}-rollback-latency--primary", f"{BASE}-latency--prices", f"{BASE}-disk"} <= names
    assert not {name for name in names if "-scaling-" in name}
    assert set(made.components) == {"primary", "memory-primary", "prices"}
