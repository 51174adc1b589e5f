"""Autoscaling that acts on the local AWS: target tracking, steps, scheduled actions, limits; and what alarms tell."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from slipway.local import control, steering
from tests.local.conftest import REGION, Client, LocalAws
from tests.local.hosting import BUCKET, ECHO, ROLE, Hosting, eventually, failing

INSTANCES = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED = "sagemaker:variant:DesiredProvisionedConcurrency"
COPIES = "sagemaker:inference-component:DesiredCopyCount"
MINUTE = timedelta(minutes=1)

_numbers = itertools.count()


@pytest.fixture(scope="module")
def own_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose clock is moved; the others' is not."""
    home = tmp_path_factory.mktemp("scaled")
    yield LocalAws(control.start(home, port=0).url)
    control.stop(home)


@dataclass
class Scaled:
    """An endpoint with a variant that is scaled, and the time that it lives in."""

    aws: LocalAws
    name: str = field(default_factory=lambda: f"scaled-{next(_numbers)}")
    dimension: str = INSTANCES

    @property
    def sagemaker(self) -> Client:
        return self.aws.client("sagemaker")

    @property
    def scaling(self) -> Client:
        return self.aws.client("application-autoscaling")

    @property
    def cloudwatch(self) -> Client:
        return self.aws.client("cloudwatch")

    @property
    def target(self) -> dict[str, str]:
        kind = f"inference-component/{self.name}" if self.dimension == COPIES else f"endpoint/{self.name}/variant/main"
        return {"ServiceNamespace": "sagemaker", "ResourceId": kind, "ScalableDimension": self.dimension}

    @property
    def dimensions(self) -> list[dict[str, str]]:
        return [{"Name": "EndpointName", "Value": self.name}, {"Name": "VariantName", "Value": "main"}]

    def serve(self, count: int = 1, **variant: Any) -> None:
        self.sagemaker.create_model(ModelName=self.name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "image"})
        made = {"VariantName": "main", "ModelName": self.name, **variant}
        if "ServerlessConfig" not in made:
            made |= {"InstanceType": "ml.m5.large", "InitialInstanceCount": count}
        self.sagemaker.create_endpoint_config(EndpointConfigName=self.name, ProductionVariants=[made])
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.name)

    def register(self, lowest: int, highest: int, **more: Any) -> None:
        self.scaling.register_scalable_target(**self.target, MinCapacity=lowest, MaxCapacity=highest, **more)

    def track(self, metric: str = "SageMakerVariantInvocationsPerInstance", target: float = 100, **more: Any) -> None:
        configuration = {"PredefinedMetricSpecification": {"PredefinedMetricType": metric}, "TargetValue": target}
        self.scaling.put_scaling_policy(
            **self.target,
            PolicyName=metric,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={**configuration, **more},
        )

    def steps(self, name: str, *steps: dict[str, Any], **more: Any) -> str:
        found: str = self.scaling.put_scaling_policy(
            **self.target,
            PolicyName=name,
            PolicyType="StepScaling",
            StepScalingPolicyConfiguration={
                "AdjustmentType": "ChangeInCapacity",
                "StepAdjustments": list(steps),
                **more,
            },
        )["PolicyARN"]
        return found

    def alarm(self, actions: list[str], **more: Any) -> str:
        name = f"{self.name}-queue"
        self.cloudwatch.put_metric_alarm(
            **{
                "AlarmName": name,
                "Namespace": "Tests",
                "MetricName": self.name,
                "Statistic": "Maximum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 10,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "AlarmActions": actions,
                **more,
            }
        )
        return name

    def put(self, value: float, metric: str = "", namespace: str = "Tests", dimensions: Any = ()) -> None:
        datum = {"MetricName": metric or self.name, "Value": value, "Dimensions": list(dimensions)}
        self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])

    def requests(self, per_instance: float, minutes: int) -> list[int]:
        """Let minutes pass with as many requests for each instance; return the instances after each."""
        counts = []
        for _ in range(minutes):
            self.put(per_instance, "InvocationsPerInstance", "AWS/SageMaker", self.dimensions)
            counts.append(self.passed(MINUTE))
        return counts

    def passed(self, time: timedelta) -> int:
        """Let time pass; return how many instances there are then."""
        steering.advance_clock(self.aws.url, time)
        return self.capacity

    @property
    def now(self) -> datetime:
        return steering.clock(self.aws.url).now

    @property
    def capacity(self) -> int:
        if self.dimension == COPIES:
            found = self.sagemaker.describe_inference_component(InferenceComponentName=self.name)
            return int(found["RuntimeConfig"]["DesiredCopyCount"])
        variant = self.sagemaker.describe_endpoint(EndpointName=self.name)["ProductionVariants"][0]
        if self.dimension == PROVISIONED:
            return int(variant["CurrentServerlessConfig"]["ProvisionedConcurrency"])
        return int(variant["DesiredInstanceCount"])

    def maximum(self, metric: str, dimensions: list[dict[str, str]]) -> list[float]:
        hour = timedelta(hours=1)
        found = self.cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=dimensions,
            StartTime=self.now - hour,
            EndTime=self.now + hour,
            Period=7200,
            Statistics=["Maximum"],
        )["Datapoints"]
        return [point["Maximum"] for point in found]

    @property
    def limits(self) -> tuple[int, int]:
        found = self.scaling.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[self.target["ResourceId"]]
        )["ScalableTargets"][0]
        return found["MinCapacity"], found["MaxCapacity"]

    def activities(self, *, also_not_scaled: bool = False) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.scaling.describe_scaling_activities(
            **self.target, IncludeNotScaledActivities=also_not_scaled
        )["ScalingActivities"]
        return found


