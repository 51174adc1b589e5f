"""Alarms on an endpoint's metrics: rollback alarms on what is new, operating alarms on all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import CfnResource
from constructs import Construct

from slipway.spec import instances
from slipway.spec.alarms import COMPONENT_LEVELS, ENDPOINT_LEVELS, LEVELS, MACHINE_LEVELS, Alarms
from slipway.spec.base import Off
from slipway.spec.component import Component
from slipway.spec.deployment import Deployment, RollbackAlarms, Rolling
from slipway.spec.endpoint import GUARDABLE, rollback_levels
from slipway.spec.environment import Environment
from slipway.spec.units import Duration
from slipway_cdk.resource import declare, tags
from slipway_cdk.signals import Signal, microseconds_or_rate, signal, threshold


@dataclass(frozen=True)
class Rollback:
    """The rollback alarms of an endpoint's fleet, or of a component.

    Attributes
    ----------
    references
        What the DeploymentConfig lists; at most ten, its own ones by reference, so that they exist before what names
        them.
    names
        The same as they will be called.
    """

    references: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Watched:
    """A variant, a component or the whole endpoint, as alarms watch it.

    Attributes
    ----------
    id
        What ends the ids of its alarms in the tree.
    suffix
        What ends their names. A component's has two hyphens, so that `gpu` of `memory-a` is not `gpu-memory` of `a`.
    called
        What descriptions call it.
    dimensions
        Of its metrics.
    """

    id: str
    suffix: str
    called: str
    dimensions: Mapping[str, object]


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
        self._fleet = self._endpoint.fleet
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
        deployment = self._endpoint.deployment
        made = []
        for variant in self._fleet:
            watched = self._variant(variant, EndpointConfigName=config_name)
            made.append(
                self._rollback(deployment, self._endpoint.alarms, watched, f"New fleet of {watched.called}", "config")
            )
        return _with_further(deployment, made)

    def component_rollback(self, component: str) -> Rollback:
        """Declare the alarms that end an update of a component. Its metrics do not tell new copies from old ones.

        Parameters
        ----------
        component
            Its short name.

        Returns
        -------
        Rollback
            For the component's DeploymentConfig; none for an update all at once, which has none.
        """
        declared = (self._endpoint.components or {})[component]
        deployment = self._endpoint.deployment_of(declared)
        if not isinstance(deployment, Rolling):
            return Rollback((), ())
        watched = self._component(component)
        whose = f"Copies of {watched.called}, new and old ones, which the metric does not tell apart"
        made = self._rollback(deployment, self._endpoint.alarms_of(declared), watched, whose, "component")
        return _with_further(deployment, [made])

    def _rollback(
        self, deployment: Deployment, operating: Alarms | Off, watched: _Watched, whose: str, live: str
    ) -> Rollback:
        alarms = deployment.rollback_alarms or RollbackAlarms()
        references, names = [], []
        for key, level in rollback_levels(deployment, operating, self._mode).items():
            found = signal(key, self._mode)
            name = self._names.alarm(self._name, f"rollback-{key}".replace("_", "-") + watched.suffix)
            alarm = self._alarm(
                f"Rollback-{key}{watched.id}",
                name,
                found,
                microseconds_or_rate(level),
                watched.dimensions,
                alarms.period,
                alarms.evaluations,
                f"{whose}: {found.what} (above {level}). An update in progress is rolled back; compare the live {live} "
                "with the stack's.",
            )
            references.append(alarm.ref)
            names.append(name)
        return Rollback(tuple(references), tuple(names))

    def operating(self) -> tuple[str, ...]:
        """Declare the alarms for people: on each variant, each component, the whole; they roll nothing back.

        A shadow variant has none: it answers nobody, so nobody has to get up for it. Its dashboard shows it beside the
        production variant.

        Returns
        -------
        tuple of str
            Their names.
        """
        names: list[str] = []
        for watched, alarms, made in self._levels():
            for key, level, limit in made:
                found = signal(key, self._mode)
                names.append(self._names.alarm(self._name, key.replace("_", "-") + watched.suffix))
                self._alarm(
                    f"Alarm-{key}{watched.id}",
                    names[-1],
                    found,
                    limit,
                    watched.dimensions,
                    alarms.period,
                    alarms.evaluations,
                    f"{watched.called}: {found.what} (above {level}). {found.do}",
                )
        return tuple(names)

    def _levels(self) -> Iterator[tuple[_Watched, Alarms, list[Level]]]:
        alarms = self._endpoint.alarms
        if alarms:
            for variant, member in self._fleet.items():
                yield self._variant(variant), alarms, levels(alarms, LEVELS[self._mode], member.hosting.types)
            whole = _Watched("", "", self._full, {"EndpointName": self._full})
            yield whole, alarms, levels(alarms, ENDPOINT_LEVELS.get(self._mode, ()), ())
        types = next((member.hosting.types for member in self._fleet.values()), ())
        for component, declared in (self._endpoint.components or {}).items():
            own = self._endpoint.alarms_of(declared)
            if own:
                keys = component_levels(declared, types)
                yield self._component(component), own, levels(own, keys, types, normalized=True)

    def _variant(self, variant: str, **further: object) -> _Watched:
        suffix = f"-{variant}" if len(self._fleet) > 1 else ""
        dimensions = {"EndpointName": self._full, "VariantName": variant, **further}
        return _Watched(f"-{variant}", suffix, self._full + suffix, dimensions)

    def _component(self, component: str) -> _Watched:
        full = self._names.component(self._name, component)
        return _Watched(f"--{component}", f"--{component}", full, {"InferenceComponentName": full})

    def _alarm(
        self,
        id: str,
        name: str,
        signal: Signal,
        limit: float,
        dimensions: Mapping[str, object],
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


def _with_further(deployment: Deployment, made: Sequence[Rollback]) -> Rollback:
    """Put the alarms together with those that exist already."""
    also = deployment.rollback_alarms.also if deployment.rollback_alarms else ()
    return Rollback(
        (*(reference for one in made for reference in one.references), *also),
        (*(name for one in made for name in one.names), *also),
    )


#: Key, the level as declared, and the threshold in the metric's unit.
Level = tuple[str, float, float]


def levels(alarms: Alarms, keys: Sequence[str], types: Sequence[str], *, normalized: bool = False) -> list[Level]:
    """The operating alarms that a variant, a component or an endpoint gets.

    Parameters
    ----------
    alarms
        The declared levels.
    keys
        Those that there are.
    types
        Instance types, which decide about GPU alarms.
    normalized
        Whether its machine metrics are shares of what it is given, whatever the machine.

    Returns
    -------
    list of tuple
        Key, the level as declared, and the threshold in the metric's unit.
    """
    out: list[Level] = []
    for key in keys:
        level = getattr(alarms, key)
        limit = None if level is False else threshold(key, level, types, normalized=normalized)
        if limit is not None:
            out.append((key, level, limit))
    return out


def component_levels(component: Component, types: Sequence[str]) -> tuple[str, ...]:
    """Which levels a component has: an adapter shares the machine of its base, and not every component has GPUs.

    Parameters
    ----------
    component
        The component.
    types
        The fleet's instance types.

    Returns
    -------
    tuple of str
        Keys of `Alarms`.
    """
    machines = [instances.lookup(kind) for kind in types]
    given = (component, *(component.on or {}).values())
    gpus = any(resources.accelerators for resources in given) and all(m is None or m.gpus for m in machines)
    without = MACHINE_LEVELS if component.base is not None else () if gpus else ("gpu", "gpu_memory")
    return tuple(key for key in COMPONENT_LEVELS if key not in without)
