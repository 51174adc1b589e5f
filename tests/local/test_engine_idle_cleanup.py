"""What the cleanup of idle endpoints relies on: the calls that it makes, and a whole run of its deployed code."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.local import control, steering
from slipway.local.steering import Seeded
from tests.local.conftest import ACCOUNT, REGION, Client, LocalAws, Stack
from tests.local.hosting import ROLE, failing
from tests.local.test_engine_lambda import Function, queue
from tests.local.test_engine_resources import as_map, resource

CODE = Path(__file__).parents[2] / "lambda" / "idle_endpoint_cleanup"
DEV = {"Environment": "dev", "slipway:disposable": "true"}

_numbers = itertools.count()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with 250 endpoints of three variants, of which every fifth is not of dev."""
    home = tmp_path_factory.mktemp("fleet")
    aws = LocalAws(control.start(home, port=0).url)
    wanted = [
        Seeded(f"ep-{number:03}", ("a", "b", "c"), {**DEV, "Environment": "prod"} if number % 5 == 0 else DEV)
        for number in range(250)
    ]
    assert steering.seed_endpoints(aws.url, ACCOUNT, REGION, wanted) == 250
    yield aws
    control.stop(home)


def series(endpoint: str, variant: str) -> dict[str, Any]:
    names = {"EndpointName": endpoint, "VariantName": variant}
    return {
        "MetricName": "Invocations",
        "Dimensions": [{"Name": name, "Value": value} for name, value in names.items()],
    }


# -- lists


