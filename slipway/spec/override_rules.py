"""Rules on `overrides`: properties exist, and hold what CloudFormation accepts; what the spec can say is said there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from slipway.spec import cloudformation
from slipway.spec.component import Component, Resources
from slipway.spec.deployment import Rolling
from slipway.spec.endpoint import GUARDABLE, ONLY_VARIANT, Member, Served
from slipway.spec.errors import Path, Problem, dotted, shown
from slipway.spec.hosting import Hosting, PrefixRouting, ServerlessHosting
from slipway.spec.model import Container, Pipeline, UriImage

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: What the spec calls a property, by the beginning of the property's path; ``*`` is any position.
Words = Mapping[tuple[str, ...], str]


def _words(text: str) -> dict[tuple[str, ...], str]:
    """Read a table: a property and its key on each line."""
    rows = (line.split() for line in text.strip().splitlines())
    return {tuple(path.split(".")): key for path, key in rows}


_ENDPOINT = _words("""
    DeploymentConfig.AutoRollbackConfiguration   deployment.rollback_alarms
    DeploymentConfig                             deployment
    RetainAllVariantProperties                   deployment.apply_capacity
    ExcludeRetainedVariantProperties             deployment.apply_capacity
""")
_CONFIG = _words("""
    AsyncInferenceConfig    asynchronous
    DataCaptureConfig       capture
    ExplainerConfig         explainer
    MetricsConfig           metrics
    KmsKeyId                hosting.kms_key
    EnableNetworkIsolation  model.network_isolation
""")
_VARIANT = _words("""
    ModelName                                   model
    InitialVariantWeight                        weight
    InstanceType                                hosting.instance_type
    InstancePools.*.InstanceType                hosting.pools
    InstancePools.*.Priority                    hosting.pools
    InitialInstanceCount                        hosting.instances
    VolumeSizeInGB                              hosting.volume
    ModelDataDownloadTimeoutInSeconds           hosting.download_timeout
    ContainerStartupHealthCheckTimeoutInSeconds hosting.startup_timeout
    VariantInstanceProvisionTimeoutInSeconds    hosting.provision_timeout
    InferenceAmiVersion                         hosting.ami
    RoutingConfig                               hosting.routing
    ManagedInstanceScaling                      hosting.managed_scaling
    CapacityReservationConfig                   hosting.capacity_reservation
    CoreDumpConfig                              hosting.core_dumps
    EnableSSMAccess                             hosting.ssm_access
    ServerlessConfig                            hosting.serverless
""")
_MODEL = _words("""
    InferenceExecutionConfig  invocation
    EnableNetworkIsolation    network_isolation
""")
_CONTAINER = _words("""
    Image                                            image
    ImageConfig                                      image.private
    ModelDataUrl                                     artifact
    ModelDataSource.S3DataSource.HubAccessConfig     hub_content
    ModelDataSource.S3DataSource.ModelAccessConfig   accept_eula
    ModelDataSource                                  artifact
    Mode                                             models
    MultiModelConfig                                 cache
    ModelPackageName                                 package
    InferenceSpecificationName                       specification
    Environment                                      environment
    ContainerHostname                                hostname
""")
_COMPONENT = _words("""
    RuntimeConfig.CopyCount  copies
    DeploymentConfig         deployment
    Specifications           on
""")
_SPECIFICATION = _words("""
    BaseInferenceComponentName                                    base
    ModelName                                                     model
    Container.Image                                               model.image
    Container.ArtifactUrl                                         model.artifact
    Container.Environment                                         model.environment
    Container.ContainerMetricsConfig                              scrape
    ComputeResourceRequirements.MinMemoryRequiredInMb             memory
    ComputeResourceRequirements.MaxMemoryRequiredInMb             max_memory
    ComputeResourceRequirements.NumberOfCpuCoresRequired          cpus
    ComputeResourceRequirements.NumberOfAcceleratorDevicesRequired accelerators
    StartupParameters.ModelDataDownloadTimeoutInSeconds           download_timeout
    StartupParameters.ContainerStartupHealthCheckTimeoutInSeconds startup_timeout
    DataCacheConfig                                               cache
    SchedulingConfig                                              placement
