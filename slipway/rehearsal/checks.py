"""What is wrong with alarms as they are declared, before anything is rehearsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from slipway.plan.resolution import OPEN
from slipway.rehearsal.baseline import MICROSECONDS, Baseline, Latency
from slipway.rehearsal.findings import Finding
from slipway.rehearsal.load import first_traffic
from slipway.rehearsal.published import BY_MODE, NAMESPACES, Published, Scope, published
from slipway.rehearsal.rehearsal import USUAL, Assumptions
from slipway.rehearsal.target import Target
from slipway.rehearsal.words import minutes, share, time
from slipway.rollout.alarm import MetricAlarm
from slipway.rollout.queries import Query
from slipway.rollout.series import MINUTE, SeriesKey
from slipway.rollout.strategies import intended
from slipway.spec import instances

#: Findings on alarms that never have data.
SILENT = ("no-such-metric", "wrong-dimensions", "wrong-unit", "period")
_ERROR_WORDS = re.compile(r"error|fail|5xx|4xx", re.IGNORECASE)
#: A level this many times above what is usual is not made for it.
_FAR = 10
_RATES = ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")


def check(target: Target, assumptions: Assumptions = USUAL) -> Iterator[Finding]:
    """Hold the alarms of a target against what it publishes and how long its update is watched.

    Parameters
    ----------
    target
        The endpoint or inference component.
    assumptions
        How soon alarms see a datapoint.

    Yields
    ------
    Finding
        Gaps, and remarks on what cannot be rehearsed.
    """
    yield from _unknown(target)
    guards = {alarm.name for alarm in target.rollback}
    for alarm in target.metric_alarms:
        wrong = [finding for query in alarm.queries for finding in _query(target, alarm, query)]
        silent = any(finding.gap for finding in wrong)
        yield from wrong
        yield from _named_for_errors(target, alarm)
        yield from _wrong_scale(target, alarm, assumptions.baseline, silent=silent)
        if silent:
            # Whatever else is wrong with it shows once it has data.
            continue
        yield from _unreachable(target, alarm)
        if alarm.name in guards:
            yield from _both_fleets(target, alarm)
            yield from _window(target, alarm, assumptions)
            yield from _stale(alarm)


def _stale(alarm: MetricAlarm) -> Iterator[Finding]:
    if alarm.rule.missing == "ignore":
        yield Finding(
            "stale-alarm",
            f"{alarm.name} ignores missing data, so it stays in ALARM after a bad update, when its fleet is gone, and "
            "may end the next one, the cure. Write `TreatMissingData: notBreaching`.",
            alarm=alarm.name,
        )


def _unknown(target: Target) -> Iterator[Finding]:
    known = [alarm.name for alarm in target.alarms]
    for name in target.rollback_names:
        if name in known:
            continue
        if OPEN in name:
            cure = "it is only known by deploying: if it is a parameter, give its value with --parameter NAME=VALUE"
        else:
            close = get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            cure = (
                f"{hint}no alarm of the template has this name: if it is made elsewhere, rehearse the folder with all "
                "templates"
            )
        yield Finding(
            "unknown-alarm",
            f"The DeploymentConfig names the alarm {name}, but {cure}. Here it ends nothing.",
            alarm=name,
        )


def _query(target: Target, alarm: MetricAlarm, query: Query) -> Iterator[Finding]:
    key = query.metric
    if key is None:
        return
    metric = published(target.mode, key.namespace, key.name)
    if metric is None:
        if key.namespace in NAMESPACES:
            yield Finding("no-such-metric", f"{alarm.name} never has data: {_absent(target, key)}.", alarm=alarm.name)
        else:
            text = f"{alarm.name} watches {key.namespace} {key.name}, a metric of your own: what it does is not known."
            yield Finding("not-followed", text, alarm=alarm.name, gap=False)
        return
    if metric.gpus and not target.gpus:
        types = ", ".join(sorted({variant.new.type for variant in target.update.variants})) or "it"
        text = f"{alarm.name} never has data: {metric.name} takes a GPU, and {types} has none."
        yield Finding("no-such-metric", text, alarm=alarm.name)
        return
    wrong = _dimensions(target, metric, key)
    if wrong:
        text = f"{alarm.name} never has data: {wrong}."
        yield Finding("wrong-dimensions", text, alarm=alarm.name)
        return
    if query.unit and query.unit != metric.unit:
        yield Finding(
            "wrong-unit",
            f"{alarm.name} never has data: it asks for {metric.name} in {query.unit}, and it is published in "
            f"{metric.unit}. Leave Unit out; the threshold is in {metric.unit}.",
            alarm=alarm.name,
        )
    elif query.period and query.period < MINUTE:
        yield Finding(
            "period",
            f"{alarm.name} never has data here: its period is {query.period} s, and {metric.name} is published once a "
            "minute. Write a period of 60 s or more. (A MetricsConfig can publish more often; that is not followed.)",
            alarm=alarm.name,
        )
    elif not metric.followed or not _type_known(target, metric):
        why = "" if not metric.followed else " without knowing the instance type"
        text = f"{alarm.name} watches {metric.name}, which a rehearsal does not follow{why}: it stays silent here."
        yield Finding("not-followed", text, alarm=alarm.name, gap=False)


def _type_known(target: Target, metric: Published) -> bool:
    counted = metric.name in ("CPUUtilization", "GPUUtilization", "GPUMemoryUtilization")
    return not counted or all(instances.lookup(variant.new.type) for variant in target.update.variants)


def _absent(target: Target, key: SeriesKey) -> str:
    metrics = BY_MODE[target.mode]
    same = next((one for one in metrics if one.name == key.name), None)
    if same is not None:
        return f"{key.name} is not in {key.namespace} but in {same.namespace}"
    kind = {
        "instances": "an endpoint on instances",
        "serverless": "a serverless endpoint",
        "asynchronous": "an asynchronous endpoint",
        "components": "an inference component",
    }[target.mode]
    close = get_close_matches(key.name, [one.name for one in metrics if one.namespace == key.namespace], 1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"{kind} does not publish {key.name} in {key.namespace}{hint}"


def _dimensions(target: Target, metric: Published, key: SeriesKey) -> str:
    """What is wrong with the dimensions; empty when they are those of a series."""
    variants = [variant.name for variant in target.update.variants]
    for name in variants or [""]:
        if key.dimensions == target.place.dimensions(metric, name):
            return ""
        if metric.scope is Scope.FLEET and key.dimensions == target.place.dimensions(metric, name, new=True):
            return ""
    given = dict(key.dimensions)
    if metric.scope in (Scope.FLEET, Scope.VARIANT):
        if "VariantName" not in given:
            return f"{metric.name} comes with EndpointName and VariantName, and VariantName is missing: add it"
        if given["VariantName"] not in variants:
            return f"no variant is called {given['VariantName']}: there is {', '.join(variants)}"
        config = given.get("EndpointConfigName")
        if config is not None and metric.scope is Scope.VARIANT:
            return (
                f"{metric.name} is not published by EndpointConfigName, so it cannot watch one fleet alone: leave that "
                "dimension out, and the alarm out of the DeploymentConfig"
            )
        if config is not None and set(given) == {"EndpointName", "VariantName", "EndpointConfigName"}:
            if config.startswith(OPEN):
                return f"EndpointConfigName is {config}, an ARN: write Fn::GetAtt with EndpointConfigName"
            return f"it watches the endpoint config {config}, and the update moves to {target.place.config}"
    return f"{metric.name} comes with {metric.scope}, and the alarm has {', '.join(given) or 'no dimensions'}"


def _named_for_errors(target: Target, alarm: MetricAlarm) -> Iterator[Finding]:
    """An alarm that is called one thing and measures another."""
    text = f"{alarm.name} {target.descriptions.get(alarm.name, '')}"
    metrics = [query.metric.name for query in alarm.queries if query.metric is not None]
    if _ERROR_WORDS.search(text) and metrics and all(name.endswith("Latency") for name in metrics):
        yield Finding(
            "latency-is-no-error",
            f"{alarm.name} speaks of errors but measures {metrics[0]}, which is how long answers take. A model that "
            "fails at once answers quickly: its latency says nothing of errors. Watch Invocation5XXErrors "
            "or InvocationModelErrors: their average is the share of failed requests, from 0 to 1 (1 % is 0.01).",
            alarm=alarm.name,
        )


def _unreachable(target: Target, alarm: MetricAlarm) -> Iterator[Finding]:
    """A threshold beyond what the metric can ever be."""
    watched, rule = alarm.watched, alarm.rule
    if (
        watched.metric is None
        or not rule.comparison.startswith("Greater")
        or watched.statistic in ("Sum", "SampleCount")
    ):
        return
    most = _most(target, watched.metric.name)
    if most is None or rule.threshold < most or (rule.threshold == most and "OrEqual" in rule.comparison):
        return
    if watched.metric.name in _RATES:
        why = (
            f"{watched.metric.name} is 0 or 1 for each request, so its {watched.statistic} is a share from 0 to 1 and "
            f"never above {rule.threshold:g}. For {rule.threshold:g} % write {rule.threshold / 100:g}"
        )
    else:
        why = f"{watched.metric.name} never exceeds {most:g} here, and the threshold is {rule.threshold:g}"
    yield Finding("never-trips", f"{alarm.name} can never go off: {why}.", alarm=alarm.name)


def _most(target: Target, name: str) -> float | None:
    if name in _RATES:
        return 1.0
    if name in ("MemoryUtilization", "DiskUtilization") or name.endswith("UtilizationNormalized"):
        return 100.0
    types = [instances.lookup(variant.new.type) for variant in target.update.variants]
    known = [type for type in types if type is not None]
    if len(known) < len(types) or not known:
        return None
    if name == "CPUUtilization":
        return 100.0 * max(type.vcpus for type in known)
    if name in ("GPUUtilization", "GPUMemoryUtilization"):
        return 100.0 * max(type.gpus for type in known)
    return None


def _wrong_scale(target: Target, alarm: MetricAlarm, baseline: Baseline, *, silent: bool) -> Iterator[Finding]:
    """A threshold that healthy traffic exceeds because the metric's unit is another one."""
    watched, rule = alarm.watched, alarm.rule
    if watched.metric is None or not rule.comparison.startswith("Greater") or rule.threshold <= 0:
        return
    name = watched.metric.name
    goes = "would go off" if silent else "goes off"
    latency = {"ModelLatency": baseline.latency, "OverheadLatency": baseline.overhead}.get(name)
    if latency is not None:
        healthy = _statistic(latency, watched.statistic)
        if healthy is None:
            return
        if rule.threshold >= healthy * MICROSECONDS:
            yield from _far_above(alarm, healthy, rule.threshold / MICROSECONDS)
            return
        yield Finding(
            "microseconds",
            f"{alarm.name} {goes} on healthy traffic: {name} is counted in microseconds, so its threshold of "
            f"{rule.threshold:g} is {time(rule.threshold / MICROSECONDS)}, and a healthy {watched.statistic} here is "
            f"{time(round(healthy, 3))}. If {time(rule.threshold / 1000)} is meant, write {rule.threshold * 1000:.0f}.",
            alarm=alarm.name,
        )
    if name == "CPUUtilization":
        types = [instances.lookup(variant.new.type) for variant in target.update.variants]
        cores = min((type.vcpus for type in types if type is not None), default=1)
        if cores > 1 and rule.threshold < min(100.0, 100 * cores * baseline.cpu):
            yield Finding(
                "per-core",
                f"{alarm.name} {goes} on healthy traffic: CPUUtilization counts 100 for each core, so its threshold "
                f"of {rule.threshold:g} is {share(rule.threshold / 100 / cores)} of a machine of {cores} cores. If "
                f"{rule.threshold:g} % of the machine is meant, write {rule.threshold * cores:g}.",
                alarm=alarm.name,
            )


