"""Inference components, of which moto has none: what is remembered of them, and their operations."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps

from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from slipway.local.engine.documents import Document
from slipway.local.mends import alarms
from slipway.local.mends.hosted_endpoint import HostedEndpoint
from slipway.local.mends.hosting import HostedModel, deployed_image, instance_types, model_names, now
from slipway.local.mends.names import Names
from slipway.local.mends.patching import add, replace
from slipway.local.mends.progress import Progress, pace_of
from slipway.local.mends.sagemaker_api import arn_of, endpoint_of, invalid, listed, request_of
from slipway.local.pace import AT_ONCE, SETTINGS, Flaw
from slipway.local.runtime import FLEET
from slipway.rollout.declared import DeclarationError
from slipway.rollout.fleets import Instances, Update, Variant
from slipway.rollout.policy import Policy, read
from slipway.rollout.stages import Outcome

_KIND = "inference-component"
# InferenceComponentComputeResourceRequirements in the API.
_LEAST_MEMORY_MB = 128


def apply() -> None:
    """Install the mends."""
    add(
        SageMakerResponse,
        create_inference_component=create_inference_component,
        describe_inference_component=describe_inference_component,
        update_inference_component=update_inference_component,
        update_inference_component_runtime_config=update_inference_component_runtime_config,
        delete_inference_component=delete_inference_component,
        list_inference_components=list_inference_components,
    )
    backend = SageMakerModelBackend
    replace(
        backend,
        _get_resource_from_arn=_also_components(backend._get_resource_from_arn),
        iter_tagged_resources=_with_components(backend.iter_tagged_resources),
    )


@dataclass(frozen=True)
class Specified:
    """What an inference component runs.

    Attributes
    ----------
    specifications
        One, or one for each instance type.
    models
        The models that they name; they go on being served when they were deleted since.
    per_instance_type
        Whether they were given as several.
    number
        Which update brought it.
    """

    specifications: tuple[Document, ...]
    models: Mapping[str, HostedModel]
    per_instance_type: bool
    number: int = 0

    def specification(self, types: Iterable[str]) -> Document | None:
        """Return what runs on the first of some types of instances; a specification without a type is for all."""
        for wanted in (*types, None):
            for specification in self.specifications:
                if specification.get("InstanceType") == wanted:
                    return specification
        return None


@dataclass(frozen=True)
class _Moving:
    """A creation or an update under way: what it brings, how many copies, and where it stands."""

    specified: Specified
    copies: int
    progress: Progress
    created: bool


class HostedComponent:
    """An inference component: a model on the instances of an endpoint's variant.

    Parameters
    ----------
    backend
        Where it lives.
    request
        CreateInferenceComponent's members.
    models
        The models that its specifications name; it goes on serving models that were deleted since.
    """

    def __init__(self, backend: SageMakerModelBackend, request: Document, models: Mapping[str, HostedModel]) -> None:
        self.name: str = request["InferenceComponentName"]
        self.endpoint_name: str = request["EndpointName"]
        self.variant_name: str = request["VariantName"]
        self.arn = arn_of(backend, _KIND, self.name)
        self.endpoint_arn = arn_of(backend, "endpoint", self.endpoint_name)
        self.tags: list[dict[str, str]] = list(request.get("Tags") or [])
        self.creation_time = self.last_modified_time = now()
        self.failure_reason = ""
        self.last_deployment_config: Document | None = None
        self._where = (backend.account_id, backend.region_name)
        self._lock = threading.RLock()
        self._status = "InService"
        self._moving: _Moving | None = None
        self._copies = 0
        self._served = Specified(tuple(specifications_of(request)), models, "Specifications" in request)
        self._begin(self._served, _copies_of(request, 0), Policy(), created=True)

    def deploy(self, request: Document, models: Mapping[str, HostedModel]) -> None:
        """Begin to serve what a request says; what it leaves out stays.

        Parameters
        ----------
        request
            Members of UpdateInferenceComponent.
        models
            The models that its specifications name.

        Raises
        ------
        DeclarationError
            When the service would refuse the DeploymentConfig.
        """
        given, served = specifications_of(request), self._served
        policy = read(request.get("DeploymentConfig")) if given else Policy()
        if given:
            served = Specified(tuple(given), dict(models), "Specifications" in request, served.number + 1)
        self.last_deployment_config = request.get("DeploymentConfig") or self.last_deployment_config
        self._begin(served, _copies_of(request, self.copies), policy, created=False)

    def _begin(self, specified: Specified, copies: int, policy: Policy, *, created: bool) -> None:
        flaws = SETTINGS.flaws(*self._where, self.name)
        if specified is self._served and not created:
            policy = Policy()
        old = 0 if created else self._copies
        pace = pace_of(flaws) if copies > old or specified is not self._served or created else AT_ONCE
        update = Update(policy, (Variant(self.name, Instances(old), Instances(copies)),), pace)
        unhealthy = f"The container of {self.name} did not pass the ping health check."
        progress = Progress(*self._where, update, unhealthy=unhealthy if Flaw.UNHEALTHY in flaws else "")
        with self._lock:
            self.last_modified_time, self.failure_reason = now(), ""
            self._moving = _Moving(specified, copies, progress, created)
            alarms.follow(progress.followed, self.settle)
        self.settle()

    def settle(self) -> None:
        """Bring everything to this moment."""
        with self._lock:
            moving = self._moving
            if moving is None:
                return
            moving.progress.settle(time.time())
            if not moving.progress.over(time.time()):
                return
            self._moving = None
            alarms.follow(moving.progress.followed, None)
            updated = moving.progress.rollout.outcome is Outcome.UPDATED
            gone = self._served if updated else moving.specified
            if updated:
                self._served, self._copies = moving.specified, moving.copies
            elif moving.created:
                self._status = "Failed"
            self.failure_reason = moving.progress.failure
            self.last_modified_time = datetime.fromtimestamp(moving.progress.ended, UTC).replace(tzinfo=None)
            if gone is not self._served:
                FLEET.retire((*self._where, self.endpoint_name, self.variant_name, self.name, str(gone.number)))

    @property
    def status(self) -> str:
        """The status at this moment."""
        self.settle()
        moving = self._moving
        if moving is None:
            return self._status
        return "Creating" if moving.created else "Updating"

    @property
    def copies(self) -> int:
        """How many copies serve, of both specifications together."""
        self.settle()
        moving = self._moving
        if moving is None:
            return self._copies
        stage = moving.progress.stage(time.time())
        return stage.ready("old") + stage.ready("new")

    @property
    def served(self) -> Specified:
        """What serves; during an update still the old one."""
        return self._served

    def chosen(self) -> Specified:
        """Return which of its specifications answers a request: by the traffic that each gets."""
        self.settle()
        with self._lock:
            if self._moving is None:
                return self._served
            share = self._moving.progress.stage(time.time()).traffic.new
            moved = random.random() < share  # noqa: S311 - traffic, not secrets
            return self._moving.specified if moved else self._served

    @property
    def base(self) -> str | None:
        """The component of which it is an adapter."""
        return self._served.specifications[0].get("BaseInferenceComponentName")

    @property
    def response_object(self) -> Document:
        """What DescribeInferenceComponent answers."""
        self.settle()
        moving, served = self._moving, self._served
        described = [_described(specification, self.last_modified_time) for specification in served.specifications]
        desired = moving.copies if moving is not None else self._copies
        return {
            **self.summary(),
            **({"Specifications": described} if served.per_instance_type else {"Specification": described[0]}),
            **({"FailureReason": self.failure_reason} if self.failure_reason else {}),
            "RuntimeConfig": {"DesiredCopyCount": desired, "CurrentCopyCount": self.copies},
            **({"LastDeploymentConfig": self.last_deployment_config} if self.last_deployment_config else {}),
        }

    def summary(self) -> Document:
        """What ListInferenceComponents answers of it."""
        return {
            "InferenceComponentName": self.name,
            "InferenceComponentArn": self.arn,
            "EndpointName": self.endpoint_name,
            "EndpointArn": self.endpoint_arn,
            "VariantName": self.variant_name,
            "InferenceComponentStatus": self.status,
            "CreationTime": self.creation_time,
            "LastModifiedTime": self.last_modified_time,
        }


def specifications_of(request: Document) -> list[Document]:
    """Return the specifications of a request, of which there is one, or one for each instance type."""
    single = request.get("Specification")
    return [single] if single else list(request.get("Specifications") or [])


def _copies_of(request: Document, present: int) -> int:
    runtime = request.get("RuntimeConfig")
    return int(runtime["CopyCount"]) if runtime else present


def _described(specification: Document, resolved: datetime) -> Document:
    """Return a specification as it is described: with the image that was deployed."""
    container = specification.get("Container")
    if not container:
        return specification
    described = {key: item for key, item in container.items() if key != "Image"}
    if container.get("Image"):
        described["DeployedImage"] = deployed_image(container["Image"], resolved)
    return {**specification, "Container": described}


def component_store(backend: SageMakerModelBackend) -> dict[str, HostedComponent]:
    """Return a backend's inference components by name; moto has none."""
    store: dict[str, HostedComponent] = vars(backend).setdefault("inference_components", Names())
    return store


