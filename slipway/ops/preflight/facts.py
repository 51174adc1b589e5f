"""What AWS says that several checks want to know, each asked once.

Whatever is asked goes to a pool of threads, in the order in which it is written here: a question waits only for those
before it, so none waits for one that has not begun.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from slipway.ops.live import Live, describe
from slipway.ops.trouble import NoEndpointError, is_missing
from slipway.spec.deployment import Fleet

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

    from slipway.ops.preflight.clients import Clients
    from slipway.spec.environment import Environment

_CONFIG = "AWS::SageMaker::EndpointConfig"
_ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack as CloudFormation describes it.

    Attributes
    ----------
    name
        Its name.
    status
        Such as ``UPDATE_COMPLETE``.
    reason
        Why, where CloudFormation says so.
    """

    name: str
    status: str
    reason: str = ""

    @property
    def exists(self) -> bool:
        """Whether it holds, or held, anything: one in review is only a change set that nobody executed."""
        return self.status not in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE")


def stack_state(cloudformation: CloudFormationClient, name: str) -> StackState | None:
    """Describe a stack.

    Parameters
    ----------
    cloudformation
        The client.
    name
        The stack's name.

    Returns
    -------
    StackState or None
        ``None`` when there is none.

    Raises
    ------
    botocore.exceptions.ClientError
        If CloudFormation refuses.
    """
    try:
        (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    state = StackState(name, found["StackStatus"], found.get("StackStatusReason", ""))
    return state if state.exists else None


@dataclass(frozen=True, slots=True)
class Config:
    """An endpoint config.

    Attributes
    ----------
    name, version
        The version by its tag; empty when it has none, or the config is gone.
    described
        What DescribeEndpointConfig answers; empty when it is gone.
    """

    name: str
    version: str = ""
    described: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"version {self.version} ({self.name})" if self.version else self.name


class EndpointFacts:
    """One endpoint, as AWS knows it.

    Parameters
    ----------
    pool
        Where questions go.
    clients
        To ask.
    environment
        The environment.
    name
        The endpoint's short name.

    Attributes
    ----------
    name, full
        Short and full name.
    stack
        Its stack; ``None`` when there is none.
    live
        The endpoint; ``None`` when there is none.
    resources
        What its stack holds: physical ids by type.
    limits
        By variant's name: the scalable targets of its instances.
    serving
        The config that it serves.
    held
        The config that its stack holds.
    """

    def __init__(self, pool: Executor, clients: Clients, environment: Environment, name: str) -> None:
        self.name, self.full = name, environment.names.endpoint(name)
        self._clients, self._stack = clients, environment.names.stack(name)
        self.stack: Future[StackState | None] = pool.submit(stack_state, clients.cloudformation, self._stack)
        self.live: Future[Live | None] = pool.submit(self._live)
        self.resources: Future[Mapping[str, Sequence[str]]] = pool.submit(self._resources)
        self.limits: Future[Mapping[str, Fleet]] = pool.submit(self._limits)
        self.serving: Future[Config | None] = pool.submit(self._serving)
        self.held: Future[Config | None] = pool.submit(self._held)

    @property
    def is_there(self) -> bool:
        """Whether the endpoint or its stack exists; what cannot be told counts as there."""
        return any(one.exception() is not None or one.result() is not None for one in (self.stack, self.live))

    @property
    def alarms(self) -> tuple[str, ...]:
        """Names of the alarms that its stack holds."""
        found = self.resources.result()
        return tuple(alarm for type in _ALARMS for alarm in found.get(type, ()))

    def _live(self) -> Live | None:
        try:
            return describe(self._clients.sagemaker, self.full)
        except NoEndpointError:
            return None

    def _resources(self) -> Mapping[str, Sequence[str]]:
        if self.stack.result() is None:
            return {}
        found: dict[str, list[str]] = {}
        # Not DescribeStackResources, which answers a hundred at most.
        pages = self._clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self._stack)
        for one in (one for page in pages for one in page["StackResourceSummaries"]):
            if one["ResourceStatus"] != "DELETE_COMPLETE" and one.get("PhysicalResourceId"):
                found.setdefault(one["ResourceType"], []).append(one["PhysicalResourceId"])
        return found

    def _limits(self) -> Mapping[str, Fleet]:
        live = self.live.result()
        if live is None or not live.variants:
            return {}
        found = self._clients.application_autoscaling.describe_scalable_targets(
            ServiceNamespace="sagemaker",
            ResourceIds=[f"endpoint/{self.full}/variant/{variant.name}" for variant in live.variants],
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        )
        return {
            target["ResourceId"].rsplit("/", 1)[-1]: Fleet(target["MinCapacity"], target["MaxCapacity"])
            for target in found["ScalableTargets"]
        }

    def _serving(self) -> Config | None:
        live = self.live.result()
        return self._config(live.config) if live is not None and live.config else None

    def _held(self) -> Config | None:
        configs = self.resources.result().get(_CONFIG, ())
        if not configs:
            return None
        name, serving = configs[0].rsplit("/", 1)[-1], self.serving.result()
        if serving is not None and serving.name.casefold() == name.casefold():
            return serving
        return self._config(name)

    def _config(self, name: str) -> Config:
        sagemaker = self._clients.sagemaker
        try:
            described = sagemaker.describe_endpoint_config(EndpointConfigName=name)
        except ClientError as error:
            if is_missing(error):
                return Config(name)
            raise
        pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=described["EndpointConfigArn"])
        tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        return Config(described["EndpointConfigName"], tags.get("Version", ""), described)