""")
#: Names that CloudFormation generates.
_GENERATED = {"AWS::SageMaker::Model": "ModelName", "AWS::SageMaker::EndpointConfig": "EndpointConfigName"}


class _Resource:
    """A resource that overrides are laid over.

    Attributes
    ----------
    path
        Where its overrides stand.
    type
        Its type.
    properties
        The overrides.
    words
        What the spec calls its properties; whole keys from the top of the config.
    below
        Which optional mappings the spec makes, and how many items its lists have.
    conventions
        Names by which others know it.
    tags
        The key of its tags.
    """

    def __init__(self, s: Subject, path: Path, type: str, properties: Mapping[str, Any]) -> None:
        self.path = path
        self.type = f"AWS::SageMaker::{type}"
        self.properties = properties
        self.tags = dotted((*s.path, "tags"))
        self.conventions: dict[tuple[str, ...], str] = {}
        self.words: dict[tuple[str, ...], str] = {}
        self.below: dict[tuple[str, ...], bool | int] = {}

    def say(self, prefix: tuple[str, ...], words: Words, at: Path) -> None:
        """Enter the words for what stands under a property, and under a key of the config."""
        self.words |= {(*prefix, *path): dotted((*at, *key.split("."))) for path, key in words.items()}


def overrides(s: Subject) -> Iterator[Problem]:
    """Every override is a property that exists, with a value that CloudFormation accepts."""
    given = s.endpoint.overrides
    if not (given.endpoint or given.config or given.models or given.components):
        return
    try:
        for resource in _resources(s):
            if resource.properties:
                yield from _schema(s, resource)
                yield from _names(resource)
                yield from _sayable(resource)
        yield from _without_model(s)
    except cloudformation.NoSchemasError:
        yield Problem(
            (*s.path, "overrides"),
            "are checked against CloudFormation's schemas, which cfn-lint carries, and it is not installed: "
            "`pip install 'slipway[local]'`, or `pip install cfn-lint`",
        )


def _without_model(s: Subject) -> Iterator[Problem]:
    for served in s.endpoint.served:
        if served.id in s.endpoint.overrides.models and _inline(s, served):
            message = (
                "has no AWS::SageMaker::Model: its container is written into the component; override "
                f"`components.{served.at[1]}` instead, under Specification and Container"
            )
            yield Problem((*s.path, "overrides", "models", served.id), message, of_name=True)


def _schema(s: Subject, resource: _Resource) -> Iterator[Problem]:
    found = cloudformation.check(resource.type, s.environment.region, resource.properties, resource.below)
    for one in found:
        yield Problem((*resource.path, *one.path), one.message, one.severity)


def _names(resource: _Resource) -> Iterator[Problem]:
    """What is made by convention stays as it is made."""
    generated = _GENERATED.get(resource.type)
    if "Tags" in resource.properties:
        message = f"policies and budgets go by the tags, which this would replace: write yours under `{resource.tags}`"
        yield Problem((*resource.path, "Tags"), message)
    for path, value in _leaves(resource.properties):
        right = resource.conventions.get(tuple(map(str, path)), value)
        if value != right:
            message = (
                f"{shown(value)} would replace {right}, by which policies, alarms, scaling and log groups go: remove it"
            )
            yield Problem((*resource.path, *path), message)
        elif path == (generated,):
            message = (
                "CloudFormation cannot replace what has a fixed name, and every change replaces this: write another "
                "name with each change, or leave it out and get a generated one"
            )
            yield Problem((*resource.path, *path), message, "warning")


def _sayable(resource: _Resource) -> Iterator[Problem]:
    told: set[Path] = set()
    for path, _ in _leaves(resource.properties):
        found = _word(resource.words, path)
        if found is None:
            continue
        depth, key = found
        at = path[:depth]
        if at not in told:
            told.add(at)
            message = (
                f"the spec says this with `{key}`, where it is checked with everything that rests on it: write it there"
            )
            yield Problem((*resource.path, *at), message, "warning")


def _word(words: Words, path: Path) -> tuple[int, str] | None:
    """The longest beginning of a path that the spec has a word for."""
    exact = tuple(map(str, path))
    for depth in range(len(path), 0, -1):
        # Pools have no words of their own, whatever their position.
        for beginning in (exact[:depth], (*exact[:2], *_anywhere(exact[2:depth]))):
            if beginning in words:
                return depth, words[beginning]
    return None


def _anywhere(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("*" if key.isdecimal() else key for key in path)


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401
    """Every property that holds no others; an intrinsic function is one too."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping) and not cloudformation.intrinsic(value):
        inner = list(value.items())
    elif isinstance(value, list | tuple):
        inner = list(enumerate(value))
    for key, one in inner:
        yield from _leaves(one, (*path, key))
    if not inner:
        yield path, value


