"""Each resource type of the local CloudFormation: made, changed in place, found through its API."""

import json
from typing import Any

import pytest

from tests.local.conftest import ACCOUNT, REGION, LocalAws, Stack

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def tags(**values: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def as_map(found: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found}


def deploy(stack: Stack, **resources: dict[str, Any]) -> None:
    status = stack.deploy(resources)
    assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack.reasons()


def update(stack: Stack, kind: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """Make a resource and change it in place; return its physical id."""
    deploy(stack, R=resource(kind, **old))
    identity = stack.physical_id("R")
    deploy(stack, R=resource(kind, **new))
    assert stack.physical_id("R") == identity
    return identity


def policy(action: str, target: str = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": target}
    return {"Version": "2012-10-17", "Statement": [statement]}


def trust(service: str) -> dict[str, Any]:
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_bucket(stack: Stack, local_aws: LocalAws) -> None:
    s3 = local_aws.client("s3")
    target = f"{stack.name}-logs"
    s3.create_bucket(Bucket=target, CreateBucketConfiguration={"LocationConstraint": REGION})
    name = update(
        stack,
        "AWS::S3::Bucket",
        {
            "Tags": tags(a="1", b="2"),
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
        },
        {
            "Tags": tags(a="3"),
            "VersioningConfiguration": {"Status": "Enabled"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "BucketKeyEnabled": True,
                        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"},
                    }
                ]
            },
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "LoggingConfiguration": {"DestinationBucketName": target, "LogFilePrefix": "x/"},
            "CorsConfiguration": {
                "CorsRules": [
                    {
                        "AllowedMethods": ["PUT"],
                        "AllowedOrigins": ["https://*.sagemaker.aws"],
                        "ExposedHeaders": ["ETag"],
                        "MaxAge": 60,
                    }
                ]
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "old",
                        "Status": "Enabled",
                        "NoncurrentVersionExpiration": {
                            "NoncurrentDays": 30,
                            "NewerNoncurrentVersions": 2,
                        },
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                        "ExpirationInDays": 90,
                    }
                ]
            },
        },
    )
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert block["BlockPublicAcls"] is True
    owner = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"][0]
    assert owner["ObjectOwnership"] == "BucketOwnerEnforced"
    assert s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]["TargetPrefix"] == "x/"
    cors = s3.get_bucket_cors(Bucket=name)["CORSRules"][0]
    assert (cors["ExposeHeaders"], cors["MaxAgeSeconds"]) == (["ETag"], 60)
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]
    assert lifecycle["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert lifecycle["Expiration"]["Days"] == 90
    assert as_map(s3.get_bucket_tagging(Bucket=name)["TagSet"]) == {"a": "3"}


def test_bucket_that_enforces_tls_still_takes_objects(stack: Stack, local_aws: LocalAws) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    deploy(
        stack,
        B=resource("AWS::S3::Bucket"),
        P=resource("AWS::S3::BucketPolicy", Bucket={"Ref": "B"}, PolicyDocument={"Statement": [deny]}),
    )
    name, s3 = stack.physical_id("B"), local_aws.client("s3")
    assert "SecureTransport" in s3.get_bucket_policy(Bucket=name)["Policy"]
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"x"


def test_repository(stack: Stack, local_aws: LocalAws) -> None:
    text = json.dumps(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "selection": {
                        "tagStatus": "untagged",
                        "countType": "imageCountMoreThan",
                        "countNumber": 1,
                    },
                    "action": {"type": "expire"},
                }
            ]
        }
    )
    name = update(
        stack,
        "AWS::ECR::Repository",
        {"ImageTagMutability": "MUTABLE", "Tags": tags(a="1")},
        {
            "ImageTagMutability": "IMMUTABLE",
            "ImageScanningConfiguration": {"ScanOnPush": True},
            "LifecyclePolicy": {"LifecyclePolicyText": text},
            "Tags": tags(b="2"),
        },
    )
    assert name == name.lower()
    ecr = local_aws.client("ecr")
    found = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"]["scanOnPush"] is True
    policy_text = ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]
    assert json.loads(policy_text) == json.loads(text)
    listed = ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    assert as_map(listed) == {"b": "2"}


