"""Autoscaling keeps to what each hosting mode can be scaled by, and by which metric."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.spec.endpoints import (
    CANARY,
    WARM,
    asynchronous,
    component,
    real_time,
    serverless,
    shadowed,
    shared,
    variants,
)

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Look

AT_ONCE = "{strategy: all_at_once, rollback_alarms: off}"
NIGHT = "schedules: [{name: night, at: cron(0 20 * * ? *), min: 0, max: 2}]"


def instances(text: str) -> str:
    return real_time(scaling=f"{{{text}}}")


def warm(text: str) -> str:
    return serverless(hosting=WARM, scaling=f"{{{text}}}")


def queued(text: str) -> str:
    return asynchronous(scaling=f"{{{text}}}")


def copies(text: str) -> str:
    return shared(component(f"cpus: 1, scaling: {{{text}}}"))


#: What is wrong, the endpoint, the key, and what the message says.
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # limits
    "no instances": (instances("min: 0"), "scaling.min", ("0 is below what Application Auto Scaling takes for real-time endpoints, which is 1: only asynchronous endpoints and inference components can go down to none; write 1 or more",)),
    "no instances at night": (instances(NIGHT), "scaling.schedules[0].min", ("0 is below what Application Auto Scaling takes for real-time endpoints",)),
    "nothing warm": (warm("min: 0"), "scaling.min", ("takes for serverless endpoints, which is 1",)),
    "nothing ever": (queued("min: 0, max: 0"), "scaling.max", ("0 means that nothing ever runs: write 1 or more",)),
    "no copies ever": (copies("min: 0, max: 0"), "components.a.scaling.max", ("0 means that nothing ever runs",)),
    "copies' minimum above maximum": (copies("min: 6"), "components.a.scaling.min", ("the minimum of 6 is above the maximum of 4",)),
    "schedule of copies twice": (copies("schedules: [{name: a, at: rate(1 day), min: 1, max: 2}, {name: a, at: rate(2 days), min: 1, max: 2}]"), "components.a.scaling.schedules[1].name", ("'a' stands twice",)),
    "scaled but not warm": (serverless(scaling="{}"), "scaling", ("scales the provisioned concurrency of a serverless endpoint, and there is none: write `provisioned: 1` under `serverless`, or remove `scaling`",)),
    "warmer than allowed": (warm("max: 6"), "scaling.max", ("6 kept warm are more than the `concurrency` of 5 (API:ServerlessProvisionedConcurrency): write 5 or less",)),
    "warmer than allowed at night": (warm("max: 4, schedules: [{name: a, at: rate(1 day), min: 1, max: 6}]"), "scaling.max", ("6 kept warm are more than the `concurrency` of 5",)),
    "T type in a pool": (real_time(hosting="{pools: [{instance_type: ml.t2.medium, priority: 1}]}", scaling="{}"), "scaling", ("ml.t2.medium is burstable, and autoscaling refuses T types",)),
    # targets
    "concurrency of a queue": (queued("concurrency: 5"), "scaling.concurrency", ("asynchronous endpoints cannot be scaled on `concurrency`: write `backlog` or `cpu` or `gpu`",)),
    "invocations of a queue": (queued("invocations_per_minute: 70"), "scaling.invocations_per_minute", ("asynchronous endpoints cannot be scaled on `invocations_per_minute`",)),
    "backlog of instances": (instances("backlog: 5"), "scaling.backlog", ("real-time endpoints cannot be scaled on `backlog`: write `invocations_per_minute` or `concurrency` or `cpu` or `gpu`",)),
    "backlog of components": (copies("backlog: 5"), "components.a.scaling.backlog", ("inference components cannot be scaled on `backlog`",)),
    "provisioned use of instances": (instances("provisioned_use: 70%"), "scaling.provisioned_use", ("real-time endpoints cannot be scaled on `provisioned_use`",)),
    "invocations of serverless": (warm("invocations_per_minute: 70"), "scaling.invocations_per_minute", ("serverless endpoints cannot be scaled on `invocations_per_minute`: write `provisioned_use`",)),
    "cores of serverless": (warm("cpu: 50%"), "scaling.cpu", ("serverless endpoints cannot be scaled on `cpu`",)),
    "endpoint's target for components": (shared(scaling="{backlog: 5}"), "scaling.backlog", ("inference components cannot be scaled on `backlog`",)),
    "components on no GPU": (copies("gpu: 50%"), "components.a.scaling.gpu", ("ml.m5.xlarge has no GPU: scale on `cpu` or invocations",)),
    "more than all": (warm("provisioned_use: 101%"), "scaling.provisioned_use", ("101% is out of range: 1% to 100%",)),
    # steps
    "step of a queue elsewhere": (instances("steps: [{metric: backlog, above: 100, add: 1}]"), "scaling.steps[0].metric", ("real-time endpoints have no `backlog` to look at: write `cpu` or `gpu` or `memory` or `latency`",)),
    "step of a machine without one": (warm("steps: [{metric: cpu, above: 80%, add: 1}]"), "scaling.steps[0].metric", ("serverless endpoints have no `cpu` to look at: write `latency`",)),
    "step of cores at a time": (instances("steps: [{metric: cpu, above: 500ms, add: 1}]"), "scaling.steps[0].above", ("500ms is not a share of the machine, which is what `cpu` is: write it like 80%",)),
    "step of latency at a share": (instances("steps: [{metric: latency, above: 80%, add: 1}]"), "scaling.steps[0].above", ("80% is not a latency, which is what `latency` is: write it like 500ms",)),
    "step of latency at no time": (instances("steps: [{metric: latency, above: 0s, add: 1}]"), "scaling.steps[0].above", ("0s is not a latency",)),
    "step of a backlog at a share": (queued("steps: [{metric: backlog, above: 80%, add: 1}]"), "scaling.steps[0].above", ("80% is not a number of waiting requests, which is what `backlog` is: write it like 100",)),
    "step of memory by number": (instances("steps: [{metric: memory, above: 80, add: 1}]"), "scaling.steps[0].above", ("80 is not a share of the machine, which is what `memory` is: write it like 80%",)),
    "step above all": (instances("steps: [{metric: memory, above: 100%, add: 1}]"), "scaling.steps[0].above", ("100% is not a share of the machine",)),
    "one step twice": (instances("steps: [{metric: cpu, above: 80%, add: 1}, {metric: cpu, above: 80%, add: 2}]"), "scaling.steps[1].above", ("cpu above 80% stands twice: keep one",)),
    "step of no GPU": (instances("steps: [{metric: gpu, above: 80%, add: 1}]"), "scaling.steps[0].metric", ("ml.m5.large has no GPU: look at `cpu` or `latency`",)),
    "step of an unknown machine": (real_time(hosting="{instance_type: ml.zz9.large}", scaling="{steps: [{metric: cpu, above: 80%, add: 1}]}", alarms="off"), "scaling.steps[0].metric", ("how many cores and GPUs ml.zz9.large has is not in the table: look at `latency` or `memory`",)),
    "step of nothing": (instances("steps: [{metric: cpu, above: 80%, add: 0}]"), "scaling.steps[0].add", ("0 is out of range: at least 1",)),
    "unknown metric": (instances("steps: [{metric: disk, above: 80%, add: 1}]"), "scaling.steps[0].metric", ("'disk' is not 'cpu', 'gpu', 'memory', 'latency' or 'backlog'",)),
    # schedules
    "minute sixty": (instances("schedules: [{name: a, at: cron(60 7 ? * MON-FRI *), min: 1, max: 2}]"), "scaling.schedules[0].at", ("has '60' as minutes, which counts from 0 to 59: write it like cron(0 7 ? * MON-FRI *)",)),
    "hour twenty-four": (instances("schedules: [{name: a, at: cron(0 24 ? * MON-FRI *), min: 1, max: 2}]"), "scaling.schedules[0].at", ("has '24' as hours",)),
    "day zero": (instances("schedules: [{name: a, at: cron(0 7 0 * ? *), min: 1, max: 2}]"), "scaling.schedules[0].at", ("has '0' as day of month, which counts from 1 to 31",)),
    "month thirteen": (instances("schedules: [{name: a, at: cron(0 7 ? 13 MON *), min: 1, max: 2}]"), "scaling.schedules[0].at", ("has '13' as month, which counts from 1 to 12 or JAN to DEC",)),
    "mistyped day": (instances("schedules: [{name: a, at: cron(0 7 ? * MOM-FRI *), min: 1, max: 2}]"), "scaling.schedules[0].at", ("has 'MOM-FRI' as day of week, which counts from 1 to 7 or SUN to SAT",)),
    "both days": (instances("schedules: [{name: a, at: cron(0 7 1 * MON *), min: 1, max: 2}]"), "scaling.schedules[0].at", ("needs ? as either day of month or day of week, not both",)),
    "neither day": (instances("schedules: [{name: a, at: cron(0 7 ? * ? *), min: 1, max: 2}]"), "scaling.schedules[0].at", ("needs ? as either day of month or day of week",)),
    "year of Unix": (instances("schedules: [{name: a, at: cron(0 7 ? * MON 1969), min: 1, max: 2}]"), "scaling.schedules[0].at", ("has '1969' as year, which counts from 1970 to 2199",)),
    "every no minutes": (instances("schedules: [{name: a, at: cron(0/0 7 ? * MON *), min: 1, max: 2}]"), "scaling.schedules[0].at", ("has '0/0' as minutes",)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "says"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_scaling_is_one_error(look: Look, text: str, key: str, says: tuple[str, ...]) -> None:
    errors = look(text).errors
    assert len(errors) == 1, f"one mistake, one error: {errors}"
    assert errors[0].startswith(f"{key}: "), errors[0]
    for part in says:
        assert part in errors[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (warm("min: 3, max: 4"), "hosting.serverless.provisioned: 2 is outside the scaling limits of 3 to 4: autoscaling would change it at once"),
        (variants(scaling="{}"), "variants: with `scaling` an update sets the weights by ExcludeRetainedVariantProperties, which AWS documents for updates only: if the first creation refuses it, write `deployment: {apply_weights: false}` until it is done"),
        (shadowed(scaling="{}", deployment="{apply_capacity: true, apply_weights: false}"), "shadow: with `scaling` an update sets the instance counts by ExcludeRetainedVariantProperties"),
        (variants(asynchronous="{}", scaling="{}"), "variants: with `scaling` an update sets the weights by ExcludeRetainedVariantProperties"),
        (variants(scaling="{}", deployment="{apply_capacity: true, apply_weights: false}"), "variants: with `scaling` an update sets the instance counts by ExcludeRetainedVariantProperties, which AWS documents for updates only: if the first creation refuses it, write `deployment: {apply_capacity: false}`"),
    ],
)  # fmt: skip
def test_what_is_doubtful_about_scaling_is_a_warning(look: Look, text: str, says: str) -> None:
    (warning,) = look(text).warnings
    assert warning.startswith(says)


@pytest.mark.parametrize(
    "text",
    [
        instances("min: 1, max: 1"),
        instances("cpu: 60%, concurrency: 5, steps: [{metric: cpu, above: 80%, add: 1}, {metric: cpu, above: 90%, add: 2}]"),
        instances("steps: [{metric: latency, above: 500ms, add: 1000}, {metric: memory, above: 99%, add: 1}]"),
        warm("min: 1, max: 5, provisioned_use: 50%"),
        warm("steps: [{metric: latency, above: 1s, add: 1}]"),
        queued("min: 0"),
        queued(f"min: 1, {NIGHT}"),
        queued("backlog: 10, cpu: 50%, steps: [{metric: backlog, above: 100, add: 2}]"),
        copies("concurrency: 5, cpu: 50%"),
        shared(component("cpus: 1"), scaling="{concurrency: 5}"),
        shared(component("cpus: 1, scaling: off"), scaling="{min: 4}"),
        shared(component("cpus: 1"), hosting="{instance_type: ml.t2.2xlarge}", scaling="{}"),
        shadowed(hosting="{instance_type: ml.t2.medium}", scaling="{}", deployment="{apply_weights: false}"),
        shadowed(hosting="{instance_type: ml.m5.large, instances: 9}", scaling="{}", deployment="{apply_weights: false}"),
        variants(scaling="{}", deployment="{apply_capacity: true}"),
        variants(scaling="{}", deployment="{apply_weights: false}"),
        variants(),
        *(
            instances(f"schedules: [{{name: a, at: '{at}', min: 1, max: 2}}]")
            for at in (
                "cron(*/15 0-6/2 L * ? 2026-2030)",
                "cron(0 8 1,15 JAN,JUL ? *)",
                "cron(59 23 31 12 ? 2199)",
                "cron(0 0 LW * ? *)",
                "cron(0 8 15W * ? *)",
                "cron(0 8 ? * FRI#2 *)",
                "cron(0 8 ? * 6L 1970)",
                "cron(0 22 ? * FRI-MON *)",
            )
        ),
    ],
)  # fmt: skip
def test_what_scaling_may_say_has_no_finding(look: Look, text: str) -> None:
    found = look(text)
    assert (found.errors, found.warnings) == ((), ())


def test_a_queue_that_goes_down_to_nothing_is_not_updated_in_parts(look: Look) -> None:
    (error,) = look(queued("min: 0") + f"deployment: {CANARY}\n").errors
    assert error.startswith(
        "deployment.strategy: canary moves a fleet in parts, and can have 0 instances (scaling.min)"
    )
    assert look(asynchronous(scaling="{min: 0}", deployment=AT_ONCE), "prod").errors == ()
