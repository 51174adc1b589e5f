"""Where a request goes: to which variant or inference component of an endpoint, and to which of its containers.

What the service refuses before a model sees the request is refused here, in its words where those are known.
"""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from urllib.parse import unquote

from moto.sagemaker.models import sagemaker_backends
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from slipway.local.engine.documents import Document
from slipway.local.mends.artifacts import MULTI_MODEL, containers_of
from slipway.local.mends.hosted_endpoint import Choice, HostedEndpoint
from slipway.local.mends.hosting import HostedConfig, HostedModel, instance_types, model_names
from slipway.local.mends.inference_components import HostedComponent, Specified, component_store
from slipway.local.runtime import Slot

HEADER = "x-amzn-sagemaker-"
_SERVING = ("InService", "Updating", "SystemUpdating", "RollingBack")


class InvalidError(Exception):
    """A request is refused before it reaches a model.

    Attributes
    ----------
    status, code
        Of the answer.
    """

    status = 400
    code = "ValidationError"


class NoCapacityError(InvalidError):
    """An inference component has no copy that could answer."""

    def __init__(self, call: "Call") -> None:
        super().__init__(
            "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress "
            "(if configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
        )
        self.call = call


class ThrottlingError(InvalidError):
    """A serverless variant answers as many requests as it may at once."""

    status = 429
    code = "ThrottlingException"


class Mode(Enum):
    """How a variant hosts its models, which decides about its metrics."""

    REAL_TIME = "real-time"
    ASYNCHRONOUS = "asynchronous"
    SERVERLESS = "serverless"
    MULTI_MODEL = "multi-model"
    COMPONENT = "inference component"


@dataclass(frozen=True)
class Call:
    """One request to one variant of one fleet, or to one inference component on it.

    Attributes
    ----------
    config
        What the fleet serves: during an update there are two of them.
    variant, live_variant
        As the config declares it, and as it is now, with its capacity; the same for a shadow variant.
    component, specified
        The inference component, and which of its specifications: during an update it has two.
    """

    account: str
    region: str
    endpoint: HostedEndpoint
    config: HostedConfig
    variant: Document
    live_variant: Document
    headers: Mapping[str, str]
    component: HostedComponent | None = None
    specified: Specified | None = None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def variant_name(self) -> str:
        """The variant's name."""
        return str(self.variant["VariantName"])

    @property
    def target_model(self) -> str:
        """The artifact that a multi-model container is asked for; empty for the others."""
        return self.headers.get(f"{HEADER}target-model", "")

    @property
    def slot(self) -> Slot:
        """The beginning of the slots of its model servers: each fleet has its own."""
        component = self.component.name if self.component else ""
        fleet = str(self.specified.number) if self.specified else self.config.endpoint_config_name
        return (self.account, self.region, self.endpoint.endpoint_name, self.variant_name, component, fleet)

    @cached_property
    def model(self) -> HostedModel:
        """The model that answers.

        Raises
        ------
        InvalidError
            When an adapter is asked, which the local AWS does not run.
        """
        if self.component is None or self.specified is None:
            return self.config.models[model_names(self.variant)[0]]
        return _component_model(self.component, self.specified, self.variant)

    @cached_property
    def containers(self) -> list[Document]:
        """The model's containers, model packages resolved."""
        return containers_of(self.account, self.region, self.model)

    @property
    def mode(self) -> Mode:
        """How the variant hosts its models."""
        if self.component is not None:
            return Mode.COMPONENT
        if self.config.async_inference_config:
            return Mode.ASYNCHRONOUS
        if self.variant.get("ServerlessConfig"):
            return Mode.SERVERLESS
        if any(container.get("Mode") == MULTI_MODEL for container in self.model.all_containers):
            return Mode.MULTI_MODEL
        return Mode.REAL_TIME

    def shadow(self, variant: Document) -> "Call":
        """Return the same request to a shadow variant."""
        return replace(self, variant=variant, live_variant=variant, request_id=str(uuid.uuid4()))


def call_of(self: SageMakerRuntimeResponse) -> Call:
    """Return what a request asks of which variant or component.

    Raises
    ------
    InvalidError
        When there is no such endpoint in service, or nothing on it that could answer.
    """
    headers = {name.lower(): value for name, value in self.headers.items()}
    account, region = self.current_account, self.region
    name = unquote(self.path.split("/endpoints/", 1)[1].split("/", 1)[0])
    endpoint = sagemaker_backends[account][region].endpoints.get(name)
    if not isinstance(endpoint, HostedEndpoint) or endpoint.endpoint_status not in _SERVING:
        raise InvalidError(f"Endpoint {name} of account {account} not found.")
    if endpoint.config.hosts_components:
        return _to_component(account, region, endpoint, headers)
    if headers.get(f"{HEADER}inference-component"):
        raise InvalidError(
            f"Endpoint {name} does not host inference components and does not support inference component header."
        )
    chosen = _chosen(endpoint, headers.get(f"{HEADER}target-variant"))
    call = Call(account, region, endpoint, chosen.config, chosen.variant, chosen.live, headers)
    _refuse_target_model(call)
    _refuse_target_container(call)
    return call