def test_seeded_endpoints_are_as_the_api_makes_them(fleet: LocalAws) -> None:
    sagemaker = fleet.client("sagemaker")
    found = sagemaker.describe_endpoint(EndpointName="ep-001")
    assert found["EndpointStatus"] == "InService"
    assert [variant["VariantName"] for variant in found["ProductionVariants"]] == ["a", "b", "c"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
    for arn in (found["EndpointArn"], config["EndpointConfigArn"]):
        assert as_map(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == DEV
    sagemaker.add_tags(ResourceArn=found["EndpointArn"], Tags=[{"Key": "only", "Value": "here"}])
    assert "only" not in as_map(sagemaker.list_tags(ResourceArn=config["EndpointConfigArn"])["Tags"])
    sagemaker.delete_tags(ResourceArn=found["EndpointArn"], TagKeys=["only"])


def test_names_that_are_taken_are_not_seeded(fleet: LocalAws) -> None:
    with pytest.raises(control.LocalAwsError, match="endpoints of these names already: EP-001"):
        steering.seed_endpoints(fleet.url, ACCOUNT, REGION, [Seeded("new", ("a",), {}), Seeded("EP-001", ("a",), {})])


@pytest.mark.parametrize("kind", ["endpoint", "endpoint-config"])
def test_pages_of_the_tagging_api_hold_a_hundred_resources_of_the_tag(fleet: LocalAws, kind: str) -> None:
    pages = list(
        fleet.client("resourcegroupstaggingapi")
        .get_paginator("get_resources")
        .paginate(
            ResourceTypeFilters=[f"sagemaker:{kind}"],
            TagFilters=[{"Key": "Environment", "Values": ["dev"]}],
            PaginationConfig={"PageSize": 100},
        )
    )
    assert [len(page["ResourceTagMappingList"]) for page in pages] == [100, 100]
    found = [entry for page in pages for entry in page["ResourceTagMappingList"]]
    assert len({entry["ResourceARN"] for entry in found}) == 200
    assert all(as_map(entry["Tags"]) == DEV for entry in found)


def test_two_may_read_the_tagging_apis_pages_at_once_and_again(fleet: LocalAws) -> None:
    client = fleet.client("resourcegroupstaggingapi")
    wanted = {"ResourceTypeFilters": ["sagemaker:endpoint"], "ResourcesPerPage": 100}

    def arns(token: str) -> list[str]:
        page = client.get_resources(**wanted, PaginationToken=token)
        return [entry["ResourceARN"] for entry in page["ResourceTagMappingList"]]

    one, other = (client.get_resources(**wanted)["PaginationToken"] for _ in range(2))
    assert arns(one) == arns(other) == arns(one)
    with pytest.raises(ClientError, match="expired"):
        arns("7777-100")


@pytest.mark.parametrize(
    ("operation", "key", "count"),
    [("list_endpoints", "Endpoints", 250), ("list_endpoint_configs", "EndpointConfigs", 250)],
)
def test_lists_come_in_pages_of_a_hundred(fleet: LocalAws, operation: str, key: str, count: int) -> None:
    pages = fleet.client("sagemaker").get_paginator(operation).paginate(PaginationConfig={"PageSize": 100})
    assert [len(page[key]) for page in pages] == [100, 100, count - 200]


def test_lists_can_be_limited_to_what_is_new(fleet: LocalAws) -> None:
    sagemaker = fleet.client("sagemaker")
    later = datetime.now(UTC) + timedelta(hours=1)
    assert sagemaker.list_models(CreationTimeAfter=later)["Models"] == []
    assert sagemaker.list_endpoints(LastModifiedTimeAfter=later)["Endpoints"] == []
    assert len(sagemaker.list_endpoint_configs(CreationTimeAfter=later - timedelta(days=1))["EndpointConfigs"]) == 10


def test_metrics_are_listed_500_a_page_and_asked_for_500_a_call(fleet: LocalAws) -> None:
    cloudwatch = fleet.client("cloudwatch")
    names = [(f"ep-{number:03}", variant) for number in range(250) for variant in "abc"]
    cloudwatch.put_metric_data(
        Namespace="AWS/SageMaker", MetricData=[{**series(*name), "Value": 1.0} for name in names]
    )
    listed = cloudwatch.get_paginator("list_metrics").paginate(Namespace="AWS/SageMaker", MetricName="Invocations")
    assert [len(page["Metrics"]) for page in listed] == [500, 250]
    queries = [
        {
            "Id": f"s{at}",
            "MetricStat": {
                "Metric": {"Namespace": "AWS/SageMaker", **series(*name)},
                "Period": 3600,
                "Stat": "Sum",
            },
        }
        for at, name in enumerate([*names[:499], ("absent", "a")])
    ]
    now = datetime.now(UTC)
    period = {"StartTime": now - timedelta(days=7), "EndTime": now + timedelta(hours=1)}
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, **period)
    assert answer["Messages"] == []
    results = answer["MetricDataResults"]
    assert {result["StatusCode"] for result in results} == {"Complete"}
    assert [result["Values"] for result in results] == [[1.0]] * 499 + [[]]
    with pytest.raises(ClientError, match="must not have a size greater than 500"):
        cloudwatch.get_metric_data(MetricDataQueries=[*queries, {**queries[0], "Id": "more"}], **period)


# -- names and tags


@pytest.fixture
def endpoint(local_aws: LocalAws) -> str:
    """The name, in mixed case, of an endpoint with a model and a config of its own."""
    name, sagemaker = f"Mixed-{next(_numbers)}", local_aws.client("sagemaker")
    tags = [{"Key": "a", "Value": "1"}]
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "image"}, Tags=tags)
    variant = {"VariantName": "main", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=tags)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=tags)
    return name


def test_arns_have_names_in_lower_case_and_names_are_found_in_any(local_aws: LocalAws, endpoint: str) -> None:
    sagemaker, lower = local_aws.client("sagemaker"), endpoint.lower()
    found = [
        (sagemaker.describe_model(ModelName=lower), "Model"),
        (sagemaker.describe_endpoint_config(EndpointConfigName=lower), "EndpointConfig"),
        (sagemaker.describe_endpoint(EndpointName=lower), "Endpoint"),
    ]
    for described, kind in found:
        assert described[f"{kind}Name"] == endpoint
        assert described[f"{kind}Arn"].endswith(f"/{lower}")
        assert as_map(sagemaker.list_tags(ResourceArn=described[f"{kind}Arn"])["Tags"]) == {"a": "1"}
    error = failing(lambda: sagemaker.create_endpoint(EndpointName=lower, EndpointConfigName=lower))["Error"]
    assert error["Message"].startswith("Cannot create already existing endpoint")


