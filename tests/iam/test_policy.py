"""The evaluator decides as the IAM User Guide says; each case names the page, or the rule, that it is from."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.local.iam_policy import Decision, Request, Unsupported, evaluate

ALLOWED, IMPLICIT, EXPLICIT = Decision.ALLOWED, Decision.IMPLICITLY_DENIED, Decision.EXPLICITLY_DENIED
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
ENDPOINT = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/iris"


def allow(action: Any = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return allow(Condition={operator: {key: list(values)}})


@pytest.mark.parametrize(
    ("statements", "decision"),
    [
        pytest.param([], IMPLICIT, id="by default, everything is denied"),
        pytest.param([allow()], ALLOWED, id="an allow overrides the default"),
        pytest.param([allow(), deny()], EXPLICIT, id="an explicit deny overrides any allow"),
        pytest.param([deny(), allow()], EXPLICIT, id="whatever the order"),
        pytest.param([allow("s3:PutObject")], IMPLICIT, id="another action"),
        pytest.param([allow(), deny("s3:PutObject")], ALLOWED, id="a deny of another action"),
        pytest.param([deny()], EXPLICIT, id="a deny alone"),
    ],
)
def test_evaluation_logic(statements: list[dict[str, Any]], decision: Decision) -> None:
    assert evaluate(statements, Request("s3:GetObject", f"{BUCKET}/x")) is decision


@pytest.mark.parametrize(
    ("element", "action", "matches"),
    [
        ({"Action": "s3:*"}, "s3:GetObject", True),
        ({"Action": "s3:Get*"}, "s3:GetObject", True),
        ({"Action": "s3:Get*"}, "s3:PutObject", False),
        ({"Action": "s3:getobject"}, "s3:GetObject", True),  # actions are not case-sensitive
        ({"Action": "iam:*AccessKey*"}, "iam:DeleteAccessKey", True),
        ({"Action": ["sqs:*", "s3:GetObject"]}, "s3:GetObject", True),
        ({"Action": "s3:GetObject?"}, "s3:GetObject", False),
        ({"Action": "s3:GetObjec?"}, "s3:GetObject", True),
        ({"Action": "*"}, "s3:GetObject", True),
        ({"Action": "s3.GetObject"}, "s3:GetObject", False),
        ({"NotAction": "s3:DeleteBucket"}, "s3:GetObject", True),
        ({"NotAction": "s3:DeleteBucket"}, "s3:DeleteBucket", False),
        ({"NotAction": ["iam:*", "s3:*"]}, "s3:GetObject", False),
    ],
)
def test_actions(element: dict[str, Any], action: str, *, matches: bool) -> None:
    statement = {"Effect": "Allow", "Resource": "*", **element}
    assert (evaluate([statement], Request(action, BUCKET)) is ALLOWED) == matches


@pytest.mark.parametrize(
    ("element", "resource", "matches"),
    [
        ({"Resource": "*"}, ENDPOINT, True),
        ({"Resource": "*"}, "*", True),
        ({"Resource": ENDPOINT}, ENDPOINT, True),
        ({"Resource": ENDPOINT}, "*", False),  # the action has no resource, so only * covers it
        ({"Resource": ENDPOINT.upper()}, ENDPOINT, False),
        ({"Resource": "arn:aws:sagemaker:*:*:endpoint/*"}, ENDPOINT, True),
        ({"Resource": "arn:aws:sagemaker:*:*:endpoint/i?is"}, ENDPOINT, True),
        ({"Resource": "arn:aws:sagemaker:eu-west-1:111122223333:model/*"}, ENDPOINT, False),
        ({"Resource": "arn:aws:sagemaker:us-*:111122223333:endpoint/*"}, ENDPOINT, False),
        ({"Resource": "arn:aws:sagemaker:eu-west-1:*:*"}, ENDPOINT, True),
        ({"Resource": "arn:aws:sagemaker:*:endpoint/iris"}, ENDPOINT, False),  # * stays within its part
        ({"Resource": "arn:aws:sns:eu-west-1:111122223333:a*"}, "arn:aws:sns:eu-west-1:111122223333:a:b", True),
        ({"Resource": f"{BUCKET}/*"}, f"{BUCKET}/a/b", True),  # * is no path: it goes over slashes
        ({"Resource": f"{BUCKET}/*"}, BUCKET, False),
        ({"Resource": [BUCKET, f"{BUCKET}/*"]}, BUCKET, True),
        ({"NotResource": [BUCKET, f"{BUCKET}/*"]}, f"{BUCKET}/a", False),
        ({"NotResource": [BUCKET]}, ENDPOINT, True),
    ],
)
def test_resources(element: dict[str, Any], resource: str, *, matches: bool) -> None:
    statement = {"Effect": "Allow", "Action": "*", **element}
    assert (evaluate([statement], Request("sagemaker:DeleteEndpoint", resource)) is ALLOWED) == matches


TAG = "aws:ResourceTag/Environment"


@pytest.mark.parametrize(
    ("operator", "wanted", "found", "holds"),
    [
        # String operators
        ("StringEquals", ["dev"], "dev", True),
        ("StringEquals", ["dev"], "Dev", False),
        ("StringEquals", ["dev"], "prod", False),
        ("StringEquals", ["dev"], None, False),  # a key that is missing does not match
        ("StringEquals", ["dev", "test"], "test", True),  # values of a key are alternatives
        ("StringEquals", ["d*"], "dev", False),  # no wildcards here
        ("StringEquals", ["*"], "*", True),
        ("StringNotEquals", ["dev"], "prod", True),
        ("StringNotEquals", ["dev"], "dev", False),
        ("StringNotEquals", ["dev"], None, True),  # a negated operator matches where the key is missing
        ("StringNotEquals", ["dev", "test"], "test", False),  # neither, not either
        ("StringNotEquals", ["dev", "test"], "prod", True),
        ("StringEqualsIgnoreCase", ["dev"], "DEV", True),
        ("StringNotEqualsIgnoreCase", ["dev"], "DEV", False),
        ("StringLike", ["d*"], "dev", True),
        ("StringLike", ["d?v"], "dev", True),
        ("StringLike", ["d?v"], "dv", False),
        ("StringLike", ["*"], "", True),
        ("StringLike", ["*"], None, False),
        ("StringLike", ["D*"], "dev", False),
        ("StringLike", ["d.v"], "dev", False),
        ("StringNotLike", ["d*"], "dev", False),
        ("StringNotLike", ["d*"], None, True),
        # ARN operators compare the six parts one by one; ArnEquals and ArnLike are the same
        ("ArnLike", ["arn:aws:sns:*:111122223333:*"], "arn:aws:sns:eu-west-1:111122223333:a:b", True),
        ("ArnEquals", ["arn:aws:sns:*:111122223333:*"], "arn:aws:sns:eu-west-1:111122223333:a", True),
        ("ArnLike", ["arn:aws:sns:*:x"], "arn:aws:sns:eu-west-1:111122223333:x", False),
        ("ArnLike", ["arn:aws:sns:*:*:*"], "sns", False),
        ("ArnLike", ["arn:aws:sns:*:*:*"], None, False),
        ("ArnNotLike", ["arn:aws:sns:*:*:*"], "arn:aws:sqs:eu-west-1:111122223333:q", True),
        ("ArnNotEquals", ["arn:aws:sns:*:*:*"], None, True),
        # Bool
        ("Bool", ["true"], "true", True),
        ("Bool", ["true"], "false", False),
        ("Bool", ["false"], "false", True),
        ("Bool", ["false"], None, False),
        ("BoolIfExists", ["false"], None, True),
        # Null: "true" asks that the key is missing
        ("Null", ["true"], None, True),
        ("Null", ["true"], "x", False),
        ("Null", ["false"], "x", True),
        ("Null", ["false"], None, False),
        ("Null", ["false"], [], False),
        # IfExists
        ("StringEqualsIfExists", ["dev"], None, True),
        ("StringEqualsIfExists", ["dev"], "dev", True),
        ("StringEqualsIfExists", ["dev"], "prod", False),
        ("StringLikeIfExists", ["d*"], None, True),
        ("ArnLikeIfExists", ["arn:aws:sns:*:*:*"], "arn:aws:sqs:eu-west-1:111122223333:q", False),
        # Several values of one key
        ("ForAllValues:StringEquals", ["a", "b"], ["a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", ["a", "b"], None, True),  # true where the key is missing: pair it with Null
        ("ForAllValues:StringEquals", ["a", "b"], [], True),
        ("ForAllValues:StringNotEquals", ["a"], ["b", "c"], True),
        ("ForAllValues:StringNotEquals", ["a"], ["a", "c"], False),
        ("ForAllValues:StringLike", ["slipway:*"], ["slipway:a", "slipway:b"], True),
        ("ForAllValues:StringLike", ["slipway:*"], ["slipway:a", "Environment"], False),
        ("ForAnyValue:StringEquals", ["a", "b"], ["b", "c"], True),
        ("ForAnyValue:StringEquals", ["a", "b"], ["c"], False),
        ("ForAnyValue:StringEquals", ["a", "b"], None, False),
        ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
        ("ForAnyValue:StringNotEquals", ["a"], ["a"], False),
        ("ForAnyValue:StringLike", ["a*"], ["x", "ab"], True),
        ("ForAnyValue:StringEqualsIfExists", ["a"], None, False),  # no value is no value
        ("ForAllValues:StringEqualsIfExists", ["a"], None, True),
    ],
)
def test_conditions(operator: str, wanted: list[str], found: str | list[str] | None, *, holds: bool) -> None:
    context = {} if found is None else {TAG: found}
    decision = evaluate([when(operator, TAG, *wanted)], Request("s3:GetObject", BUCKET, context))
    assert (decision is ALLOWED) == holds


def test_keys_are_not_case_sensitive_but_their_values_are() -> None:
    statement = when("StringEquals", "AWS:resourcetag/environment", "dev")
    assert evaluate([statement], Request("s3:GetObject", BUCKET, {TAG: "dev"})) is ALLOWED


def test_all_keys_and_all_operators_have_to_hold() -> None:
    both = allow(
        Condition={"StringEquals": {TAG: "dev", "aws:ResourceTag/Team": "rc"}, "Null": {"aws:TagKeys": "false"}}
    )
    context: dict[str, str | list[str]] = {TAG: "dev", "aws:ResourceTag/Team": "rc", "aws:TagKeys": ["a"]}
    assert evaluate([both], Request("s3:GetObject", BUCKET, context)) is ALLOWED
    for key in context:
        less = {name: value for name, value in context.items() if name != key}
        assert evaluate([both], Request("s3:GetObject", BUCKET, less)) is IMPLICIT


def test_a_deny_needs_its_conditions_as_well() -> None:
    statements = [allow(), deny(Condition={"StringNotEquals": {TAG: "dev"}})]
    assert evaluate(statements, Request("s3:GetObject", BUCKET, {TAG: "dev"})) is ALLOWED
    assert evaluate(statements, Request("s3:GetObject", BUCKET, {TAG: "prod"})) is EXPLICIT
    assert evaluate(statements, Request("s3:GetObject", BUCKET)) is EXPLICIT


@pytest.mark.parametrize(
    "statement",
    [
        when("NumericLessThan", "s3:max-keys", "10"),
        when("ForSomeValues:StringEquals", TAG, "dev"),
        when("StringEquals", TAG, "${aws:PrincipalTag/team}"),
        allow(resource=f"{BUCKET}/${{aws:username}}/*"),
        allow(Principal="*"),
        {"Effect": "Allow", "Action": "s3:*"},
        {"Effect": "Perhaps", "Action": "s3:*", "Resource": "*"},
        allow(Condition={"Bool": {"aws:SecureTransport": True}}),
        allow(NotAction="s3:*"),
    ],
)
def test_what_it_does_not_know_it_refuses(statement: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        evaluate([statement], Request("s3:GetObject", BUCKET, {TAG: "dev", "s3:max-keys": "3"}))


def test_an_operator_for_one_value_is_refused_on_several() -> None:
    with pytest.raises(Unsupported, match="ForAnyValue or ForAllValues"):
        evaluate(
            [when("StringEquals", "aws:TagKeys", "a")], Request("s3:GetObject", BUCKET, {"aws:TagKeys": ["a", "b"]})
        )
