"""Updates that move by the clock: stages, traffic between the fleets, alarms that end them, and what goes wrong."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from slipway.local import control, steering
from tests.local.conftest import ACCOUNT, REGION, LocalAws
from tests.local.hosting import BUCKET, ECHO, ROLE, Hosting, failing

CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 600,
        },
        "TerminationWaitInSeconds": 300,
    }
}
LINEAR = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "LINEAR",
            "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            "WaitIntervalInSeconds": 300,
        },
        "TerminationWaitInSeconds": 120,
    }
}
ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 300,
    }
}


_numbers = itertools.count()


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose clock these tests move."""
    home = tmp_path_factory.mktemp("rollouts")
    running = control.start(home, port=0)
    aws = LocalAws(running.url)
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    yield aws
    assert control.stop(home)


@pytest.fixture
def hosting(local_aws: LocalAws) -> Hosting:
    return Hosting(local_aws, local_aws.client("s3"), f"moving-{next(_numbers)}")


@pytest.fixture
def two(hosting: Hosting) -> Iterator[Hosting]:
    """An endpoint on two instances that serves a good model, and a config of a model that fails."""
    url = hosting.upload({"code/inference.py": ECHO, "name.txt": "old"})
    hosting.endpoint(hosting.config(main=hosting.model(url)))
    bad = ECHO.replace('if data == "fail":', "if True:")
    other = hosting.upload({"code/inference.py": bad, "name.txt": "bad"}, f"{hosting.name}-bad.tar.gz")
    hosting.config("-bad", main=hosting.model(other, "-bad"))
    fine = hosting.upload({"code/inference.py": ECHO, "name.txt": "new"}, f"{hosting.name}-new.tar.gz")
    hosting.config("-new", main=hosting.model(fine, "-new"))
    steering.set_pace(hosting.aws.url, timedelta(minutes=2))
    yield hosting
    steering.set_pace(hosting.aws.url, timedelta())
    steering.clear_flaws(hosting.aws.url, ACCOUNT, REGION, hosting.name)


def alarm(hosting: Hosting, config: str) -> str:
    """Make a rollback alarm on the new fleet of a config: five in a hundred of a minute's requests fail."""
    name = f"{hosting.name}-errors"
    hosting.aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[
            {"Name": "EndpointName", "Value": hosting.name},
            {"Name": "VariantName", "Value": "main"},
            {"Name": "EndpointConfigName", "Value": config},
        ],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=2,
        Threshold=0.05,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    return name


def update(hosting: Hosting, suffix: str, policy: dict[str, Any], *alarms: str, **options: Any) -> None:
    listed = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}
    hosting.api.update_endpoint(
        EndpointName=hosting.name,
        EndpointConfigName=f"{hosting.name}{suffix}",
        DeploymentConfig={**policy, **listed},
        **options,
    )


def later(hosting: Hosting, **by: float) -> dict[str, Any]:
    """Move the clock, and describe the endpoint."""
    steering.advance_clock(hosting.aws.url, timedelta(**by))
    found: dict[str, Any] = hosting.api.describe_endpoint(EndpointName=hosting.name)
    return found


def fleets(found: dict[str, Any]) -> tuple[int, int, str]:
    """Instances of the old fleet and of the new one, and what happens to the new one."""
    old, new = found["ProductionVariants"][0], found["PendingDeploymentSummary"]["ProductionVariants"][0]
    words = [one["StatusMessage"] for one in new.get("VariantStatus", [])]
    return old["CurrentInstanceCount"], new["CurrentInstanceCount"], words[0] if words else ""


def baking(seconds: int, instances: int, what: str = "canary", why: str = "WaitInterval") -> str:
    """The service's words for a bake."""
    capacity = f"{what} capacity of {instances} instance(s)."
    return f"Baking for {seconds} seconds ({why}InSeconds) with traffic enabled on {capacity}"


def asked(hosting: Hosting, times: int = 60) -> Counter[str]:
    """Ask many times; return who answered, and how often none did."""
    answers: Counter[str] = Counter()
    for _ in range(times):
        try:
            answers[hosting.ask("hello")["model"]] += 1
        except hosting.runtime.exceptions.ModelError:
            answers["error"] += 1
    return answers


