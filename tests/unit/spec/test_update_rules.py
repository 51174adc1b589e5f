"""An update's sizes fit every live fleet, its times suffice, and its alarms can end it."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.spec.overlays import check, variants

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Config

#: What is wrong, what prod says about the endpoint (from line 7 on), where it is found, and what the message says.
ENDPOINT: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # updates
    "unknown strategy": ("deployment: {strategy: canari, size: 1}", "7: deployment.strategy", ("'canari' is no strategy, did you mean `canary`?", "rolling, canary, linear, all_at_once")),
    "recreate": ("deployment: {strategy: recreate}", "7: deployment.strategy", ("`recreate` is a command, not a strategy: leave `deployment` out and run `slipway recreate`",)),
    "strategy removed": ("deployment: {strategy: null}", "7: deployment.strategy", ("write one of rolling, canary, linear, all_at_once",)),
    "rolling and blue/green": ("deployment: {strategy: rolling, termination_wait: 5m}", "7: deployment.termination_wait", ("belongs to canary and linear and all_at_once", "remove it")),
    "blue/green and rolling": ("deployment: {strategy: canary, batch: 1}", "7: deployment.batch", ("belongs to rolling, not to this strategy",)),
    "canary of 60 %": ("deployment: {strategy: canary, size: 60%}", "7: deployment.size", ("60% is out of range for canary: at most 50%", "write 1 (instances)")),
    "canary of 0 %": ("deployment: {strategy: canary, size: 0%}", "7: deployment.size", ("0% is out of range for canary",)),
    "linear of 9 %": ("deployment: {strategy: linear, step: 9%}", "7: deployment.step", ("9% is out of range for linear: 10% to 50%",)),
    "linear of 60 %": ("deployment: {strategy: linear, step: 60%}", "7: deployment.step", ("60% is out of range for linear: 10% to 50%",)),
    "rolling of 60 %": ("deployment: {strategy: rolling, batch: 60%}", "7: deployment.batch", ("60% is out of range for rolling: 5% to 50%", "write 1 (instances)")),
    "rolling of 4 %": ("deployment: {strategy: rolling, batch: 4%}", "7: deployment.batch", ("4% is out of range for rolling: 5% to 50%",)),
    "rollback of 4 %": ("deployment: {strategy: rolling, rollback_batch: 4%}", "7: deployment.rollback_batch", ("4% is out of range for rolling: 5% to 100%",)),
    "rollback of more than all": ("deployment: {strategy: rolling, rollback_batch: 3}", "7: deployment.rollback_batch", ("3 does not fit a fleet of 2 instances", "write 1 to 2")),
    "canary with one instance": ("hosting: {instances: 1}\nscaling: null\ndeployment: {strategy: canary}", "9: deployment.strategy", ("can have 1 instance (hosting.instances)", "have at least 2, or use `strategy: all_at_once`")),
    "canary with one instance at least": ("scaling: {min: 1}\ndeployment: {strategy: canary}", "8: deployment.strategy", ("can have 1 instance (scaling.min)",)),
    "canary with one instance at night": (
        "scaling: {schedules: [{name: night, at: cron(0 20 * * ? *), min: 1, max: 2}]}\ndeployment: {strategy: canary}",
        "8: deployment.strategy",
        ("can have 1 instance (scaling.min)",),
    ),
    "canary with a variant of one instance": (variants("{instance_type: ml.m5.large, instances: 1}") + "scaling: null\ndeployment: {strategy: canary}", "13: deployment.strategy", ("variant 'one' can have 1 instance",)),
    "size above half the fleet": ("deployment: {strategy: canary, size: 2}", "7: deployment.size", ("2 does not fit a fleet of 2 instances, which autoscaling can reach", "at most 50%", "write 1 (instances)")),
    "size below a large fleet's least": ("deployment: {batch: 1}\nscaling: {max: 40}", "7: deployment.batch", ("1 does not fit a fleet of 21 instances", "write a percentage between 5% and 50%")),
    "size of a fixed fleet": ("hosting: {instances: 6}\nscaling: null\ndeployment: {batch: 4}", "9: deployment.batch", ("4 does not fit a fleet of 6 instances, which is what runs", "write 1 to 3 (instances)")),
    "size of one variant": (variants("{instance_type: ml.m5.large, instances: 10}") + "scaling: null\ndeployment: {strategy: linear, step: 3}", "13: deployment.step", ("3 does not fit a fleet of 2 instances", "write 1 (instances)")),
    "timeout below the waits": ("deployment: {strategy: canary, timeout: 15m}", "7: deployment.timeout", ("15m is no longer than the update's own waits of 15m", "write 45m, or leave it out")),
    "waits that never end": ("deployment: {batch: 5%, wait: 1h}", "7: deployment.wait", ("the waits add up to 20h", "at most 8h")),
    # alarms
    "no rollback alarms": ("deployment: {rollback_alarms: off}", "7: deployment.rollback_alarms", ("rolling has nothing that would stop a bad model", "or use `strategy: all_at_once`")),
    "every rollback alarm off": (
        "deployment: {rollback_alarms: {latency: off, errors_5xx: off, model_errors: off}}",
        "7: deployment.rollback_alarms",
        ("has nothing that would stop a bad model",),
    ),
    "window longer than the bake": ("deployment: {wait: 1m}", "7: deployment.rollback_alarms", ("need 2m of bad data (2 × 1m) but the bake lasts 1m", "write `wait: 2m` or longer, or write `evaluations: 1`")),
    "window in a short bake": ("deployment: {wait: 45s}", "7: deployment.rollback_alarms", ("cannot trip in time: write `wait: 2m` or longer",)),
    "window without a bake": ("deployment: {wait: 0s}", "7: deployment.rollback_alarms", ("trip in time: write `wait: 2m` or longer",)),
    "window of all at once": ("deployment: {strategy: all_at_once, termination_wait: 1m}", "7: deployment.rollback_alarms", ("`termination_wait: 2m`", "or write `rollback_alarms: off`")),
    "eleven alarms": ("deployment: {rollback_alarms: {also: [a, b, c, d, e, f, g, h]}}", "7: deployment.rollback_alarms", ("are 11 rollback alarms, at most 10", "turn one off (`latency: off`)")),
    "eleven alarms of variants": (
        variants() + "deployment: {strategy: canary, rollback_alarms: {also: [a, b, c, d, e]}}",
        "12: deployment.rollback_alarms",
        ("3 alarms for each of 2 variants and 5 further ones are 11",),
    ),
    "one alarm twice": ("deployment: {rollback_alarms: {also: [a, a]}}", "7: deployment.rollback_alarms.also", ("a stands twice",)),
    "its own alarm": (
        "deployment: {rollback_alarms: {also: [mine, rc-project-a-prod-iris-ep-rollback-errors-5xx]}}",
        "7: deployment.rollback_alarms.also[1]",
        ("one of the endpoint's own rollback alarms already", "leave it out"),
    ),
    "a variant's own alarm": (
        variants() + "deployment: {strategy: canary, rollback_alarms: {also: [rc-project-a-prod-iris-ep-rollback-latency-two]}}",
        "12: deployment.rollback_alarms.also[0]",
        ("one of the endpoint's own rollback alarms already",),
    ),
    "rate of all": ("alarms: {errors_5xx: 100%}", "7: alarms.errors_5xx", ("100% is out of range: 0% to below 100%, which nothing exceeds; write less, or `off`",)),
    "rate of nearly all": ("alarms: {errors_4xx: 99.99999%}", "7: alarms.errors_4xx", ("nothing exceeds",)),
    "rollback at a rate of all": ("deployment: {rollback_alarms: {model_errors: 100%}}", "7: deployment.rollback_alarms.model_errors", ("to below 100%",)),
    "all memory": ("alarms: {memory: 100%}", "7: alarms.memory", ("100% is out of range: 1% to below 100%",)),
    "all of the disk": ("alarms: {disk: 100%}", "7: alarms.disk", ("nothing exceeds",)),
    "all cores": ("alarms: {cpu: 100%}", "7: alarms.cpu", ("nothing exceeds",)),
    "all cores in the metric's figure": ("alarms: {cpu: 200}", "7: alarms.cpu", ("200 is never exceeded: with 2 cores the metric of ml.m5.large reaches 200 at most", "`cpu: 80%`")),
    "all GPUs": ("alarms: {gpu: 100%}", "7: alarms.gpu", ("nothing exceeds",)),
    "all GPU memory in the metric's figure": ("hosting: {instance_type: ml.g5.xlarge}\nalarms: {gpu_memory: 100}", "8: alarms.gpu_memory", ("100 is never exceeded: with 1 GPU the metric",)),
    "short periods in a short bake": (
        "deployment: {wait: 45s, rollback_alarms: {period: 30s, evaluations: 4}}",
        "7: deployment.rollback_alarms",
        ("cannot trip in time: write `period: 1m` and `wait: 4m` or longer",),
    ),
    "short periods in a bake of minutes": (
        "deployment: {wait: 1m, rollback_alarms: {period: 30s, evaluations: 4}}",
        "7: deployment.rollback_alarms",
        ("write `period: 1m` and `wait: 4m` or longer, or write `period: 1m` and `evaluations: 1`",),
    ),
    "odd rollback period": ("deployment: {rollback_alarms: {period: 45s, evaluations: 1}}", "7: deployment.rollback_alarms.period", ("45s is no period that CloudWatch knows: write whole minutes, such as 1m",)),
    "odd period": ("alarms: {period: 90s}", "7: alarms.period", ("1m30s is no period that CloudWatch knows",)),
    "more than a day": ("alarms: {period: 5m, evaluations: 289}", "7: alarms.period", ("289 × 5m is longer than CloudWatch looks back (1d)", "write `evaluations: 288` or fewer")),
    "more than a week": ("alarms: {period: 1h, evaluations: 169}", "7: alarms.period", ("looks back (7d)", "write `evaluations: 168`")),
    "cpu of an unknown machine": ("hosting: {instance_type: ml.zz9.large}\nalarms: {cpu: 70%}", "8: alarms.cpu", ("how many cores and GPUs ml.zz9.large has is not in the table", "`cpu: off`")),
    "gpu memory of an unknown machine": ("hosting: {instance_type: ml.zz9.large}\nalarms: {gpu_memory: 70%}", "8: alarms.gpu_memory", ("is not in the table",)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "place", "says"), ENDPOINT.values(), ids=ENDPOINT)
def test_a_mistake_in_an_update_or_its_alarms_is_one_error_in_its_place(
    config: Config, text: str, place: str, says: tuple[str, ...]
) -> None:
    line, key = place.split(": ", 1)
    check(config.endpoint("prod", text).errors("prod"), f"prod.yaml:{line}: endpoints.iris.{key}", says)


@pytest.mark.parametrize(
    "text", ["deployment: {strategy: all_at_once, rollback_alarms: off}", "deployment: {strategy: all_at_once}"]
)
def test_all_at_once_needs_neither_alarms_nor_two_instances(config: Config, text: str) -> None:
    config.endpoint("prod", f"{text}\nhosting: {{instances: 1}}\nscaling: null")
    assert not config.warnings("prod")


def test_existing_alarms_alone_guard_an_update_however_short_its_bake(config: Config) -> None:
    own = "latency: off, errors_5xx: off, model_errors: off"
    config.endpoint("prod", f"deployment: {{wait: 10s, rollback_alarms: {{{own}, also: [mine]}}}}")
    assert not config.warnings("prod")


def test_only_all_at_once_may_do_without_alarms_to_mend_a_short_bake(config: Config) -> None:
    (line,) = config.endpoint("prod", "deployment: {wait: 1m}").errors("prod")
    assert "rollback_alarms: off" not in line
    (line,) = config.endpoint("prod", "deployment: {wait: 1h, rollback_alarms: {period: 1h, evaluations: 2}}").errors(
        "prod"
    )
    assert line.endswith("cannot trip in time: write `evaluations: 1`")