def components_of(backend: SageMakerModelBackend, endpoint: str) -> list[HostedComponent]:
    """Return the inference components of an endpoint."""
    return [component for component in component_store(backend).values() if component.endpoint_name == endpoint]


# -- operations


def create_inference_component(self: SageMakerResponse) -> ActionResult:
    """CreateInferenceComponent."""
    backend, request = self.sagemaker_backend, request_of(self)
    name = request["InferenceComponentName"]
    if name in component_store(backend):
        raise invalid(f'Cannot create already existing inference component "{arn_of(backend, _KIND, name)}".')
    endpoint = endpoint_of(backend, request["EndpointName"])
    base = _base(backend, request)
    variant = request.get("VariantName") or (base.variant_name if base else None)
    if variant is None:
        raise invalid("VariantName is required for an inference component that has no base inference component.")
    _refuse_variant(endpoint, variant)
    models = _models(backend, endpoint, variant, specifications_of(request))
    if not request.get("RuntimeConfig") and base is None:
        raise invalid("RuntimeConfig is required for an inference component that has no base inference component.")
    component = HostedComponent(backend, {**request, "VariantName": variant}, models)
    component_store(backend)[name] = component
    return ActionResult({"InferenceComponentArn": component.arn})


def describe_inference_component(self: SageMakerResponse) -> ActionResult:
    """DescribeInferenceComponent."""
    return ActionResult(_component(self).response_object)


