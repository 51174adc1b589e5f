"""The operator's policy: everything that operating commands look at, nothing of another environment, and no change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from slipway.local.iam_policy import Decision, Request, evaluate
from tests.synth.test_foundation import actions, policy
from tests.synth.test_foundation_modes import COMPONENTS, QUIET

Declared = Callable[..., Any]
ACCOUNT, REGION = "111122223333", "eu-west-1"
PREFIX, OTHER = "rc-project-a-staging", "rc-project-b-staging"
BUCKET = "arn:aws:s3:::acme-sm-rc-project-a-staging-eu-west-1"
OURS = {f"aws:ResourceTag/{k}": v for k, v in {"Team": "rc", "Project": "project-a", "Environment": "staging"}.items()}
THEIRS = {**OURS, "aws:ResourceTag/Project": "project-b"}


def arn(service: str, resource: str) -> str:
    region = "" if service == "iam" else REGION
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def decide(found: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
    return evaluate(list(found.values()), Request(action, resource, context or {})) is Decision.ALLOWED


def operator(declared: Declared, endpoint: Mapping[str, Any] | None = None, **top: Any) -> dict[str, dict[str, Any]]:
    return policy(declared(endpoint or {}, **{**QUIET, **top}), "-Operator")


def test_it_only_looks(declared: Declared) -> None:
    found = operator(declared, COMPONENTS, repositories=["iris"], bucket={"encryption": "kms"})
    verbs = ("Describe", "List", "Get", "BatchGet", "SimulatePrincipalPolicy")
    assert {a for a in actions(found) if not a.split(":")[1].startswith(verbs)} == {"kms:Decrypt"}
    assert {s["Effect"] for s in found.values()} == {"Allow"}
    assert {a.split(":")[1] for a in found["Look"]["Action"] if not a.split(":")[1].startswith(verbs[:3])} == set()


def looks(prefix: str) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """What operating commands ask, of an environment."""
    tags = OURS if prefix == PREFIX else THEIRS
    bucket = BUCKET.replace("rc-project-a-staging", prefix)
    yield "sagemaker:ListTags", arn("sagemaker", f"endpoint/{prefix}-iris-ep"), tags
    yield "sagemaker:DescribeModel", arn("sagemaker", "model/x"), tags
    yield "sagemaker:ListTags", arn("sagemaker", "model/x"), tags
    yield "sagemaker:ListTags", arn("sagemaker", "endpoint-config/x"), tags
    for action in ("DescribeStacks", "DescribeStackResources", "DescribeStackResource", "ListStackResources"):
        yield f"cloudformation:{action}", arn("cloudformation", f"stack/{prefix}-iris/0123"), {}
    yield "cloudformation:GetTemplate", arn("cloudformation", f"stack/{prefix}-iris/0123"), {}
    yield "cloudwatch:DescribeAlarmHistory", arn("cloudwatch", f"alarm:{prefix}-iris-ep-rollback-latency"), {}
    yield "iam:SimulatePrincipalPolicy", arn("iam", f"role/SageMaker-{prefix}-{REGION}-ExecutionRole"), {}
    yield "s3:GetObject", f"{bucket}/models/iris/v1/model.tar.gz", {}
    yield "s3:ListBucket", bucket, {}
    yield "ecr:DescribeImages", arn("ecr", f"repository/{prefix}-iris"), {}


@pytest.mark.parametrize(("prefix", "allowed"), [(PREFIX, True), (OTHER, False)], ids=["ours", "another project's"])
def test_it_looks_at_this_environment_and_no_other(declared: Declared, prefix: str, *, allowed: bool) -> None:
    found = operator(declared, repositories=["iris"])
    decided = {(action, resource): decide(found, action, resource, tags) for action, resource, tags in looks(prefix)}
    assert decided == dict.fromkeys(decided, allowed)
    assert len(decided) == 14


def test_instances_of_all_endpoints_count_against_a_quota_so_it_may_count_them(declared: Declared) -> None:
    found = operator(declared)
    assert decide(found, "sagemaker:DescribeEndpoint", arn("sagemaker", f"endpoint/{OTHER}-iris-ep"))
    assert decide(found, "sagemaker:DescribeEndpointConfig", arn("sagemaker", "endpoint-config/x"))
    assert decide(found, "sagemaker:ListEndpoints", "*")
    assert decide(found, "servicequotas:ListServiceQuotas", "*")
    assert not decide(found, "sagemaker:ListTags", arn("sagemaker", f"endpoint/{OTHER}-iris-ep"))


def test_it_may_not_invoke_nor_change_anything(declared: Declared) -> None:
    found = operator(declared)
    mine = arn("sagemaker", f"endpoint/{PREFIX}-iris-ep")
    for action in ("InvokeEndpoint", "UpdateEndpoint", "DeleteEndpoint", "AddTags", "DeleteTags"):
        assert not decide(found, f"sagemaker:{action}", mine, OURS), action
    assert not decide(found, "iam:PassRole", arn("iam", f"role/SageMaker-{PREFIX}-{REGION}-ExecutionRole"))
    assert not decide(found, "s3:PutObject", f"{BUCKET}/models/iris/v1/model.tar.gz")
    assert not decide(found, "s3:GetObject", f"{BUCKET}/async/iris/in/request")


def test_alarms_of_somebodys_own_may_be_looked_back_at_where_the_config_names_them(declared: Declared) -> None:
    endpoint = {"deployment": {"strategy": "rolling", "rollback_alarms": {"also": ["checkout-failures"]}}}
    mine = arn("cloudwatch", "alarm:checkout-failures")
    assert decide(operator(declared, endpoint), "cloudwatch:DescribeAlarmHistory", mine)
    assert not decide(operator(declared), "cloudwatch:DescribeAlarmHistory", mine)


def test_components_are_looked_at_only_where_there_are_any(declared: Declared) -> None:
    mine = arn("sagemaker", f"inference-component/{PREFIX}-iris--prices")
    found = operator(declared, COMPONENTS)
    assert decide(found, "sagemaker:DescribeInferenceComponent", mine)
    assert decide(found, "sagemaker:ListTags", mine)
    assert not [a for a in actions(operator(declared)) if "InferenceComponent" in a]


def test_the_key_is_used_through_s3_and_only_where_it_encrypts_artifacts(declared: Declared) -> None:
    assert "DecryptArtifacts" not in operator(declared)
    found = operator(declared, bucket={"encryption": "kms"})["DecryptArtifacts"]
    assert found["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}


def test_repositories_and_removals_are_looked_at_only_where_there_are_any(
    declared: Declared, synthesized: Callable[[str], Any]
) -> None:
    plain = operator(declared)
    assert "LookAtImages" not in plain
    assert "LookForRemovals" not in plain
    found = policy(synthesized("dev"), "-Operator")["LookForRemovals"]
    assert found["Resource"] == arn("ssm", "parameter/slipway/rc-project-a-dev/removed")
