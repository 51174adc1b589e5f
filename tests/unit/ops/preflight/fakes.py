"""What the tests of the checklist share: environments, and clients without a network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.stub import Stubber

from slipway.ops.live import Live, LiveVariant, Pending
from slipway.spec.environment import Environment
from slipway.spec.load import from_mapping

ACCOUNT, REGION = "111122223333", "eu-west-1"
PREFIX = "rc-project-a-staging"
FULL = f"{PREFIX}-iris-ep"
CONTAINER = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
MODEL: Mapping[str, Any] = {"version": 2, "model": CONTAINER, "hosting": {"instance_type": "ml.m5.large"}}
WHEN = datetime(2026, 11, 26, 12, tzinfo=UTC)


def environment(endpoint: Mapping[str, Any] | None = None, **top: Any) -> Environment:
    """Staging with one endpoint, iris."""
    declared = {**MODEL, **(endpoint or {})}
    return from_mapping(
        {
            "company": "acme",
            "team": "rc",
            "project": "project-a",
            "environment": "staging",
            "account": ACCOUNT,
            "region": REGION,
            "endpoints": {"iris": declared},
            **top,
        }
    ).environment


def live(status: str = "InService", config: str = "config-1", count: int = 2, **more: Any) -> Live:
    """The endpoint as it is."""
    return Live(
        FULL,
        f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{FULL}",
        status,
        config,
        more.pop("failure", ""),
        (LiveVariant("primary", count=count, desired_count=count),),
        Pending("config-2", WHEN) if status == "Updating" else None,
        {},
        WHEN,
    )


def serving(type: str = "ml.m5.large", name: str = "primary", **more: Any) -> dict[str, Any]:
    """What DescribeEndpointConfig answers of the config that serves."""
    variant = {"VariantName": name, "InstanceType": type, "InitialInstanceCount": 2, "ModelName": "m", **more}
    return {"EndpointConfigName": "config-1", "CreationTime": WHEN, "ProductionVariants": [variant]}


class Stubs:
    """Clients by service, whose stubs are told what is asked and answered."""

    def __init__(self, *services: str) -> None:
        made: dict[str, Any] = {
            name: boto3.Session().client(  # type: ignore[call-overload]
                name, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
            )
            for name in services
        }
        self.stubs = {name: Stubber(client) for name, client in made.items()}
        for stub in self.stubs.values():
            stub.activate()
        self.clients: Any = SimpleNamespace(**{name.replace("-", "_"): client for name, client in made.items()})

    def __getitem__(self, service: str) -> Stubber:
        return self.stubs[service]

    def allowed(self, action: str, *arns: str, decision: str = "allowed") -> None:
        """IAM's simulation of the execution role."""
        self["iam"].add_response(
            "simulate_principal_policy",
            {
                "EvaluationResults": [
                    {"EvalActionName": action, "EvalResourceName": arn, "EvalDecision": decision} for arn in arns
                ]
            },
            {"PolicySourceArn": ROLE, "ActionNames": [action], "ResourceArns": list(arns)},
        )

    def done(self) -> None:
        """See that all that was to be asked was asked."""
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


ROLE = environment().names.execution_role_arn
