"""The local CloudFormation: what it does to stacks, through the API."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import ACCOUNT, OTHER_ACCOUNT, LocalAws, Stack

TOO_LONG = "x" * 100


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def topic(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": properties}


def parameter(value: Any, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": value, **properties},
    }


BROKEN = queue(QueueName=TOO_LONG)


def queue_names(local_aws: LocalAws) -> set[str]:
    urls = local_aws.client("sqs").list_queues().get("QueueUrls", [])
    return {url.rsplit("/", 1)[-1] for url in urls}


def test_resources_are_made_after_what_they_refer_to(stack: Stack) -> None:
    status = stack.deploy({"A": parameter({"Fn::GetAtt": ["B", "Arn"]}), "B": queue()})
    assert status == "CREATE_COMPLETE"
    order = [name for name, state in stack.events() if state == "CREATE_COMPLETE"]
    assert order == ["B", "A", stack.name]


def test_events_tell_what_became_of_each_resource(stack: Stack) -> None:
    stack.deploy({"A": queue()})
    assert stack.events() == [
        (stack.name, "REVIEW_IN_PROGRESS"),
        (stack.name, "CREATE_IN_PROGRESS"),
        ("A", "CREATE_IN_PROGRESS"),
        ("A", "CREATE_COMPLETE"),
        (stack.name, "CREATE_COMPLETE"),
    ]


def test_a_failure_is_told_apart_from_those_of_earlier_updates(stack: Stack) -> None:
    stack.deploy({"A": queue()})
    stack.deploy({"A": queue(), "First": BROKEN})
    stack.deploy({"A": queue(), "Second": BROKEN})
    found = stack.cloudformation.describe_stack_events(StackName=stack.name)["StackEvents"]
    newest_first = [
        (operation, [(e["LogicalResourceId"], e["ResourceStatus"]) for e in events])
        for operation, events in itertools.groupby(found, key=lambda e: e["OperationId"])
    ]
    assert len({operation for operation, _ in newest_first}) == len(newest_first) == 6, "each in one piece"
    rollback, update = (events for _, events in newest_first[:2])
    assert rollback[-1] == (stack.name, "UPDATE_ROLLBACK_IN_PROGRESS")
    assert update == [
        ("Second", "CREATE_FAILED"),
        ("Second", "CREATE_IN_PROGRESS"),
        (stack.name, "UPDATE_IN_PROGRESS"),
    ]


def test_deploying_the_same_again_is_no_change(stack: Stack) -> None:
    resources = {"A": queue(), "B": parameter({"Ref": "A"})}
    stack.deploy(resources)
    found = stack.change_set(resources)
    assert found["Status"] == "FAILED"
    assert "didn't contain changes" in found["StatusReason"]


def test_a_replacement_is_seen_by_whatever_refers_to_it(stack: Stack, local_aws: LocalAws) -> None:
    def resources(fifo: bool) -> dict[str, Any]:  # noqa: FBT001 - the one thing that differs
        properties = {"FifoTopic": True, "TopicName": "renamed.fifo"} if fifo else {}
        return {
            "T": topic(**properties),
            "ByRef": parameter({"Ref": "T"}, Name=f"/{stack.name}/ref"),
            "BySub": parameter({"Fn::Sub": "<${T.TopicName}>"}, Name=f"/{stack.name}/sub"),
        }

    stack.deploy(resources(fifo=False))
    old = stack.physical_id("T")
    changes = stack.change_set(resources(fifo=True))["Changes"]
    found = {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in changes}
    assert found["T"]["Replacement"] == "True"
    assert found["ByRef"]["Replacement"] == found["BySub"]["Replacement"] == "False"

    assert stack.deploy(resources(fifo=True)) == "UPDATE_COMPLETE"
    new = stack.physical_id("T")
    ssm = local_aws.client("ssm")
    assert new.endswith(":renamed.fifo")
    assert ssm.get_parameter(Name=f"/{stack.name}/ref")["Parameter"]["Value"] == new
    assert ssm.get_parameter(Name=f"/{stack.name}/sub")["Parameter"]["Value"] == "<renamed.fifo>"
    topics = [t["TopicArn"] for t in local_aws.client("sns").list_topics()["Topics"]]
    assert new in topics
    assert old not in topics
    statuses = stack.events()
    cleanup = statuses.index((stack.name, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
    assert statuses.index(("T", "DELETE_COMPLETE")) > cleanup > statuses.index(("BySub", "UPDATE_COMPLETE"))


def test_what_left_the_template_goes_users_first(stack: Stack) -> None:
    stack.deploy({"Used": queue(), "User": parameter({"Ref": "Used"}), "Stays": queue()})
    stack.deploy({"Stays": queue()})
    gone = [name for name, state in stack.events() if state == "DELETE_COMPLETE"]
    assert gone == ["User", "Used"]


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_a_retained_resource_outlives_its_stack(stack: Stack, local_aws: LocalAws, policy: str) -> None:
    name = f"{stack.name}-{policy}"
    stack.deploy({"A": {**queue(QueueName=name), "DeletionPolicy": policy}})
    stack.delete()
    assert name in queue_names(local_aws)


def test_a_retained_resource_outlives_its_removal_from_the_template(stack: Stack, local_aws: LocalAws) -> None:
    name = f"{stack.name}-kept"
    kept = {**queue(QueueName=name), "DeletionPolicy": "Retain"}
    stack.deploy({"A": kept, "B": queue()})
    stack.deploy({"B": queue()})
    assert ("A", "DELETE_SKIPPED") in stack.events()
    assert name in queue_names(local_aws)


def test_a_replaced_resource_stays_when_its_policy_says_so(stack: Stack, local_aws: LocalAws) -> None:
    for name in ("one", "two"):
        wanted = {**queue(QueueName=f"{stack.name}-{name}"), "UpdateReplacePolicy": "Retain"}
        stack.deploy({"A": wanted})
    assert {f"{stack.name}-one", f"{stack.name}-two"} <= queue_names(local_aws)


def test_a_failed_creation_removes_what_it_made_but_what_is_retained(stack: Stack, local_aws: LocalAws) -> None:
    names = {policy: f"{stack.name}-{policy}" for policy in ("Delete", "Retain")}
    names["RetainExceptOnCreate"] = f"{stack.name}-except"
    resources = {policy: {**queue(QueueName=name), "DeletionPolicy": policy} for policy, name in names.items()}
    status = stack.deploy({**resources, "Z": {**BROKEN, "DependsOn": list(resources)}})
    assert status == "ROLLBACK_COMPLETE"
    assert {n for n in queue_names(local_aws) if n in names.values()} == {names["Retain"]}
    assert "1 to 80 in length" in stack.reasons()
    assert ("Z", "CREATE_FAILED") in stack.events()
    assert (stack.name, "ROLLBACK_IN_PROGRESS") in stack.events()


def test_a_stack_whose_creation_was_rolled_back_cannot_be_updated(stack: Stack) -> None:
    stack.deploy({"A": BROKEN})
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        stack.change_set({"A": queue()})
    stack.delete()
    assert stack.deploy({"A": queue()}) == "CREATE_COMPLETE"


def test_a_failed_update_restores_everything(stack: Stack, local_aws: LocalAws) -> None:
    before = {"Q": queue(VisibilityTimeout=10), "P": parameter("old", Name=f"/{stack.name}/p")}
    stack.deploy(before)
    after = {
        "Q": queue(VisibilityTimeout=20),
        "P": parameter("new", Name=f"/{stack.name}/p"),
        "New": queue(QueueName=f"{stack.name}-new"),
        "Z": {**BROKEN, "DependsOn": ["Q", "P", "New"]},
    }
    assert stack.deploy(after) == "UPDATE_ROLLBACK_COMPLETE"
    attributes = local_aws.client("sqs").get_queue_attributes(
        QueueUrl=stack.physical_id("Q"), AttributeNames=["VisibilityTimeout"]
    )["Attributes"]
    assert attributes["VisibilityTimeout"] == "10"
    stored = local_aws.client("ssm").get_parameter(Name=f"/{stack.name}/p")["Parameter"]
    assert stored["Value"] == "old"
    assert f"{stack.name}-new" not in queue_names(local_aws)
    statuses = [state for name, state in stack.events() if name == stack.name]
    assert statuses[-4:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert stack.change_set(before)["Status"] == "FAILED"  # nothing differs from before


def test_a_failed_update_goes_back_to_what_was_replaced(stack: Stack, local_aws: LocalAws) -> None:
    def resources(suffix: str) -> dict[str, Any]:
        return {"Q": queue(QueueName=f"{stack.name}-{suffix}"), "P": parameter({"Ref": "Q"})}

    stack.deploy(resources("old"))
    old = stack.physical_id("Q")
    status = stack.deploy({**resources("new"), "Z": {**BROKEN, "DependsOn": "P"}})
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.physical_id("Q") == old
    assert f"{stack.name}-new" not in queue_names(local_aws)
    value = local_aws.client("ssm").get_parameter(Name=stack.physical_id("P"))
    assert value["Parameter"]["Value"] == old


def test_a_custom_named_resource_that_needs_replacing_is_refused(stack: Stack) -> None:
    name = f"{stack.name}.fifo"
    stack.deploy({"Q": queue(QueueName=name, FifoQueue=True)})
    status = stack.deploy({"Q": queue(QueueName=name, FifoQueue=False)})
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert "custom-named resource requires replacing" in stack.reasons()
    assert f"Rename {name}" in stack.reasons()


def test_what_exists_already_fails_the_stack(stack: Stack, local_aws: LocalAws) -> None:
    log_group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": stack.name}}
    local_aws.client("logs").create_log_group(logGroupName=stack.name)
    assert stack.deploy({"L": log_group}) == "ROLLBACK_COMPLETE"
    assert "already exists" in stack.reasons()


@pytest.mark.parametrize(
    ("kind", "name_key", "properties"),
    [
        ("AWS::S3::Bucket", "BucketName", {}),
        ("AWS::SQS::Queue", "QueueName", {}),
        ("AWS::SNS::Topic", "TopicName", {}),
        ("AWS::CloudWatch::CompositeAlarm", "AlarmName", {"AlarmRule": "TRUE"}),
        ("AWS::CloudWatch::Dashboard", "DashboardName", {"DashboardBody": "{}"}),
        ("AWS::ECR::Repository", "RepositoryName", {}),
        ("AWS::SSM::Parameter", "Name", {"Type": "String", "Value": "x"}),
    ],
)
def test_what_a_stack_left_behind_is_not_taken_over(
    local_aws: LocalAws, kind: str, name_key: str, properties: dict[str, str]
) -> None:
    # us-east-1, where S3 does not mind that one creates a bucket again
    cloudformation = local_aws.client("cloudformation", region="us-east-1")
    name = f"left-{kind.lower().replace('::', '-')}"
    left = {"Type": kind, "Properties": {name_key: name, **properties}, "DeletionPolicy": "Retain"}
    first = Stack(cloudformation, f"{name}-first")
    assert first.deploy({"R": left}) == "CREATE_COMPLETE"
    first.delete()
    second = Stack(cloudformation, f"{name}-second")
    assert second.deploy({"R": left}) == "ROLLBACK_COMPLETE"
    assert "already" in second.reasons().lower()


def test_an_unsupported_type_is_named(stack: Stack) -> None:
    found = stack.change_set({"A": {"Type": "AWS::Kinesis::Stream", "Properties": {}}})
    assert found["Status"] == "FAILED"
    assert "AWS::Kinesis::Stream is not supported" in found["StatusReason"]


def test_a_logical_id_keeps_its_type(stack: Stack) -> None:
    stack.deploy({"A": queue()})
    found = stack.change_set({"A": topic()})
    assert "Update of resource type is not permitted" in found["StatusReason"]


def test_a_circle_is_refused(stack: Stack) -> None:
    found = stack.change_set({"A": parameter({"Ref": "B"}), "B": parameter({"Ref": "A"})})
    assert "Circular dependency between resources: [A, B]" in found["StatusReason"]


def test_a_protected_stack_is_not_deleted(stack: Stack) -> None:
    stack.deploy({"A": queue()})
    protect = stack.cloudformation.update_termination_protection
    protect(StackName=stack.name, EnableTerminationProtection=True)
    assert stack.described()["EnableTerminationProtection"] is True
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        stack.delete()
    protect(StackName=stack.name, EnableTerminationProtection=False)
    stack.delete()
    with pytest.raises(ClientError, match="does not exist"):
        stack.described()


def test_a_stacks_tags_reach_its_resources_and_changing_them_updates(stack: Stack, local_aws: LocalAws) -> None:
    own = {"A": queue(Tags=[{"Key": "Team", "Value": "own"}]), "B": queue()}
    stack.deploy(own, tags={"Team": "rc", "Env": "dev"})
    sqs = local_aws.client("sqs")

    def tags(name: str) -> dict[str, str]:
        found: dict[str, str] = sqs.list_queue_tags(QueueUrl=stack.physical_id(name))["Tags"]
        return found

    assert tags("A") == {"Team": "own", "Env": "dev"}
    assert tags("B") == {"Team": "rc", "Env": "dev"}
    stack.deploy(own, tags={"Team": "xy"})
    assert tags("B") == {"Team": "xy"}
    assert stack.described()["Tags"] == [{"Key": "Team", "Value": "xy"}]


def test_an_export_is_imported_and_kept_while_it_is_used(
    new_stack: Callable[[], Stack],
) -> None:
    producer, consumer = new_stack(), new_stack()
    export = f"{producer.name}-url"
    outputs = {"Url": {"Value": {"Ref": "Q"}, "Export": {"Name": export}}}
    producer.deploy({"Q": queue()}, Outputs=outputs)
    assert producer.described()["Outputs"][0]["ExportName"] == export
    imported = {"P": parameter({"Fn::ImportValue": export})}
    assert consumer.deploy(imported) == "CREATE_COMPLETE"

    renamed = {"Url": {"Value": "other", "Export": {"Name": export}}}
    assert producer.deploy({"Q": queue()}, Outputs=renamed) == "UPDATE_ROLLBACK_COMPLETE"
    assert f"as it is in use by {consumer.name}" in producer.reasons()
    producer.delete()
    assert producer.status == "DELETE_FAILED"
    consumer.delete()
    producer.delete()
    with pytest.raises(ClientError, match="does not exist"):
        producer.described()


def test_a_missing_export_is_named(stack: Stack) -> None:
    found = stack.change_set({"P": parameter({"Fn::ImportValue": "nobody-exports-this"})})
    assert "No export named nobody-exports-this found." in found["StatusReason"]


def test_an_export_name_belongs_to_one_stack(new_stack: Callable[[], Stack]) -> None:
    outputs = {"X": {"Value": "1", "Export": {"Name": "taken-once"}}}
    assert new_stack().deploy({"A": queue()}, Outputs=outputs) == "CREATE_COMPLETE"
    second = new_stack()
    assert second.deploy({"A": queue()}, Outputs=outputs) == "ROLLBACK_COMPLETE"
    assert "already exported by stack" in second.reasons()


def test_change_sets_of_one_name_belong_to_their_stacks(new_stack: Callable[[], Stack]) -> None:
    first, second = new_stack(), new_stack()
    first.change_set({"First": queue()})
    second.change_set({"Second": queue()})
    for stack, name in ((first, "First"), (second, "Second")):
        found = stack.cloudformation.describe_change_set(StackName=stack.name, ChangeSetName="deploy")
        assert [c["ResourceChange"]["LogicalResourceId"] for c in found["Changes"]] == [name]
        listed = stack.cloudformation.list_change_sets(StackName=stack.name)["Summaries"]
        assert [s["StackName"] for s in listed] == [stack.name]


def test_a_change_set_is_executed_once(stack: Stack) -> None:
    stack.deploy({"A": queue()})
    with pytest.raises(ClientError, match="cannot be executed in its current execution status"):
        stack.cloudformation.execute_change_set(StackName=stack.name, ChangeSetName="deploy")


def test_a_resources_stack_is_found_by_its_physical_id(stack: Stack) -> None:
    stack.deploy({"A": queue(), "B": queue()})
    found = stack.cloudformation.describe_stack_resources(PhysicalResourceId=stack.physical_id("B"))["StackResources"]
    assert {r["StackName"] for r in found} == {stack.name}
    assert {r["LogicalResourceId"] for r in found} == {"A", "B"}


def test_templates_and_resources_are_listed(stack: Stack) -> None:
    stack.deploy({"A": queue()}, Description="what it is")
    summaries = stack.cloudformation.list_stack_resources(StackName=stack.name)
    assert [s["ResourceType"] for s in summaries["StackResourceSummaries"]] == ["AWS::SQS::Queue"]
    template = stack.cloudformation.get_template(StackName=stack.name)["TemplateBody"]
    assert template["Description"] == stack.described()["Description"] == "what it is"
    listed = stack.cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])
    assert stack.name in {s["StackName"] for s in listed["StackSummaries"]}


def test_parameters_have_defaults_and_stored_values(stack: Stack, local_aws: LocalAws) -> None:
    local_aws.client("ssm").put_parameter(Name="/stored", Value="from-store", Type="String")
    parameters = {
        "Plain": {"Type": "String", "Default": "default"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/stored"},
        "Given": {"Type": "String"},
    }
    joined = {"Fn::Join": ["-", [{"Ref": name} for name in parameters]]}
    stack.change_set({"P": parameter(joined)}, parameters={"Given": "given"}, Parameters=parameters)
    stack.cloudformation.execute_change_set(StackName=stack.name, ChangeSetName="deploy")
    value = local_aws.client("ssm").get_parameter(Name=stack.physical_id("P"))
    assert value["Parameter"]["Value"] == "default-from-store-given"


def test_a_parameter_without_a_value_is_refused(stack: Stack) -> None:
    found = stack.change_set({"A": queue()}, Parameters={"Needed": {"Type": "String"}})
    assert "Parameters: [Needed] must have values" in found["StatusReason"]


def test_without_rollback_a_failed_stack_is_mended_by_the_next_deployment(stack: Stack) -> None:
    stack.change_set({"A": queue(), "Z": {**BROKEN, "DependsOn": "A"}})
    stack.cloudformation.execute_change_set(StackName=stack.name, ChangeSetName="deploy", DisableRollback=True)
    assert stack.status == "CREATE_FAILED"
    kept = stack.physical_id("A")
    assert stack.deploy({"A": queue(), "Z": queue()}) == "UPDATE_COMPLETE"
    assert stack.physical_id("A") == kept


def test_create_and_update_work_without_change_sets(stack: Stack) -> None:
    cloudformation = stack.cloudformation
    body = json.dumps({"Resources": {"A": queue(DelaySeconds=1)}})
    cloudformation.create_stack(StackName=stack.name, TemplateBody=body)
    assert stack.status == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="already exists"):
        cloudformation.create_stack(StackName=stack.name, TemplateBody=body)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cloudformation.update_stack(StackName=stack.name, TemplateBody=body)
    cloudformation.update_stack(
        StackName=stack.name,
        TemplateBody="Resources:\n  A:\n    Type: AWS::SQS::Queue\n"
        "  P:\n    Type: AWS::SSM::Parameter\n"
        "    Properties: {Type: String, Value: !GetAtt A.Arn}\n",
    )
    assert stack.status == "UPDATE_COMPLETE"


def test_accounts_and_regions_do_not_see_each_other(local_aws: LocalAws) -> None:
    for account in (ACCOUNT, OTHER_ACCOUNT):
        stack = Stack(local_aws.client("cloudformation", account), "apart")
        resources = {"Q": queue(QueueName="apart"), "P": parameter({"Ref": "AWS::AccountId"})}
        assert stack.deploy(resources) == "CREATE_COMPLETE"
        value = local_aws.client("ssm", account).get_parameter(Name=stack.physical_id("P"))
        assert value["Parameter"]["Value"] == account
        assert local_aws.client("sts", account).get_caller_identity()["Account"] == account
    Stack(local_aws.client("cloudformation", OTHER_ACCOUNT), "apart").delete()
    assert Stack(local_aws.client("cloudformation", ACCOUNT), "apart").status == "CREATE_COMPLETE"
    elsewhere = local_aws.client("cloudformation", ACCOUNT, "eu-central-1")
    assert elsewhere.describe_stacks()["Stacks"] == []


def test_tagged_resources_are_found(stack: Stack, local_aws: LocalAws) -> None:
    stack.deploy({"Q": queue()}, tags={"Found": stack.name})
    found = local_aws.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "Found", "Values": [stack.name]}]
    )["ResourceTagMappingList"]
    arns = {resource["ResourceARN"] for resource in found}
    assert stack.described()["StackId"] in arns
    assert len(arns) == 2


def test_an_assumed_role_stays_in_its_account(local_aws: LocalAws) -> None:
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/deploy"
    given = local_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    sts = boto3.client(
        "sts",
        endpoint_url=local_aws.url,
        region_name="eu-west-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    assert sts.get_caller_identity()["Account"] == OTHER_ACCOUNT


def test_what_the_local_aws_does_not_have_is_not_retried(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="The local AWS does not have") as caught:
        local_aws.client("sagemaker").create_app_image_config(AppImageConfigName="x")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert local_aws.client("cloudtrail").lookup_events()["Events"] == []