def _far_above(alarm: MetricAlarm, healthy: float, level: float) -> Iterator[Finding]:
    """A level that is far from what is taken to be usual: one of the two is not the endpoint's."""
    if level > _FAR * healthy:
        yield Finding(
            "baseline",
            f"{alarm.name} is at {time(level)}, and the traffic assumed here takes {time(round(healthy, 3))}: if the "
            "model is usually slower, say so with --latency, or faults are taken to be milder than they are.",
            alarm=alarm.name,
            gap=False,
        )


def _statistic(latency: Latency, statistic: str) -> float | None:
    """What a statistic of a healthy latency is, in seconds; ``None`` where it hangs on the number of requests."""
    if statistic == "Average":
        return latency.mean
    found = re.fullmatch(r"p([\d.]+)", statistic)
    return latency.at(float(found[1]) / 100) if found else latency.at(0.99) if statistic == "Maximum" else None


def _both_fleets(target: Target, alarm: MetricAlarm) -> Iterator[Finding]:
    for query in alarm.queries:
        key = query.metric
        metric = published(target.mode, key.namespace, key.name) if key is not None else None
        if key is None or metric is None or "EndpointConfigName" in dict(key.dimensions):
            continue
        if metric.scope is Scope.COMPONENT:
            cure = (
                "Metrics of inference components do not tell new copies from old ones: cure a sick component with "
                "the alarms taken out of its DeploymentConfig"
            )
        elif metric.scope is Scope.FLEET:
            cure = f"Add the dimension EndpointConfigName with the new config's name ({target.place.config})"
        else:
            cure = (
                f"{metric.name} cannot be had for one fleet alone: leave the alarm out of the DeploymentConfig, for "
                "people only"
            )
        yield Finding(
            "both-fleets",
            f"{alarm.name} also watches the old fleet: while the old fleet is sick, it ends the very update that would "
            f"cure it. {cure}.",
            alarm=alarm.name,
        )
        return


