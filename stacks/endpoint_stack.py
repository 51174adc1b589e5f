"""One endpoint, as a stack without state: it can be deleted and deployed again without loss."""

from __future__ import annotations

from aws_cdk import Environment as Account
from aws_cdk import Stack
from constructs import Construct

from slipway.spec.environment import Environment
from slipway_cdk.budgets import cost_budgets
from slipway_cdk.inference_endpoint import InferenceEndpoint


class EndpointStack(Stack):
    """The stack of one endpoint.

    Parameters
    ----------
    scope
        The app.
    environment
        The environment.
    name
        The endpoint's short name.

    Attributes
    ----------
    inference
        What is in it.
    """

    def __init__(self, scope: Construct, *, environment: Environment, name: str) -> None:
        super().__init__(
            scope,
            environment.names.stack(name),
            description=f"Slipway: endpoint {environment.names.endpoint(name)}",
            env=Account(account=environment.account, region=environment.region),
            tags=dict(environment.tags_of(name)),
        )
        self.inference = InferenceEndpoint(self, "Inference", environment=environment, name=name)
        cost_budgets(self, environment=environment, name=name)
