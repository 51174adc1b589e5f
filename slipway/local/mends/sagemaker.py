"""The SageMaker operations that moto lacks, or takes too lightly."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.core.responses import ActionResult, EmptyResult
from moto.s3.models import s3_backends
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from slipway.local.engine.documents import Document
from slipway.local.engine.planning import partition
from slipway.local.mends.backlog import BACKLOGS
from slipway.local.mends.hosted_endpoint import HostedEndpoint
from slipway.local.mends.hosting import RETAINABLE, HostedConfig, HostedModel, instance_types, model_names
from slipway.local.mends.inference_components import components_of
from slipway.local.mends.patching import add, replace
from slipway.local.mends.sagemaker_api import arn_of, endpoint_of, invalid, listed, plain, request_of
from slipway.local.runtime import FLEET
from slipway.rollout.declared import DeclarationError

_NAMESPACE = "sagemaker"
_VARIANT_DIMENSIONS = (
    "sagemaker:variant:DesiredInstanceCount",
    "sagemaker:variant:DesiredProvisionedConcurrency",
)
_IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


def apply() -> None:
    """Install the mends."""
    add(
        SageMakerResponse,
        update_endpoint=update_endpoint,
        list_monitoring_schedules=list_monitoring_schedules,
        delete_monitoring_schedule=delete_monitoring_schedule,
    )
    replace(
        SageMakerResponse,
        create_model=create_model,
        delete_model=delete_model,
        list_models=list_models,
        create_endpoint_config=create_endpoint_config,
        create_endpoint=create_endpoint,
        delete_endpoint=delete_endpoint,
        list_endpoints=list_endpoints,
        update_endpoint_weights_and_capacities=update_endpoint_weights_and_capacities,
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


def _found(original: Callable[..., Any]) -> Callable[..., Any]:
    """Word what is missing as the service does: moto quotes ARNs with ' instead of "."""

    @wraps(original)
    def find(self: SageMakerModelBackend, *args: str, **named: str) -> object:
        try:
            return original(self, *args, **named)
        except Exception as error:
            message = getattr(error, "message", "")
            if message.startswith("Could not find"):
                raise invalid(message.replace("'", '"')) from error
            raise

    return find


# -- models


def create_model(self: SageMakerResponse) -> ActionResult:
    """Refuse a name that is taken and data that is not there; moto overwrites and ignores."""
    backend, request = self.sagemaker_backend, request_of(self)
    name = request["ModelName"]
    if name in backend._models:
        raise invalid(f'Cannot create already existing model "{arn_of(backend, "model", name)}".')
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
        raise invalid(f"Could not find model data at {url}.")


def delete_model(self: SageMakerResponse) -> ActionResult:
    """Name the model by its ARN when it is missing."""
    backend, name = self.sagemaker_backend, self._get_param("ModelName")
    if backend._models.pop(name, None) is None:
        raise invalid(f'Could not find model "{arn_of(backend, "model", name)}".')
    return EmptyResult()


def list_models(self: SageMakerResponse) -> ActionResult:
    """List a page; moto has neither pages nor filters here."""
    models = [
        {"ModelName": m.model_name, "ModelArn": m.arn, "CreationTime": m.creation_time}
        for m in self.sagemaker_backend.list_models()
    ]
    return listed(self, "Models", "ModelName", models)


# -- endpoint configs


def create_endpoint_config(self: SageMakerResponse) -> ActionResult:
    """Keep every member of the request, and refuse a name that is taken."""
    backend, request = self.sagemaker_backend, request_of(self)
    name = request["EndpointConfigName"]
    arn = arn_of(backend, "endpoint-config", name)
    if name in backend.endpoint_configs:
        raise invalid(f'Cannot create already existing endpoint configuration "{arn}".')
    models: dict[str, HostedModel] = {}
    variants = [*request["ProductionVariants"], *(request.get("ShadowProductionVariants") or [])]
    for variant in variants:
        wanted = model_names(variant)
        if not wanted:  # inference components bring the models
            if not request.get("ExecutionRoleArn"):
                raise invalid(
                    f'Production variant "{variant["VariantName"]}" has no ModelName, so inference components are to '
                    "be deployed to it; ExecutionRoleArn is required for such an endpoint configuration."
                )
            continue
        for model_name in wanted:
            model = backend._models.get(model_name)
            if not isinstance(model, HostedModel):
                raise invalid(f'Could not find model "{arn_of(backend, "model", model_name)}".')
            models[model_name] = model
    config = HostedConfig(backend.account_id, backend.region_name, request, models)
    backend.endpoint_configs[name] = config
    return ActionResult({"EndpointConfigArn": config.endpoint_config_arn})


