"""Where a drill takes place: on a local AWS of its own, or in the account of a development environment."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from slipway.drill.declaration import DRILL
from slipway.local import control
from slipway.ops.target import aws_target, local_target
from slipway.ops.trouble import WrongOperation
from slipway.ops.unfinished import Unfinished

if TYPE_CHECKING:
    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

_DEVELOPMENT = "dev"


@contextmanager
def place(environment: Environment, kind: Literal["local", "aws"], home: Path) -> Iterator[Target]:
    """Open the place of a drill; it is left as it was found, however the drill ends.

    Parameters
    ----------
    environment
        Whose account and Region.
    kind
        ``local`` or ``aws``.
    home
        A folder of the drill's own.

    Yields
    ------
    Target
        Where to go.

    Raises
    ------
    WrongOperation
        When it is an account's environment other than dev, where a bad model is nothing to play with.
    WrongTarget
        When the credentials are not the environment's.
    LocalAwsError
        When the local AWS does not start.
    """
    with Unfinished() as unfinished:
        if kind == "aws":
            if environment.environment != _DEVELOPMENT:
                raise WrongOperation(
                    f"a drill serves a bad model on purpose, so in an account it is for dev only, not for "
                    f"{environment.environment}: say `--env dev --strategy canary`, or leave `--target aws` out"
                )
            target = aws_target(environment)
            names = environment.names
            by_hand = f"aws cloudformation delete-stack --stack-name {names.stack(DRILL)} --region {names.region}"
            unfinished.always("the drill's stack", lambda: None, lambda: remove(environment, target), by_hand)
            yield target
        else:
            running = control.start(home, port=0)
            unfinished.always("the drill's local AWS", lambda: None, lambda: control.stop(home), f"kill {running.pid}")
            yield local_target(environment, running)
    shutil.rmtree(home / "templates", ignore_errors=True)


def remove(environment: Environment, target: Target) -> None:
    """Delete the drill's stack, the revisions that it retained, and the versions of its model.

    Parameters
    ----------
    environment
        Of the drill.
    target
        Where it took place.
    """
    names = environment.names
    cloudformation = target.client("cloudformation")
    cloudformation.delete_stack(StackName=names.stack(DRILL))
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=names.stack(DRILL))
    _remove_revisions(environment, target)
    s3 = target.client("s3")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=names.bucket, Prefix=f"models/{DRILL}/")
    for page in pages:
        for one in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
            s3.delete_object(Bucket=names.bucket, Key=one["Key"], VersionId=one["VersionId"])


def _remove_revisions(environment: Environment, target: Target) -> None:
    sagemaker, tagging = target.client("sagemaker"), target.client("resourcegroupstaggingapi")
    wanted = {
        "Team": environment.team,
        "Project": environment.project,
        "Environment": environment.environment,
        "Model": DRILL,
    }
    pages = tagging.get_paginator("get_resources").paginate(
        ResourceTypeFilters=["sagemaker:endpoint-config", "sagemaker:model"],
        TagFilters=[{"Key": key, "Values": [value]} for key, value in wanted.items()],
    )
    arns = [entry["ResourceARN"] for page in pages for entry in page["ResourceTagMappingList"]]
    for arn in sorted(arns):  # configs come before the models that they name
        kind, _, name = arn.rpartition(":")[2].partition("/")
        if kind == "endpoint-config":
            sagemaker.delete_endpoint_config(EndpointConfigName=name)
        else:
            sagemaker.delete_model(ModelName=name)
