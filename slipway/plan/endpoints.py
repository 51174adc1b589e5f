"""An endpoint as one side's templates declare it: variants, scaling, strategy, alarms, inference components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from slipway.local.engine.documents import Json
from slipway.plan.resolution import CLOSE, OPEN, Resource
from slipway.spec.deployment import Fleet

ENDPOINT, CONFIG, MODEL = "AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Model"
COMPONENT = "AWS::SageMaker::InferenceComponent"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
SCALING_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
#: A count with more digits is none.
_DIGITS = 9
_COUNT = "sagemaker:variant:DesiredInstanceCount"


@dataclass(frozen=True)
class DeclaredVariant:
    """A variant of an endpoint config.

    Attributes
    ----------
    name
        Its name.
    count
        InitialInstanceCount; 0 for serverless.
    type
        The instance type; of several types their names with ``or``; empty for serverless.
    weight
        InitialVariantWeight.
    model
        What ModelName is; empty where inference components bring the models.
    serverless
        The ServerlessConfig; empty otherwise.
    shadow
        Whether it gets copies only.
    managed
        Between which counts ManagedInstanceScaling moves it, if it does.
    """

    name: str
    count: int
    type: str
    weight: float = 1.0
    model: str = ""
    serverless: Mapping[str, Json] = field(default_factory=dict)
    shadow: bool = False
    managed: Fleet | None = None


@dataclass(frozen=True)
class DeclaredComponent:
    """An inference component.

    Attributes
    ----------
    logical_id, name, variant
        Which one, and where it runs.
    copies
        CopyCount.
    policy
        Its DeploymentConfig.
    limits
        Between which counts of copies it is scaled.
    """

    logical_id: str
    name: str
    variant: str
    copies: int
    policy: Mapping[str, Json] | None = None
    limits: Fleet | None = None


@dataclass(frozen=True)
class Declared:
    """One endpoint of one side.

    Attributes
    ----------
    logical_id, name
        The name is one in brackets where CloudFormation chooses it.
    properties
        Of the endpoint.
    config
        The logical id of its endpoint config; empty where that is not in the stack.
    config_properties
        Of the endpoint config.
    variants
        Of the config, shadows last.
    targets
        By variant's name: the scalable target of its instances.
    limits
        By variant's name: between which counts it is scaled, schedules included.
    components
        Inference components that run on it.
    owned
        Logical ids of what belongs to it, by role: ``model``, ``config``, ``endpoint``, ``scaling``, ``alarm``,
        ``rollback alarm``, ``component``.
    """

    logical_id: str
    name: str
    properties: Mapping[str, Json]
    config: str
    config_properties: Mapping[str, Json]
    variants: tuple[DeclaredVariant, ...]
    targets: Mapping[str, str]
    limits: Mapping[str, Fleet]
    components: tuple[DeclaredComponent, ...]
    owned: Mapping[str, str]

    @property
    def retained(self) -> frozenset[str]:
        """What an update keeps of the live endpoint: ``DesiredInstanceCount``, ``DesiredWeight``."""
        if not truth(self.properties.get("RetainAllVariantProperties")):
            return frozenset()
        listed = mappings(self.properties.get("ExcludeRetainedVariantProperties"))
        excluded = {str(one.get("VariantPropertyType")) for one in listed}
        return frozenset({"DesiredInstanceCount", "DesiredWeight"} - excluded)

    @property
    def asynchronous(self) -> bool:
        """Whether requests are queued."""
        return bool(self.config_properties.get("AsyncInferenceConfig"))

    @property
    def hosts_components(self) -> bool:
        """Whether it is a fleet for inference components."""
        return bool(self.variants) and not any(variant.model for variant in self.variants)

    @property
    def production(self) -> tuple[DeclaredVariant, ...]:
        """The variants that answer."""
        return tuple(variant for variant in self.variants if not variant.shadow)

    def variant(self, name: str) -> DeclaredVariant | None:
        """A variant by its name; ``None`` where there is none."""
        return next((variant for variant in self.variants if variant.name == name), None)

    def counts(self, variant: DeclaredVariant) -> Fleet:
        """The counts that a variant can have: those between its scaling limits, or the declared one."""
        return self.limits.get(variant.name) or variant.managed or Fleet(variant.count, variant.count)


def truth(value: object) -> bool:
    """Whether a property is true, which templates may write as text."""
    return str(value).lower() == "true"


def declared(resources: Mapping[str, Resource]) -> Iterator[Declared]:
    """Find the endpoints of a stack.

    Parameters
    ----------
    resources
        All of the stack, resolved.

    Yields
    ------
    Declared
        In the order of the resources.
    """
    for one in resources.values():
        if one.type == ENDPOINT:
            yield _endpoint(one, resources)


def _endpoint(endpoint: Resource, resources: Mapping[str, Resource]) -> Declared:
    name = endpoint.properties.get("EndpointName")
    name = name if isinstance(name, str) else f"{OPEN}{endpoint.logical_id}.EndpointName{CLOSE}"
    config = _config(endpoint, resources)
    properties = config.properties if config else {}
    variants = tuple(config_variants(properties))
    targets = dict(_targets(name, resources))
    components = tuple(_components(name, resources))
    limits = {variant: fleet for variant, target in targets.items() if (fleet := _limits(resources[target]))}
    owned = {endpoint.logical_id: "endpoint"} | dict.fromkeys(targets.values(), "scaling")
    if config is not None:
        owned[config.logical_id] = "config"
    owned |= {model: "model" for variant in variants if (model := _model(variant.model, resources))}
    owned |= {component.logical_id: "component" for component in components}
    for component in components:
        used = resources[component.logical_id].refers
        owned |= {one: "model" for one in used if one in resources and resources[one].type == MODEL}
    owned |= dict(_component_scaling(components, resources))
    owned |= dict(_policies(name, owned, resources))
    owned |= dict(_alarms(name, components, endpoint.properties, resources))
    return Declared(
        endpoint.logical_id,
        name,
        endpoint.properties,
        config.logical_id if config else "",
        properties,
        variants,
        targets,
        limits,
        components,
        owned,
    )


def _config(endpoint: Resource, resources: Mapping[str, Resource]) -> Resource | None:
    wanted = endpoint.properties.get("EndpointConfigName")
    for one in resources.values():
        if one.type == CONFIG and (
            one.properties.get("EndpointConfigName", wanted is None) == wanted or _named(wanted, one.logical_id)
        ):
            return one
    return None


def _named(value: Json, logical_id: str) -> bool:
    """Whether a value is a resource's identity that only a deployment tells."""
    if not isinstance(value, str) or not value.startswith(OPEN):
        return False
    return value.strip(OPEN + CLOSE).removesuffix(" replaced").split(".")[0] == logical_id


