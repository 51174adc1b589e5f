"""Alarms on an endpoint's metrics: rollback alarms on the new fleet, operating alarms on the whole variant."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec import instances
from slipway.spec.alarms import Alarms
from slipway.spec.endpoint import Variant
from slipway.spec.environment import Environment
from slipway.spec.units import Duration, Percent
from slipway_cdk.resource import declare, tags

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


#: By the key of the level in the config. The error metrics are 0 or 1 for each request, so their average is a rate
#: from 0 to 1; latencies are in microseconds; machine metrics count 100 for each core or GPU.
SIGNALS = {
    "latency": Signal(
        "ModelLatency",
        REQUESTS,
        "p95",
        "the model answers slowly",
        "Compare versions, load and instance type.",
    ),
    "overhead": Signal(
        "OverheadLatency",
        REQUESTS,
        "p95",
        "SageMaker adds much latency",
        "Look at payload sizes and throttling.",
    ),
    "errors_4xx": Signal(
        "Invocation4XXErrors",
        REQUESTS,
        "Average",
        "many requests are refused",
        "Look at what the callers send.",
    ),
    "errors_5xx": Signal(
        "Invocation5XXErrors",
        REQUESTS,
        "Average",
        "many requests fail",
        "Read the endpoint's log group.",
    ),
    "model_errors": Signal(
        "InvocationModelErrors",
        REQUESTS,
        "Average",
        "the model's container fails",
        "Read the endpoint's log group.",
    ),
    "cpu": Signal(
        "CPUUtilization",
        MACHINE,
        "Average",
        "the CPUs are busy",
        "Scale out or take larger instances.",
    ),
    "memory": Signal(
        "MemoryUtilization",
        MACHINE,
        "Average",
        "memory runs short",
        "Look for a leak; take larger instances.",
    ),
    "disk": Signal(
        "DiskUtilization",
        MACHINE,
        "Average",
        "the volume fills up",
        "Look at what the container writes.",
    ),
    "gpu": Signal(
        "GPUUtilization",
        MACHINE,
        "Average",
        "the GPUs are busy",
        "Scale out or take larger instances.",
    ),
    "gpu_memory": Signal(
        "GPUMemoryUtilization",
        MACHINE,
        "Average",
        "GPU memory runs short",
        "Batch less; take larger instances.",
    ),
    "surge": Signal(
        "Invocations",
        REQUESTS,
        "Sum",
        "many more requests than usual",
        "Ask who calls; check the scaling limits.",
    ),
}


#: Levels that are a share of the machine.
MACHINE_LEVELS = ("cpu", "memory", "disk", "gpu", "gpu_memory")


def microseconds_or_rate(level: float) -> float:
    """Turn a latency or an error rate into the metric's own unit.

    Parameters
    ----------
    level
        A duration, a percentage or a plain figure.

    Returns
    -------
    float
        Microseconds, a rate from 0 to 1, or the figure itself.
    """
    if isinstance(level, Duration):
        return level.microseconds
    return round(level.ratio, 6) if isinstance(level, Percent) else level


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
    if not isinstance(level, Percent) or key not in MACHINE_LEVELS:
        return microseconds_or_rate(level)
    if key in ("memory", "disk"):
        return float(level)
    machine = instances.lookup(instance_type)
    units = 0 if machine is None else machine.vcpus if key == "cpu" else machine.gpus
    return float(level) * units if units else None


@dataclass(frozen=True)
class Rollback:
    """The rollback alarms of an endpoint.

    Attributes
    ----------
    references
        What the DeploymentConfig lists; at most ten, its own ones by reference, so that they exist before the endpoint.
    names
        The same as they will be called.
    """

    references: tuple[str, ...]
    names: tuple[str, ...]


class EndpointAlarms:
    """Declares the alarms of one endpoint.

    Parameters
    ----------
    scope
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.
    """

    def __init__(self, scope: Construct, *, environment: Environment, name: str) -> None:
        self._scope = scope
        self._name = name
        self._endpoint = environment.endpoints[name]
        self._names = environment.names
        self._full = environment.names.endpoint(name)
        self._topic = [environment.names.topic_arn]
        self._tags = tags(environment, name)

    def rollback(self, config_name: object) -> Rollback:
        """Declare the alarms that end an update. They see the new fleet only, by the name of its config.

        So errors of the old fleet never end the update that would cure them.

        Parameters
        ----------
        config_name
            Name of the new fleet's endpoint config.

        Returns
        -------
        Rollback
            For the DeploymentConfig, which names them by reference: that keeps the order config, alarm, endpoint.
        """
        alarms = self._endpoint.deployment.rollback_alarms
        if not alarms:
            return Rollback((), ())
        references, names = [], []
        for variant in self._endpoint.fleet:
            for key, level in self._endpoint.rollback_levels.items():
                alarm_name = self._alarm_name(f"rollback-{key}", variant)
                alarm = self._alarm(
                    f"Rollback-{key}-{variant}",
                    alarm_name,
                    key,
                    microseconds_or_rate(level),
                    {
                        "EndpointName": self._full,
                        "VariantName": variant,
                        "EndpointConfigName": config_name,
                    },
                    alarms.period,
                    alarms.evaluations,
                    f"New fleet of {self._full}: {SIGNALS[key].what} (above {level}). An update in progress "
                    "is rolled back; compare the live config with the stack's.",
                )
                references.append(alarm.ref)
                names.append(alarm_name)
        return Rollback((*references, *alarms.also), (*names, *alarms.also))

    def operating(self) -> tuple[str, ...]:
        """Declare the alarms on the whole of each variant, for people; they roll nothing back.

        Returns
        -------
        tuple of str
            Their names.
        """
        alarms = self._endpoint.alarms
        names: list[str] = []
        for variant, declared in self._endpoint.fleet.items() if alarms else ():
            for key, level, limit in levels(alarms or Alarms(), declared):
                names.append(self._alarm_name(key, variant))
                self._alarm(
                    f"Alarm-{key}-{variant}",
                    names[-1],
                    key,
                    limit,
                    {"EndpointName": self._full, "VariantName": variant},
                    (alarms or Alarms()).period,
                    (alarms or Alarms()).evaluations,
                    f"{self._full}: {SIGNALS[key].what} (above {level}). {SIGNALS[key].do}",
                )
        return tuple(names)

    def _alarm_name(self, key: str, variant: str) -> str:
        what = key.replace("_", "-")
        return self._names.alarm(self._name, f"{what}-{variant}" if len(self._endpoint.fleet) > 1 else what)

    def _alarm(
        self,
        id: str,
        name: str,
        key: str,
        limit: float,
        dimensions: dict[str, object],
        period: Duration,
        evaluations: int,
        description: str,
    ) -> CfnResource:
        signal = SIGNALS[key]
        kind = "ExtendedStatistic" if signal.statistic.startswith("p") else "Statistic"
        return declare(
            self._scope,
            id,
            "AWS::CloudWatch::Alarm",
            {
                "AlarmName": name,
                "AlarmDescription": description,
                "Namespace": signal.namespace,
                "MetricName": signal.metric,
                "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                kind: signal.statistic,
                "Period": period.seconds,
                "EvaluationPeriods": evaluations,
                "Threshold": limit,
                "ComparisonOperator": "GreaterThanThreshold",
                # Changing an alarm keeps its state, and no data means no traffic: neither may end an update.
                "TreatMissingData": "notBreaching",
                "AlarmActions": self._topic,
                "OKActions": self._topic,
                "Tags": self._tags,
            },
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
        Key, the level as declared, and the threshold in the metric's unit.
    """
    out: list[tuple[str, float, float]] = []
    for key in SIGNALS:
        level = getattr(alarms, key)
        if level is False:
            continue
        limit = threshold(key, level, variant.hosting.instance_type)
        if limit is not None:
            out.append((key, level, limit))
    return out
