"""The SageMaker operations that moto lacks, or takes too lightly."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.core.responses import ActionResult, EmptyResult
from moto.s3.models import s3_backends
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from slipway.local.engine.documents import Document
from slipway.local.engine.planning import partition
from slipway.local.mends.answers import ApiError
from slipway.local.mends.hosting import RETAINABLE, HostedConfig, HostedEndpoint, HostedModel
from slipway.local.mends.patching import add, replace
from slipway.local.runtime import FLEET

_NAMESPACE = "sagemaker"
_VARIANT_DIMENSIONS = (
    "sagemaker:variant:DesiredInstanceCount",
    "sagemaker:variant:DesiredProvisionedConcurrency",
)
_IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


def apply() -> None:
    """Install the mends."""
    add(SageMakerResponse, update_endpoint=update_endpoint)
    replace(
        SageMakerResponse,
        create_model=create_model,
        delete_model=delete_model,
        list_models=list_models,
        create_endpoint_config=create_endpoint_config,
        create_endpoint=create_endpoint,
        delete_endpoint=delete_endpoint,
        list_endpoints=list_endpoints,
        list_endpoint_configs=list_endpoint_configs,
        create_model_package_group=_refusing_existing_group(SageMakerResponse.create_model_package_group),
    )
    replace(
        SageMakerModelBackend,
        add_tags=add_tags,
        describe_model=_found(SageMakerModelBackend.describe_model),
        describe_endpoint_config=_found(SageMakerModelBackend.describe_endpoint_config),
        delete_endpoint_config=_found(SageMakerModelBackend.delete_endpoint_config),
        describe_endpoint=_found(SageMakerModelBackend.describe_endpoint),
    )


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def _arn(backend: SageMakerModelBackend, kind: str, name: str) -> str:
    where, region = partition(backend.region_name), backend.region_name
    return f"arn:{where}:sagemaker:{region}:{backend.account_id}:{kind}/{name}"


def _found(original: Callable[..., Any]) -> Callable[..., Any]:
    """Word what is missing as the service does: moto quotes ARNs with ' instead of "."""

    @wraps(original)
    def find(self: SageMakerModelBackend, *args: str, **named: str) -> object:
        try:
            return original(self, *args, **named)
        except Exception as error:
            message = getattr(error, "message", "")
            if message.startswith("Could not find"):
                raise _invalid(message.replace("'", '"')) from error
            raise

    return find


# -- models


def create_model(self: SageMakerResponse) -> ActionResult:
    """Refuse a name that is taken and data that is not there; moto overwrites and ignores."""
    backend, request = self.sagemaker_backend, _request(self)
    name = request["ModelName"]
    if name in backend._models:
        raise _invalid(f'Cannot create already existing model "{_arn(backend, "model", name)}".')
    model = HostedModel(backend.account_id, backend.region_name, request)
    for container in model.all_containers:
        _refuse_missing_data(backend, container)
    backend._models[name] = model
    return ActionResult({"ModelArn": model.arn})


def _refuse_missing_data(backend: SageMakerModelBackend, container: Document) -> None:
    """Refuse an artifact that is missing from a bucket of this account, as CreateModel does.

    Other buckets (JumpStart's, another account's) are not here to look into.
    """
    url = container.get("ModelDataUrl") or ""
    if container.get("Mode") == "MultiModel" or not url.startswith("s3://"):
        return
    bucket, _, key = url.removeprefix("s3://").partition("/")
    s3 = s3_backends[backend.account_id][partition(backend.region_name)]
    if bucket in s3.buckets and s3.get_object(bucket, key) is None:
        raise _invalid(f"Could not find model data at {url}.")


def delete_model(self: SageMakerResponse) -> ActionResult:
    """Name the model by its ARN when it is missing."""
    backend, name = self.sagemaker_backend, self._get_param("ModelName")
    if backend._models.pop(name, None) is None:
        raise _invalid(f'Could not find model "{_arn(backend, "model", name)}".')
    return EmptyResult()


def list_models(self: SageMakerResponse) -> ActionResult:
    """List a page; moto has neither pages nor filters here."""
    models = [
        {"ModelName": m.model_name, "ModelArn": m.arn, "CreationTime": m.creation_time}
        for m in self.sagemaker_backend.list_models()
    ]
    return _listed(self, "Models", "ModelName", models)


# -- endpoint configs