@pytest.fixture
def scaled(own_aws: LocalAws) -> Scaled:
    return Scaled(own_aws)


# -- target tracking


def test_three_minutes_above_the_target_scale_out_to_what_the_metric_needs(scaled: Scaled) -> None:
    scaled.serve()
    scaled.register(1, 8)
    scaled.track()
    assert scaled.requests(250, 2) == [1, 1]
    assert scaled.requests(250, 1) == [3]
    [activity] = scaled.activities()
    assert activity["Description"] == "Setting desired instance count to 3."
    assert activity["StatusCode"] == "Successful"
    assert "Change successfully fulfilled by sagemaker" in activity["StatusMessage"]
    alarm = scaled.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{scaled.target['ResourceId']}-AlarmHigh")
    [high] = alarm["MetricAlarms"]
    policy = "SageMakerVariantInvocationsPerInstance"
    assert activity["Cause"] == f"monitor alarm {high['AlarmName']} in state ALARM triggered policy {policy}"
    assert (high["EvaluationPeriods"], high["Threshold"]) == (3, 100)


def test_the_maximum_ends_scaling_out(scaled: Scaled) -> None:
    scaled.serve()
    scaled.register(1, 2)
    scaled.track(ScaleOutCooldown=0)
    assert scaled.requests(900, 5)[-1] == 2
    [reason] = scaled.activities(also_not_scaled=True)[0]["NotScaledReasons"]
    assert reason == {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 2}
    assert len(scaled.activities()) == 1


def test_while_scaling_out_cools_down_only_a_larger_need_adds_more(scaled: Scaled) -> None:
    scaled.serve(count=2)
    scaled.register(1, 20)
    scaled.track(ScaleOutCooldown=600)
    assert scaled.requests(150, 3)[-1] == 3
    # From the two instances before, 150 needs three, which there are; 400 needs eight.
    assert scaled.requests(150, 3) == [3, 3, 3]
    assert scaled.requests(400, 1) == [8]
    assert scaled.requests(150, 11)[-1] == 12


def test_a_quarter_of_an_hour_of_little_traffic_scales_in(scaled: Scaled) -> None:
    scaled.serve(count=6)
    scaled.register(2, 8)
    scaled.track(ScaleInCooldown=300)
    assert set(scaled.requests(50, 14)) == {6}
    assert scaled.requests(50, 1) == [3]
    assert set(scaled.requests(50, 4)) == {3}  # it cools down
    assert scaled.requests(50, 2)[-1] == 2
    assert scaled.requests(10, 8)[-1] == 2  # the minimum


def test_without_traffic_there_is_no_metric_and_nothing_is_scaled_in(scaled: Scaled) -> None:
    scaled.serve(count=4)
    scaled.register(1, 8)
    scaled.track()
    assert scaled.passed(timedelta(minutes=40)) == 4


