"""The whole checklist: all checks in one order, and one that cannot be made has failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from slipway.ops.preflight.checklist import Scope, preflight
from slipway.ops.preflight.report import Check, Outcome, Report
from slipway.ops.target import Target
from slipway.spec.environment import Environment
from tests.unit.ops.conftest import Declare

ORDER = (
    ("", "credentials"),
    ("", "stacks"),
    *(
        ("iris", name)
        for name in (
            "stack",
            "endpoint",
            "live config",
            "alarms",
            "update",
            "artifacts",
            "images",
            "quota",
            "previous revision",
        )
    ),
)
KEY = "models/iris/v1/model.tar.gz"
#: What each call answers in an account where all is well; moto has neither Service Quotas nor IAM's simulation.
Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def refusal(code: str, message: str = "no", operation: str = "x") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Account:
    """Answers calls before they are made; what is not known here goes to moto."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Exception] = {
            "SimulatePrincipalPolicy": lambda call: {
                "EvaluationResults": [
                    {"EvalActionName": call["ActionNames"][0], "EvalResourceName": arn, "EvalDecision": "allowed"}
                    for arn in call["ResourceArns"]
                ]
            },
            "ListServiceQuotas": lambda _: {
                "Quotas": [{"QuotaName": "ml.m5.large for endpoint usage", "QuotaCode": "L-1", "Value": 20.0}]
            },
            "HeadObject": lambda _: {"Metadata": {"sha256": "a" * 64}},
        }
        self.seconds = 0.0
        self.most = 0
        self._now = 0

    def before(self, model: Any, call: Mapping[str, Any]) -> Any:
        answer = self.answers.get(model.name)
        if self.seconds:
            self._now += 1
            self.most = max(self.most, self._now)
            time.sleep(self.seconds)
            self._now -= 1
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            return None
        return _Http(), answer(call)


class _Http:
    status_code = 200
    headers: Mapping[str, str] = {}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    known = Account()

    def client(self: Target, service: str) -> Any:
        made: Any = boto3.client(service, region_name=self.region)  # type: ignore[call-overload]
        calls: dict[str, Mapping[str, Any]] = {}

        def note(params: Mapping[str, Any], model: Any, **_: Any) -> None:
            calls[model.name] = params

        made.meta.events.register("provide-client-params", note)
        made.meta.events.register(
            "before-call",
            lambda model, **_: known.before(model, calls.get(model.name, {})),
        )
        return made

    monkeypatch.setattr(Target, "client", client)
    with mock_aws():
        yield known


TARGET = Target("aws", "123456789012", "eu-west-1", {}, "")


def run(environment: Environment, *, existing: bool = False) -> Report:
    names = tuple(environment.endpoints)
    return preflight(environment, TARGET, Scope(names, {KEY: "a" * 64}, existing=existing))


def outcome(report: Report, name: str) -> Check:
    (found,) = [check for check in report.checks if check.name == name]
    return found


@pytest.mark.usefixtures("aws")
def test_before_the_first_deployment_all_is_well(declare: Declare) -> None:
    report = run(declare())
    assert tuple((check.endpoint, check.name) for check in report.checks) == ORDER
    assert report.summary == "11 checks: 11 ok", "\n".join(report.lines())
    assert report.updates == {}


@pytest.mark.usefixtures("aws")
def test_a_deployment_checks_only_the_endpoints_that_are_there(declare: Declare) -> None:
    report = run(declare(), existing=True)
    assert tuple((check.endpoint, check.name) for check in report.checks) == ORDER[:2]


def test_a_check_that_may_not_be_made_has_failed_and_the_others_are_told(aws: Account, declare: Declare) -> None:
    aws.answers["DescribeStacks"] = refusal("AccessDenied", "cloudformation:DescribeStacks is not allowed")
    report = run(declare())
    found = outcome(report, "stack")
    assert found.outcome is Outcome.FAILED
    assert found.findings[0].text == (
        "could not be checked: stack of iris: not allowed: cloudformation:DescribeStacks is not allowed"
    )
    assert "Who may do what" in found.findings[0].do
    assert outcome(report, "artifacts").outcome is Outcome.OK
    assert tuple((check.endpoint, check.name) for check in report.checks) == ORDER


def test_throttling_is_explained(aws: Account, declare: Declare) -> None:
    aws.answers["HeadObject"] = refusal("ThrottlingException", "Rate exceeded")
    found = outcome(run(declare()), "artifacts")
    assert found.findings[0].text == (
        "could not be checked: artifacts of iris: AWS throttles these calls (ThrottlingException: Rate exceeded): wait "
        "a minute, then repeat this"
    )


def test_what_nobody_foresaw_fails_the_one_check(aws: Account, declare: Declare) -> None:
    aws.answers["HeadObject"] = ValueError("an odd answer")
    report = run(declare())
    assert outcome(report, "artifacts").findings[0].text == "could not be checked: artifacts of iris: an odd answer"
    assert report.count(Outcome.FAILED) == 1


def test_an_endpoint_about_which_nothing_may_be_asked_counts_as_there(aws: Account, declare: Declare) -> None:
    aws.answers["DescribeEndpoint"] = refusal("AccessDeniedException")
    report = run(declare(), existing=True)
    assert outcome(report, "endpoint").outcome is Outcome.FAILED


def test_checks_wait_for_aws_side_by_side(aws: Account, declare: Declare) -> None:
    names = [f"iris{number}" for number in range(6)]
    model = declare().endpoints["iris"]
    environment = declare().model_copy(update={"endpoints": dict.fromkeys(names, model)})
    aws.seconds = 0.05
    report = run(environment)
    assert len(report.checks) == 2 + 6 * 9
    assert aws.most > 2
