"""Judges the calls on the fake by a role's policy."""

from __future__ import annotations

from collections.abc import Sequence

from idle_endpoint_cleanup.permissions import statements
from idle_endpoint_cleanup.settings import Settings
from slipway.local.iam_policy import Decision, Statement, evaluate
from tests.iam.calls import Account, request_of
from tests.unit.idle.fake_aws import ACCOUNT, REGION, Json, World, error


def policy(settings: Settings) -> list[Statement]:
    """The cleanup's own."""
    return list(
        statements(
            partition="aws",
            region=REGION,
            account=ACCOUNT,
            opt_in=settings.opt_in,
            topic=settings.topic,
            records=settings.records,
            delete=settings.delete,
        )
    )


class Role:
    """What calls are made as.

    Attributes
    ----------
    denied
        Actions and resources that were refused.
    """

    def __init__(self, world: World, policy: Sequence[Statement]) -> None:
        self.policy = policy
        self.denied: list[tuple[str, str]] = []
        self._world = world
        self._account = Account(ACCOUNT, REGION, self._tags, self._target)

    def _tags(self, arn: str) -> dict[str, str]:
        stack = next((stack for stack in self._world.stacks.values() if stack.id == arn), None)
        resource = self._world.resources.get(arn)
        return stack.tags if stack else resource.tags if resource else {}

    def _target(self, resource: str) -> str:
        targets = self._world.of("scalable-target")
        return next((one.arn for one in targets if one.about["resource"] == resource), self._account.arn("x", "none"))

    def authorize(self, service: str, operation: str, call: Json) -> None:
        """Refuse a call as the services do."""
        request = request_of(self._account, service, operation, call)
        if evaluate(self.policy, request) is not Decision.ALLOWED:
            self.denied.append((request.action, request.resource))
            message = f"not authorized to perform {request.action} on resource {request.resource}"
            raise error(operation, "AccessDeniedException", message)