def create_endpoint_config(self: SageMakerResponse) -> ActionResult:
    """Keep every member of the request, and refuse a name that is taken."""
    backend, request = self.sagemaker_backend, _request(self)
    name = request["EndpointConfigName"]
    arn = _arn(backend, "endpoint-config", name)
    if name in backend.endpoint_configs:
        raise _invalid(f'Cannot create already existing endpoint configuration "{arn}".')
    models: dict[str, HostedModel] = {}
    variants = [*request["ProductionVariants"], *(request.get("ShadowProductionVariants") or [])]
    for variant in variants:
        wanted = variant.get("ModelName")
        if wanted is None:  # inference components bring the models
            continue
        model = backend._models.get(wanted)
        if not isinstance(model, HostedModel):
            raise _invalid(f'Could not find model "{_arn(backend, "model", wanted)}".')
        models[wanted] = model
    config = HostedConfig(backend.account_id, backend.region_name, request, models)
    backend.endpoint_configs[name] = config
    return ActionResult({"EndpointConfigArn": config.endpoint_config_arn})


def list_endpoint_configs(self: SageMakerResponse) -> ActionResult:
    """List newest first, ten a page, as the service does by default; moto lists oldest first."""
    summaries = [c.summary() for c in self.sagemaker_backend.endpoint_configs.values()]
    return _listed(self, "EndpointConfigs", "EndpointConfigName", summaries)


# -- endpoints


def create_endpoint(self: SageMakerResponse) -> ActionResult:
    """Refuse a name that is taken, which the service compares ignoring case."""
    backend, name = self.sagemaker_backend, self._get_param("EndpointName")
    if name.lower() in {known.lower() for known in backend.endpoints}:
        arn = _arn(backend, "endpoint", name)
        raise _invalid(f'Cannot create already existing endpoint "{arn}".')
    endpoint = HostedEndpoint(
        backend.account_id,
        backend.region_name,
        name,
        _config(backend, self._get_param("EndpointConfigName")),
        self._get_param("Tags") or [],
        _plain(self._get_param("DeploymentConfig")),
    )
    backend.endpoints[name] = endpoint
    return ActionResult({"EndpointArn": endpoint.arn})


def update_endpoint(self: SageMakerResponse) -> ActionResult:
    """UpdateEndpoint, which moto does not have."""
    backend = self.sagemaker_backend
    endpoint = _endpoint(backend, self._get_param("EndpointName"))
    config = _config(backend, self._get_param("EndpointConfigName"))
    if endpoint.endpoint_status in _IN_PROGRESS:
        raise _invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    # The live config may have been deleted, which the service only notices here.
    _config(backend, endpoint.endpoint_config_name)
    _refuse_scaled(endpoint, config, _scaled_variants(backend, endpoint.endpoint_name))
    retain = bool(self._get_param("RetainAllVariantProperties", if_none=False))
    excluded = {item["VariantPropertyType"] for item in self._get_param("ExcludeRetainedVariantProperties") or []}
    if excluded and not retain:
        raise _invalid(
            "ExcludeRetainedVariantProperties can only be specified when RetainAllVariantProperties is true."
        )
    kept = RETAINABLE - excluded if retain else set()
    endpoint.deploy(config, _plain(self._get_param("DeploymentConfig")), kept)
    return ActionResult({"EndpointArn": endpoint.arn})


def delete_endpoint(self: SageMakerResponse) -> ActionResult:
    """Delete; the service deregisters the scalable targets of the endpoint's variants itself."""
    backend = self.sagemaker_backend
    endpoint = _endpoint(backend, self._get_param("EndpointName"))
    if endpoint.endpoint_status in _IN_PROGRESS:
        raise _invalid(f'Cannot delete in-progress endpoint "{endpoint.arn}".')
    scaling = applicationautoscaling_backends[backend.account_id][backend.region_name]
    for variant in _scaled_variants(backend, endpoint.endpoint_name):
        resource = f"endpoint/{endpoint.endpoint_name}/variant/{variant}"
        for dimension in _VARIANT_DIMENSIONS:
            if resource in scaling.targets.get(dimension, {}):
                scaling.deregister_scalable_target(_NAMESPACE, resource, dimension)
    del backend.endpoints[endpoint.endpoint_name]
    FLEET.retire((backend.account_id, backend.region_name, endpoint.endpoint_name))
    return EmptyResult()