def _resources(s: Subject) -> Iterator[_Resource]:
    given, at = s.endpoint.overrides, (*s.path, "overrides")
    yield _endpoint(s, (*at, "endpoint"))
    yield _config(s, (*at, "config"))
    for served in s.endpoint.served:
        if served.id in given.models and not _inline(s, served):
            yield _model(s, (*at, "models", served.id), served)
    for name, component in (s.endpoint.components or {}).items():
        if name in given.components:
            yield _component(s, (*at, "components", name), name, component)


def _endpoint(s: Subject, path: Path) -> _Resource:
    made = _Resource(s, path, "Endpoint", s.endpoint.overrides.endpoint)
    made.say((), _ENDPOINT, s.path)
    made.conventions = {
        ("EndpointName",): s.environment.names.endpoint(s.name),
        ("EndpointConfigName",): "the config that the spec declares",
    }
    guarded = s.endpoint.mode in GUARDABLE
    rolling = isinstance(s.endpoint.deployment, Rolling)
    made.below |= {
        ("DeploymentConfig",): guarded,
        ("DeploymentConfig", "RollingUpdatePolicy"): guarded and rolling,
        ("DeploymentConfig", "BlueGreenUpdatePolicy"): guarded and not rolling,
    }
    return made


def _config(s: Subject, path: Path) -> _Resource:
    e = s.endpoint
    made = _Resource(s, path, "EndpointConfig", e.overrides.config)
    made.say((), _CONFIG, s.path)
    made.words[("VpcConfig",)] = "network"
    declared = e.asynchronous
    made.below |= {
        ("AsyncInferenceConfig",): declared is not None,
        ("AsyncInferenceConfig", "OutputConfig", "NotificationConfig"): declared is not None
        and bool(declared.success_topic or declared.error_topic or declared.include_response),
        ("DataCaptureConfig",): e.capture is not None,
        ("DataCaptureConfig", "CaptureOptions"): len(e.capture.what) if e.capture else 0,
        ("ExplainerConfig",): e.explainer is not None,
        ("ExplainerConfig", "ClarifyExplainerConfig", "ShapConfig", "TextConfig"): e.explainer is not None
        and e.explainer.text is not None,
        ("MetricsConfig",): e.metrics is not None,
        ("VpcConfig",): e.components is not None and s.environment.network is not None,
    }
    kinds = ("ProductionVariants", "variants", e.fleet), ("ShadowProductionVariants", "shadow", e.shadows)
    for kind, word, members in kinds:
        made.below[(kind,)] = len(members)
        made.words[kind, str(len(members))] = dotted((*s.path, word))
        for i, (variant, member) in enumerate(members.items()):
            made.conventions[kind, str(i), "VariantName"] = variant
            _variant(made, (kind, str(i)), member, s.path)
    return made


