"""Look at an endpoint that is being updated: one snapshot at a time, through boto3, of whatever may be seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.live import Live, live_of, same_config, stack_config
from slipway.ops.trouble import is_missing
from slipway.ops.watch import alarms as watch_alarms
from slipway.ops.watch import requests as watch_requests
from slipway.ops.watch import template as watch_template
from slipway.ops.watch.gaps import Gaps
from slipway.ops.watch.requests import Fleets
from slipway.ops.watch.snapshot import (
    AlarmSeen,
    ConfigSeen,
    DeclaredVariant,
    Requests,
    Snapshot,
    StackSeen,
    Trip,
)

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.target import Target
    from slipway.ops.watch.clock import WatchClock

#: SageMaker publishes metrics by the minute, and each that is read costs.
_METRICS_EVERY = timedelta(seconds=30)


#: Permissions that ``stack_seen`` needs.
STACK = "cloudformation:DescribeStacks or DescribeStackResources"


def stack_seen(cloudformation: CloudFormationClient, name: str) -> StackSeen | None:
    """Look at a stack; ``None`` when there is none.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        When CloudFormation does not answer.
    """
    try:
        (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return StackSeen(name, found["StackStatus"], stack_config(cloudformation, name))


class Looker:
    """Looks at one endpoint.

    Parameters
    ----------
    target
        Where it is.
    endpoint
        Its full name.
    clock
        Is set by each answer.
    stack
        Name of its stack; empty when it has none.
    expect
        The endpoint config that it is to serve; empty for the stack's.
    """

    def __init__(self, target: Target, endpoint: str, clock: WatchClock, *, stack: str = "", expect: str = "") -> None:
        self._target, self._endpoint, self._clock = target, endpoint, clock
        self._stack_name, self._expect = stack, expect
        self._configs: dict[str, ConfigSeen] = {}
        self._gaps = Gaps()
        self._stack: StackSeen | None = None
        self._pending = ""
        self._fleets: Fleets | None = None
        self._requests: tuple[Requests | None, Requests | None] = (None, None)
        self._measured: datetime | None = None
        self._alarms: tuple[AlarmSeen, ...] | None = ()
        self._names: tuple[str, ...] = ()
        self._declared: Mapping[str, object] | None = None
        self.renew()

    def renew(self) -> None:
        """Open new clients, which look for credentials anew: somebody may have logged in again."""
        self._sagemaker: SageMakerClient = self._target.client("sagemaker")
        self._cloudformation: CloudFormationClient = self._target.client("cloudformation")
        self._cloudwatch: CloudWatchClient = self._target.client("cloudwatch")

    def look(self) -> Snapshot:
        """Look once.

        Returns
        -------
        Snapshot
            Without what may not be seen.

        Raises
        ------
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            When the endpoint cannot be described, or credentials have expired.
        """
        try:
            found = self._sagemaker.describe_endpoint(EndpointName=self._endpoint)
        except ClientError as error:
            if is_missing(error):
                return Snapshot(self._clock.answered(error.response), None, gaps=self._gaps.all())
            raise
        now, live = self._clock.answered(found), live_of(found)
        pending = live.pending.config if live.pending else ""
        if not live.busy or pending != self._pending or self._stack is None:
            self._stack = self._look_at_stack()
        self._pending = pending
        for name in (live.config, pending, self._expect, self._stack.config if self._stack else ""):
            self._learn(name)
        if live.pending is not None and live.config and live.pending.started is not None:
            self._follow(live, live.pending.config, live.pending.started)
        deployment = self._deployment(live)
        names = watch_alarms.names_of(deployment)
        self._names = names if live.busy else self._names or names
        self._alarms = self._gaps.around(
            "the alarms", watch_alarms.STATES, lambda: watch_alarms.states(self._cloudwatch, names), self._alarms
        )
        if self._fleets and (not live.busy or self._measured is None or now - self._measured >= _METRICS_EVERY):
            self._measure(self._fleets, now)
        return Snapshot(
            now,
            live,
            self._stack,
            dict(self._configs),
            deployment,
            self._alarms,
            () if live.busy else self._trips(live, self._names, now),
            *self._requests,
            gaps=self._gaps.all(),
        )

    # -- the stack

    def _look_at_stack(self) -> StackSeen | None:
        if not self._stack_name:
            return None
        return self._gaps.around(
            "the stack", STACK, lambda: stack_seen(self._cloudformation, self._stack_name), self._stack
        )

    def _deployment(self, live: Live) -> Mapping[str, object]:
        """LastDeploymentConfig; where there is none yet, the stack's, if the update is the stack's own."""
        if live.deployment or self._stack is None or live.pending is None:
            return live.deployment
        if not same_config(live.pending.config, self._stack.config):
            return {}
        if self._declared is None:
            permission = " or ".join(watch_template.PERMISSIONS)
            self._declared = self._gaps.around("the stack's template", permission, self._declared_deployment, None)
        return self._declared or {}

    def _declared_deployment(self) -> Mapping[str, object]:
        for endpoint in watch_template.declared(self._cloudformation, self._stack_name, "AWS::SageMaker::Endpoint"):
            found = endpoint.get("DeploymentConfig")
            return found if isinstance(found, Mapping) else {}
        return {}

    # -- endpoint configs

    def _learn(self, name: str) -> None:
        if name and name.casefold() not in self._configs:
            found = self._gaps.around(
                f"endpoint config {name}", "sagemaker:DescribeEndpointConfig", lambda: self._config(name), None
            )
            if found is not None:
                self._configs[name.casefold()] = found

    def _config(self, name: str) -> ConfigSeen:
        try:
            found = self._sagemaker.describe_endpoint_config(EndpointConfigName=name)
        except ClientError as error:
            if is_missing(error):
                return ConfigSeen(name)
            raise
        arn = found["EndpointConfigArn"]
        version = self._gaps.around("the versions", "sagemaker:ListTags", lambda: self._version(arn), "") or ""
        variants = tuple(_variant(one) for one in found["ProductionVariants"])
        return ConfigSeen(found["EndpointConfigName"], version, found["CreationTime"], variants)

    def _version(self, arn: str) -> str:
        pages = self._sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        return next((tag["Value"] for page in pages for tag in page["Tags"] if tag["Key"] == "Version"), "")

    # -- alarms

    def _trips(self, live: Live, names: tuple[str, ...], now: datetime) -> tuple[Trip, ...] | None:
        """Which alarms went off since another config was to serve than the one that does."""
        new = self._fleets.new if self._fleets else ""
        wanted = self._expect or (self._stack.config if self._stack else "") or new
        if not names or not wanted or same_config(wanted, live.config):
            return ()
        made = self._configs.get(wanted.casefold())
        since = self._fleets.since if self._fleets else made.created if made else None
        if since is None:
            return None
        present = self._alarms or tuple(AlarmSeen(name, "") for name in names)
        return self._gaps.around(
            "the alarms' history",
            watch_alarms.HISTORY,
            lambda: watch_alarms.trips(self._cloudwatch, present, since, now),
            None,
        )

    # -- metrics

    def _follow(self, live: Live, new: str, since: datetime) -> None:
        if same_config(live.config, new) or (self._fleets is not None and same_config(self._fleets.new, new)):
            return
        declared = self._configs.get(new.casefold())
        kinds = {variant.hosting for variant in declared.variants} if declared else set()
        if kinds <= {"instances"}:
            names = tuple(variant.name for variant in live.variants)
            self._fleets = Fleets(self._endpoint, names, live.config, new, since)

    def _measure(self, fleets: Fleets, now: datetime) -> None:
        found = self._gaps.around(
            "the requests",
            watch_requests.PERMISSION,
            lambda: watch_requests.requests(self._cloudwatch, fleets, now),
            self._requests,
        )
        self._requests, self._measured = found or (None, None), now


def _variant(found: Mapping[str, object]) -> DeclaredVariant:
    hosting = "serverless" if "ServerlessConfig" in found else "instances" if "ModelName" in found else "components"
    return DeclaredVariant(
        str(found["VariantName"]),
        int(str(found.get("InitialInstanceCount") or 0)),
        str(found.get("InstanceType") or ""),
        float(str(found.get("InitialVariantWeight") or 0.0)),
        hosting,  # type: ignore[arg-type]
    )
