from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from slipway.spec import images

Synthesized = Callable[[str], Any]
Declared = Callable[..., Any]
PREFIX = "rc-project-a-staging"
RETAINED = {
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::IAM::Role",
    "AWS::SNS::Topic",
    "AWS::ECR::Repository",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::Logs::LogGroup",
}


def framework_registries() -> set[tuple[str, str]]:
    known = [f for f in images.frameworks() if "eu-west-1" in images.regions(f)]
    return {images.registry(framework, "eu-west-1") for framework in known}


def statements(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {s["Sid"]: s for s in document["Statement"]}


def role(assembly: Any) -> dict[str, dict[str, Any]]:
    properties = assembly.only("foundation", "AWS::IAM::Role")
    (policy,) = properties["Policies"]
    return statements(policy["PolicyDocument"])


def actions(found: dict[str, dict[str, Any]]) -> set[str]:
    return {a for s in found.values() for a in (s["Action"] if isinstance(s["Action"], list) else [s["Action"]])}


def policy(assembly: Any, what: str) -> dict[str, dict[str, Any]]:
    for resource in assembly.resources("foundation", "AWS::IAM::ManagedPolicy"):
        if resource["Properties"]["ManagedPolicyName"].endswith(what):
            document = resource["Properties"]["PolicyDocument"]
            return {s.get("Sid", str(i)): s for i, s in enumerate(document["Statement"])}
    raise AssertionError(what)


def bucket(assembly: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        r["Properties"]
        for r in assembly.resources("foundation", "AWS::S3::Bucket")
        if r["Properties"]["BucketName"] == name
    )
    return found


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_the_foundation_is_protected_and_what_holds_state_is_retained(synthesized: Synthesized, name: str) -> None:
    assembly = synthesized(name)
    manifest = json.loads((assembly.folder / "manifest.json").read_text())
    assert (
        manifest["artifacts"][assembly.environment.names.stack("foundation")]["properties"]["terminationProtection"]
        is True
    )
    for resource in assembly.template("foundation")["Resources"].values():
        if resource["Type"] in RETAINED:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", resource["Type"]
            assert resource["UpdateReplacePolicy"] == "Retain", resource["Type"]


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_every_other_stack_depends_on_the_foundation(synthesized: Synthesized, name: str) -> None:
    assembly = synthesized(name)
    manifest = json.loads((assembly.folder / "manifest.json").read_text())
    foundation = assembly.environment.names.stack("foundation")
    for part in ("iris", "operations"):
        assert foundation in manifest["artifacts"][assembly.environment.names.stack(part)]["dependencies"]


def test_stacks_refer_to_each_other_by_name_only(synthesized: Synthesized) -> None:
    assembly = synthesized("prod")
    for part in ("foundation", "iris", "operations"):
        text = json.dumps(assembly.template(part))
        assert "Fn::ImportValue" not in text
        assert '"Export"' not in text


def test_the_model_bucket_is_versioned_private_encrypted_and_logged(declared: Declared) -> None:
    assembly = declared({})
    name = "acme-sm-rc-project-a-staging-eu-west-1"
    found = bucket(assembly, name)
    assert found["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = found["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert found["LoggingConfiguration"]["LogFilePrefix"] == "models/"
    (lifecycle,) = found["LifecycleConfiguration"]["Rules"]
    assert lifecycle["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert lifecycle["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert "ExpirationInDays" not in lifecycle
    assert bucket(assembly, f"{name}-logs")["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 365


def test_development_encrypts_artifacts_with_s3s_own_key(synthesized: Synthesized) -> None:
    (rule,) = bucket(synthesized("dev"), "acme-sm-rc-project-a-dev-eu-west-1")["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_both_buckets_refuse_whatever_is_not_tls(declared: Declared) -> None:
    policies = declared({}).resources("foundation", "AWS::S3::BucketPolicy")
    assert len(policies) == 2
    for resource in policies:
        denied = [s for s in resource["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert any(
            s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} and s["Principal"] == {"AWS": "*"}
            for s in denied
        )


def test_the_account_can_be_added_to_the_buckets_names(declared: Declared) -> None:
    assembly = declared({}, bucket={"account_in_name": True})
    assert bucket(assembly, "acme-sm-rc-project-a-staging-eu-west-1-111122223333")


def test_the_execution_role_trusts_sagemaker_of_this_account_only(declared: Declared) -> None:
    properties = declared({}).only("foundation", "AWS::IAM::Role")
    assert properties["RoleName"] == "SageMaker-rc-project-a-staging-eu-west-1-ExecutionRole"
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:eu-west-1:111122223333:*"},
    }


def test_the_execution_role_may_do_exactly_what_a_plain_endpoint_needs(declared: Declared) -> None:
    found = role(declared({}, encrypt_volumes=False, bucket={"encryption": "s3"}))
    assert actions(found) == {
        "s3:GetObject",
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:GetDownloadUrlForLayer",
        "ecr:BatchGetImage",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "logs:DescribeLogStreams",
        "cloudwatch:PutMetricData",
        "cloudwatch:DescribeAlarms",
    }
    assert found["ReadArtifacts"]["Resource"] == "arn:aws:s3:::acme-sm-rc-project-a-staging-eu-west-1/models/*"
    registries = {arn.split(":")[4] for arn in found["PullImages"]["Resource"]}
    assert "arn:aws:ecr:eu-west-1:141502667606:repository/sagemaker-scikit-learn" in found["PullImages"]["Resource"]
    assert registries <= {account for account, _ in framework_registries()}
    assert not [arn for arn in found["PullImages"]["Resource"] if "*" in arn]
    assert (
        found["WriteLogs"]["Resource"]
        == f"arn:aws:logs:eu-west-1:111122223333:log-group:/aws/sagemaker/Endpoints/{PREFIX}-*"
    )
    assert found["ReadRollbackAlarms"]["Resource"] == f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{PREFIX}-*"
    everything = {sid for sid, s in found.items() if s["Resource"] == "*"}
    assert everything == {"RegistryLogin", "WriteMetrics"}
    assert "cloudwatch:namespace" in found["WriteMetrics"]["Condition"]["StringEquals"]


def test_an_update_to_another_framework_takes_nothing_from_the_old_fleet(declared: Declared) -> None:
    image = {"framework": "xgboost", "tag": "1.7-1"}
    before, after = role(declared({})), role(declared({"model": {"image": image}}))
    assert set(before["PullImages"]["Resource"]) <= set(after["PullImages"]["Resource"])


def test_the_execution_role_may_grant_the_keys_that_variants_name(declared: Declared) -> None:
    arn = "arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"
    named = role(declared({"hosting": {"instance_type": "ml.m5.large", "kms_key": arn}}, encrypt_volumes=False))
    assert (named["GrantVolumeKey"]["Action"], named["GrantVolumeKey"]["Resource"]) == ("kms:CreateGrant", arn)
    aliased = role(declared({"hosting": {"instance_type": "ml.m5.large", "kms_key": "alias/mine"}}))
    condition = aliased["GrantVolumeKeyByAlias"]["Condition"]["ForAnyValue:StringEquals"]
    assert condition == {"kms:ResourceAliases": ["alias/mine"]}


def test_the_execution_role_gets_keys_only_where_they_are_used(declared: Declared) -> None:
    both = role(declared({}))
    assert {"kms:Decrypt", "kms:CreateGrant", "kms:DescribeKey"} <= actions(both)
    assert both["GrantVolumeKey"]["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    only_bucket = role(declared({}, encrypt_volumes=False))
    assert {a for a in actions(only_bucket) if a.startswith("kms:")} == {"kms:Decrypt"}


def test_the_execution_role_gets_the_network_only_where_there_is_one(
    declared: Declared, synthesized: Synthesized
) -> None:
    assert not {a for a in actions(role(declared({}))) if a.startswith("ec2:")}
    found = role(synthesized("prod"))
    assert "arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-0a1b2c3d4e5f60001" in found["AttachToNetwork"]["Resource"]


def test_the_execution_role_may_read_what_lies_elsewhere_only_where_declared(
    declared: Declared,
) -> None:
    model = {
        "image": {"uri": "210987654321.dkr.ecr.eu-west-1.amazonaws.com/llm:3"},
        "artifact": "s3://elsewhere/llm/v3/",
    }
    found = role(declared({"model": model}))
    assert "arn:aws:s3:::elsewhere/llm/v3/*" in found["ReadArtifacts"]["Resource"]
    assert found["ListArtifacts0"]["Condition"] == {"StringLike": {"s3:prefix": "llm/v3/*"}} or found["ListArtifacts0"][
        "Condition"
    ] == {"StringLike": {"s3:prefix": ["llm/v3/*"]}}
    assert "arn:aws:ecr:eu-west-1:210987654321:repository/llm" in found["PullImages"]["Resource"]


def test_the_execution_role_reads_rollback_alarms_of_other_names_only_where_declared(
    declared: Declared,
) -> None:
    endpoint = {"deployment": {"strategy": "rolling", "rollback_alarms": {"also": ["checkout-failures"]}}}
    assembly = declared(endpoint)
    assert (
        "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-failures"
        in role(assembly)["ReadRollbackAlarms"]["Resource"]
    )
    named = assembly.only("iris", "AWS::SageMaker::Endpoint")["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert {"AlarmName": "checkout-failures"} in named


def test_the_deployer_manages_this_environments_endpoints_only(declared: Declared) -> None:
    found = policy(declared({}), "-Deployer")
    assert found["ManageEndpoints"]["Resource"] == f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/{PREFIX}-*"
    tags = {"Team": "rc", "Project": "project-a", "Environment": "staging"}
    requested = {"StringEquals": {f"aws:RequestTag/{k}": v for k, v in tags.items()}}
    owned = {"StringEquals": {f"aws:ResourceTag/{k}": v for k, v in tags.items()}}
    assert found["CreateRevisions"]["Condition"] == requested
    assert found["TagNewRevisions"]["Condition"]["StringEquals"] == requested["StringEquals"]
    assert found["ManageRevisions"]["Condition"] == owned
    assert found["UseConfigs"]["Condition"] == owned
    assert set(found["UseConfigs"]["Action"]) == {
        "sagemaker:CreateEndpoint",
        "sagemaker:UpdateEndpoint",
    }
    assert found["PassExecutionRole"]["Resource"] == (
        "arn:aws:iam::111122223333:role/SageMaker-rc-project-a-staging-eu-west-1-ExecutionRole"
    )
    assert found["PassExecutionRole"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }
    open_ended = {sid for sid, s in found.items() if s["Resource"] == "*"}
    assert open_ended == {"Look"}
    assert all(a.split(":")[1].startswith(("Describe", "Get", "List")) for a in found["Look"]["Action"])


@pytest.mark.parametrize("sid", ["TagNewRevisions", "Scale", "TagScalableTargets"])
def test_the_deployer_cannot_take_over_what_bears_another_environments_tags(declared: Declared, sid: str) -> None:
    tags = {"Team": "rc", "Project": "project-a", "Environment": "staging"}
    found = policy(declared({}), "-Deployer")
    # A tag that is there must be ours; what has none may be new.
    assert found[sid]["Condition"]["StringEqualsIfExists"] == {f"aws:ResourceTag/{k}": v for k, v in tags.items()}
    by_generated_name = {
        other
        for other, s in found.items()
        if {"sagemaker:AddTags", "application-autoscaling:TagResource"} & actions({other: s})
        and not json.dumps(s["Resource"]).count(PREFIX)
    }
    assert by_generated_name == {"TagNewRevisions", "TagScalableTargets"}


def test_the_deployer_scales_what_sagemaker_can_scale_only(declared: Declared) -> None:
    scale = policy(declared({}), "-Deployer")["Scale"]
    assert scale["Condition"]["StringEquals"] == {
        "application-autoscaling:service-namespace": "sagemaker",
        "application-autoscaling:scalable-dimension": [
            "sagemaker:variant:DesiredInstanceCount",
            "sagemaker:variant:DesiredProvisionedConcurrency",
            "sagemaker:inference-component:DesiredCopyCount",
        ],
    }


def test_the_deployer_may_grant_the_key_only_where_volumes_are_encrypted(declared: Declared) -> None:
    found = policy(declared({}), "-Deployer")
    assert found["GrantVolumeKey"]["Action"] == "kms:CreateGrant"
    assert found["GrantVolumeKey"]["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert "GrantVolumeKey" not in policy(declared({}, encrypt_volumes=False), "-Deployer")


def test_no_policy_has_an_action_with_a_wildcard(synthesized: Synthesized) -> None:
    for name in ("dev", "staging", "prod"):
        assembly = synthesized(name)
        everything = {
            **role(assembly),
            **policy(assembly, "-Deployer"),
            **policy(assembly, "-Invoker"),
        }
        assert not [a for a in actions(everything) if "*" in a]


def test_the_invoker_may_invoke_and_nothing_else(declared: Declared) -> None:
    found = policy(declared({}), "-Invoker")
    assert actions(found) == {
        "sagemaker:InvokeEndpoint",
        "sagemaker:InvokeEndpointAsync",
        "sagemaker:InvokeEndpointWithResponseStream",
    }
    assert {s["Resource"] for s in found.values()} == {f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/{PREFIX}-*"}


def test_repositories_are_immutable_scanned_and_only_candidates_expire(declared: Declared) -> None:
    repository = declared({}, repositories=["iris"]).only("foundation", "AWS::ECR::Repository")
    assert repository["RepositoryName"] == f"{PREFIX}-iris"
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert repository["EncryptionConfiguration"]["EncryptionType"] == "KMS"
    (rule,) = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert rule["selection"]["tagStatus"] == "tagged"
    assert rule["selection"]["tagPatternList"] == ["candidate-*"]


def test_cloudwatch_may_publish_to_the_encrypted_topic(declared: Declared) -> None:
    assembly = declared({})
    topic = assembly.only("foundation", "AWS::SNS::Topic")
    assert topic["TopicName"] == f"{PREFIX}-alarms"
    assert "KmsMasterKeyId" in topic
    key = assembly.only("foundation", "AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    grant = next(s for s in key["KeyPolicy"]["Statement"] if s.get("Sid") == "AlarmsToTopic")
    assert set(grant["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert grant["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert grant["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    found = {
        s.get("Sid"): s for s in assembly.only("foundation", "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    }
    assert found["Alarms"]["Action"] == "sns:Publish"
    assert any(s["Effect"] == "Deny" and "aws:SecureTransport" in json.dumps(s) for s in found.values())


def test_subscribers_get_the_protocol_that_their_address_tells(declared: Declared) -> None:
    queue = "arn:aws:sqs:eu-west-1:111122223333:alarms"
    assembly = declared({}, notify=["oncall@example.com", "https://example.com/hook", queue])
    found = {
        r["Properties"]["Endpoint"]: r["Properties"]["Protocol"]
        for r in assembly.resources("foundation", "AWS::SNS::Subscription")
    }
    assert found == {
        "oncall@example.com": "email",
        "https://example.com/hook": "https",
        queue: "sqs",
    }


def test_a_subscriber_keeps_its_place_when_another_goes(declared: Declared) -> None:
    def ids(*notify: str) -> dict[str, str]:
        resources = declared({}, notify=list(notify)).template("foundation")["Resources"]
        return {
            r["Properties"]["Endpoint"]: key for key, r in resources.items() if r["Type"] == "AWS::SNS::Subscription"
        }

    both = ids("first@example.com", "second@example.com")
    assert ids("second@example.com") == {"second@example.com": both["second@example.com"]}


def test_model_package_groups_are_declared_by_convention(declared: Declared) -> None:
    group = declared({}, model_package_groups=["iris"]).only("foundation", "AWS::SageMaker::ModelPackageGroup")
    assert group["ModelPackageGroupName"] == f"{PREFIX}-iris"


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_whatever_can_be_tagged_in_the_foundation_is(synthesized: Synthesized, name: str) -> None:
    for resource in synthesized(name).template("foundation")["Resources"].values():
        if resource["Type"] in RETAINED:
            tags = {t["Key"]: t["Value"] for t in resource["Properties"]["Tags"]}
            assert {
                "Team": "rc",
                "Project": "project-a",
                "Environment": name,
            }.items() <= tags.items()
