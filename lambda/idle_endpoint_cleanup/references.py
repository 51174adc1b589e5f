"""Who refers to endpoint configs and models: every endpoint, config and component of the account and Region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from idle_endpoint_cleanup.inventory import variants_of
from idle_endpoint_cleanup.run import PAGE, Run, missing

#: What was changed shortly before the last reading is read again: lists may lag behind.
_OVERLAP = timedelta(minutes=5)


@dataclass(frozen=True)
class Found:
    """A resource in a list; the name is in the case that it was created in, which no ARN has."""

    name: str
    arn: str
    created: datetime


class References:
    """What refers to what. SageMaker has no question for that, so everything is described when it is first needed.

    Attributes
    ----------
    configs, models
        All there are, by name.
    models_of
        The models of each config, by the config's name.
    at_rest
        Whether an endpoint is not being changed, by its name in lower case.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._read: datetime | None = None
        self._configs_of: dict[str, set[str]] = {}
        self._models_of_component: dict[str, set[str]] = {}
        self.configs: dict[str, Found] = {}
        self.models: dict[str, Found] = {}
        self.models_of: dict[str, set[str]] = {}
        self.at_rest: dict[str, bool] = {}

    def read(self) -> None:
        """Read everything, or what has changed since the last time.

        What is referred to is read first: whoever came to refer to it meanwhile is then known. Without time for all of
        it OutOfTimeError is raised, and nothing may be taken for unused.
        """
        now, since = self._run.clock(), self._read and self._read - _OVERLAP
        for one in self._listed("list_models", "Model", "CreationTimeAfter", since):
            self.models[one.name] = one
        for one in self._listed("list_endpoint_configs", "EndpointConfig", "CreationTimeAfter", since):
            found = self._described("describe_endpoint_config", EndpointConfigName=one.name)
            self.configs[one.name] = one
            self.models_of[one.name] = {v["ModelName"] for v in variants_of(found) if "ModelName" in v}
        for one in self._listed("list_inference_components", "InferenceComponent", "LastModifiedTimeAfter", since):
            found = self._described("describe_inference_component", InferenceComponentName=one.name)
            specified = [found.get("Specification", {}), *found.get("Specifications", ())]
            self._models_of_component[one.name] = {s["ModelName"] for s in specified if "ModelName" in s}
        for one in self._listed("list_endpoints", "Endpoint", "LastModifiedTimeAfter", since):
            found = self._described("describe_endpoint", EndpointName=one.name)
            served = [found, found.get("PendingDeploymentSummary", {})]
            name = one.name.lower()
            self._configs_of[name] = {s["EndpointConfigName"] for s in served if "EndpointConfigName" in s}
            self.at_rest[name] = found.get("EndpointStatus", "InService") in ("InService", "Failed", "OutOfService")
        self._read = now

    def config_in_use(self, name: str) -> bool:
        """Say whether an endpoint serves a config, or is moving to it."""
        return any(name in configs for configs in self._configs_of.values())

    def users_of(self, model: str) -> set[str]:
        """Name the configs and components that name a model."""
        named = [*self.models_of.items(), *((f"component {c}", m) for c, m in self._models_of_component.items())]
        return {name for name, models in named if model in models}

    def without_endpoint(self, name: str) -> None:
        """Forget an endpoint that is gone."""
        self._configs_of.pop(name.lower(), None)

    def without_config(self, name: str) -> None:
        """Forget a config that was deleted."""
        self.configs.pop(name, None)
        self.models_of.pop(name, None)

    def _listed(self, operation: str, kind: str, since_filter: str, since: datetime | None) -> list[Found]:
        paginator: Any = self._run.aws.sagemaker.get_paginator(operation)  # type: ignore[call-overload]  # by name
        chosen = {since_filter: since} if since else {}
        found = []
        for page in paginator.paginate(**chosen, PaginationConfig={"PageSize": PAGE}):
            self._run.check_time()
            found += [Found(one[f"{kind}Name"], one[f"{kind}Arn"], one["CreationTime"]) for one in page[f"{kind}s"]]
        return found

    def _described(self, operation: str, **name: str) -> Mapping[str, Any]:
        self._run.check_time()
        try:
            found: Mapping[str, Any] = getattr(self._run.aws.sagemaker, operation)(**name)
        except ClientError as error:
            if missing(error):  # deleted since it was listed
                return {}
            raise
        return found