def list_endpoint_configs(self: SageMakerResponse) -> ActionResult:
    """List newest first, ten a page, as the service does by default; moto lists oldest first."""
    summaries = [c.summary() for c in self.sagemaker_backend.endpoint_configs.values()]
    return listed(self, "EndpointConfigs", "EndpointConfigName", summaries)


# -- endpoints


def create_endpoint(self: SageMakerResponse) -> ActionResult:
    """Refuse a name that is taken."""
    backend, name = self.sagemaker_backend, self._get_param("EndpointName")
    if name in backend.endpoints:
        arn = arn_of(backend, "endpoint", name)
        raise invalid(f'Cannot create already existing endpoint "{arn}".')
    endpoint = HostedEndpoint(
        backend.account_id,
        backend.region_name,
        name,
        _config(backend, self._get_param("EndpointConfigName")),
        self._get_param("Tags") or [],
        plain(self._get_param("DeploymentConfig")),
    )
    backend.endpoints[name] = endpoint
    return ActionResult({"EndpointArn": endpoint.arn})


def update_endpoint(self: SageMakerResponse) -> ActionResult:
    """UpdateEndpoint, which moto does not have."""
    backend = self.sagemaker_backend
    endpoint = endpoint_of(backend, self._get_param("EndpointName"))
    config = _config(backend, self._get_param("EndpointConfigName"))
    if endpoint.endpoint_status in _IN_PROGRESS:
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    # The live config may have been deleted, which the service only notices here.
    _config(backend, endpoint.endpoint_config_name)
    _refuse_scaled(endpoint, config, _scaled_variants(backend, endpoint.endpoint_name))
    _refuse_hosting(backend, endpoint, config)
    retain = bool(self._get_param("RetainAllVariantProperties", if_none=False))
    excluded = {item["VariantPropertyType"] for item in self._get_param("ExcludeRetainedVariantProperties") or []}
    if excluded and not retain:
        raise invalid("ExcludeRetainedVariantProperties can only be specified when RetainAllVariantProperties is true.")
    kept = RETAINABLE - excluded if retain else set()
    again = bool(self._get_param("RetainDeploymentConfig", if_none=False))
    try:
        endpoint.deploy(config, plain(self._get_param("DeploymentConfig")), kept, retain_deployment=again)
    except DeclarationError as error:
        raise invalid(f"Invalid DeploymentConfig: {error}") from error
    return ActionResult({"EndpointArn": endpoint.arn})


def delete_endpoint(self: SageMakerResponse) -> ActionResult:
    """Delete; the service deregisters the scalable targets of the endpoint's variants itself."""
    backend = self.sagemaker_backend
    endpoint = endpoint_of(backend, self._get_param("EndpointName"))
    if endpoint.endpoint_status in _IN_PROGRESS:
        raise invalid(f'Cannot delete in-progress endpoint "{endpoint.arn}".')
    hosted = components_of(backend, endpoint.endpoint_name)
    if hosted:
        names = ", ".join(sorted(component.name for component in hosted))
        raise invalid(f'Cannot delete endpoint "{endpoint.arn}" while it has inference components: {names}.')
    scaling = applicationautoscaling_backends[backend.account_id][backend.region_name]
    for variant in _scaled_variants(backend, endpoint.endpoint_name):
        resource = f"endpoint/{endpoint.endpoint_name}/variant/{variant}"
        for dimension in _VARIANT_DIMENSIONS:
            if resource in scaling.targets.get(dimension, {}):
                scaling.deregister_scalable_target(_NAMESPACE, resource, dimension)
    del backend.endpoints[endpoint.endpoint_name]
    where = (backend.account_id, backend.region_name, endpoint.endpoint_name)
    FLEET.retire(where)
    BACKLOGS.work_off(where)  # which forgets what still waited
    return EmptyResult()


