"""What a role may do: SimulatePrincipalPolicy, which moto lacks."""

import json
from collections.abc import Iterator

from moto.core.responses import ActionResult
from moto.iam.models import ManagedPolicy, Role
from moto.iam.responses import IamResponse

from slipway.local.engine.documents import Document
from slipway.local.iam_policy import Decision, Request, Statement, Unsupported, evaluate
from slipway.local.mends.answers import ApiError
from slipway.local.mends.patching import add

_DECISIONS = {
    Decision.ALLOWED: "allowed",
    Decision.IMPLICITLY_DENIED: "implicitDeny",
    Decision.EXPLICITLY_DENIED: "explicitDeny",
}


def apply() -> None:
    """Install the mend."""
    add(IamResponse, simulate_principal_policy=simulate_principal_policy)


def simulate_principal_policy(self: IamResponse) -> ActionResult:
    """Judge actions by a role's own policies and its boundary; users, groups and further policies are not known."""
    role = self.backend.get_role_by_arn(self._get_param("PolicySourceArn"))
    own, boundary = list(_own(role)), list(_boundary(self, role))
    given = self._get_param("ContextEntries", [])
    context = {entry["ContextKeyName"]: _one_or_several(entry["ContextKeyValues"]) for entry in given}

    def decide(action: str, resource: str) -> Document:
        request = Request(action, resource, context)
        try:
            decision = evaluate(own, request)
            if decision is Decision.ALLOWED and role.permissions_boundary_arn:
                decision = evaluate(boundary, request)
        except Unsupported as error:
            raise ApiError("PolicyEvaluationException", f"The local AWS does not evaluate {error}.") from error
        return {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": _DECISIONS[decision]}

    resources = self._get_param("ResourceArns", ["*"])
    results = [decide(action, resource) for action in self._get_param("ActionNames") for resource in resources]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _one_or_several(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _own(role: Role) -> Iterator[Statement]:
    for text in role.policies.values():
        yield from _statements(text)
    for policy in role.managed_policies.values():
        yield from _of_managed(policy)


def _boundary(self: IamResponse, role: Role) -> Iterator[Statement]:
    if role.permissions_boundary_arn:
        yield from _of_managed(self.backend.get_policy(role.permissions_boundary_arn))


def _of_managed(policy: ManagedPolicy) -> Iterator[Statement]:
    (document,) = [one.document for one in policy.versions if one.version_id == policy.default_version_id]
    yield from _statements(document)


def _statements(text: str) -> Iterator[Statement]:
    found = json.loads(text)["Statement"]
    yield from found if isinstance(found, list) else [found]
