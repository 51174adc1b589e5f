"""The idle endpoints that the cleanup removed, as it recorded them: deployments leave them out until they are woken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from idle_endpoint_cleanup.tags import DEVELOPMENT

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

    from slipway.ops.target import Target
    from slipway.spec.environment import Environment


@dataclass(frozen=True)
class Removal:
    """An endpoint that the cleanup removed.

    Attributes
    ----------
    parameter
        Name of the SSM parameter that records it.
    removed
        The day.
    announced
        The day on which it was found to be idle and that was told; ``None`` where the record does not say.
    """

    parameter: str
    removed: date
    announced: date | None

    def __str__(self) -> str:
        return f"removed (idle since {self.announced})" if self.announced else "removed"


class Removals:
    """Reads and forgets the records of an environment. Nothing is ever removed outside development, so none are there.

    Parameters
    ----------
    environment
        The environment.
    target
        Where it is.
    """

    def __init__(self, environment: Environment, target: Target) -> None:
        self._environment = environment
        self._target = target
        self._ssm: SSMClient = target.client("ssm")

    def read(self) -> Mapping[str, Removal]:
        """Read the records of declared endpoints.

        Returns
        -------
        Mapping of str to Removal
            By short name. One may be there although its endpoint is, too: see `is_there`.
        """
        if self._environment.environment != DEVELOPMENT:
            return {}
        names = self._environment.names
        pages = self._ssm.get_paginator("get_parameters_by_path").paginate(Path=names.removals)
        found = {one["Name"]: one for page in pages for one in page["Parameters"]}
        recorded = {name: f"{names.removals}/{names.endpoint(name)}" for name in self._environment.endpoints}
        return {
            name: Removal(parameter, found[parameter]["LastModifiedDate"].date(), _announced(found[parameter]["Value"]))
            for name, parameter in recorded.items()
            if parameter in found
        }

    def is_there(self, name: str) -> bool:
        """Say whether an endpoint is there, and stays: somebody deployed it again, so that its record is stale.

        Parameters
        ----------
        name
            The endpoint's short name.
        """
        names = self._environment.names
        try:
            found = self._target.client("sagemaker").describe_endpoint(EndpointName=names.endpoint(name))
        except ClientError as error:
            if "Could not find" not in str(error):
                raise
            return False
        if found["EndpointStatus"] == "Deleting":
            return False
        try:
            stacks = self._target.client("cloudformation").describe_stacks(StackName=names.stack(name))["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return True
        return all(stack["StackStatus"] != "DELETE_IN_PROGRESS" for stack in stacks)

    def forget(self, removals: Iterable[Removal]) -> None:
        """Delete records, so that deployments bring the endpoints back."""
        for removal in removals:
            try:
                self._ssm.delete_parameter(Name=removal.parameter)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ParameterNotFound":
                    raise


def _announced(value: str) -> date | None:
    """Read the day from a record; somebody may have written one by hand to keep an endpoint out."""
    try:
        return datetime.fromisoformat(json.loads(value)["announced"]).date()
    except (ValueError, KeyError, TypeError):
        return None