def update_inference_component(self: SageMakerResponse) -> ActionResult:
    """UpdateInferenceComponent: what the request leaves out stays."""
    backend, component, request = self.sagemaker_backend, _component(self), request_of(self)
    endpoint = endpoint_of(backend, component.endpoint_name)
    given = specifications_of(request)
    models = _models(backend, endpoint, component.variant_name, given) if given else component.served.models
    _refuse_in_progress(component)
    _deploy(component, request, models)
    return ActionResult({"InferenceComponentArn": component.arn})


def update_inference_component_runtime_config(self: SageMakerResponse) -> ActionResult:
    """UpdateInferenceComponentRuntimeConfig: another number of copies."""
    component = _component(self)
    _refuse_in_progress(component)
    component.deploy({"RuntimeConfig": request_of(self)["DesiredRuntimeConfig"]}, component.served.models)
    return ActionResult({"InferenceComponentArn": component.arn})


def delete_inference_component(self: SageMakerResponse) -> ActionResult:
    """DeleteInferenceComponent."""
    backend, component = self.sagemaker_backend, _component(self)
    adapters = sorted(other.name for other in component_store(backend).values() if other.base == component.name)
    if adapters:
        raise invalid(
            f'Cannot delete inference component "{component.arn}" while it is the base of {", ".join(adapters)}.'
        )
    del component_store(backend)[component.name]
    where = (backend.account_id, backend.region_name, component.endpoint_name, component.variant_name)
    FLEET.retire((*where, component.name))
    return EmptyResult()


def list_inference_components(self: SageMakerResponse) -> ActionResult:
    """ListInferenceComponents, of an endpoint or a variant if the request names one."""
    endpoint, variant = (self._get_param(f"{kind}NameEquals") for kind in ("Endpoint", "Variant"))
    summaries = [
        component.summary()
        for component in component_store(self.sagemaker_backend).values()
        if endpoint in (None, component.endpoint_name) and variant in (None, component.variant_name)
    ]
    return listed(self, "InferenceComponents", "InferenceComponentName", summaries, "InferenceComponentStatus")


def _refuse_in_progress(component: HostedComponent) -> None:
    if component.status in ("Creating", "Updating", "Deleting"):
        raise invalid(f'Cannot update in-progress inference component "{component.arn}".')


def _deploy(component: HostedComponent, request: Document, models: Mapping[str, HostedModel]) -> None:
    try:
        component.deploy(request, models)
    except DeclarationError as error:
        raise invalid(f"Invalid DeploymentConfig: {error}") from error