def test_scaling_in_waits_for_all_policies_that_may(scaled: Scaled) -> None:
    scaled.serve(count=4)
    scaled.register(1, 8)
    scaled.track()
    scaled.track("SageMakerVariantConcurrentRequestsPerModelHighResolution", 5)
    busy = [("ConcurrentRequestsPerModel", 5.0), ("InvocationsPerInstance", 10.0)]

    def quarter(busy: list[tuple[str, float]]) -> int:
        for _ in range(16):
            for metric, value in busy:
                scaled.put(value, metric, "AWS/SageMaker", scaled.dimensions)
            scaled.passed(MINUTE)
        return scaled.capacity

    assert quarter(busy) == 4
    assert quarter([("ConcurrentRequestsPerModel", 1.0), ("InvocationsPerInstance", 10.0)]) == 1


def test_scale_in_that_is_disabled_or_suspended_does_not_happen(scaled: Scaled, own_aws: LocalAws) -> None:
    suspended = Scaled(own_aws)
    for one in (scaled, suspended):
        one.serve(count=4)
    scaled.register(1, 8)
    scaled.track(DisableScaleIn=True)
    suspended.register(1, 8, SuspendedState={"DynamicScalingInSuspended": True})
    suspended.track()
    for _ in range(16):
        suspended.put(10, "InvocationsPerInstance", "AWS/SageMaker", suspended.dimensions)
        scaled.requests(10, 1)
    assert (scaled.capacity, suspended.capacity) == (4, 4)


def test_provisioned_concurrency_follows_its_use(scaled: Scaled) -> None:
    scaled.dimension = PROVISIONED
    scaled.serve(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 10, "ProvisionedConcurrency": 2})
    scaled.register(1, 8)
    scaled.track("SageMakerVariantProvisionedConcurrencyUtilization", 0.5)
    for _ in range(3):
        scaled.put(1.0, "ServerlessProvisionedConcurrencyUtilization", "AWS/SageMaker", scaled.dimensions)
        scaled.passed(MINUTE)
    assert scaled.capacity == 4


def test_copies_of_a_component_follow_a_metric_of_ones_own(scaled: Scaled) -> None:
    config = {"VariantName": "main", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    scaled.sagemaker.create_endpoint_config(
        EndpointConfigName=scaled.name, ExecutionRoleArn=ROLE, ProductionVariants=[config]
    )
    scaled.sagemaker.create_endpoint(EndpointName=scaled.name, EndpointConfigName=scaled.name)
    reserved = {"MinMemoryRequiredInMb": 256}
    scaled.sagemaker.create_inference_component(
        InferenceComponentName=scaled.name,
        EndpointName=scaled.name,
        VariantName="main",
        Specification={"Container": {"Image": "image"}, "ComputeResourceRequirements": reserved},
        RuntimeConfig={"CopyCount": 1},
    )
    scaled.dimension = COPIES
    scaled.register(0, 5)
    scaled.scaling.put_scaling_policy(
        **scaled.target,
        PolicyName="own",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 10,
            "CustomizedMetricSpecification": {"Namespace": "Tests", "MetricName": scaled.name, "Statistic": "Average"},
        },
    )
    for _ in range(3):
        scaled.put(34)
        scaled.passed(MINUTE)
    assert scaled.capacity == 4
    for _ in range(15):
        scaled.put(0)  # a metric that has zeros scales in to zero
        scaled.passed(MINUTE)
    assert scaled.capacity == 0


def test_the_alarms_of_a_policy_stay_when_it_is_changed_and_go_with_it(scaled: Scaled) -> None:
    scaled.serve()
    scaled.register(1, 4)

    def found() -> dict[str, float]:
        prefix = f"TargetTracking-{scaled.target['ResourceId']}"
        alarms = scaled.cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
        return {alarm["AlarmName"]: alarm["Threshold"] for alarm in alarms}

    scaled.track(target=100)
    first = found()
    assert sorted(first.values()) == [90, 100]
    scaled.track(target=50)
    assert found().keys() == first.keys()
    assert sorted(found().values()) == [45, 50]
    described = scaled.scaling.describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId=scaled.target["ResourceId"]
    )["ScalingPolicies"][0]
    assert {alarm["AlarmName"] for alarm in described["Alarms"]} == first.keys()
    scaled.scaling.deregister_scalable_target(**scaled.target)
    assert found() == {}
    assert failing(lambda: scaled.track())["Error"]["Code"] == "ObjectNotFoundException"