def config_variants(config: Mapping[str, Json]) -> Iterator[DeclaredVariant]:
    """Read the variants of an endpoint config.

    Parameters
    ----------
    config
        Its properties, or what DescribeEndpointConfig answers.

    Yields
    ------
    DeclaredVariant
        The production variants first.
    """
    for key in ("ProductionVariants", "ShadowProductionVariants"):
        for one in mappings(config.get(key)):
            yield _variant(one, shadow=key.startswith("Shadow"))


def _variant(given: Mapping[str, Json], *, shadow: bool) -> DeclaredVariant:
    serverless = mapping(given.get("ServerlessConfig"))
    pools = [str(pool.get("InstanceType")) for pool in mappings(given.get("InstancePools"))]
    managed = mapping(given.get("ManagedInstanceScaling"))
    low, high = whole(managed.get("MinInstanceCount"), 1), whole(managed.get("MaxInstanceCount"), 1)
    return DeclaredVariant(
        str(given.get("VariantName", "")),
        0 if serverless else whole(given.get("InitialInstanceCount"), 1),
        str(given.get("InstanceType") or " or ".join(pools)),
        real(given.get("InitialVariantWeight"), 1.0),
        str(given.get("ModelName") or ""),
        serverless,
        shadow,
        Fleet(low, max(low, high)) if managed.get("Status") == "ENABLED" else None,
    )


def mapping(value: object) -> Mapping[str, Json]:
    """What a template should have as keys and values; nothing where it has anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[Mapping[str, Json]]:
    """What a template should have as a list of these; nothing where it has anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def whole(value: object, otherwise: int) -> int:
    """A whole number, which templates may write as text; something else where it is none."""
    text = str(value)
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else otherwise


def real(value: object, otherwise: float) -> float:
    """A number, which templates may write as text; something else where it is none."""
    try:
        return float(str(value))
    except ValueError:
        return otherwise