def test_a_canary_goes_through_its_stages(two: Hosting) -> None:
    update(two, "-new", CANARY)
    found = two.api.describe_endpoint(EndpointName=two.name)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("Updating", two.name)
    assert found["PendingDeploymentSummary"]["EndpointConfigName"] == f"{two.name}-new"
    assert fleets(found) == (2, 0, "Launching 2 instance(s).")
    assert asked(two, 5) == {"old": 5}
    assert fleets(later(two, minutes=2)) == (2, 2, baking(600, 1))
    both = asked(two)
    assert both["old"] + both["new"] == 60
    assert 10 <= both["new"] <= 50
    assert fleets(later(two, minutes=9, seconds=50)) == (2, 2, baking(600, 1))
    assert fleets(later(two, seconds=11)) == (2, 2, baking(300, 2, "full", "TerminationWait"))
    assert asked(two, 5) == {"new": 5}
    found = later(two, minutes=5)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", f"{two.name}-new")
    assert "PendingDeploymentSummary" not in found
    assert found["LastDeploymentConfig"] == CANARY


def test_the_old_fleet_keeps_its_metrics_apart_from_the_new_ones(two: Hosting) -> None:
    update(two, "-new", CANARY)
    later(two, minutes=2, seconds=5)
    answers = asked(two)
    series = two.aws.client("cloudwatch")
    counts = {}
    now = steering.clock(two.aws.url).now
    for config in (two.name, f"{two.name}-new"):
        found = series.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[
                {"Name": "EndpointName", "Value": two.name},
                {"Name": "VariantName", "Value": "main"},
                {"Name": "EndpointConfigName", "Value": config},
            ],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=3600,
            Statistics=["Sum"],
        )
        counts[config] = sum(point["Sum"] for point in found["Datapoints"])
    assert counts == {two.name: answers["old"], f"{two.name}-new": answers["new"]}


def test_linear_steps_and_rolling_batches_move_as_they_are_declared(two: Hosting) -> None:
    update(two, "-new", LINEAR)
    seen = [fleets(later(two, minutes=2)), fleets(later(two, minutes=5))]
    assert seen == [(2, 2, baking(300, 1)), (2, 2, baking(120, 2, "full", "TerminationWait"))]
    assert later(two, minutes=2)["EndpointConfigName"] == f"{two.name}-new"
    update(two, "", ROLLING)
    first, second = fleets(later(two, minutes=2)), fleets(later(two, minutes=5))
    assert first == (2, 1, baking(300, 1))
    assert second == (1, 1, "Launching 1 instance(s).")
    assert fleets(later(two, minutes=2)) == (1, 2, baking(300, 2, "full"))
    assert later(two, minutes=5)["EndpointConfigName"] == two.name


@pytest.mark.parametrize("policy", [CANARY, LINEAR, ROLLING], ids=["canary", "linear", "rolling"])
def test_a_bad_model_is_rolled_back_by_the_alarm_on_its_fleet(two: Hosting, policy: dict[str, Any]) -> None:
    name = alarm(two, f"{two.name}-bad")
    update(two, "-bad", policy, name)
    later(two, minutes=2)
    answers: Counter[str] = Counter()
    for _ in range(4):
        answers += asked(two, 30)
        found = later(two, minutes=1)
    assert answers["error"] > 10
    # After two breaching minutes, seen a minute later; a rolling update has to bring an instance back or only ends one.
    assert found["EndpointConfigName"] == two.name
    states = two.aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert found["EndpointStatus"] == "InService", (found, states)
    assert "FailureReason" not in found or not found["FailureReason"]
    assert asked(two, 10) == {"old": 10}


def test_an_alarm_set_by_hand_ends_an_update_that_bakes(two: Hosting) -> None:
    name = alarm(two, f"{two.name}-new")
    update(two, "-new", CANARY, name)
    later(two, minutes=3)
    two.aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="the new one is bad")
    found = later(two, seconds=1)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", two.name)


def test_an_alarm_that_goes_off_while_instances_start_ends_nothing_yet(two: Hosting) -> None:
    name = alarm(two, f"{two.name}-new")
    update(two, "-new", CANARY, name)
    two.aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="too early")
    assert later(two, seconds=30)["EndpointStatus"] == "Updating"
    assert later(two, minutes=20)["EndpointConfigName"] == f"{two.name}-new"


def test_what_is_in_progress_refuses_changes_in_the_services_words(two: Hosting) -> None:
    update(two, "-new", CANARY)
    weights = [{"VariantName": "main", "DesiredWeight": 2.0}]
    arn = two.api.describe_endpoint(EndpointName=two.name)["EndpointArn"]
    refusals = [
        failing(lambda: update(two, "-bad", CANARY)),
        failing(
            lambda: two.api.update_endpoint_weights_and_capacities(
                EndpointName=two.name, DesiredWeightsAndCapacities=weights
            )
        ),
    ]
    for refused in refusals:
        assert refused["Error"] == {
            "Code": "ValidationException",
            "Message": f'Cannot update in-progress endpoint "{arn}".',
        }
    assert "in-progress" in failing(lambda: two.api.delete_endpoint(EndpointName=two.name))["Error"]["Message"]