def test_role(stack: Stack, local_aws: LocalAws) -> None:
    read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    name = update(
        stack,
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": trust("sagemaker"),
            "Policies": [{"PolicyName": "p", "PolicyDocument": policy("s3:GetObject")}],
            "Tags": tags(a="1"),
        },
        {
            "AssumeRolePolicyDocument": trust("lambda"),
            "Policies": [{"PolicyName": "q", "PolicyDocument": policy("s3:PutObject")}],
            "ManagedPolicyArns": [read_only],
            "Description": "what for",
            "MaxSessionDuration": 7200,
            "Tags": tags(a="2"),
        },
    )
    iam = local_aws.client("iam")
    role = iam.get_role(RoleName=name)["Role"]
    assert "lambda.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])
    assert (role["Description"], role["MaxSessionDuration"]) == ("what for", 7200)
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["q"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert [p["PolicyArn"] for p in attached] == [read_only]
    assert as_map(iam.list_role_tags(RoleName=name)["Tags"]) == {"a": "2"}
    stack.delete()
    assert name not in {r["RoleName"] for r in iam.list_roles()["Roles"]}


def test_policies_of_roles(stack: Stack, local_aws: LocalAws) -> None:
    role = resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust("sagemaker"))

    def resources(action: str) -> dict[str, dict[str, Any]]:
        shared = {"PolicyDocument": policy(action), "Roles": [{"Ref": "Role"}]}
        return {
            "Role": role,
            "Inline": resource("AWS::IAM::Policy", PolicyName="inline", **shared),
            "Managed": resource("AWS::IAM::ManagedPolicy", **shared),
        }

    deploy(stack, **resources("s3:GetObject"))
    deploy(stack, **resources("s3:PutObject"))
    iam, name = local_aws.client("iam"), stack.physical_id("Role")
    inline = iam.get_role_policy(RoleName=name, PolicyName="inline")["PolicyDocument"]
    assert inline["Statement"][0]["Action"] == "s3:PutObject"
    managed = stack.physical_id("Managed")
    version = iam.get_policy(PolicyArn=managed)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=managed, VersionId=version)["PolicyVersion"]
    assert found["Document"]["Statement"][0]["Action"] == "s3:PutObject"
    stack.delete()
    assert stack.cloudformation.list_stacks(StackStatusFilter=["DELETE_FAILED"])["StackSummaries"] == []


def test_key_and_alias(stack: Stack, local_aws: LocalAws) -> None:
    def key(description: str, *, rotate: bool) -> dict[str, Any]:
        return resource(
            "AWS::KMS::Key",
            KeyPolicy=policy("kms:*"),
            Description=description,
            EnableKeyRotation=rotate,
            Tags=tags(d=description),
        )

    alias = resource("AWS::KMS::Alias", AliasName=f"alias/{stack.name}", TargetKeyId={"Ref": "Key"})
    deploy(stack, Key=key("one", rotate=False), Alias=alias)
    identity = stack.physical_id("Key")
    deploy(stack, Key=key("two", rotate=True), Alias=alias)
    kms = local_aws.client("kms")
    found = kms.describe_key(KeyId=f"alias/{stack.name}")["KeyMetadata"]
    assert (found["KeyId"], found["Description"]) == (identity, "two")
    assert kms.get_key_rotation_status(KeyId=identity)["KeyRotationEnabled"] is True
    listed = kms.list_resource_tags(KeyId=identity)["Tags"]
    assert [(t["TagKey"], t["TagValue"]) for t in listed] == [("d", "two")]