# -- steps


def test_an_alarm_triggers_a_policy_every_minute_by_the_size_of_its_breach(scaled: Scaled) -> None:
    scaled.serve()
    scaled.register(1, 20)
    policy = scaled.steps(
        "more",
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 4},
        Cooldown=0,
        MetricAggregationType="Maximum",
    )
    scaled.alarm([policy])
    scaled.put(10)
    assert scaled.passed(MINUTE) == 2
    scaled.put(20)
    assert scaled.passed(MINUTE) == 6
    scaled.put(5)
    scaled.passed(timedelta(minutes=3))
    assert scaled.capacity == 6


def test_a_step_that_cools_down_counts_what_it_added_as_part_of_the_next(scaled: Scaled) -> None:
    scaled.serve(count=4)
    scaled.register(1, 20)
    policy = scaled.steps(
        "more",
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 2},
        {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3},
        Cooldown=600,
    )
    scaled.alarm([policy])
    scaled.put(10)
    assert scaled.passed(MINUTE) == 6
    scaled.put(15)
    assert scaled.passed(MINUTE) == 6
    scaled.put(25)
    assert scaled.passed(MINUTE) == 7


def test_a_state_that_is_set_by_hand_triggers_with_the_data_that_it_is_given(scaled: Scaled) -> None:
    scaled.serve()
    scaled.register(1, 20)
    policy = scaled.steps("more", {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 5})
    name = scaled.alarm([policy])
    scaled.cloudwatch.set_alarm_state(
        AlarmName=name,
        StateValue="ALARM",
        StateReason="a test",
        StateReasonData=json.dumps({"recentDatapoints": [12.0]}),
    )
    assert scaled.passed(timedelta(seconds=1)) == 6


def test_nothing_is_scaled_while_the_endpoint_is_being_updated(scaled: Scaled) -> None:
    scaled.serve()
    scaled.register(1, 20)
    policy = scaled.steps("more", {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 5}, Cooldown=0)
    scaled.alarm([policy])
    steering.give_flaw(scaled.aws.url, "111122223333", REGION, scaled.name, "stuck")
    new = {"VariantName": "main", "ModelName": scaled.name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    scaled.sagemaker.create_endpoint_config(EndpointConfigName=f"{scaled.name}-2", ProductionVariants=[new])
    scaled.sagemaker.update_endpoint(EndpointName=scaled.name, EndpointConfigName=f"{scaled.name}-2")
    scaled.put(10)
    assert scaled.passed(MINUTE) == 1
    assert scaled.activities() == []
    [blocked] = scaled.activities(also_not_scaled=True)
    assert blocked["NotScaledReasons"] == [{"Code": "TargetServicePutResourceAsUnscalable"}]


def test_requests_that_wait_without_an_instance_wake_one_that_answers_them(own_aws: LocalAws) -> None:
    s3 = own_aws.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    scaled = Scaled(own_aws)
    hosting = Hosting(own_aws, s3, scaled.name)
    model = hosting.model(hosting.upload({"code/inference.py": ECHO, "name.txt": "later"}))
    hosting.serve(
        {"ModelName": model},
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/{scaled.name}/out"}},
    )
    scaled.register(0, 5)
    scaled.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=scaled.name, DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 0}]
    )
    policy = scaled.steps("from-zero", {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1})
    where = [{"Name": "EndpointName", "Value": scaled.name}]
    watched = {"Namespace": "AWS/SageMaker", "MetricName": "HasBacklogWithoutCapacity", "Dimensions": where}
    scaled.alarm([policy], **watched, Threshold=1, EvaluationPeriods=2)
    s3.put_object(Bucket=BUCKET, Key=f"{scaled.name}/in", Body=b"[1]")
    answer = hosting.runtime.invoke_endpoint_async(
        EndpointName=scaled.name, InputLocation=f"s3://{BUCKET}/{scaled.name}/in", ContentType="application/json"
    )
    assert scaled.passed(MINUTE) == 0
    assert scaled.passed(2 * MINUTE) == 1
    key = answer["OutputLocation"].removeprefix(f"s3://{BUCKET}/")
    assert eventually(lambda: "Contents" in s3.list_objects_v2(Bucket=BUCKET, Prefix=key))
    assert eventually(lambda: scaled.maximum("TimeInBacklog", scaled.dimensions))[0] > 60_000  # ms
    assert scaled.maximum("ApproximateAgeOfOldestRequest", where)[0] > 60


