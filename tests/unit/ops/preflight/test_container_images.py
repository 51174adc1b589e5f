"""Images: there, and readable by the execution role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.ops.preflight.container_images import ImageCheck
from slipway.ops.preflight.permissions import Role
from slipway.ops.preflight.report import Finding, Outcome
from tests.unit.ops.preflight.fakes import ACCOUNT, PREFIX, ROLE, Stubs, environment

REPOSITORY = f"{PREFIX}-iris"
URI = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/{REPOSITORY}"
ARN = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/{REPOSITORY}"
DIGEST = f"sha256:{'0' * 64}"
OK, WARNING, FAILED = Outcome.OK, Outcome.WARNING, Outcome.FAILED
OWN = {"repository": "iris", "tag": "2"}


@pytest.fixture
def stubs() -> Stubs:
    return Stubs("ecr", "iam")


def check(stubs: Stubs, image: Mapping[str, Any]) -> list[Finding]:
    declared = environment({"model": {"image": image}}, repositories=["iris"])
    return list(ImageCheck(declared, stubs.clients, Role(stubs.clients, ROLE)).findings("iris"))


def described(stubs: Stubs, how: Mapping[str, str], repository: str = REPOSITORY, account: str = ACCOUNT) -> None:
    wanted = {"registryId": account, "repositoryName": repository, "imageIds": [how]}
    stubs["ecr"].add_response("describe_images", {"imageDetails": []}, wanted)


def test_an_image_that_aws_publishes_is_there(stubs: Stubs) -> None:
    (found,) = check(stubs, {"framework": "sklearn", "tag": "1.4-2-cpu-py3"})
    assert (found.outcome, found.text) == (OK, "AWS's own sagemaker-scikit-learn:1.4-2-cpu-py3")
    stubs.done()


def test_so_is_one_that_is_written_out(stubs: Stubs) -> None:
    uri = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
    (found,) = check(stubs, {"uri": uri})
    assert (found.outcome, found.text) == (OK, uri)


@pytest.mark.parametrize(
    ("image", "how", "uri"),
    [
        (OWN, {"imageTag": "2"}, f"{URI}:2"),
        ({"repository": "iris", "digest": DIGEST}, {"imageDigest": DIGEST}, f"{URI}@{DIGEST}"),
    ],
    ids=["by tag", "by digest"],
)
def test_an_image_of_the_environments_own_is_looked_for(
    stubs: Stubs, image: Mapping[str, Any], how: Mapping[str, str], uri: str
) -> None:
    described(stubs, how)
    stubs.allowed("ecr:BatchGetImage", ARN)
    (found,) = check(stubs, image)
    assert (found.outcome, found.text) == (OK, f"{uri}, and the execution role may read it")
    stubs.done()


def test_an_image_that_was_not_pushed_is_missed(stubs: Stubs) -> None:
    stubs["ecr"].add_client_error("describe_images", "ImageNotFoundException", "no")
    (found,) = check(stubs, OWN)
    assert (found.outcome, found.text, found.do) == (
        FAILED,
        f"{URI}:2 is not there",
        "push it, or declare another one",
    )


def test_a_repository_that_the_foundation_has_yet_to_make_says_so(stubs: Stubs) -> None:
    stubs["ecr"].add_client_error("describe_images", "RepositoryNotFoundException", "no")
    (found,) = check(stubs, OWN)
    assert found.outcome is FAILED
    assert found.do == f"npx cdk deploy -c env=staging {PREFIX}-foundation, then push the image"


def test_the_role_has_to_be_allowed_to_read_it(stubs: Stubs) -> None:
    described(stubs, {"imageTag": "2"})
    stubs.allowed("ecr:BatchGetImage", ARN, decision="implicitDeny")
    (found,) = check(stubs, OWN)
    assert found.outcome is FAILED
    assert f"the execution role may not read {URI}:2" in found.text


def test_another_accounts_image_that_may_not_be_looked_at_is_a_warning(stubs: Stubs) -> None:
    stubs["ecr"].add_client_error("describe_images", "AccessDeniedException", "no")
    (found,) = check(stubs, {"uri": "210987654321.dkr.ecr.eu-west-1.amazonaws.com/llm:3"})
    assert found.outcome is WARNING
    assert found.do == "looking takes ecr:DescribeImages on the repository of account 210987654321"


def test_another_accounts_image_is_readable_by_what_the_deployment_brings(stubs: Stubs) -> None:
    described(stubs, {"imageTag": "3"}, "llm", "210987654321")
    arn = "arn:aws:ecr:eu-west-1:210987654321:repository/llm"
    stubs.allowed("ecr:BatchGetImage", arn, decision="implicitDeny")
    (found,) = check(stubs, {"uri": "210987654321.dkr.ecr.eu-west-1.amazonaws.com/llm:3"})
    assert found.outcome is WARNING


def test_a_registry_of_ones_own_cannot_be_looked_into(stubs: Stubs) -> None:
    (found,) = check(stubs, {"uri": "registry.example.com/llm:3"})
    assert found.outcome is WARNING
    assert "it is in a registry of your own" in found.text


def test_what_else_ecr_refuses_is_raised(stubs: Stubs) -> None:
    stubs["ecr"].add_client_error("describe_images", "ServerException", "no")
    with pytest.raises(ClientError):
        check(stubs, OWN)
