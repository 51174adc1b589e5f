"""Alarms on an endpoint's metrics: rollback alarms on the new fleet, operating alarms on all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec.alarms import COMPONENT_LEVELS, ENDPOINT_LEVELS, LEVELS, Alarms
from slipway.spec.base import Off
from slipway.spec.deployment import Deployment, RollbackAlarms, Rolling
from slipway.spec.endpoint import GUARDABLE, rollback_levels
from slipway.spec.environment import Environment
from slipway.spec.units import Duration, Percent
from slipway_cdk.resource import declare, tags
from slipway_cdk.signals import Signal, microseconds_or_rate, signal, threshold


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
        self._mode = self._endpoint.mode
        self._names = environment.names
        self._full = environment.names.endpoint(name)
        self._topic = [environment.names.topic_arn]
        self._tags = tags(environment, name)

    def rollback(self, config_name: object) -> Rollback:
        """Declare the alarms that end an update of the fleet. They see the new fleet only, by the name of its config.

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
        if self._mode not in GUARDABLE:
            return Rollback((), ())
        made = []
        for variant in self._endpoint.fleet:
            suffix = f"-{variant}" if len(self._endpoint.fleet) > 1 else ""
            dimensions = {"EndpointName": self._full, "VariantName": variant, "EndpointConfigName": config_name}
            made.append(self._rollback(self._endpoint.deployment, self._endpoint.alarms, variant, suffix, dimensions))
        also = rollback.also if (rollback := self._endpoint.deployment.rollback_alarms) else ()
        return Rollback(
            (*(reference for one in made for reference in one.references), *also),
            (*(name for one in made for name in one.names), *also),
        )

    def component_rollback(self, component: str) -> Rollback:
        """Declare the alarms that end an update of a component. Its metrics do not tell new copies from old ones.

        Parameters
        ----------
        component
            Its short name.

        Returns
        -------
        Rollback
            For the component's DeploymentConfig.
        """
        declared = (self._endpoint.components or {})[component]
        deployment = self._endpoint.deployment_of(declared)
        if not isinstance(deployment, Rolling) or not deployment.rollback_alarms:
            return Rollback((), ())
        dimensions: dict[str, object] = {"InferenceComponentName": self._names.component(self._name, component)}
        levels = self._endpoint.alarms_of(declared)
        own = self._rollback(deployment, levels, component, f"-{component}", dimensions)
        also = deployment.rollback_alarms.also
        return Rollback((*own.references, *also), (*own.names, *also))

    def _rollback(
        self,
        deployment: Deployment,
        operating: Alarms | Off,
        what: str,
        suffix: str,
        dimensions: dict[str, object],
    ) -> Rollback:
        alarms = deployment.rollback_alarms
        references, names = [], []
        for key, level in rollback_levels(deployment, operating).items() if alarms else ():
            alarm_name = self._names.alarm(self._name, f"rollback-{key}".replace("_", "-") + suffix)
            found = signal(key, self._mode)
            alarm = self._alarm(
                f"Rollback-{key}-{what}",
                alarm_name,
                found,
                microseconds_or_rate(level),
                dimensions,
                (alarms or RollbackAlarms()).period,
                (alarms or RollbackAlarms()).evaluations,
                f"New fleet of {self._full}{suffix}: {found.what} (above {level}). An update in progress "
                "is rolled back; compare the live config with the stack's.",
            )
            references.append(alarm.ref)
            names.append(alarm_name)
        return Rollback(tuple(references), tuple(names))

    def operating(self) -> tuple[str, ...]:
        """Declare the alarms for people: on each variant, each component, the whole; they roll nothing back.

        Returns
        -------
        tuple of str
            Their names.
        """
        names: list[str] = []
        for subject in self._subjects():
            for key, level, limit in levels(subject.alarms, subject.keys, subject.types):
                found = signal(key, self._mode)
                names.append(self._names.alarm(self._name, key.replace("_", "-") + subject.suffix))
                self._alarm(
                    f"Alarm-{key}-{subject.what}" if subject.what else f"Alarm-{key}",
                    names[-1],
                    found,
                    limit,
                    dict(subject.dimensions),
                    subject.alarms.period,
                    subject.alarms.evaluations,
                    f"{self._full}{subject.suffix}: {found.what} (above {level}). {found.do}",
                )
        return tuple(names)

    def _subjects(self) -> Iterator[_Watched]:
        endpoint, alarms = self._endpoint, self._endpoint.alarms
        several = len(endpoint.fleet) > 1
        for variant, member in endpoint.fleet.items() if alarms else ():
            yield _Watched(
                variant,
                f"-{variant}" if several else "",
                {"EndpointName": self._full, "VariantName": variant},
                alarms or Alarms(),
                LEVELS[self._mode],
                member.hosting.types,
            )
        if alarms and self._mode in ENDPOINT_LEVELS:
            yield _Watched("", "", {"EndpointName": self._full}, alarms, ENDPOINT_LEVELS[self._mode], ())
        types = next((member.hosting.types for member in endpoint.fleet.values()), ())
        for component, declared in (endpoint.components or {}).items():
            own = endpoint.alarms_of(declared)
            if own:
                dimensions = {"InferenceComponentName": self._names.component(self._name, component)}
                yield _Watched(component, f"-{component}", dimensions, own, COMPONENT_LEVELS, types)

    def _alarm(
        self,
        id: str,
        name: str,
        signal: Signal,
        limit: float,
        dimensions: dict[str, object],
        period: Duration,
        evaluations: int,
        description: str,
    ) -> CfnResource:
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


@dataclass(frozen=True)
class _Watched:
    """A variant, a component or the whole endpoint, as operating alarms watch it."""

    what: str
    suffix: str
    dimensions: Mapping[str, object]
    alarms: Alarms
    keys: Sequence[str]
    types: Sequence[str]


def levels(alarms: Alarms, keys: Sequence[str], types: Sequence[str]) -> list[tuple[str, float, float]]:
    """The operating alarms that a variant or a component gets.

    Parameters
    ----------
    alarms
        The declared levels.
    keys
        Those that there are.
    types
        Instance types, which decide about GPU alarms.

    Returns
    -------
    list of tuple
        Key, the level as declared, and the threshold in the metric's unit.
    """
    out: list[tuple[str, float, float]] = []
    normalized = keys == COMPONENT_LEVELS
    for key in keys:
        level = getattr(alarms, key)
        if level is False:
            continue
        limit = threshold(key, level, types)
        if normalized and key in ("cpu", "gpu", "gpu_memory") and limit is not None:
            limit = float(level) if isinstance(level, Percent) else None
        if limit is not None:
            out.append((key, level, limit))
    return out
