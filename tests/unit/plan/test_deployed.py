"""What is deployed is read from CloudFormation, SageMaker and Application Auto Scaling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from slipway.plan.assembly import Assembly, Stack
from slipway.plan.deployed import Deployed
from slipway.plan.documents import UnreadableError
from slipway.plan.findings import Kind
from slipway.plan.planning import plan
from slipway.spec.deployment import Fleet

from .pairs import CONFIG, ENDPOINT, NAME, findings, next_model, only, template

ACCOUNT, REGION, STACK = "123456789012", "eu-west-1", "rc-iris"


class Account:
    """An account whose answers are written down."""

    account, region, where = ACCOUNT, REGION, "AWS · prod"

    def __init__(self) -> None:
        self.stubs: dict[str, Stubber] = {}
        self.clients: dict[str, Any] = {}
        for service in ("cloudformation", "sagemaker", "application-autoscaling"):
            made = boto3.client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
            self.clients[service], self.stubs[service] = made, Stubber(made)
            self.stubs[service].activate()

    def client(self, service: str, /) -> Any:
        return self.clients[service]

    def says(self, service: str, operation: str, answer: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
        self.stubs[service].add_response(operation, dict(answer), dict(asked))

    def refuses(self, service: str, operation: str, message: str) -> None:
        self.stubs[service].add_client_error(operation, "ValidationError", message)

    def has_stack(self, body: str, status: str = "UPDATE_COMPLETE", **more: Any) -> None:
        stack = {"StackName": STACK, "StackStatus": status, "CreationTime": "2026-11-21T00:00:00Z", **more}
        self.says("cloudformation", "describe_stacks", {"Stacks": [stack]}, {"StackName": STACK})
        if status != "REVIEW_IN_PROGRESS":
            asked = {"StackName": STACK, "TemplateStage": "Original"}
            self.says("cloudformation", "get_template", {"TemplateBody": body}, asked)

    def has_endpoint(self, *, config: str, stack_config: str, status: str = "InService") -> None:
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint"
        self.says(
            "sagemaker",
            "describe_endpoint",
            {
                "EndpointName": NAME,
                "EndpointArn": f"{arn}/{NAME}",
                "EndpointConfigName": config,
                "EndpointStatus": status,
                "CreationTime": "2026-11-21T00:00:00Z",
                "LastModifiedTime": "2026-11-21T00:00:00Z",
                "ProductionVariants": [{"VariantName": "primary", "CurrentInstanceCount": 7, "CurrentWeight": 1.0}],
            },
            {"EndpointName": NAME},
        )
        detail = {
            "StackName": STACK,
            "LogicalResourceId": CONFIG,
            "PhysicalResourceId": f"{arn}-config/{stack_config}",
            "ResourceType": "AWS::SageMaker::EndpointConfig",
            "LastUpdatedTimestamp": "2026-11-21T00:00:00Z",
            "ResourceStatus": "CREATE_COMPLETE",
        }
        asked = {"StackName": STACK, "LogicalResourceId": CONFIG}
        self.says("cloudformation", "describe_stack_resource", {"StackResourceDetail": detail}, asked)
        resource = f"endpoint/{NAME}/variant/primary"
        target = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": resource,
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "MinCapacity": 4,
            "MaxCapacity": 20,
            "RoleARN": "arn:aws:iam::123456789012:role/aws-service-role/scaling",
            "CreationTime": "2026-11-21T00:00:00Z",
        }
        self.says(
            "application-autoscaling",
            "describe_scalable_targets",
            {"ScalableTargets": [target]},
            {
                "ServiceNamespace": "sagemaker",
                "ResourceIds": [resource],
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            },
        )


def wanted(given: dict[str, Any] | None = None, *, account: str = ACCOUNT, region: str = REGION) -> Assembly:
    return Assembly("cdk.out", {STACK: Stack(STACK, given or next_model(template()), account, region)})


def test_the_plan_starts_from_the_deployed_template_and_the_live_counts() -> None:
    account = Account()
    account.has_stack(json.dumps(template()), Tags=[{"Key": "Team", "Value": "rc"}])
    account.has_endpoint(config="Config-A", stack_config="config-a")
    looking = Deployed(account)
    present = looking.assembly(wanted())
    live = looking.live(present)
    assert present.stacks[STACK].tags == {"Team": "rc"}
    assert live[NAME].counts == {"primary": 7}
    assert live[NAME].limits == {"primary": Fleet(4, 20)}
    found = plan(present, wanted(), live=live)
    # An ARN has the name in small letters, which is no other name.
    assert findings(found, Kind.LIVE) == []
    (course,) = only(found).courses
    assert course.live is not None
    assert course.live.update.variants[0].old.count == 7
    assert only(found).peak["ml.m5.large"].high == 40
    for stub in account.stubs.values():
        stub.assert_no_pending_responses()


def test_a_silent_rollback_shows_as_another_config_than_the_stacks() -> None:
    account = Account()
    account.has_stack(json.dumps(template()))
    account.has_endpoint(config="config-old", stack_config="config-new")
    looking = Deployed(account)
    present = looking.assembly(wanted())
    (finding,) = findings(plan(present, wanted(), live=looking.live(present)), Kind.LIVE)
    assert "config-old" in finding.text


def test_a_stack_that_does_not_exist_or_was_never_made_is_new() -> None:
    account = Account()
    account.refuses("cloudformation", "describe_stacks", f"Stack with id {STACK} does not exist")
    assert Deployed(account).assembly(wanted()).stacks == {}
    account.has_stack("", "REVIEW_IN_PROGRESS")
    present = Deployed(account).assembly(wanted())
    assert plan(present, wanted()).stacks[0].action == "new"


def test_an_endpoint_that_somebody_deleted_stops_the_plan() -> None:
    account = Account()
    account.has_stack(json.dumps(template()))
    account.refuses("sagemaker", "describe_endpoint", f'Could not find endpoint "{NAME}".')
    looking = Deployed(account)
    present = looking.assembly(wanted())
    (finding,) = findings(plan(present, wanted(), live=looking.live(present)), Kind.LIVE)
    assert "does not exist" in finding.text


def test_a_deployed_template_may_be_yaml_and_values_of_parameters_are_known() -> None:
    account = Account()
    topic = "{Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Name}}"
    body = f"Parameters: {{Name: {{Type: String}}}}\nResources: {{T: {topic}}}"
    account.has_stack(body, Parameters=[{"ParameterKey": "Name", "ParameterValue": "alarms"}])
    present = Deployed(account).assembly(wanted())
    assert present.stacks[STACK].parameters == {"Name": "alarms"}
    assert present.stacks[STACK].template["Resources"]["T"]["Properties"]["TopicName"] == {"Ref": "Name"}


def test_a_stack_of_another_account_or_region_is_not_compared_with_this_one() -> None:
    with pytest.raises(UnreadableError, match="lives in account 210987654321"):
        Deployed(Account()).assembly(wanted(account="210987654321"))
    with pytest.raises(UnreadableError, match="lives in Region us-east-1"):
        Deployed(Account()).assembly(wanted(region="us-east-1"))


def test_an_endpoint_without_a_name_is_found_by_its_stack() -> None:
    unnamed = template()
    del unnamed["Resources"][ENDPOINT]["Properties"]["EndpointName"]
    account = Account()
    account.has_stack(json.dumps(unnamed))
    detail = {
        "StackName": STACK,
        "LogicalResourceId": ENDPOINT,
        "PhysicalResourceId": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{NAME}",
        "ResourceType": "AWS::SageMaker::Endpoint",
        "LastUpdatedTimestamp": "2026-11-21T00:00:00Z",
        "ResourceStatus": "CREATE_COMPLETE",
    }
    asked = {"StackName": STACK, "LogicalResourceId": ENDPOINT}
    account.says("cloudformation", "describe_stack_resource", {"StackResourceDetail": detail}, asked)
    account.has_endpoint(config="a", stack_config="a")
    looking = Deployed(account)
    (live,) = looking.live(looking.assembly(wanted(unnamed))).values()
    assert live.name == NAME