def _chosen(endpoint: HostedEndpoint, wanted: str | None) -> Choice:
    """Return a variant by the live weights, or the one that is asked for, of either fleet by the traffic of each.

    A variant of weight 0 gets no traffic, unless it is asked for.
    """
    choices = [one for one in endpoint.choices() if wanted in (None, one.variant["VariantName"])]
    if not choices:
        raise InvalidError(f"Variant {wanted} not found for endpoint {endpoint.endpoint_name}.")
    weights = [one.weight for one in choices]
    if not any(weights):
        if wanted is None:
            raise InvalidError(f"All variants of endpoint {endpoint.endpoint_name} have weight 0.")
        weights = [1.0] * len(choices)
    return random.choices(choices, weights)[0]  # noqa: S311 - traffic, not secrets


# -- inference components


def _to_component(account: str, region: str, endpoint: HostedEndpoint, headers: Mapping[str, str]) -> Call:
    wanted = headers.get(f"{HEADER}inference-component")
    if not wanted:
        raise InvalidError(
            "Inference Component Name header is required for endpoints to which you plan to deploy inference "
            "components. Please include Inference Component Name header or consider using SageMaker models."
        )
    component = component_store(sagemaker_backends[account][region]).get(wanted)
    if component is None or component.endpoint_name != endpoint.endpoint_name:
        raise InvalidError(f"Inference Component {wanted} not found for endpoint {endpoint.endpoint_name}.")
    variant = endpoint.config.variant(component.variant_name)
    if variant is None:
        raise InvalidError(f"Variant {component.variant_name} not found for endpoint {endpoint.endpoint_name}.")
    config, live = endpoint.config, endpoint.live_variant(component.variant_name) or variant
    call = Call(account, region, endpoint, config, variant, live, headers, component, component.chosen())
    _refuse_target_model(call)
    if component.copies == 0:
        raise NoCapacityError(call)
    return call


def _component_model(component: HostedComponent, specified: Specified, variant: Document) -> HostedModel:
    """Return what an inference component runs on its variant's type of instance, as a model."""
    types = instance_types(variant)
    specification = specified.specification(types)
    if specification is None:
        raise InvalidError(f"Inference Component {component.name} has no specification for {', '.join(types)}.")
    if specification.get("BaseInferenceComponentName"):
        raise InvalidError(
            f"Inference Component {component.name} is an adapter of {specification['BaseInferenceComponentName']}; "
            "the local AWS stores adapters and does not run them."
        )
    own = specification.get("Container") or {}
    members = {"Image": own.get("Image"), "ModelDataUrl": own.get("ArtifactUrl"), "Environment": own.get("Environment")}
    given = {key: item for key, item in members.items() if item}
    model = specified.models.get(specification.get("ModelName", ""))
    if model is not None and not given:
        return model
    container = {**(model.all_containers[0] if model else {}), **given}
    _, _, _, region, account, _ = component.arn.split(":", 5)
    return HostedModel(account, region, {"ModelName": component.name, "PrimaryContainer": container})


# -- multi-model and multi-container endpoints


def _refuse_target_model(call: Call) -> None:
    """Refuse a TargetModel that is missing, or that nothing would take."""
    name = call.endpoint.endpoint_name
    if call.mode is Mode.MULTI_MODEL and not call.target_model:
        raise InvalidError(f"Request {call.request_id} is missing a target model header.")
    if call.mode is not Mode.MULTI_MODEL and call.target_model:
        raise InvalidError(f"Endpoint {name} is not a multi-model endpoint and does not support target model header.")


def _refuse_target_container(call: Call) -> None:
    """Refuse a TargetContainerHostname that is missing, unknown, or for a pipeline.

    The three cases are those of the Developer Guide, "Invoke a multi-container endpoint with direct invocation".
    """
    wanted, name = target_container(call), call.endpoint.endpoint_name
    if not call.model.direct:
        if wanted:
            raise InvalidError(
                f"Endpoint {name} is not configured for direct invocation and does not support target container "
                "hostname header."
            )
        return
    if not wanted:
        raise InvalidError(f"Request {call.request_id} is missing a target container hostname header.")
    if all(container.get("ContainerHostname") != wanted for container in call.model.all_containers):
        raise InvalidError(f"Target container hostname {wanted} not found in endpoint {name}.")


def target_container(call: Call) -> str:
    """Return the hostname of the container that a request names; empty for none."""
    return call.headers.get(f"{HEADER}target-container-hostname", "")
