"""Inference components, of which moto has none: what is remembered of them, and their operations."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import wraps

from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from slipway.local.engine.documents import Document
from slipway.local.mends.hosting import HostedEndpoint, HostedModel, deployed_image, instance_types, model_names, now
from slipway.local.mends.names import Names
from slipway.local.mends.patching import add, replace
from slipway.local.mends.sagemaker_api import arn_of, endpoint_of, invalid, listed, request_of
from slipway.local.runtime import FLEET

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
        self.status = "InService"
        self.creation_time = self.last_modified_time = now()
        self.copies = 0
        self.last_deployment_config: Document | None = None
        self.specifications: list[Document] = []
        self.models: dict[str, HostedModel] = {}
        self.deploy(request, models)

    def deploy(self, request: Document, models: Mapping[str, HostedModel]) -> None:
        """Serve what a request says; what it leaves out stays.

        Parameters
        ----------
        request
            Members of CreateInferenceComponent or UpdateInferenceComponent.
        models
            The models that its specifications name.
        """
        given = specifications_of(request)
        if given:
            self.specifications, self.models = given, dict(models)
            self._per_instance_type = "Specifications" in request
        if request.get("RuntimeConfig"):
            self.copies = int(request["RuntimeConfig"]["CopyCount"])
        self.last_deployment_config = request.get("DeploymentConfig") or self.last_deployment_config
        self.last_modified_time = now()

    def specification(self, types: Iterable[str]) -> Document | None:
        """Return what it runs on the first of some types of instances; a specification without a type is for all."""
        for wanted in (*types, None):
            for specification in self.specifications:
                if specification.get("InstanceType") == wanted:
                    return specification
        return None

    @property
    def base(self) -> str | None:
        """The component of which it is an adapter."""
        return self.specifications[0].get("BaseInferenceComponentName")

    @property
    def response_object(self) -> Document:
        """What DescribeInferenceComponent answers."""
        described = [_described(specification, self.last_modified_time) for specification in self.specifications]
        return {
            **self.summary(),
            **({"Specifications": described} if self._per_instance_type else {"Specification": described[0]}),
            "RuntimeConfig": {"DesiredCopyCount": self.copies, "CurrentCopyCount": self.copies},
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
    models = _models(backend, endpoint, component.variant_name, given) if given else component.models
    component.deploy(request, models)
    return ActionResult({"InferenceComponentArn": component.arn})


def update_inference_component_runtime_config(self: SageMakerResponse) -> ActionResult:
    """UpdateInferenceComponentRuntimeConfig: another number of copies."""
    component = _component(self)
    component.deploy({"RuntimeConfig": request_of(self)["DesiredRuntimeConfig"]}, component.models)
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