def test_topic_keeps_its_subscriptions(stack: Stack, local_aws: LocalAws) -> None:
    def mail(name: str) -> dict[str, str]:
        return {"Protocol": "email", "Endpoint": f"{name}@example.com"}

    topic = update(
        stack,
        "AWS::SNS::Topic",
        {"DisplayName": "one", "Subscription": [mail("a"), mail("b")]},
        {"DisplayName": "two", "Subscription": [mail("b"), mail("c")], "Tags": tags(a="1")},
    )
    sns = local_aws.client("sns")
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["DisplayName"] == "two"
    found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert {s["Endpoint"] for s in found} == {"b@example.com", "c@example.com"}
    assert as_map(sns.list_tags_for_resource(ResourceArn=topic)["Tags"]) == {"a": "1"}


def test_topic_policy_and_subscription(stack: Stack, local_aws: LocalAws) -> None:
    def resources(action: str, *, raw: bool) -> dict[str, dict[str, Any]]:
        return {
            "T": resource("AWS::SNS::Topic"),
            "Q": resource("AWS::SQS::Queue"),
            "P": resource("AWS::SNS::TopicPolicy", Topics=[{"Ref": "T"}], PolicyDocument=policy(action)),
            "S": resource(
                "AWS::SNS::Subscription",
                TopicArn={"Ref": "T"},
                Protocol="sqs",
                Endpoint={"Fn::GetAtt": ["Q", "Arn"]},
                RawMessageDelivery=raw,
            ),
        }

    deploy(stack, **resources("sns:Publish", raw=False))
    subscription = stack.physical_id("S")
    deploy(stack, **resources("sns:Subscribe", raw=True))
    sns = local_aws.client("sns")
    assert stack.physical_id("S") == subscription
    found = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert found["RawMessageDelivery"] == "true"
    topic = sns.get_topic_attributes(TopicArn=stack.physical_id("T"))["Attributes"]
    assert "sns:Subscribe" in topic["Policy"]


def test_queue_and_its_policy(stack: Stack, local_aws: LocalAws) -> None:
    def resources(action: str, **properties: Any) -> dict[str, dict[str, Any]]:
        return {
            "Q": resource("AWS::SQS::Queue", **properties),
            "P": resource("AWS::SQS::QueuePolicy", Queues=[{"Ref": "Q"}], PolicyDocument=policy(action)),
        }

    deploy(stack, **resources("sqs:SendMessage", VisibilityTimeout=60, Tags=tags(a="1")))
    deploy(stack, **resources("sqs:ReceiveMessage", DelaySeconds=5, Tags=tags(b="2")))
    sqs, url = local_aws.client("sqs"), stack.physical_id("Q")
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["DelaySeconds"], found["VisibilityTimeout"]) == ("5", "30")
    assert "sqs:ReceiveMessage" in found["Policy"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "2"}


def test_log_group(stack: Stack, local_aws: LocalAws) -> None:
    name = update(
        stack,
        "AWS::Logs::LogGroup",
        {"RetentionInDays": 7, "Tags": tags(a="1")},
        {"RetentionInDays": 30, "Tags": tags(b="2")},
    )
    logs = local_aws.client("logs")
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
    assert found["retentionInDays"] == 30
    assert logs.list_tags_log_group(logGroupName=name)["tags"] == {"b": "2"}


def test_alarm_keeps_its_state_when_it_changes(stack: Stack, local_aws: LocalAws) -> None:
    def alarm(threshold: float) -> dict[str, Any]:
        return {
            "Namespace": "N",
            "MetricName": "m",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": threshold,
            "Tags": tags(t=str(threshold)),
        }

    deploy(stack, R=resource("AWS::CloudWatch::Alarm", **alarm(1)))
    name, cloudwatch = stack.physical_id("R"), local_aws.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    deploy(stack, R=resource("AWS::CloudWatch::Alarm", **alarm(2)))
    found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    assert (found["Threshold"], found["StateValue"]) == (2, "ALARM")
    listed = cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]
    assert as_map(listed) == {"t": "2"}


