"""How an endpoint stands: what is under way, what failed, and whether it serves what its stack holds.

An update that alarms ended looks like success: the endpoint is InService, nothing says why, and CloudFormation's stack
holds the new config. Only a comparison of the two shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from slipway.ops.live import Live, same_config, stack_config
from slipway.ops.trouble import is_missing

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_sagemaker import SageMakerClient

    from slipway.spec.environment import Environment

#: How an endpoint serves another config than its stack holds: an older one, or one that came later.
Drift = Literal["", "rolled back", "changed outside its stack"]
#: Statuses in which an endpoint serves nothing, or not what it should.
BROKEN = frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"})


@dataclass(frozen=True)
class Config:
    """An endpoint config.

    Attributes
    ----------
    name
        Its name.
    version
        The model's, by the config's tag; empty when there is none.
    created
        When; ``None`` when it does not exist any more.
    described
        What DescribeEndpointConfig answers; empty when it does not exist any more.
    """

    name: str
    version: str = ""
    created: datetime | None = None
    described: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        version = f" of version {self.version}" if self.version else ""
        return f"{self.name}{version}{'' if self.created else ', which is gone'}"


@dataclass(frozen=True)
class Standing:
    """How an endpoint stands.

    Attributes
    ----------
    status
        Such as ``InService``.
    serving
        The config that it serves.
    held
        The one that its stack holds; ``None`` when there is no such stack.
    update
        What is under way, in words; empty when nothing is.
    failure
        FailureReason.
    """

    status: str
    serving: Config
    held: Config | None = None
    update: str = ""
    failure: str = ""

    @property
    def drift(self) -> Drift:
        """Whether it serves another config than its stack holds; while an update runs that says nothing yet."""
        if self.held is None or self.update or same_config(self.serving.name, self.held.name):
            return ""
        later = self.serving.created and self.held.created and self.serving.created > self.held.created
        return "changed outside its stack" if later else "rolled back"

    @property
    def notes(self) -> Iterator[str]:
        """What a person should know of it, if anything; drift is told by `drifted`."""
        if self.update:
            yield f"{self.status}: {self.update}"
        if self.failure:
            yield f"{self.status}: {self.failure}"
        if self.serving.name and self.serving.created is None:
            yield f"its config {self.serving}: it can be updated to another one, and no instance can be added"

    @property
    def drifted(self) -> str:
        """The drift in a line, and what to do in another; empty when there is none."""
        if not self.drift or self.held is None:
            return ""
        said = f"{self.drift}: serves {self.serving}, the stack holds {self.held}\n"
        same = f"  deploying version {self.held.version or '…'} again would change nothing: "
        if self.drift == "rolled back":
            keep = f", or write `version: {self.serving.version}` to keep what serves" if self.serving.version else ""
            return f"{said}{same}deploy a cure under another version{keep}"
        return f"{said}{same}`slipway rollback --to` goes back to a config, another version goes on"


class Standings:
    """Looks at how endpoints stand.

    Parameters
    ----------
    environment
        The environment.
    sagemaker, cloudformation
        The clients.
    """

    def __init__(
        self, environment: Environment, sagemaker: SageMakerClient, cloudformation: CloudFormationClient
    ) -> None:
        self._names = environment.names
        self._sagemaker = sagemaker
        self._cloudformation = cloudformation

    def of(self, name: str, live: Live) -> Standing:
        """Look at an endpoint.

        Parameters
        ----------
        name
            Its short name.
        live
            As the service describes it.

        Returns
        -------
        Standing
            How it stands.

        Raises
        ------
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            When AWS cannot be asked.
        """
        held = stack_config(self._cloudformation, self._names.stack(name))
        serving = self._config(live.config)
        return Standing(
            live.status,
            serving,
            None if not held else serving if same_config(held, live.config) else self._config(held),
            self._update(live) if live.busy else "",
            live.failure,
        )

    def _config(self, name: str) -> Config:
        if not name:
            return Config("")
        try:
            found = self._sagemaker.describe_endpoint_config(EndpointConfigName=name)
        except ClientError as error:
            if is_missing(error):
                return Config(name)
            raise
        pages = self._sagemaker.get_paginator("list_tags").paginate(ResourceArn=found["EndpointConfigArn"])
        tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        return Config(found["EndpointConfigName"], tags.get("Version", ""), found["CreationTime"], found)

    def _update(self, live: Live) -> str:
        pending = live.pending
        parts = []
        if pending is not None and not same_config(pending.config, live.config):
            parts.append(f"to {self._config(pending.config)}")
        elif live.status == "RollingBack":
            parts.append(f"to {self._config(live.config)}")
        if pending is not None and pending.started is not None:
            parts.append(f"since {pending.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
        variants = [*(pending.variants if pending else ()), *live.variants]
        stages = dict.fromkeys(status for variant in variants for status in variant.statuses)
        if stages:
            parts.append(", ".join(stages))
        return ", ".join(parts) or "instances or weights change, or the service is at work"
