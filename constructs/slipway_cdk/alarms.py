"""Alarms on an endpoint's metrics: rollback alarms on the new fleet, operating alarms on the whole variant."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from slipway.spec import instances
from slipway.spec.alarms import Alarms
from slipway.spec.endpoint import Variant
from slipway.spec.environment import Environment
from slipway.spec.units import Duration, Percent

REQUESTS = "AWS/SageMaker"
MACHINE = "/aws/sagemaker/Endpoints"


@dataclass(frozen=True)
class Signal:
    """A metric and how to read it.

    Attributes
    ----------
    metric, namespace
        As CloudWatch knows them.
    statistic
        ``Average``, ``Sum`` or a percentile such as ``p95``.
    what
        What happened when it is above its level, for whoever gets the alarm.
    do
        Where to look first.
    """

    metric: str
    namespace: str
    statistic: str
    what: str
    do: str


#: By the key of the level in the config. The error metrics are 0 or 1 for each request, so their average is a rate from 0 to 1;
#: latencies are in microseconds; machine metrics count 100 for each core or GPU.
SIGNALS = {
    "latency": Signal("ModelLatency", REQUESTS, "p95", "the model answers slowly", "Compare versions, load and instance type."),
    "overhead": Signal("OverheadLatency", REQUESTS, "p95", "SageMaker adds much latency", "Look at payload sizes and throttling."),
    "errors_4xx": Signal("Invocation4XXErrors", REQUESTS, "Average", "many requests are refused", "Look at what the callers send."),
    "errors_5xx": Signal("Invocation5XXErrors", REQUESTS, "Average", "many requests fail", "Read the endpoint's log group."),
    "model_errors": Signal(
        "InvocationModelErrors", REQUESTS, "Average", "the model's container fails", "Read the endpoint's log group."
    ),
    "cpu": Signal("CPUUtilization", MACHINE, "Average", "the CPUs are busy", "Scale out or take larger instances."),
    "memory": Signal("MemoryUtilization", MACHINE, "Average", "memory runs short", "Look for a leak; take larger instances."),
    "disk": Signal("DiskUtilization", MACHINE, "Average", "the volume fills up", "Look at what the container writes."),
    "gpu": Signal("GPUUtilization", MACHINE, "Average", "the GPUs are busy", "Scale out or take larger instances."),
    "gpu_memory": Signal("GPUMemoryUtilization", MACHINE, "Average", "GPU memory runs short", "Batch less; take larger instances."),
    "surge": Signal("Invocations", REQUESTS, "Sum", "many more requests than usual", "Ask who calls; check the scaling limits."),
}


def threshold(key: str, level: float, instance_type: str) -> float | None:
    """Turn a level into the metric's own unit.

    Parameters
    ----------
    key
        Such as ``latency``.
    level
        Its level: a duration, a percentage or a plain figure.
    instance_type
        Whose cores or GPUs a share of the machine counts.

    Returns
    -------
    float or None
        Microseconds, a rate from 0 to 1, percent, or 100 for each core or GPU; ``None`` when the type has no GPU.
    """
    if isinstance(level, Duration):
        return level.microseconds
    if not isinstance(level, Percent):
        return level
    if key in ("memory", "disk"):
        return float(level)
    if key not in ("cpu", "gpu", "gpu_memory"):
        return round(level.ratio, 6)
    machine = instances.lookup(instance_type)
    units = 0 if machine is None else machine.vcpus if key == "cpu" else machine.gpus
    return float(level) * units if units else None


def _alarm(  # noqa: PLR0913
    scope: Construct,
    id: str,  # noqa: A002
    *,
    environment: Environment,
    name: str,
    signal: Signal,
    level: float,
    dimensions: dict[str, str],
    period: Duration,
    evaluations: int,
    description: str,
) -> cloudwatch.CfnAlarm:
    topic = environment.names.topic_arn
    percentile = signal.statistic.startswith("p")
    return cloudwatch.CfnAlarm(
        scope,
        id,
        alarm_name=name,
        alarm_description=description,
        namespace=signal.namespace,
        metric_name=signal.metric,
        dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=k, value=v) for k, v in dimensions.items()],
        statistic=None if percentile else signal.statistic,
        extended_statistic=signal.statistic if percentile else None,
        period=period.seconds,
        evaluation_periods=evaluations,
        threshold=level,
        comparison_operator="GreaterThanThreshold",
        # Changing an alarm keeps its state, and no data means no traffic: neither may end an update.
        treat_missing_data="notBreaching",
        alarm_actions=[topic],
        ok_actions=[topic],
    )


class RollbackAlarms(Construct):
    """Alarms that end an update. They see the new fleet only, by the name of its config.

    So errors of the old fleet never end the update that would cure them. Each is named by reference in the DeploymentConfig,
    which keeps the order config, alarm, endpoint.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.
    config_name
        Name of the new fleet's endpoint config.

    Attributes
    ----------
    alarm_names
        What the DeploymentConfig lists; at most ten, its own ones as references.
    literal_names
        The same as they will be called.
    """

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, name: str, config_name: str  # noqa: A002
    ) -> None:
        super().__init__(scope, id)
        endpoint = environment.endpoints[name]
        alarms = endpoint.deployment.rollback_alarms
        self.alarm_names: list[str] = []
        self.literal_names: list[str] = []
        if not alarms:
            return
        for variant, declared in endpoint.fleet.items():
            for key, level in endpoint.rollback_levels.items():
                limit = threshold(key, level, declared.hosting.instance_type)
                if limit is None:
                    continue
                what = f"rollback-{key.replace('_', '-')}" + (f"-{variant}" if len(endpoint.fleet) > 1 else "")
                literal = environment.names.alarm(name, what)
                alarm = _alarm(
                    self,
                    f"{key}-{variant}",
                    environment=environment,
                    name=literal,
                    signal=SIGNALS[key],
                    level=limit,
                    dimensions={
                        "EndpointName": environment.names.endpoint(name),
                        "VariantName": variant,
                        "EndpointConfigName": config_name,
                    },
                    period=alarms.period,
                    evaluations=alarms.evaluations,
                    description=f"New fleet of {environment.names.endpoint(name)}: {SIGNALS[key].what} (above {level}). "
                    "An update in progress is rolled back; compare the live config with the stack's.",
                )
                self.alarm_names.append(alarm.ref)
                self.literal_names.append(literal)
        self.alarm_names += alarms.also
        self.literal_names += alarms.also


class OperatingAlarms(Construct):
    """Alarms on the whole of each variant, for people; they roll nothing back.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.

    Attributes
    ----------
    alarms
        By name.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, name: str) -> None:  # noqa: A002
        super().__init__(scope, id)
        endpoint = environment.endpoints[name]
        self.alarms: dict[str, cloudwatch.CfnAlarm] = {}
        if not endpoint.alarms:
            return
        for variant, declared in endpoint.fleet.items():
            for key, limit, level in levels(endpoint.alarms, declared):
                what = key.replace("_", "-") + (f"-{variant}" if len(endpoint.fleet) > 1 else "")
                alarm_name = environment.names.alarm(name, what)
                self.alarms[alarm_name] = _alarm(
                    self,
                    f"{key}-{variant}",
                    environment=environment,
                    name=alarm_name,
                    signal=SIGNALS[key],
                    level=limit,
                    dimensions={"EndpointName": environment.names.endpoint(name), "VariantName": variant},
                    period=endpoint.alarms.period,
                    evaluations=endpoint.alarms.evaluations,
                    description=f"{environment.names.endpoint(name)}: {SIGNALS[key].what} (above {level}). {SIGNALS[key].do}",
                )


def levels(alarms: Alarms, variant: Variant) -> list[tuple[str, float, float]]:
    """The operating alarms that a variant gets.

    Parameters
    ----------
    alarms
        The declared levels.
    variant
        Whose instance type decides about GPU alarms.

    Returns
    -------
    list of tuple
        Key, threshold in the metric's unit, and the level as declared.
    """
    out: list[tuple[str, float, float]] = []
    for key in SIGNALS:
        level = getattr(alarms, key)
        if level is False:
            continue
        limit = threshold(key, level, variant.hosting.instance_type)
        if limit is not None:
            out.append((key, limit, level))
    return out