def test_composite_alarm_and_dashboard(stack: Stack, local_aws: LocalAws) -> None:
    def resources(rule: str, body: str) -> dict[str, dict[str, Any]]:
        return {
            "C": resource("AWS::CloudWatch::CompositeAlarm", AlarmRule=rule),
            "D": resource("AWS::CloudWatch::Dashboard", DashboardBody=body),
        }

    deploy(stack, **resources("FALSE", '{"widgets":[]}'))
    deploy(stack, **resources("TRUE", '{"widgets":[],"start":"-P1D"}'))
    cloudwatch = local_aws.client("cloudwatch")
    found = cloudwatch.describe_alarms(AlarmNames=[stack.physical_id("C")], AlarmTypes=["CompositeAlarm"])[
        "CompositeAlarms"
    ][0]
    assert (found["AlarmRule"], found["StateValue"]) == ("TRUE", "ALARM")
    dashboard = cloudwatch.get_dashboard(DashboardName=stack.physical_id("D"))
    assert "-P1D" in dashboard["DashboardBody"]


def test_scalable_target_and_policy(stack: Stack, local_aws: LocalAws) -> None:
    endpoint = f"endpoint/{stack.name}/variant/main"
    dimension = "sagemaker:variant:DesiredInstanceCount"

    def resources(most: int, value: float, schedule: str) -> dict[str, dict[str, Any]]:
        action = {
            "ScheduledActionName": schedule,
            "Schedule": "cron(0 8 * * ? *)",
            "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": most},
        }
        metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        return {
            "T": resource(
                "AWS::ApplicationAutoScaling::ScalableTarget",
                ServiceNamespace="sagemaker",
                ResourceId=endpoint,
                ScalableDimension=dimension,
                MinCapacity=1,
                MaxCapacity=most,
                RoleARN=ROLE,
                ScheduledActions=[action],
            ),
            "P": resource(
                "AWS::ApplicationAutoScaling::ScalingPolicy",
                PolicyName="p",
                PolicyType="TargetTrackingScaling",
                ScalingTargetId={"Ref": "T"},
                TargetTrackingScalingPolicyConfiguration={
                    "TargetValue": value,
                    "PredefinedMetricSpecification": metric,
                },
            ),
        }

    # Scaling wants an endpoint that exists.
    local_aws.client("sagemaker").create_model(
        ModelName=stack.name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "image"}
    )
    variant = {
        "VariantName": "main",
        "ModelName": stack.name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    local_aws.client("sagemaker").create_endpoint_config(EndpointConfigName=stack.name, ProductionVariants=[variant])
    local_aws.client("sagemaker").create_endpoint(EndpointName=stack.name, EndpointConfigName=stack.name)
    deploy(stack, **resources(4, 70.0, "morning"))
    deploy(stack, **resources(8, 35.0, "evening"))
    scaling = local_aws.client("application-autoscaling")
    where = {"ServiceNamespace": "sagemaker"}
    target = scaling.describe_scalable_targets(**where, ResourceIds=[endpoint])["ScalableTargets"]
    assert [t["MaxCapacity"] for t in target] == [8]
    policies = scaling.describe_scaling_policies(**where, ResourceId=endpoint)["ScalingPolicies"]
    tracking = policies[0]["TargetTrackingScalingPolicyConfiguration"]
    assert (len(policies), tracking["TargetValue"]) == (1, 35.0)
    actions = scaling.describe_scheduled_actions(**where, ResourceId=endpoint)["ScheduledActions"]
    assert [a["ScheduledActionName"] for a in actions] == ["evening"]
    stack.delete()
    left = scaling.describe_scalable_targets(**where, ResourceIds=[endpoint])["ScalableTargets"]
    assert left == []


def test_function_and_permission(stack: Stack, local_aws: LocalAws) -> None:
    def resources(code: str, memory: int) -> dict[str, dict[str, Any]]:
        return {
            "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust("lambda")),
            "F": resource(
                "AWS::Lambda::Function",
                Code={"ZipFile": code},
                Handler="index.handler",
                Runtime="python3.13",
                Role={"Fn::GetAtt": ["Role", "Arn"]},
                MemorySize=memory,
                Environment={"Variables": {"MEMORY": memory}},
                Tags=tags(m=str(memory)),
            ),
            "P": resource(
                "AWS::Lambda::Permission",
                FunctionName={"Ref": "F"},
                Action="lambda:InvokeFunction",
                Principal="scheduler.amazonaws.com",
            ),
        }

    deploy(stack, **resources("def handler(e, c): return 1", 128))
    client, name = local_aws.client("lambda"), stack.physical_id("F")
    before = client.get_function(FunctionName=name)["Configuration"]["CodeSha256"]
    deploy(stack, **resources("def handler(e, c): return 2", 256))
    found = client.get_function(FunctionName=name)
    assert stack.physical_id("F") == name
    assert found["Configuration"]["CodeSha256"] != before
    assert found["Configuration"]["MemorySize"] == 256
    assert found["Configuration"]["Environment"]["Variables"] == {"MEMORY": "256"}
    assert found["Tags"] == {"m": "256"}
    assert "scheduler.amazonaws.com" in client.get_policy(FunctionName=name)["Policy"]


def test_schedule_in_a_group(stack: Stack, local_aws: LocalAws) -> None:
    def resources(rate: str) -> dict[str, dict[str, Any]]:
        return {
            "G": resource("AWS::Scheduler::ScheduleGroup", Name=stack.name, Tags=tags(r=rate)),
            "S": resource(
                "AWS::Scheduler::Schedule",
                Name="s",
                GroupName={"Ref": "G"},
                ScheduleExpression=rate,
                FlexibleTimeWindow={"Mode": "OFF"},
                Target={"Arn": "arn:aws:lambda:eu-west-1:111122223333:function:f", "RoleArn": ROLE},
            ),
        }

    deploy(stack, **resources("rate(1 day)"))
    deploy(stack, **resources("rate(2 days)"))
    scheduler = local_aws.client("scheduler")
    found = scheduler.get_schedule(Name="s", GroupName=stack.name)
    assert found["ScheduleExpression"] == "rate(2 days)"
    stack.delete()
    names = {g["Name"] for g in scheduler.list_schedule_groups()["ScheduleGroups"]}
    assert stack.name not in names


def test_budget(stack: Stack, local_aws: LocalAws) -> None:
    def budget(amount: int) -> dict[str, Any]:
        return {
            "Budget": {
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
                "BudgetLimit": {"Amount": amount, "Unit": "USD"},
            }
        }

    name = update(stack, "AWS::Budgets::Budget", budget(10), budget(20))
    found = local_aws.client("budgets").describe_budget(AccountId=ACCOUNT, BudgetName=name)
    assert float(found["Budget"]["BudgetLimit"]["Amount"]) == 20


def test_parameter_changes_reach_its_attributes(stack: Stack, local_aws: LocalAws) -> None:
    def resources(value: str) -> dict[str, dict[str, Any]]:
        return {
            "A": resource("AWS::SSM::Parameter", Type="String", Value=value, Tags={"v": value}),
            "B": resource("AWS::SSM::Parameter", Type="String", Value={"Fn::GetAtt": ["A", "Value"]}),
        }

    deploy(stack, **resources("one"))
    deploy(stack, **resources("two"))
    ssm = local_aws.client("ssm")
    assert ssm.get_parameter(Name=stack.physical_id("B"))["Parameter"]["Value"] == "two"
    listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=stack.physical_id("A"))["TagList"]
    assert as_map(listed) == {"v": "two"}


def test_model_package_group(stack: Stack, local_aws: LocalAws) -> None:
    name = f"{stack.name}-group"
    group = {"ModelPackageGroupName": name}
    arn = update(
        stack,
        "AWS::SageMaker::ModelPackageGroup",
        {**group, "Tags": tags(a="1")},
        {**group, "Tags": tags(a="2")},
    )
    found = local_aws.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
    assert as_map(found) == {"a": "2"}


@pytest.mark.parametrize("kind", ["AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle"])
def test_types_that_only_have_to_be_accepted(stack: Stack, kind: str) -> None:
    deploy(stack, R=resource(kind))