def test_instances_that_never_get_healthy_are_rolled_back_with_a_reason(two: Hosting) -> None:
    steering.give_flaw(two.aws.url, ACCOUNT, REGION, two.name, "unhealthy")
    update(two, "-new", CANARY)
    assert later(two, seconds=90)["EndpointStatus"] == "Updating"
    found = later(two, seconds=40)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", two.name)
    assert "did not pass the ping health check" in found["FailureReason"]


def test_a_stuck_update_ends_with_its_maximum_time(two: Hosting) -> None:
    steering.give_flaw(two.aws.url, ACCOUNT, REGION, two.name, "stuck")
    policy = {**CANARY["BlueGreenUpdatePolicy"], "MaximumExecutionTimeoutInSeconds": 1800}
    update(two, "-new", {"BlueGreenUpdatePolicy": policy})
    assert later(two, minutes=29)["EndpointStatus"] == "Updating"
    assert later(two, minutes=2)["EndpointConfigName"] == two.name


def test_a_rollback_that_fails_is_mended_by_another_update(two: Hosting) -> None:
    name = alarm(two, f"{two.name}-new")
    steering.give_flaw(two.aws.url, ACCOUNT, REGION, two.name, "rollback-fails")
    update(two, "-new", CANARY, name)
    later(two, minutes=3)
    two.aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="bad")
    found = later(two, seconds=1)
    assert found["EndpointStatus"] == "UpdateRollbackFailed"
    assert found["FailureReason"]
    steering.clear_flaws(two.aws.url, ACCOUNT, REGION, two.name)
    two.api.update_endpoint(EndpointName=two.name, EndpointConfigName=two.name)
    assert later(two, minutes=3)["EndpointStatus"] == "InService"


def test_the_service_may_work_on_an_endpoint_itself(two: Hosting) -> None:
    steering.give_flaw(two.aws.url, ACCOUNT, REGION, two.name, "system-update")
    assert two.api.describe_endpoint(EndpointName=two.name)["EndpointStatus"] == "SystemUpdating"
    assert "in-progress" in failing(lambda: update(two, "-new", CANARY))["Error"]["Message"]
    assert asked(two, 3) == {"old": 3}


def test_a_creation_takes_its_time_and_serves_nothing_before(two: Hosting) -> None:
    two.api.create_endpoint(EndpointName=f"{two.name}-more", EndpointConfigName=two.name)
    found = two.api.describe_endpoint(EndpointName=f"{two.name}-more")
    assert (found["EndpointStatus"], found.get("ProductionVariants", [])) == ("Creating", [])
    refused = failing(lambda: two.runtime.invoke_endpoint(EndpointName=f"{two.name}-more", Body=b"1"))
    assert "not found" in refused["Error"]["Message"]
    steering.advance_clock(two.aws.url, timedelta(minutes=2))
    assert two.api.describe_endpoint(EndpointName=f"{two.name}-more")["EndpointStatus"] == "InService"


def test_a_creation_of_an_unhealthy_model_fails_for_good(two: Hosting) -> None:
    more = f"{two.name}-more"
    steering.give_flaw(two.aws.url, ACCOUNT, REGION, more, "unhealthy")
    two.api.create_endpoint(EndpointName=more, EndpointConfigName=two.name)
    steering.advance_clock(two.aws.url, timedelta(minutes=3))
    found = two.api.describe_endpoint(EndpointName=more)
    assert found["EndpointStatus"] == "Failed"
    assert "health check" in found["FailureReason"]
    two.api.delete_endpoint(EndpointName=more)