def list_endpoints(self: SageMakerResponse) -> ActionResult:
    """List newest first, ten a page, as the service does by default; moto lists oldest first."""
    status = self._get_param("StatusEquals")
    summaries = [e.summary() for e in self.sagemaker_backend.endpoints.values()]
    chosen = [s for s in summaries if status in (None, s["EndpointStatus"])]
    return _listed(self, "Endpoints", "EndpointName", chosen)


def _endpoint(backend: SageMakerModelBackend, name: str) -> HostedEndpoint:
    found = backend.endpoints.get(name)
    if not isinstance(found, HostedEndpoint):
        raise _invalid(f'Could not find endpoint "{_arn(backend, "endpoint", name)}".')
    return found


def _config(backend: SageMakerModelBackend, name: str) -> HostedConfig:
    found = backend.endpoint_configs.get(name)
    if not isinstance(found, HostedConfig):
        arn = _arn(backend, "endpoint-config", name)
        raise _invalid(f'Could not find endpoint configuration "{arn}".')
    return found


def _scaled_variants(backend: SageMakerModelBackend, endpoint: str) -> set[str]:
    """Return the variants of an endpoint that are scalable targets."""
    scaling = applicationautoscaling_backends[backend.account_id][backend.region_name]
    prefix = f"endpoint/{endpoint}/variant/"
    return {
        resource.removeprefix(prefix)
        for dimension in _VARIANT_DIMENSIONS
        for resource in scaling.targets.get(dimension, {})
        if resource.startswith(prefix)
    }


def _refuse_scaled(endpoint: HostedEndpoint, config: HostedConfig, scaled: set[str]) -> None:
    """Refuse to remove a variant that is scaled, or to change its instance type."""
    affected = sorted(
        name
        for name in scaled
        if (new := config.variant(name)) is None
        or new.get("InstanceType") != (endpoint.config.variant(name) or {}).get("InstanceType")
    )
    if affected:
        raise _invalid(
            f'The variant(s) "[{", ".join(affected)}]" must be deregistered as scalable targets '
            "with AutoScaling before they can be removed or have their instance type updated."
        )


# -- tags, lists


def add_tags(self: SageMakerModelBackend, arn: str, tags: list[dict[str, str]]) -> list[dict[str, str]]:
    """Replace tags of the same key; moto adds a second one."""
    resource = self._get_resource_from_arn(arn)
    keys = {tag["Key"] for tag in tags}
    resource.tags = [tag for tag in resource.tags if tag["Key"] not in keys] + list(tags)
    kept: list[dict[str, str]] = resource.tags
    return kept


def _refusing_existing_group(
    original: Callable[[SageMakerResponse], ActionResult],
) -> Callable[[SageMakerResponse], ActionResult]:
    @wraps(original)
    def create_model_package_group(self: SageMakerResponse) -> ActionResult:
        """Refuse a name that is taken; moto overwrites the group."""
        backend, name = self.sagemaker_backend, self._get_param("ModelPackageGroupName")
        if name in backend.model_package_groups:
            arn = _arn(backend, "model-package-group", name)
            raise _invalid(f"Model Package Group already exists: {arn}")
        return original(self)

    return create_model_package_group


def _request(self: SageMakerResponse) -> Document:
    request: Document = _plain(self._get_params()) or {}
    return request


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a parsed parameter as plain dicts and lists, which later requests cannot change."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _listed(self: SageMakerResponse, key: str, name_key: str, summaries: Iterable[Document]) -> ActionResult:
    """Return a page of summaries, filtered and sorted as the request says."""
    chosen = [s for s in summaries if _matches(self, s, name_key)]
    sort = {"Name": name_key, "Status": "EndpointStatus"}.get(self._get_param("SortBy") or "", "CreationTime")
    ascending = self._get_param("SortOrder") == "Ascending"
    chosen.sort(key=lambda summary: summary[sort], reverse=not ascending)
    start = int(self._get_param("NextToken") or 0)
    end = start + int(self._get_param("MaxResults") or 10)
    token = str(end) if len(chosen) > end else None
    return ActionResult({key: chosen[start:end], "NextToken": token})


def _matches(self: SageMakerResponse, summary: Document, name_key: str) -> bool:
    if (self._get_param("NameContains") or "").lower() not in summary[name_key].lower():
        return False
    for member in ("CreationTime", "LastModifiedTime"):
        after, before = (self._get_param(f"{member}{side}") for side in ("After", "Before"))
        if after is not None and not summary[member] > after.replace(tzinfo=None):
            return False
        if before is not None and not summary[member] < before.replace(tzinfo=None):
            return False
    return True