def _model(name: str, resources: Mapping[str, Resource]) -> str:
    """The logical id of a model; empty where it is not in the stack."""
    for one in resources.values():
        if one.type == MODEL and (one.properties.get("ModelName") == name or _named(name, one.logical_id)):
            return one.logical_id
    return ""


def _targets(name: str, resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    start = f"endpoint/{name}/variant/"
    for one in resources.values():
        dimension, found = one.properties.get("ScalableDimension"), one.properties.get("ResourceId")
        if one.type == TARGET and dimension == _COUNT and isinstance(found, str) and found.startswith(start):
            yield found.removeprefix(start), one.logical_id


def _limits(target: Resource) -> Fleet | None:
    """The counts between which a target moves, those of its schedules included."""
    actions = [mapping(one.get("ScalableTargetAction")) for one in mappings(target.properties.get("ScheduledActions"))]
    every = [target.properties, *actions]
    lows = [whole(one["MinCapacity"], -1) for one in every if "MinCapacity" in one]
    highs = [whole(one["MaxCapacity"], -1) for one in every if "MaxCapacity" in one]
    if not lows or not highs or min(*lows, *highs) < 0:
        return None
    return Fleet(min(lows), max(highs))


def _components(name: str, resources: Mapping[str, Resource]) -> Iterator[DeclaredComponent]:
    for one in resources.values():
        if one.type != COMPONENT or one.properties.get("EndpointName") != name:
            continue
        given = one.properties.get("InferenceComponentName")
        own = given if isinstance(given, str) else f"{OPEN}{one.logical_id}{CLOSE}"
        policy = one.properties.get("DeploymentConfig")
        limits = next((_limits(resources[target]) for target in _targets_of(own, resources)), None)
        yield DeclaredComponent(
            one.logical_id,
            own,
            str(one.properties.get("VariantName") or ""),
            whole(mapping(one.properties.get("RuntimeConfig")).get("CopyCount"), 0),
            policy if isinstance(policy, dict) else None,
            limits,
        )


def _targets_of(component: str, resources: Mapping[str, Resource]) -> Iterator[str]:
    for one in resources.values():
        if one.type == TARGET and one.properties.get("ResourceId") == f"inference-component/{component}":
            yield one.logical_id


def _component_scaling(
    components: tuple[DeclaredComponent, ...], resources: Mapping[str, Resource]
) -> Iterator[tuple[str, str]]:
    for component in components:
        for target in _targets_of(component.name, resources):
            yield target, "scaling"


def _policies(name: str, owned: Mapping[str, str], resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    targets = {logical_id for logical_id, role in owned.items() if role == "scaling"}
    for one in resources.values():
        if one.type == SCALING_POLICY and (
            one.refers & targets or str(one.properties.get("ResourceId", "")).startswith(f"endpoint/{name}/")
        ):
            yield one.logical_id, "scaling"


def _alarms(
    name: str,
    components: tuple[DeclaredComponent, ...],
    endpoint: Mapping[str, Json],
    resources: Mapping[str, Resource],
) -> Iterator[tuple[str, str]]:
    policies: list[Json] = [endpoint.get("DeploymentConfig"), *(component.policy for component in components)]
    watching = {alarm for policy in policies for alarm in alarm_names(policy)}
    own = {name, *(component.name for component in components)}
    for one in resources.values():
        if one.type not in ALARMS:
            continue
        alarm = str(one.properties.get("AlarmName", f"{OPEN}{one.logical_id}{CLOSE}"))
        if alarm in watching:
            yield one.logical_id, "rollback alarm"
        elif own & set(_dimensions(one.properties)):
            yield one.logical_id, "alarm"


def alarm_names(policy: Json) -> list[str]:
    """The alarms that a DeploymentConfig names."""
    rollback = mapping(mapping(policy).get("AutoRollbackConfiguration"))
    return [str(one.get("AlarmName")) for one in mappings(rollback.get("Alarms"))]


def _dimensions(alarm: Mapping[str, Json]) -> Iterator[str]:
    queries = [mapping(mapping(one.get("MetricStat")).get("Metric")) for one in mappings(alarm.get("Metrics"))]
    for metric in (alarm, *queries):
        for dimension in mappings(metric.get("Dimensions")):
            if dimension.get("Name") in ("EndpointName", "InferenceComponentName"):
                yield str(dimension.get("Value"))