# -- limits and scheduled actions


def test_new_limits_move_the_capacity_into_them(scaled: Scaled) -> None:
    scaled.serve(count=2)
    scaled.register(3, 5)
    assert scaled.passed(timedelta(seconds=1)) == 3
    assert scaled.activities()[0]["Cause"] == "minimum capacity was set to 3"
    scaled.register(0, 1)
    assert scaled.passed(timedelta(seconds=1)) == 1
    assert scaled.activities()[0]["Cause"] == "maximum capacity was set to 1"


def test_instances_that_take_their_time_keep_the_activity_in_progress(scaled: Scaled) -> None:
    scaled.serve()
    scaled.passed(MINUTE)
    steering.set_pace(scaled.aws.url, timedelta(minutes=5))
    try:
        scaled.register(3, 5)
        scaled.passed(MINUTE)
        [activity] = scaled.activities()
        assert (activity["StatusCode"], "EndTime" in activity) == ("InProgress", False)
        assert activity["StatusMessage"].endswith("Waiting for change to be fulfilled by sagemaker.")
        assert scaled.passed(timedelta(minutes=5)) == 3
        [activity] = scaled.activities()
        assert (activity["StatusCode"], activity["EndTime"] > activity["StartTime"]) == ("Successful", True)
    finally:
        steering.set_pace(scaled.aws.url, timedelta())


def test_limits_that_come_during_an_update_hold_when_it_is_over(scaled: Scaled) -> None:
    scaled.serve()
    steering.give_flaw(scaled.aws.url, "111122223333", REGION, scaled.name, "system-update")
    scaled.register(3, 5)
    assert scaled.passed(MINUTE) == 1
    steering.clear_flaws(scaled.aws.url, "111122223333", REGION, scaled.name)
    assert scaled.passed(MINUTE) == 3


def test_a_one_time_action_restores_the_limits_at_its_moment(scaled: Scaled) -> None:
    scaled.serve(count=2)
    scaled.register(6, 8)
    assert scaled.passed(timedelta(seconds=1)) == 6
    at = (scaled.now + timedelta(hours=2)).replace(microsecond=0)
    scaled.scaling.put_scheduled_action(
        **scaled.target,
        ScheduledActionName="restore",
        Schedule=f"at({at:%Y-%m-%dT%H:%M:%S})",
        ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 4},
    )
    scaled.passed(timedelta(hours=1, minutes=58))
    assert (scaled.limits, scaled.capacity) == ((6, 8), 6)
    scaled.passed(timedelta(minutes=2, seconds=1))
    assert (scaled.limits, scaled.capacity) == ((1, 4), 4)
    moved, set_ = scaled.activities()[:2]
    assert set_["Description"] == "Setting min capacity to 1 and max capacity to 4"
    assert set_["Cause"] == "scheduled action name restore was triggered"
    assert moved["Cause"] == "maximum capacity was set to 4"
    scaled.register(2, 9)
    scaled.passed(timedelta(days=2))
    assert scaled.limits == (2, 9)  # it happens once


def test_recurring_actions_happen_in_their_time_zone_between_their_start_and_end(scaled: Scaled) -> None:
    scaled.serve(count=1)
    scaled.register(1, 10)
    noon = (scaled.now + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    scaled.scaling.put_scheduled_action(
        **scaled.target,
        ScheduledActionName="day",
        Schedule="cron(30 12 * * ? *)",
        Timezone="Asia/Kolkata",  # half past twelve there is seven o'clock UTC
        ScalableTargetAction={"MinCapacity": 3},
        EndTime=noon + timedelta(days=1),
    )
    scaled.passed(noon - timedelta(hours=5, minutes=1) - scaled.now)
    assert scaled.capacity == 1
    assert scaled.passed(timedelta(minutes=2)) == 3
    for expected in (3, 1):  # the next day it happens, the day after it has ended
        scaled.register(1, 10)
        scaled.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=scaled.name, DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 1}]
        )
        assert scaled.passed(timedelta(days=1)) == expected