def test_what_was_deleted_by_another_case_is_gone_and_its_name_free(local_aws: LocalAws, endpoint: str) -> None:
    sagemaker, lower = local_aws.client("sagemaker"), endpoint.lower()
    sagemaker.delete_endpoint(EndpointName=lower)
    sagemaker.delete_endpoint_config(EndpointConfigName=lower)
    sagemaker.delete_model(ModelName=lower)
    error = failing(lambda: sagemaker.describe_endpoint(EndpointName=endpoint))["Error"]
    assert error["Message"].startswith("Could not find endpoint")
    sagemaker.create_model(ModelName=lower, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "image"})
    assert sagemaker.describe_model(ModelName=endpoint)["ModelName"] == lower


def test_tags_are_set_replaced_and_removed(local_aws: LocalAws, endpoint: str) -> None:
    sagemaker = local_aws.client("sagemaker")
    arn = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    for value in ("first", "second"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "slipway:removal-marked", "Value": value}])
    assert as_map(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == {"a": "1", "slipway:removal-marked": "second"}
    for _ in range(2):
        sagemaker.delete_tags(ResourceArn=arn, TagKeys=["slipway:removal-marked"])
    assert as_map(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == {"a": "1"}


@pytest.mark.parametrize(
    "what", ["endpoint/gone", "model/gone", "inference-component/gone", "monitoring-schedule/gone"]
)
def test_tags_of_what_is_gone_are_refused(local_aws: LocalAws, what: str) -> None:
    sagemaker = local_aws.client("sagemaker")
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{what}"
    for call in (
        lambda: sagemaker.list_tags(ResourceArn=arn),
        lambda: sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}]),
        lambda: sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"]),
    ):
        error = failing(call)["Error"]
        assert (error["Code"], error["Message"][:14]) == ("ValidationException", "Could not find")


def test_there_are_no_monitoring_schedules(local_aws: LocalAws, endpoint: str) -> None:
    sagemaker = local_aws.client("sagemaker")
    assert sagemaker.list_monitoring_schedules(EndpointName=endpoint)["MonitoringScheduleSummaries"] == []
    error = failing(lambda: sagemaker.delete_monitoring_schedule(MonitoringScheduleName="none"))["Error"]
    assert error["Message"].startswith("Could not find monitoring schedule")


# -- scalable targets


def test_scalable_targets_have_tags_and_are_deregistered_once(local_aws: LocalAws, endpoint: str) -> None:
    scaling = local_aws.client("application-autoscaling")
    which = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/main",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    arn = scaling.register_scalable_target(**which, MinCapacity=1, MaxCapacity=2, Tags=DEV)["ScalableTargetARN"]
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == DEV
    found = scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[which["ResourceId"], "endpoint/absent/variant/main"]
    )["ScalableTargets"]
    assert [target["ScalableTargetARN"] for target in found] == [arn]
    scaling.deregister_scalable_target(**which)
    error = failing(lambda: scaling.deregister_scalable_target(**which))["Error"]
    assert error["Code"] == "ObjectNotFoundException"
    error = failing(lambda: scaling.list_tags_for_resource(ResourceARN=arn))["Error"]
    assert error["Code"] == "ResourceNotFoundException"


# -- stacks


