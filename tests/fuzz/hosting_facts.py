"""Facts on models, fleets and components: shapes of the SageMaker API, and what the ways of hosting exclude."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tests.fuzz.stack import Properties, Stack

#: Families with local NVMe disks that refuse a key and a volume size: those with a "d", and some more.
NVME = re.compile(r"ml\.([a-z]+[0-9]+[a-z]*d[a-z]*|g5|g6e?|p5e?n?|trn1n?)\.")


def _containers(model: Properties) -> list[Properties]:
    return model.get("Containers") or [model.get("PrimaryContainer", {})]


def _models_of(stack: Stack, variants: list[Properties]) -> Iterator[tuple[Properties, Properties]]:
    for variant in variants:
        if "ModelName" in variant:
            yield variant, stack.models[variant["ModelName"]]


def _specifications(stack: Stack) -> Iterator[tuple[str, Properties]]:
    for component in stack.of("SageMaker::InferenceComponent"):
        for specification in component.get("Specifications") or [component["Specification"]]:
            yield component["InferenceComponentName"], specification


def local_disks_take_no_key_and_no_size(stack: Stack) -> Iterator[str]:
    """Resource shapes: types with local NVMe disks refuse KmsKeyId and VolumeSizeInGB."""
    for variant in (*stack.variants, *stack.shadows):
        for kind in stack.types(variant):
            if NVME.match(kind):
                yield from (f"{kind} with {key}" for key in ("VolumeSizeInGB",) if key in variant)
                yield from (f"{kind} with {key}" for key in ("KmsKeyId",) if key in stack.config)


def a_variant_runs_somewhere_and_serves_something(stack: Stack) -> Iterator[str]:
    """Resource shapes: one of instance type, pools and serverless; a model, or inference components."""
    for variant in (*stack.variants, *stack.shadows):
        if len(variant.keys() & {"InstanceType", "InstancePools", "ServerlessConfig"}) != 1:
            yield f"{variant['VariantName']} runs nowhere, or in two places"
        if ("ModelName" in variant) is (stack.mode == "components"):
            yield f"{variant['VariantName']} has {'a' if 'ModelName' in variant else 'no'} model"


def some_variant_gets_requests(stack: Stack) -> Iterator[str]:
    """Resource shapes: 1 to 10 production variants, a weight of 0 is legal, but not of all."""
    if not 1 <= len(stack.variants) <= 10:
        yield f"{len(stack.variants)} variants"
    if stack.mode != "components" and sum(variant["InitialVariantWeight"] for variant in stack.variants) <= 0:
        yield "all weights are 0"


def a_shadow_stands_beside_exactly_one_variant(stack: Stack) -> Iterator[str]:
    """Resource shapes: with a shadow variant exactly one production variant and one shadow."""
    if stack.shadows and (len(stack.variants), len(stack.shadows)) != (1, 1):
        yield f"{len(stack.variants)} variants, {len(stack.shadows)} shadows"


def shadow_tests_exclude_what_they_exclude(stack: Stack) -> Iterator[str]:
    """Shadow tests: no serverless, asynchronous, multi-container or multi-model endpoints, no Inf1."""
    if not stack.shadows:
        return
    both = [*stack.variants, *stack.shadows]
    yield from ("serverless" for variant in both if "ServerlessConfig" in variant)
    yield from ("asynchronous" for _ in [0] if stack.mode == "asynchronous")
    yield from (kind for variant in both for kind in stack.types(variant) if kind.startswith("ml.inf1."))
    for _, model in _models_of(stack, both):
        if "Containers" in model:
            yield "several containers"
        if any(container.get("Mode") == "MultiModel" for container in _containers(model)):
            yield "multi-model"


def serverless_excludes_what_it_excludes(stack: Stack) -> Iterator[str]:
    """Serverless: no multi-model, private registry, VPC, isolation, capture, second variant, pipeline, or prefix."""
    if stack.mode != "serverless":
        return
    if len(stack.variants) > 1:
        yield "several variants"
    yield from (
        key for key in ("DataCaptureConfig", "AsyncInferenceConfig", "ShadowProductionVariants") if key in stack.config
    )
    for _, model in _models_of(stack, stack.variants):
        yield from (key for key in ("Containers", "VpcConfig") if key in model)
        if model.get("EnableNetworkIsolation"):
            yield "network isolation"
        for container in _containers(model):
            yield from (key for key in ("ImageConfig", "ModelDataSource") if key in container)
            if container.get("Mode") == "MultiModel":
                yield "multi-model"


def serverless_memory_comes_in_gigabytes(stack: Stack) -> Iterator[str]:
    """Serverless: 1024 to 6144 MB in steps of 1024."""
    for variant in stack.variants:
        memory = variant.get("ServerlessConfig", {}).get("MemorySizeInMB", 1024)
        if memory not in range(1024, 6145, 1024):
            yield f"{memory} MB"


def a_pipeline_has_two_to_fifteen_containers(stack: Stack) -> Iterator[str]:
    """Pipelines: 2 to 15 containers, a hostname on all or none, at most one of them multi-model; serial or direct."""
    for model in stack.models.values():
        containers = model.get("Containers")
        if containers is None:
            yield from ("a mode for a single container" for key in ("InferenceExecutionConfig",) if key in model)
            continue
        if not 2 <= len(containers) <= 15 or "PrimaryContainer" in model:
            yield f"{len(containers)} containers"
        named = [container["ContainerHostname"] for container in containers if "ContainerHostname" in container]
        if len(named) not in (0, len(containers)) or len(set(named)) != len(named):
            yield f"{named} of {len(containers)} containers"
        if sum(container.get("Mode") == "MultiModel" for container in containers) > 1:
            yield "several multi-model containers"


def several_models_lie_under_a_prefix(stack: Stack) -> Iterator[str]:
    """Multi-model: ModelDataUrl is a prefix, and ModelDataSource is not for it; its cache only for it."""
    for model in stack.models.values():
        for container in _containers(model):
            several = container.get("Mode") == "MultiModel"
            if several and not container.get("ModelDataUrl", "").endswith("/"):
                yield f"{container.get('ModelDataUrl')} is no prefix"
            if several and "ModelDataSource" in container:
                yield "ModelDataSource with multi-model"
            if "MultiModelConfig" in container and not several:
                yield "MultiModelConfig with a single model"


def a_source_is_said_once_and_ends_as_it_must(stack: Stack) -> Iterator[str]:
    """ModelDataSource: an S3Prefix ends in a slash, an object does not; beside no ModelDataUrl and no package."""
    for model in stack.models.values():
        for container in _containers(model):
            if len(container.keys() & {"ModelDataUrl", "ModelDataSource", "ModelPackageName"}) > 1:
                yield f"{sorted(container)}"
            source = container.get("ModelDataSource", {}).get("S3DataSource")
            if source and (source["S3DataType"] == "S3Prefix") is not source["S3Uri"].endswith("/"):
                yield f"{source['S3DataType']} {source['S3Uri']}"
            if "Image" not in container and "ModelPackageName" not in container:
                yield "neither image nor package"


def a_private_registry_is_reached_through_a_network(stack: Stack) -> Iterator[str]:
    """Private registries: RepositoryAccessMode Vpc needs a VpcConfig."""
    for model in stack.models.values():
        private = any(c.get("ImageConfig", {}).get("RepositoryAccessMode") == "Vpc" for c in _containers(model))
        if private and "VpcConfig" not in model:
            yield "no VpcConfig"


def _variables(stack: Stack) -> Iterator[tuple[Mapping[str, str], int]]:
    for model in stack.models.values():
        yield from ((container.get("Environment", {}), 100) for container in _containers(model))
    for _, specification in _specifications(stack):
        yield specification.get("Container", {}).get("Environment", {}), 16


def variables_are_not_too_many_and_not_too_long(stack: Stack) -> Iterator[str]:
    """Environment: 100 entries (a component's own container 16), 1024 characters each, 32 KB in all."""
    for variables, most in _variables(stack):
        size = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
        longest = max((len(text) for pair in variables.items() for text in pair), default=0)
        if len(variables) > most or longest > 1024 or size > 32 * 1024:
            yield f"{len(variables)} of {most} entries, the longest of {longest} characters, {size} bytes"


def data_capture_lists_at_most_ten_content_types(stack: Stack) -> Iterator[str]:
    """Data capture: at most 10 content types of each kind; both directions once."""
    capture = stack.config.get("DataCaptureConfig", {})
    for kind, listed in capture.get("CaptureContentTypeHeader", {}).items():
        if not 1 <= len(listed) <= 10:
            yield f"{len(listed)} of {kind}"
    modes = [option["CaptureMode"] for option in capture.get("CaptureOptions", [])]
    if len(modes) != len(set(modes)):
        yield f"{modes}"


def detailed_metrics_are_said_explicitly(stack: Stack) -> Iterator[str]:
    """Enhanced metrics: every 10 to 300 s as listed, and EnableDetailedObservability always said."""
    metrics = stack.config.get("MetricsConfig")
    if metrics is not None:
        if metrics["MetricPublishFrequencyInSeconds"] not in (10, 30, 60, 120, 180, 240, 300):
            yield f"every {metrics['MetricPublishFrequencyInSeconds']} s"
        if "EnableDetailedObservability" not in metrics:
            yield "EnableDetailedObservability is not said"


def a_component_says_what_a_copy_takes(stack: Stack) -> Iterator[str]:
    """Inference components: MinMemoryRequiredInMb of 128 or more, except for an adapter; 0.25 cores, 1 accelerator."""
    for name, specification in _specifications(stack):
        takes = specification.get("ComputeResourceRequirements", {})
        if "BaseInferenceComponentName" in specification:
            yield from (f"{name} adapts, and takes {takes}" for _ in [0] if takes)
            continue
        if takes.get("MinMemoryRequiredInMb", 0) < 128:
            yield f"{name} takes {takes}"
        if takes.get("NumberOfCpuCoresRequired", 1) < 0.25 or takes.get("NumberOfAcceleratorDevicesRequired", 1) < 1:
            yield f"{name} takes {takes}"
        if takes.get("MaxMemoryRequiredInMb", 1e9) < takes.get("MinMemoryRequiredInMb", 0):
            yield f"{name} takes {takes}"


def a_fleet_of_components_has_the_role(stack: Stack) -> Iterator[str]:
    """Inference components: the config carries ExecutionRoleArn; each stands on a variant of its endpoint."""
    if ("ExecutionRoleArn" in stack.config) is not (stack.mode == "components"):
        yield f"a config {'with' if 'ExecutionRoleArn' in stack.config else 'without'} a role"
    variants = {variant["VariantName"] for variant in stack.variants}
    components = {c["InferenceComponentName"] for c in stack.of("SageMaker::InferenceComponent")}
    for component in stack.of("SageMaker::InferenceComponent"):
        if component["EndpointName"] != stack.endpoint["EndpointName"] or component["VariantName"] not in variants:
            yield f"{component['InferenceComponentName']} stands on {component['VariantName']}"
    for name, specification in _specifications(stack):
        base = specification.get("BaseInferenceComponentName")
        if base is not None and (base not in components or base == name):
            yield f"{name} adapts {base}"


def a_managed_fleet_has_room(stack: Stack) -> Iterator[str]:
    """ManagedInstanceScaling: at least 0 and 1, the fewest no more than the most; the initial count between them."""
    for variant in (*stack.variants, *stack.shadows):
        managed = variant.get("ManagedInstanceScaling")
        if managed and not (
            managed["MinInstanceCount"] <= managed["MaxInstanceCount"] and managed["MaxInstanceCount"] >= 1
        ):
            yield f"{managed}"


def names_can_be_replaced(stack: Stack) -> Iterator[str]:
    """CloudFormation traps: no fixed name of a model or config, and both stay when they are replaced."""
    for id, resource in stack.resources.items():
        kind = resource["Type"].rsplit("::", 1)[1]
        if resource["Type"] not in ("AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"):
            continue
        if f"{kind}Name" in resource["Properties"]:
            yield f"{id} has a fixed name"
        if resource.get("UpdateReplacePolicy") != "Retain" or "DeletionPolicy" not in resource:
            yield f"{id}: {resource.get('UpdateReplacePolicy')}, {resource.get('DeletionPolicy')}"


def names_are_unique(stack: Stack) -> Iterator[str]:
    """Names of alarms and policies are the account's: two with one name would overwrite each other."""
    for type, key in (
        ("CloudWatch::Alarm", "AlarmName"),
        ("ApplicationAutoScaling::ScalingPolicy", "PolicyName"),
        ("SageMaker::InferenceComponent", "InferenceComponentName"),
        ("Logs::LogGroup", "LogGroupName"),
        ("CloudWatch::Dashboard", "DashboardName"),
    ):
        names = [properties[key] for properties in stack.of(type)]
        yield from {f"{type} {name}" for name in names if names.count(name) > 1}


FACTS = (
    local_disks_take_no_key_and_no_size,
    a_variant_runs_somewhere_and_serves_something,
    some_variant_gets_requests,
    a_shadow_stands_beside_exactly_one_variant,
    shadow_tests_exclude_what_they_exclude,
    serverless_excludes_what_it_excludes,
    serverless_memory_comes_in_gigabytes,
    a_pipeline_has_two_to_fifteen_containers,
    several_models_lie_under_a_prefix,
    a_source_is_said_once_and_ends_as_it_must,
    a_private_registry_is_reached_through_a_network,
    variables_are_not_too_many_and_not_too_long,
    data_capture_lists_at_most_ten_content_types,
    detailed_metrics_are_said_explicitly,
    a_component_says_what_a_copy_takes,
    a_fleet_of_components_has_the_role,
    a_managed_fleet_has_room,
    names_can_be_replaced,
    names_are_unique,
)