def test_more_instances_take_their_time_and_fewer_do_not(two: Hosting) -> None:
    def rescale(count: int) -> None:
        wanted = [{"VariantName": "main", "DesiredInstanceCount": count}]
        two.api.update_endpoint_weights_and_capacities(EndpointName=two.name, DesiredWeightsAndCapacities=wanted)

    rescale(4)
    found = two.api.describe_endpoint(EndpointName=two.name)
    variant = found["ProductionVariants"][0]
    assert found["EndpointStatus"] == "Updating"
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (2, 4)
    found = later(two, minutes=2)
    assert (found["EndpointStatus"], found["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", 4)
    rescale(1)
    found = two.api.describe_endpoint(EndpointName=two.name)
    assert (found["EndpointStatus"], found["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", 1)


def test_a_wrong_policy_is_refused_and_changes_nothing(two: Hosting) -> None:
    refused = failing(lambda: update(two, "-new", {**CANARY, **ROLLING}))
    assert refused["Error"]["Code"] == "ValidationException"
    assert "write one of them" in refused["Error"]["Message"]
    assert two.api.describe_endpoint(EndpointName=two.name)["EndpointStatus"] == "InService"


def test_the_last_policy_is_taken_again_when_it_is_retained(two: Hosting) -> None:
    update(two, "-new", CANARY)
    later(two, minutes=20)
    two.api.update_endpoint(EndpointName=two.name, EndpointConfigName=two.name, RetainDeploymentConfig=True)
    assert fleets(later(two, minutes=2)) == (2, 2, baking(600, 1))


# -- inference components


def component(hosting: Hosting, suffix: str, **members: Any) -> dict[str, Any]:
    url = f"s3://{BUCKET}/{hosting.name}{suffix}.tar.gz"
    return {
        "Container": {"Image": "image", "ArtifactUrl": url},
        "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 256},
        **members,
    }


@pytest.fixture
def part(two: Hosting) -> Hosting:
    """A component with four copies, on an endpoint without a model of its own."""
    shared = f"{two.name}-shared"
    fleet = {"VariantName": "main", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    two.api.create_endpoint_config(EndpointConfigName=shared, ProductionVariants=[fleet], ExecutionRoleArn=ROLE)
    two.api.create_endpoint(EndpointName=shared, EndpointConfigName=shared)
    steering.advance_clock(two.aws.url, timedelta(minutes=3))
    two.api.create_inference_component(
        InferenceComponentName=two.name,
        EndpointName=shared,
        VariantName="main",
        Specification=component(two, ""),
        RuntimeConfig={"CopyCount": 4},
    )
    steering.advance_clock(two.aws.url, timedelta(minutes=3))
    return two


COPIES = {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 2}, "WaitIntervalInSeconds": 300}}


def component_answers(part: Hosting, times: int = 40) -> Counter[str]:
    answers: Counter[str] = Counter()
    for _ in range(times):
        try:
            found = part.runtime.invoke_endpoint(
                EndpointName=f"{part.name}-shared",
                InferenceComponentName=part.name,
                Body=b'"hello"',
                ContentType="application/json",
            )
            answers[json.loads(found["Body"].read())["model"]] += 1
        except part.runtime.exceptions.ModelError:
            answers["error"] += 1
    return answers


def test_a_component_moves_batch_by_batch(part: Hosting) -> None:
    def after(**by: float) -> dict[str, Any]:
        steering.advance_clock(part.aws.url, timedelta(**by))
        found: dict[str, Any] = part.api.describe_inference_component(InferenceComponentName=part.name)
        return found

    part.api.update_inference_component(
        InferenceComponentName=part.name, Specification=component(part, "-new"), DeploymentConfig=COPIES
    )
    assert (
        "in-progress"
        in failing(
            lambda: part.api.update_inference_component(
                InferenceComponentName=part.name, Specification=component(part, "-bad")
            )
        )["Error"]["Message"]
    )
    assert component_answers(part, 5) == {"old": 5}
    assert after(minutes=2)["InferenceComponentStatus"] == "Updating"
    both = component_answers(part)
    assert 5 <= both["new"] <= 35
    after(minutes=5)
    after(minutes=2)
    assert component_answers(part, 5) == {"new": 5}
    found = after(minutes=5)
    assert found["InferenceComponentStatus"] == "InService"
    assert found["RuntimeConfig"] == {"DesiredCopyCount": 4, "CurrentCopyCount": 4}
    assert found["Specification"]["Container"]["ArtifactUrl"].endswith("-new.tar.gz")


def test_a_bad_component_is_rolled_back_by_its_alarm(part: Hosting) -> None:
    name = f"{part.name}-component"
    part.aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "InferenceComponentName", "Value": part.name}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=2,
        Threshold=0.05,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    part.api.update_inference_component(
        InferenceComponentName=part.name,
        Specification=component(part, "-bad"),
        DeploymentConfig={**COPIES, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name}]}},
    )
    steering.advance_clock(part.aws.url, timedelta(minutes=2))
    answers: Counter[str] = Counter()
    for _ in range(4):
        answers += component_answers(part, 20)
        steering.advance_clock(part.aws.url, timedelta(minutes=1))
    steering.advance_clock(part.aws.url, timedelta(minutes=3))
    assert answers["error"] > 5
    found = part.api.describe_inference_component(InferenceComponentName=part.name)
    assert found["InferenceComponentStatus"] == "InService"
    assert found["Specification"]["Container"]["ArtifactUrl"].endswith(f"{part.name}.tar.gz")
    assert component_answers(part, 5) == {"old": 5}