def test_the_stack_of_an_endpoint_is_found_by_its_arn_with_all_that_decides(stack: Stack, local_aws: LocalAws) -> None:
    name = f"Of-{stack.name}"
    model = resource("AWS::SageMaker::Model", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "image"})
    variant = {
        "VariantName": "main",
        "ModelName": {"Fn::GetAtt": ["M", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    resources = {
        "M": model,
        "C": resource("AWS::SageMaker::EndpointConfig", ProductionVariants=[variant]),
        "E": resource(
            "AWS::SageMaker::Endpoint",
            EndpointName=name,
            EndpointConfigName={"Fn::GetAtt": ["C", "EndpointConfigName"]},
        ),
    }
    api = stack.cloudformation
    api.create_stack(
        StackName=stack.name,
        TemplateBody=json.dumps({"Resources": resources}),
        RoleARN=ROLE,
        EnableTerminationProtection=True,
        Tags=[{"Key": key, "Value": value} for key, value in DEV.items()],
    )
    arn = local_aws.client("sagemaker").describe_endpoint(EndpointName=name)["EndpointArn"]
    found = api.describe_stack_resources(PhysicalResourceId=arn)["StackResources"]
    assert {one["LogicalResourceId"] for one in found} == {"M", "C", "E"}
    assert {one["StackName"] for one in found} == {stack.name}
    assert arn in [one["PhysicalResourceId"] for one in found]
    described = api.describe_stacks(StackName=found[0]["StackId"])["Stacks"][0]
    assert (described["RoleARN"], described["EnableTerminationProtection"]) == (ROLE, True)
    assert as_map(described["Tags"]) == DEV
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        stack.delete()
    api.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
    api.delete_stack(StackName=described["StackId"])
    with pytest.raises(ClientError, match=r"Stack for .* does not exist"):
        api.describe_stack_resources(PhysicalResourceId=arn)


# -- a whole run


class Cleanup:
    """The cleanup as it is deployed, on a local AWS of its own whose clock moves."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws, self.sagemaker = aws, aws.client("sagemaker")
        self.topic = aws.client("sns").create_topic(Name="notices")["TopicArn"]
        arn, self.notices = queue(aws, "inbox")
        aws.client("sns").subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)
        files = {f"{CODE.name}/{path.name}": path.read_text() for path in CODE.glob("*.py")}
        self.function = Function(aws).create(
            files,
            Handler="idle_endpoint_cleanup.handler.handle",
            Timeout=300,
            MemorySize=256,
            Environment={
                "Variables": {
                    "MODE": "delete",
                    "WINDOW_HOURS": "168",
                    "GRACE_HOURS": "24",
                    "TOPIC_ARN": self.topic,
                    "RECORD_PATH": "/removed",
                }
            },
        )

    def run(self, task: str = "endpoints") -> dict[str, Any]:
        found: dict[str, Any] = self.function.ask({"task": task})
        return found

    def names(self) -> set[str]:
        return {one["EndpointName"] for one in self.sagemaker.list_endpoints(MaxResults=100)["Endpoints"]}


@pytest.fixture
def cleanup(home: Path) -> Iterator[Cleanup]:
    yield Cleanup(LocalAws(control.start(home, port=0).url))
    control.stop(home)


def invoked(cloudwatch: Client, name: str) -> None:
    """Put the metric of an invocation, at the server's time."""
    cloudwatch.put_metric_data(Namespace="AWS/SageMaker", MetricData=[{**series(name, "main"), "Value": 1.0}])


def test_the_deployed_cleanup_marks_waits_and_deletes_by_the_clock(cleanup: Cleanup) -> None:
    url, cloudwatch = cleanup.aws.url, cleanup.aws.client("cloudwatch")
    wanted = [Seeded(name, ("main",), DEV) for name in ("busy", "idle", "revived")]
    steering.seed_endpoints(url, ACCOUNT, REGION, [*wanted, Seeded("other", ("main",), {"Environment": "prod"})])

    assert cleanup.run()["Examined"] == 3
    steering.advance_clock(url, timedelta(days=8))
    invoked(cloudwatch, "busy")
    first = cleanup.run()
    assert {one["endpoint"] for one in first["marked"]} == {"idle", "revived"}
    assert first["kept"]["traffic"]["endpoints"] == ["busy"]
    assert cleanup.names() == {"busy", "idle", "revived", "other"}

    steering.advance_clock(url, timedelta(hours=25))
    invoked(cloudwatch, "revived")
    second = cleanup.run()
    assert [one["endpoint"] for one in second["deleted"]] == ["idle"]
    assert second["failures"] == {}
    assert cleanup.names() == {"busy", "revived", "other"}
    records = cleanup.aws.client("ssm").get_parameters_by_path(Path="/removed")["Parameters"]
    assert [record["Name"] for record in records] == ["/removed/idle"]
    subjects = [json.loads(message["Body"])["Subject"] for message in cleanup.notices()]
    assert sorted(subjects) == ["Idle endpoints that were removed: 1", "Idle endpoints that will be removed: 2"]
    configs = cleanup.sagemaker.list_endpoint_configs(MaxResults=100)["EndpointConfigs"]
    assert "idle" not in [config["EndpointConfigName"] for config in configs]

    deleted = [
        metric
        for metric in cloudwatch.list_metrics(Namespace="Slipway/IdleEndpoints", MetricName="Deleted")["Metrics"]
        if as_map([{"Key": d["Name"], "Value": d["Value"]} for d in metric["Dimensions"]]) == {"Environment": "dev"}
    ]
    assert len(deleted) == 1