def _component(self: SageMakerResponse) -> HostedComponent:
    name = self._get_param("InferenceComponentName")
    found = component_store(self.sagemaker_backend).get(name)
    if found is None:
        raise invalid(f'Could not find inference component "{arn_of(self.sagemaker_backend, _KIND, name)}".')
    return found


def _base(backend: SageMakerModelBackend, request: Document) -> HostedComponent | None:
    """Return the component of which a new one is an adapter."""
    for specification in specifications_of(request):
        name = specification.get("BaseInferenceComponentName")
        if name:
            base = component_store(backend).get(name)
            if base is None or base.endpoint_name != request["EndpointName"]:
                raise invalid(f'Could not find base inference component "{arn_of(backend, _KIND, name)}".')
            return base
    return None


def _refuse_variant(endpoint: HostedEndpoint, name: str) -> None:
    """Refuse a variant that is not there, or that has a model of its own."""
    variant = endpoint.config.variant(name)
    if variant is None:
        raise invalid(f'Could not find variant "{name}" in endpoint "{endpoint.arn}".')
    if model_names(variant):
        raise invalid(
            "Inference Components are not supported in this Endpoint. "
            "Please make sure this endpoint can deploy inference components."
        )


def _models(
    backend: SageMakerModelBackend, endpoint: HostedEndpoint, variant: str, specifications: list[Document]
) -> dict[str, HostedModel]:
    """Return the models that specifications name; refuse those that cannot be served."""
    if not specifications:
        raise invalid("One of Specification and Specifications is required.")
    models: dict[str, HostedModel] = {}
    for specification in specifications:
        _refuse_incomplete(specification)
        wanted = specification.get("ModelName")
        if wanted is None:
            continue
        model = backend._models.get(wanted)
        if not isinstance(model, HostedModel):
            raise invalid(f'Could not find model "{arn_of(backend, "model", wanted)}".')
        models[wanted] = model
    types = {specification.get("InstanceType") for specification in specifications}
    of_fleet = instance_types(endpoint.config.variant(variant) or {})
    if None not in types and not types & set(of_fleet):
        raise invalid(f'No specification is for the instance type {", ".join(of_fleet)} of variant "{variant}".')
    return models


def _refuse_incomplete(specification: Document) -> None:
    """Refuse a specification without a model, or without the memory that it reserves."""
    if specification.get("BaseInferenceComponentName"):
        return  # an adapter shares its base's reservation
    if not specification.get("ModelName") and not (specification.get("Container") or {}).get("Image"):
        raise invalid("A specification needs a ModelName, or a Container with an Image.")
    reserved = (specification.get("ComputeResourceRequirements") or {}).get("MinMemoryRequiredInMb")
    if reserved is None:
        raise invalid(
            "1 validation error detected: Value null at "
            "'specification.computeResourceRequirements.minMemoryRequiredInMb' failed to satisfy constraint: "
            "Member must not be null"
        )
    if reserved < _LEAST_MEMORY_MB:
        raise invalid(
            f"1 validation error detected: Value '{reserved}' at "
            "'specification.computeResourceRequirements.minMemoryRequiredInMb' failed to satisfy constraint: "
            f"Member must have value greater than or equal to {_LEAST_MEMORY_MB}"
        )


# -- tags


def _also_components(original: Callable[[SageMakerModelBackend, str], object]) -> Callable[..., object]:
    @wraps(original)
    def find(self: SageMakerModelBackend, arn: str) -> object:
        """Find what tags belong to; where there is nothing, moto fails."""
        kind, _, name = arn.split(":")[-1].partition("/")
        try:
            found = component_store(self).get(name) if kind == _KIND else original(self, arn)
        except (AttributeError, ValueError):  # moto does not know the kind
            found = None
        if found is None:
            raise invalid(f'Could not find {kind.replace("-", " ")} "{arn}".')
        return found

    return find


def _with_components(
    original: Callable[[SageMakerModelBackend], Iterator[TaggedResource]],
) -> Callable[[SageMakerModelBackend], Iterator[TaggedResource]]:
    @wraps(original)
    def tagged(self: SageMakerModelBackend) -> Iterator[TaggedResource]:
        yield from original(self)
        for component in component_store(self).values():
            tags = {tag["Key"]: tag["Value"] for tag in component.tags}
            yield TaggedResource(arn=component.arn, tags=tags, resource_type=f"sagemaker:{_KIND}")

    return tagged
