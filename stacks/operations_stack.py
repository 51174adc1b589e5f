"""What watches over all endpoints of an environment."""

from __future__ import annotations

from aws_cdk import Environment as Account
from aws_cdk import Stack
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.budgets import cost_budgets
from slipway_cdk.dashboards import environment_dashboard
from slipway_cdk.idle_cleanup import IdleCleanup


class OperationsStack(Stack):
    """The environment's dashboard and budgets, and the cleanup of idle endpoints.

    Parameters
    ----------
    scope
        The app.
    environment
        The environment.
    """

    def __init__(self, scope: Construct, *, environment: Environment) -> None:
        names = environment.names
        super().__init__(
            scope,
            names.stack("operations"),
            description=f"Slipway: operations of {names.prefix}",
            env=Account(account=environment.account, region=environment.region),
            tags=dict(environment.own_tags),
        )
        environment_dashboard(self, "Dashboard", environment=environment)
        cost_budgets(self, environment=environment)
        if environment.cleanup:
            IdleCleanup(self, "IdleCleanup", environment=environment, cleanup=environment.cleanup)