def update_endpoint_weights_and_capacities(self: SageMakerResponse) -> ActionResult:
    """Change what is given and nothing else: moto forgets the rest, and has no serverless capacity."""
    backend, request = self.sagemaker_backend, request_of(self)
    endpoint = endpoint_of(backend, request["EndpointName"])
    if endpoint.endpoint_status in _IN_PROGRESS:
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    wanted = request["DesiredWeightsAndCapacities"]
    names = [item["VariantName"] for item in wanted]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f'The variant name "{name}" was non-unique within the request.')
        if endpoint.live_variant(name) is None:
            raise invalid(
                f'The variant name(s) "{name}" is/are not present within endpoint configuration '
                f'"{endpoint.config.endpoint_config_arn}".'
            )
    for item in wanted:
        _refuse_capacity(endpoint, item)
    for item in wanted:
        endpoint.rescale(item)
    BACKLOGS.work_off((backend.account_id, backend.region_name, endpoint.endpoint_name))
    return ActionResult({"EndpointArn": endpoint.arn})


def _refuse_capacity(endpoint: HostedEndpoint, wanted: Document) -> None:
    """Refuse instances of a serverless variant, and serverless capacity of instances."""
    name, serverless = wanted["VariantName"], wanted.get("ServerlessUpdateConfig")
    present = (endpoint.live_variant(wanted["VariantName"]) or {}).get("CurrentServerlessConfig")
    if present is None:
        if serverless:
            raise invalid(f'ServerlessUpdateConfig cannot be specified for variant "{name}", which has instances.')
        return
    if "DesiredInstanceCount" in wanted:
        raise invalid(f'DesiredInstanceCount cannot be specified for variant "{name}", which is serverless.')
    after = {**present, **(serverless or {})}
    if after.get("ProvisionedConcurrency", 0) > after["MaxConcurrency"]:
        raise invalid(
            f'ProvisionedConcurrency {after["ProvisionedConcurrency"]} of variant "{name}" is above its '
            f"MaxConcurrency {after['MaxConcurrency']}."
        )


def list_endpoints(self: SageMakerResponse) -> ActionResult:
    """List newest first, ten a page, as the service does by default; moto lists oldest first."""
    summaries = [e.summary() for e in self.sagemaker_backend.endpoints.values()]
    return listed(self, "Endpoints", "EndpointName", summaries, "EndpointStatus")


def _config(backend: SageMakerModelBackend, name: str) -> HostedConfig:
    found = backend.endpoint_configs.get(name)
    if not isinstance(found, HostedConfig):
        arn = arn_of(backend, "endpoint-config", name)
        raise invalid(f'Could not find endpoint configuration "{arn}".')
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


def _refuse_hosting(backend: SageMakerModelBackend, endpoint: HostedEndpoint, config: HostedConfig) -> None:
    """Refuse to take the variant from under inference components, or to give it a model of its own."""
    affected = sorted(
        component.name
        for component in components_of(backend, endpoint.endpoint_name)
        if (new := config.variant(component.variant_name)) is None or model_names(new)
    )
    if affected:
        raise invalid(
            f'Endpoint configuration "{config.endpoint_config_arn}" has no variant without a model for the '
            f'inference component(s) "[{", ".join(affected)}]" of endpoint "{endpoint.arn}".'
        )


def _refuse_scaled(endpoint: HostedEndpoint, config: HostedConfig, scaled: set[str]) -> None:
    """Refuse to remove a variant that is scaled, or to change its instance type."""
    affected = sorted(
        name
        for name in scaled
        if (new := config.variant(name)) is None
        or instance_types(new) != instance_types(endpoint.config.variant(name) or {})
    )
    if affected:
        raise invalid(
            f'The variant(s) "[{", ".join(affected)}]" must be deregistered as scalable targets '
            "with AutoScaling before they can be removed or have their instance type updated."
        )


# -- tags, lists


# -- monitoring schedules, of which there are none: moto cannot make one


def list_monitoring_schedules(self: SageMakerResponse) -> ActionResult:  # noqa: ARG001 - moto calls it as a method
    """Answer that there is none."""
    return ActionResult({"MonitoringScheduleSummaries": []})


def delete_monitoring_schedule(self: SageMakerResponse) -> ActionResult:
    """Refuse: it does not exist."""
    arn = arn_of(self.sagemaker_backend, "monitoring-schedule", self._get_param("MonitoringScheduleName"))
    raise invalid(f'Could not find monitoring schedule "{arn}".')


# -- tags


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
            arn = arn_of(backend, "model-package-group", name)
            raise invalid(f"Model Package Group already exists: {arn}")
        return original(self)

    return create_model_package_group
