"""Evaluates identity policies as IAM does, as far as this project's policies go; refuses what it does not know.

What is here: allow and deny, actions and resources with wildcards, the string, ARN, Bool and Null operators with
``IfExists``, ``ForAnyValue`` and ``ForAllValues``. What is not: other operators, policy variables, principals,
boundaries and session policies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Statement = Mapping[str, Any]


class Unsupported(Exception):  # noqa: N818
    """The policy uses something that is not evaluated here; a guess would prove nothing."""


class Decision(Enum):
    """What IAM decides."""

    ALLOWED = "allowed"
    IMPLICITLY_DENIED = "implicitly denied"
    EXPLICITLY_DENIED = "explicitly denied"


@dataclass(frozen=True)
class Request:
    """What is asked of IAM.

    Attributes
    ----------
    action
        Such as ``sagemaker:DeleteEndpoint``.
    resource
        An ARN, or ``*`` where the action has none.
    context
        Values by condition key; the keys' case does not matter. A list is a key with several values.
    """

    action: str
    resource: str
    context: Mapping[str, str | list[str]] = field(default_factory=dict)


def evaluate(statements: Iterable[Statement], request: Request) -> Decision:
    """Decide: an explicit denial wins, and without an allowing statement the answer is no.

    Parameters
    ----------
    statements
        Of all policies of the identity.
    request
        The request.

    Returns
    -------
    Decision
        The decision.

    Raises
    ------
    Unsupported
        If a statement uses what is not evaluated here.
    """
    effects = {statement["Effect"] for statement in statements if _applies(statement, request)}
    if "Deny" in effects:
        return Decision.EXPLICITLY_DENIED
    return Decision.ALLOWED if "Allow" in effects else Decision.IMPLICITLY_DENIED


def _applies(statement: Statement, request: Request) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
    if unknown or statement["Effect"] not in ("Allow", "Deny"):
        raise Unsupported(f"{sorted(unknown) or statement['Effect']} in {statement}")
    context = {key.lower(): value for key, value in request.context.items()}
    return (
        _element(statement, "Action", lambda pattern: _like(pattern.lower(), request.action.lower()))
        and _element(statement, "Resource", lambda pattern: _resource(pattern, request.resource))
        and all(
            _condition(operator, key, _listed(values), context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _element(statement: Statement, name: str, matches: Callable[[str], bool]) -> bool:
    if (name in statement) == (f"Not{name}" in statement):
        raise Unsupported(f"one of {name} and Not{name} in {statement}")
    if name in statement:
        return any(matches(pattern) for pattern in _listed(statement[name]))
    return not any(matches(pattern) for pattern in _listed(statement[f"Not{name}"]))


def _listed(value: object) -> list[str]:
    found = []
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, str):
            raise Unsupported(f"a value that is no string: {one!r}")
        if "${" in one:
            raise Unsupported(f"the policy variable in {one}")
        found.append(one)
    return found


def _like(pattern: str, value: str) -> bool:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None


def _resource(pattern: str, arn: str) -> bool:
    return pattern == "*" or _arn_like(pattern, arn)


def _arn_like(pattern: str, arn: str) -> bool:
    """Compare the six parts of ARNs one by one; only the last may contain further colons."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) == 6 and all(map(_like, patterns, parts))


def _equal(one: str, other: str) -> bool:
    return one == other


def _equal_ignoring_case(one: str, other: str) -> bool:
    return one.lower() == other.lower()


#: How a policy's value is compared with the request's, and whether the operator is a negation.
_OPERATORS: dict[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_equal_ignoring_case, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnLike": (_arn_like, False),
    "ArnNotLike": (_arn_like, True),
    "Bool": (_equal_ignoring_case, False),
}


def _condition(operator: str, key: str, wanted: list[str], context: Mapping[str, str | list[str]]) -> bool:
    found = context.get(key.lower())
    present = found is not None and found != []
    if operator == "Null":
        return any((value.lower() == "true") != present for value in wanted)
    prefix, _, name = operator.removesuffix("IfExists").rpartition(":")
    if name not in _OPERATORS or prefix not in ("", "ForAnyValue", "ForAllValues"):
        raise Unsupported(f"the operator {operator}")
    compare, negated = _OPERATORS[name]

    if operator.endswith("IfExists") and not present and prefix != "ForAnyValue":  # which asks for a value all the same
        return True

    def holds(value: str) -> bool:
        return any(compare(one, value) for one in wanted) != negated

    values = [found] if isinstance(found, str) else found or []
    if prefix == "ForAllValues":
        return all(holds(value) for value in values)
    if prefix == "ForAnyValue":
        return any(holds(value) for value in values)
    if not present:
        return negated
    if len(values) > 1:
        raise Unsupported(f"{operator} on the several values of {key}; IAM wants ForAnyValue or ForAllValues there")
    return holds(values[0])
