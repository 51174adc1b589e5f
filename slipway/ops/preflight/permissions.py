"""What the execution role may do, by IAM's own simulation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.preflight.report import Finding, failed, listed, warning
from slipway.ops.trouble import code, is_denied

if TYPE_CHECKING:
    from slipway.ops.preflight.clients import Clients


#: What the foundation gives the role for whatever the config names, before endpoints are updated.
_COMES = "nothing: the foundation, which is deployed first, lets the role do it, as the config names this"
#: What is said when the role may read all that was asked about.
MAY_READ = ", and the execution role may read it"


class Decision(StrEnum):
    """What IAM decides (API:PolicyEvaluationDecisionType)."""

    ALLOWED = "allowed"
    IMPLICIT = "implicitDeny"
    """Nothing allows it."""
    EXPLICIT = "explicitDeny"
    """A policy forbids it."""


class CannotTellError(Exception):
    """Nobody could ask IAM; the message says why."""


class NoRoleError(CannotTellError):
    """The role does not exist yet."""


class Role:
    """The role that endpoints run as.

    It is IAM's simulation: policies of buckets, repositories and keys are not part of it.

    Parameters
    ----------
    clients
        To ask; takes iam:SimulatePrincipalPolicy on the role.
    arn
        Of the role.
    """

    def __init__(self, clients: Clients, arn: str) -> None:
        self._clients = clients
        self.arn = arn

    @property
    def name(self) -> str:
        """Its name."""
        return self.arn.rsplit("/", 1)[-1]

    def decide(self, action: str, resources: Sequence[str]) -> Mapping[str, Decision]:
        """Ask what the role may do.

        Parameters
        ----------
        action
            Such as ``s3:GetObject``.
        resources
            ARNs.

        Returns
        -------
        Mapping of str to Decision
            By ARN.

        Raises
        ------
        NoRoleError
            When there is no such role.
        CannotTellError
            When the caller may not ask, or there is nobody to ask.
        botocore.exceptions.ClientError
            For whatever else IAM refuses.
        """
        if not resources:
            return {}
        found: dict[str, Decision] = {}
        pages = self._clients.iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=self.arn, ActionNames=[action], ResourceArns=list(dict.fromkeys(resources))
        )
        try:
            for result in (result for page in pages for result in page["EvaluationResults"]):
                # IAM answers for each resource by itself, or for several at once with a part for each.
                for part in result.get("ResourceSpecificResults", ()):
                    found[part["EvalResourceName"]] = Decision(part["EvalResourceDecision"])
                found.setdefault(result.get("EvalResourceName", "*"), Decision(result["EvalDecision"]))
        except ClientError as error:
            if code(error) == "NoSuchEntity":
                raise NoRoleError(f"there is no role {self.name} yet") from None
            if is_denied(error):
                raise CannotTellError("asking takes iam:SimulatePrincipalPolicy on the role") from None
            if code(error) == "PolicyEvaluation":
                raise CannotTellError(f"IAM cannot simulate its policies ({error})") from None
            raise
        return found


@dataclass(frozen=True, slots=True)
class Read:
    """Something that the role has to read.

    Attributes
    ----------
    what
        In words.
    action, arn
        For IAM.
    standing
        Whether the role may always do it, whatever the config declares.
    """

    what: str
    action: str
    arn: str
    standing: bool


def readable(role: Role, reads: Sequence[Read]) -> tuple[list[Finding], bool]:
    """Ask whether the role may read things; answer what it may not, and whether anybody could tell."""
    found: list[Finding] = []
    for action in dict.fromkeys(one.action for one in reads):
        mine = [one for one in reads if one.action == action]
        try:
            decided = role.decide(action, [one.arn for one in mine])
        except NoRoleError:
            return [], False  # the first deployment of the foundation makes it
        except CannotTellError as error:
            what = listed([one.what for one in mine])
            return [warning(f"whether the execution role may read {what} could not be told", str(error))], False
        for one in mine:
            found += _verdict(role, one, decided.get(one.arn, Decision.IMPLICIT))
    return found, bool(reads)


def _verdict(role: Role, one: Read, decision: Decision) -> Iterator[Finding]:
    if decision is Decision.ALLOWED:
        return
    if decision is Decision.IMPLICIT and not one.standing:
        yield warning(f"the execution role may not read {one.what} yet ({one.action})", _COMES)
        return
    why = "a policy forbids it" if decision is Decision.EXPLICIT else "nothing allows it"
    yield failed(
        f"the execution role may not read {one.what}: {why} ({one.action} on {one.arn})",
        f"somebody changed {role.name}, or a boundary of it: compare it with the foundation's template (aws "
        "cloudformation detect-stack-drift), and put it back",
    )