def _window(target: Target, alarm: MetricAlarm, assumptions: Assumptions) -> Iterator[Finding]:
    """Whether there is time to trip before the bake is over."""
    rollout = intended(target.update)
    first = first_traffic(rollout)
    bakes = [stage for stage in rollout.stages if stage.watched]
    if first is None:
        return
    # The oldest datapoint that counts may be bad for the newest of its minutes only.
    needed = alarm.period * (alarm.rule.datapoints - 1) + min(alarm.period, MINUTE) + assumptions.visible_after
    tells = (
        f"{alarm.name} looks at {alarm.rule.datapoints} × {minutes(alarm.period)}, "
        f"{minutes(assumptions.visible_after)} late: it goes off {minutes(needed)} after the first bad answer at the "
        "soonest"
    )
    if not bakes:
        yield Finding(
            "window",
            f"{alarm.name} never ends an update: the update has no bake, and alarms are only heeded during one. "
            f"Write a {'TerminationWaitInSeconds' if target.mode != 'components' else 'WaitIntervalInSeconds'} of "
            f"{needed:g} or more.",
            alarm=alarm.name,
        )
        return
    soonest = next((stage for stage in bakes if stage.end > first + needed), None)
    if soonest is None:
        yield Finding(
            "window",
            f"{tells}, and the update is over {minutes(rollout.duration - first)} after the new fleet's first request. "
            f"Let the bake last longer than {minutes(needed)}, or shorten the alarm's "
            "periods.",
            alarm=alarm.name,
        )
    elif soonest is not bakes[0] and soonest.traffic.new > bakes[0].traffic.new:
        yield Finding(
            "window",
            f"{tells}, and the first bake lasts {minutes(bakes[0].seconds)}: it ends the update only when "
            f"{share(soonest.traffic.new)} of the traffic is on the new fleet. Let the bake last longer than "
            f"{minutes(needed)}, or shorten the alarm's periods.",
            alarm=alarm.name,
        )