def test_a_rate_counts_from_its_start(scaled: Scaled) -> None:
    scaled.serve(count=1)
    scaled.register(1, 10)
    start = (scaled.now + timedelta(hours=1)).replace(microsecond=0)
    scaled.scaling.put_scheduled_action(
        **scaled.target,
        ScheduledActionName="hourly",
        Schedule="rate(1 hour)",
        StartTime=start,
        ScalableTargetAction={"MinCapacity": 2},
    )
    assert scaled.passed(timedelta(minutes=58)) == 1
    assert scaled.passed(timedelta(minutes=4)) == 2
    scaled.register(1, 10)
    scaled.passed(timedelta(minutes=50))
    assert scaled.limits == (1, 10)
    scaled.passed(timedelta(minutes=10))
    assert scaled.limits == (2, 10)


def test_actions_that_are_suspended_or_deleted_do_not_happen(scaled: Scaled, own_aws: LocalAws) -> None:
    deleted = Scaled(own_aws)
    for one in (scaled, deleted):
        one.serve()
        one.register(1, 10)
        one.scaling.put_scheduled_action(
            **one.target,
            ScheduledActionName="soon",
            Schedule="rate(5 minutes)",
            ScalableTargetAction={"MinCapacity": 3},
        )
    scaled.register(1, 10, SuspendedState={"ScheduledScalingSuspended": True})
    deleted.scaling.delete_scheduled_action(**deleted.target, ScheduledActionName="soon")
    assert scaled.passed(timedelta(minutes=11)) == deleted.capacity == 1
    error = failing(lambda: deleted.scaling.delete_scheduled_action(**deleted.target, ScheduledActionName="soon"))
    assert error["Error"]["Code"] == "ObjectNotFoundException"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"ResourceId": "endpoint/none/variant/main"}, "ObjectNotFoundException"),
        ({"Schedule": "every day"}, "ValidationException"),
        ({"Schedule": "at(tomorrow)"}, "ValidationException"),
        ({"Timezone": "Europe/Nowhere"}, "ValidationException"),
        ({"ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}}, "ValidationException"),
    ],
    ids=["no target", "no expression", "no moment", "no time zone", "limits upside down"],
)
def test_an_action_that_could_not_happen_is_refused(scaled: Scaled, members: dict[str, Any], code: str) -> None:
    scaled.serve()
    scaled.register(1, 10)
    action = {
        **scaled.target,
        "ScheduledActionName": "wrong",
        "Schedule": "cron(0 7 * * ? *)",
        "ScalableTargetAction": {"MinCapacity": 3},
        **members,
    }
    assert failing(lambda: scaled.scaling.put_scheduled_action(**action))["Error"]["Code"] == code


# -- what alarms tell


def test_an_alarm_tells_its_topic_when_its_state_changes_and_not_again(scaled: Scaled) -> None:
    sns, sqs = scaled.aws.client("sns"), scaled.aws.client("sqs")
    topic = sns.create_topic(Name=scaled.name)["TopicArn"]
    url = sqs.create_queue(QueueName=scaled.name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    name = scaled.alarm([topic], OKActions=[topic], AlarmDescription="The queue is long.")

    def told() -> list[dict[str, Any]]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
        for message in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in found]

    scaled.put(20)
    steering.advance_clock(scaled.aws.url, MINUTE)
    [message] = told()
    assert (message["AlarmName"], message["OldStateValue"], message["NewStateValue"]) == (
        name,
        "INSUFFICIENT_DATA",
        "ALARM",
    )
    assert message["AlarmDescription"] == "The queue is long."
    assert message["Trigger"]["MetricName"] == scaled.name
    scaled.put(20)
    steering.advance_clock(scaled.aws.url, MINUTE)
    assert told() == []
    scaled.put(1)
    steering.advance_clock(scaled.aws.url, MINUTE)
    assert [message["NewStateValue"] for message in told()] == ["OK"]
    scaled.cloudwatch.disable_alarm_actions(AlarmNames=[name])
    scaled.put(20)
    steering.advance_clock(scaled.aws.url, MINUTE)
    assert scaled.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"] == "ALARM"
    assert told() == []
