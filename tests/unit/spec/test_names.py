"""Names: no two environments share one, and no permission reaches into another environment."""

from __future__ import annotations

import re
from collections import Counter
from itertools import permutations

import pytest

from slipway.spec.names import ENVIRONMENTS, RESERVED_MODELS, Names, environment_within, partition

PROJECTS = ("a", "a-b", "b", "a-b-c", "ab", "a-ep", "a-eu-west-1", "a-logs", "a-foundation", "devx", "a-1")
MODELS = ("b", "dev-x", "x-dev", "b-ep", "b-dev-b", "eu-west-1", "alarms", "c", "latency", "prod")
REGIONS = ("eu-west-1", "eu-west-2")
ALARMS = ("latency", "errors-5xx-primary", "rollback-latency", "rollback-latency-b")


def names(
    project: str, environment: str, region: str = "eu-west-1", *, company: str = "acme", team: str = "rc"
) -> Names:
    return Names(company, team, project, environment, "123456789012", region)


def regional(n: Names) -> list[tuple[str, str]]:
    """Every name that is unique within an account and a Region, with its kind."""
    kinds: list[tuple[str, str]] = [("topic", n.topic), ("alias", n.key_alias)]
    kinds += [("stack", n.stack(part)) for part in (*RESERVED_MODELS, *MODELS)]
    for model in MODELS:
        kinds += [("endpoint", n.endpoint(model)), ("log group", n.log_group(model))]
        kinds += [("repository", n.repository(model)), ("package group", n.package_group(model))]
        kinds += [("alarm", n.alarm(model, what)) for what in ALARMS]
    return kinds


def global_(n: Names) -> list[tuple[str, str]]:
    """Every name that is unique within an account, or in the world."""
    kinds = [("bucket", n.bucket), ("bucket", n.log_bucket), ("role", n.execution_role)]
    kinds += [("policy", n.deployer_policy), ("policy", n.operator_policy), ("policy", n.invoker_policy)]
    return [*kinds, ("dashboard", n.dashboard()), *(("dashboard", n.dashboard(model)) for model in MODELS)]


ALL = [names(p, e) for p in PROJECTS for e in ENVIRONMENTS]


def twice(names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [name for name, count in Counter(names).items() if count > 1]


def test_no_two_projects_or_environments_in_one_account_share_a_name() -> None:
    assert twice([name for n in ALL for name in regional(n)]) == []
    assert twice([name for n in ALL for name in global_(n)]) == []


def test_a_project_in_two_regions_shares_no_name_that_is_not_regional() -> None:
    everywhere = [names(p, e, r) for p in PROJECTS for e in ENVIRONMENTS for r in REGIONS]
    assert twice([name for n in everywhere for name in global_(n)]) == []


def test_companies_and_accounts_keep_buckets_apart() -> None:
    several = [names("a", "dev", company=c, team=t) for c in ("acme", "acme-rc") for t in ("rc", "x")]
    assert twice([("", n.bucket) for n in several]) == []
    mine = Names("acme", "rc", "a", "dev", "111122223333", "eu-west-1", bucket_with_account=True)
    assert mine.bucket.endswith("-eu-west-1-111122223333")
    assert mine.log_bucket == f"{mine.bucket}-logs"


def test_a_policy_scoped_by_prefix_reaches_no_other_environment() -> None:
    for mine, other in permutations(ALL, 2):
        prefix = f"{mine.prefix}-"
        reached = [name for _, name in regional(other) if name.removeprefix("alias/").split("/")[-1].startswith(prefix)]
        assert reached == [], f"{prefix}* reaches {reached[:3]}"


def test_a_project_that_holds_an_environments_name_would_be_reached_and_is_refused() -> None:
    # Why the rule is there: project `a-dev` in prod begins like project `a` in dev.
    assert names("a-dev", "prod").endpoint("x").startswith(f"{names('a', 'dev').prefix}-")
    for environment in ENVIRONMENTS:
        for project in (environment, f"a-{environment}", f"{environment}-a", f"a-{environment}-b"):
            assert environment_within(project) == environment
    assert [environment_within(p) for p in PROJECTS] == [None] * len(PROJECTS)
    assert environment_within("developer-testing-products") is None


def test_the_names_are_the_convention() -> None:
    n = names("project-a", "dev")
    assert n.endpoint("iris") == "rc-project-a-dev-iris-ep"
    assert n.bucket == "acme-sm-rc-project-a-dev-eu-west-1"
    assert n.execution_role == "SageMaker-rc-project-a-dev-eu-west-1-ExecutionRole"
    assert n.log_group("iris") == "/aws/sagemaker/Endpoints/rc-project-a-dev-iris-ep"
    assert [n.stack(part) for part in ("foundation", "operations", "iris")] == [
        "rc-project-a-dev-foundation",
        "rc-project-a-dev-operations",
        "rc-project-a-dev-iris",
    ]
    assert n.execution_role_arn == "arn:aws:iam::123456789012:role/SageMaker-rc-project-a-dev-eu-west-1-ExecutionRole"
    assert n.topic_arn == "arn:aws:sns:eu-west-1:123456789012:rc-project-a-dev-alarms"
    assert n.repository_uri("x") == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/rc-project-a-dev-x"


@pytest.mark.parametrize(
    ("region", "expected"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("ca-central-1", "aws")],
)
def test_each_region_is_in_its_partition(region: str, expected: str) -> None:
    assert partition(region) == expected
    n = names("a", "dev", region)
    assert n.topic_arn.startswith(f"arn:{expected}:sns:{region}:")
    assert n.repository_uri("x").split("/")[0].endswith(".cn") == (expected == "aws-cn")


PATTERNS = {
    "S3 bucket": r"[a-z0-9][a-z0-9-]*[a-z0-9]",
    "IAM role": r"[\w+=,.@-]+",
    "IAM policy": r"[\w+=,.@-]+",
    "SNS topic": r"[A-Za-z0-9_-]+",
    "KMS alias": r"alias/[a-zA-Z0-9/_-]+",
    "CloudWatch dashboard": r"[A-Za-z0-9_-]+",
    "CloudFormation stack": r"[a-zA-Z][-a-zA-Z0-9]*",
    "endpoint": r"[a-zA-Z0-9](-*[a-zA-Z0-9])*",
    "log group": r"[.\-_/#A-Za-z0-9]+",
}


def test_every_name_is_one_that_its_service_accepts() -> None:
    for n in ALL:
        for limit, name in (*n.of_environment(), *(pair for model in MODELS for pair in n.of_model(model))):
            assert re.fullmatch(PATTERNS[limit.what], name), (limit.what, name)


def test_every_name_is_held_against_its_limit() -> None:
    n = names("a", "dev")
    listed = {name for _, name in n.of_environment()} | {name for _, name in n.of_model("b")}
    policies = {n.deployer_policy, n.operator_policy, n.invoker_policy}
    ours = {n.bucket, n.log_bucket, n.execution_role, *policies, n.topic, n.key_alias}
    ours |= {n.dashboard(), n.dashboard("b"), n.stack("b"), n.stack("foundation"), n.stack("operations")}
    assert listed == ours | {n.endpoint("b"), n.log_group("b")}
