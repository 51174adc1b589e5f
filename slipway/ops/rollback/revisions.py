"""An endpoint's revisions side by side: which one serves, which one its stack holds, what the others differ in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.live import Revision, revisions, same_config
from slipway.ops.rollback.contents import SAME_SERVICE, differences
from slipway.ops.trouble import is_denied, is_missing

if TYPE_CHECKING:
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from types_boto3_sagemaker import SageMakerClient
    from types_boto3_sagemaker.type_defs import DescribeEndpointConfigOutputTypeDef

    from slipway.ops.live import Live
    from slipway.ops.rollback.contents import Models
    from slipway.spec.environment import Environment

_VERSION = "Version"


@dataclass(frozen=True, slots=True)
class Standing:
    """A revision, and how it stands to the one that serves.

    Attributes
    ----------
    revision
        The revision.
    live
        Whether the endpoint serves it.
    held
        Whether the endpoint's stack believes so.
    differs
        What it differs in from the live one; empty when nothing, or it is the live one.
    gone
        Its models that do not exist any more: it cannot be gone back to.
    """

    revision: Revision
    live: bool
    held: bool
    differs: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def serves_otherwise(self) -> bool:
        """Whether going there changes what the endpoint serves, and not only how many instances or how they share."""
        return not SAME_SERVICE.issuperset(self.differs)

    @property
    def role(self) -> str:
        """``live``, ``stack``, both, or nothing."""
        return ", ".join(word for word, so in (("live", self.live), ("stack", self.held)) if so)

    def as_dict(self) -> dict[str, object]:
        """Plain data, for programs."""
        return {
            "config": self.revision.config,
            "version": self.revision.version,
            "created": self.revision.created.isoformat(),
            "live": self.live,
            "stack": self.held,
            "differs": list(self.differs),
            "gone": list(self.gone),
        }


def named(revision: Revision) -> str:
    """A revision in words: its version where it has one, and its config."""
    return f"version {revision.version} ({revision.config})" if revision.version else revision.config


def created(revision: Revision) -> str:
    """When a revision was made, to the minute."""
    return f"{revision.created.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def known_revisions(
    environment: Environment,
    name: str,
    live: Live,
    held: str,
    sagemaker: SageMakerClient,
    tagging: ResourceGroupsTaggingAPIClient,
) -> list[Revision]:
    """List an endpoint's revisions, with the live one and the stack's even where the tagging API lags behind.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.
    live
        The endpoint as it is.
    held
        The config that its stack holds; empty when there is none.
    sagemaker, tagging
        The clients. Whoever may not ask the second one (tag:GetResources) is told of those configs whose names begin
        as the live one's.

    Returns
    -------
    list of Revision
        The newest first.
    """
    try:
        found = revisions(environment, name, sagemaker, tagging)
    except ClientError as error:
        if not is_denied(error):
            raise
        found = list(_named_alike(environment, name, live, sagemaker))
    for config in (live.config, held):
        if config and not any(same_config(config, one.config) for one in found):
            missed = _described(sagemaker, config)
            found += [missed] if missed is not None else []
    # The endpoint tells the name in the case that it was created in.
    told = [replace(one, config=live.config) if same_config(one.config, live.config) else one for one in found]
    return sorted(told, key=lambda one: one.created, reverse=True)


def standings(known: Sequence[Revision], live: Live, held: str, models: Models) -> list[Standing]:
    """Compare revisions with the one that serves.

    Parameters
    ----------
    known
        The newest first.
    live
        The endpoint as it is.
    held
        The config that its stack holds; empty when there is none.
    models
        Describes their models.

    Returns
    -------
    list of Standing
        In the same order.
    """
    return [standing(one, known, live, held, models) for one in known]


def standing(one: Revision, known: Sequence[Revision], live: Live, held: str, models: Models) -> Standing:
    """Compare one revision with the one that serves; the arguments are those of ``standings``."""
    serving = next((other for other in known if same_config(other.config, live.config)), None)
    is_live = serving is one
    return Standing(
        one,
        is_live,
        bool(held) and same_config(one.config, held),
        () if is_live or serving is None else differences(serving, one, models),
        models.gone(one),
    )


def exact(sagemaker: SageMakerClient, revision: Revision) -> Revision:
    """Learn the config's name in the case that it was created in, which metrics mind; ARNs have it in lower case.

    Parameters
    ----------
    sagemaker
        The client; takes sagemaker:ListEndpointConfigs.
    revision
        The revision.

    Returns
    -------
    Revision
        The same where nobody may list configs, or none of this name is listed.
    """
    second = timedelta(seconds=1)
    pages = sagemaker.get_paginator("list_endpoint_configs").paginate(
        CreationTimeAfter=revision.created - second, CreationTimeBefore=revision.created + second
    )
    try:
        names = [one["EndpointConfigName"] for page in pages for one in page["EndpointConfigs"]]
    except ClientError as error:
        if not is_denied(error):
            raise
        return revision
    found = next((name for name in names if same_config(name, revision.config)), revision.config)
    return replace(revision, config=found)


def _named_alike(environment: Environment, name: str, live: Live, sagemaker: SageMakerClient) -> Iterator[Revision]:
    """The configs that CloudFormation named as it named the live one, a random end aside, and that have its tags."""
    wanted = {
        "Team": environment.team,
        "Project": environment.project,
        "Environment": environment.environment,
        "Model": name,
    }
    beginning = live.config.rpartition("-")[0] or live.config
    pages = sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=beginning)
    for config in [one["EndpointConfigName"] for page in pages for one in page["EndpointConfigs"]]:
        if not config.startswith(beginning):
            continue
        try:
            described, tags = _look(sagemaker, config)
        except ClientError as error:
            # Of another environment, whose configs the caller may not describe; or deleted since.
            if is_denied(error) or is_missing(error):
                continue
            raise
        if wanted.items() <= tags.items():
            yield Revision(config, tags.get(_VERSION, ""), described["CreationTime"], described)


def _described(sagemaker: SageMakerClient, config: str) -> Revision | None:
    try:
        described, tags = _look(sagemaker, config)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return Revision(config, tags.get(_VERSION, ""), described["CreationTime"], described)


def _look(sagemaker: SageMakerClient, config: str) -> tuple[DescribeEndpointConfigOutputTypeDef, dict[str, str]]:
    described = sagemaker.describe_endpoint_config(EndpointConfigName=config)
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=described["EndpointConfigArn"])
    return described, {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