def _variant(made: _Resource, at: tuple[str, ...], member: Member, endpoint: Path) -> None:
    shadow = member.at == ("shadow",)
    words = dict(_VARIANT)
    if shadow:
        # Shadow tests exclude serverless, so the spec has no word for it.
        del words[("ServerlessConfig",)]
        words[("InitialVariantWeight",)] = "share"
    elif member.at == ():
        # One variant gets all requests, whatever its weight.
        del words[("InitialVariantWeight",)]
    made.say(at, words, (*endpoint, *member.at))
    hosting = member.hosting
    made.below[(*at, "ServerlessConfig")] = isinstance(hosting, ServerlessHosting)
    if isinstance(hosting, Hosting):
        made.below |= {
            (*at, "InstancePools"): len(hosting.pools or ()),
            (*at, "RoutingConfig"): hosting.routing is not None,
            (*at, "RoutingConfig", "PrefixAwareRoutingConfig"): isinstance(hosting.routing, PrefixRouting),
            (*at, "ManagedInstanceScaling"): hosting.managed_scaling is not None,
            (*at, "ManagedInstanceScaling", "ScaleInPolicy"): hosting.managed_scaling is not None
            and hosting.managed_scaling.scale_in is not None,
            (*at, "CapacityReservationConfig"): hosting.capacity_reservation is not None,
            (*at, "CoreDumpConfig"): hosting.core_dumps is not None,
        }


def _inline(s: Subject, served: Served) -> bool:
    """Whether a component's container is written into the component: an adapter's, and one whose metrics are read."""
    if not served.component:
        return False
    component = (s.endpoint.components or {})[served.at[1]]
    resources: Resources = (component.on or {})[served.at[3]] if served.at[2] == "on" else component
    return component.base is not None or resources.scrape is not None


def _model(s: Subject, path: Path, served: Served) -> _Resource:
    made = _Resource(s, path, "Model", s.endpoint.overrides.models[served.id])
    at = (*s.path, *served.at)
    pipeline = isinstance(served.model, Pipeline)
    words = {key: word for key, word in _MODEL.items() if pipeline or key != ("InferenceExecutionConfig",)}
    made.say((), words, at)
    made.words[("VpcConfig",)] = "network"
    made.below |= {
        ("PrimaryContainer",): not pipeline,
        ("Containers",): len(served.model.containers) if pipeline else 0,
        ("InferenceExecutionConfig",): pipeline,
        ("VpcConfig",): s.environment.network is not None,
    }
    for i, (at_container, _, container) in enumerate(served.containers):
        where = ("Containers", str(i)) if pipeline else ("PrimaryContainer",)
        _container(made, where, container, (*s.path, *at_container))
    return made


def _container(made: _Resource, at: tuple[str, ...], container: Container, path: Path) -> None:
    made.say(at, _CONTAINER, path)
    image = container.image
    private = isinstance(image, UriImage) and image.private
    made.below |= {
        (*at, "ImageConfig"): private,
        (*at, "ImageConfig", "RepositoryAuthConfig"): private
        and isinstance(image, UriImage)
        and image.credentials is not None,
        (*at, "MultiModelConfig"): container.cache is not None,
    }


def _component(s: Subject, path: Path, name: str, component: Component) -> _Resource:
    made = _Resource(s, path, "InferenceComponent", s.endpoint.overrides.components[name])
    at = (*s.path, "components", name)
    made.say((), _COMPONENT, at)
    made.say(("Specification",), _SPECIFICATION, at)
    made.conventions = {
        ("InferenceComponentName",): s.environment.names.component(s.name, name),
        ("EndpointName",): s.environment.names.endpoint(s.name),
        ("VariantName",): ONLY_VARIANT,
    }
    made.below |= {
        ("Specification",): not component.on,
        ("Specifications",): len(component.on or {}),
        ("Specification", "DataCacheConfig"): component.cache is not None,
        ("Specification", "SchedulingConfig"): component.placement is not None,
        ("Specification", "Container", "ContainerMetricsConfig"): component.scrape is not None,
    }
    return made
