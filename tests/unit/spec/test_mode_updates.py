"""Updates and alarms keep to what each hosting mode knows: components move copies, queues publish other metrics."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.spec.endpoints import asynchronous, component, real_time, serverless, shared

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Look

TEN = "copies: 10, cpus: 0.25, memory: 128MB"


def moved(deployment: str, text: str = TEN) -> str:
    return shared(component(f"{text}, deployment: {{{deployment}}}", memory=""))


#: What is wrong, the endpoint, the key, and what the message says.
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # updates of components
    "canary of copies": (moved("strategy: canary"), "components.a.deployment.strategy", ("inference components know rolling updates only (API:InferenceComponentDeploymentConfig): write `strategy: rolling`, or `strategy: all_at_once`",)),
    "linear of copies": (moved("strategy: linear"), "components.a.deployment.strategy", ("inference components know rolling updates only",)),
    "canary of all components": (shared(component(), component(), deployment="{strategy: canary}"), "deployment.strategy", ("inference components know rolling updates only",)),
    "more than half the copies": (moved("strategy: rolling, batch: 6"), "components.a.deployment.batch", ("6 does not fit 10 copies of component 'a', which is what runs: rolling takes 5% to 50% of them; write 1 to 5 (copies)",)),
    "share of more than half": (moved("strategy: rolling, batch: 51%"), "components.a.deployment.batch", ("51% is out of range for rolling: 5% to 50% of the copies; write 1 to 5 (copies)",)),
    "share of too few": (moved("strategy: rolling, batch: 4%"), "components.a.deployment.batch", ("4% is out of range for rolling: 5% to 50% of the copies",)),
    "more copies back than there are": (moved("strategy: rolling, rollback_batch: 11"), "components.a.deployment.rollback_batch", ("11 does not fit 10 copies of component 'a', which is what runs: rolling takes 5% to 100% of them; write 1 to 10 (copies)",)),
    "count of a single copy": (moved("strategy: rolling, batch: 1", "memory: 1GB"), "components.a.deployment.batch", ("1 does not fit 1 copy of component 'a', which is what runs", "write a percentage between 5% and 50%")),
    "count where none may be": (moved("strategy: rolling, batch: 1", "memory: 1GB, copies: 2, scaling: {min: 0, max: 4}"), "components.a.deployment.batch", ("1 does not fit 0 copies of component 'a', which autoscaling can reach", "write a percentage between 5% and 50%")),
    "waits of copies that never end": (moved("strategy: rolling, batch: 5%, wait: 1h"), "components.a.deployment.wait", ("the waits add up to 20h, and an update may take at most 8h",)),
    "timeout of copies below the waits": (moved("strategy: rolling, batch: 1, timeout: 50m"), "components.a.deployment.timeout", ("50m is no longer than the update's own waits of 50m",)),
    "nothing that ends an update of copies": (moved("strategy: rolling, rollback_alarms: off"), "components.a.deployment.rollback_alarms", ("rolling has nothing that would stop a bad model",)),
    "eleven alarms of a component": (moved("strategy: rolling, rollback_alarms: {also: [a, b, c, d, e, f, g, h]}"), "components.a.deployment.rollback_alarms", ("3 alarms of component 'a' and 8 further ones are 11 rollback alarms, at most 10 are allowed",)),
    "a component's own alarm": (moved("strategy: rolling, rollback_alarms: {also: [rc-project-a-dev-e-ep-rollback-latency--a]}"), "components.a.deployment.rollback_alarms.also[0]", ("one of the endpoint's own rollback alarms already",)),
    "window of copies longer than the bake": (moved("strategy: rolling, wait: 1m"), "components.a.deployment.rollback_alarms", ("need 2m of bad data (2 × 1m) but the bake lasts 1m",)),
    "termination wait of copies": (moved("strategy: rolling, termination_wait: 5m"), "components.a.deployment.termination_wait", ("belongs to canary and linear and all_at_once, not to this strategy",)),
    # levels that nothing publishes
    "surge of a queue": (asynchronous(alarms="{surge: 500}"), "alarms.surge", ("asynchronous endpoints publish no metric that `surge` could watch: remove it",)),
    "overhead of a queue": (asynchronous(alarms="{overhead: 1s}"), "alarms.overhead", ("asynchronous endpoints publish no metric that `overhead` could watch",)),
    "model errors of a queue": (asynchronous(alarms="{model_errors: 2%}"), "alarms.model_errors", ("asynchronous endpoints publish no metric",)),
    "cores of serverless": (serverless(alarms="{cpu: 70%}"), "alarms.cpu", ("serverless endpoints publish no metric that `cpu` could watch: remove it",)),
    "model errors of serverless": (serverless(alarms="{model_errors: 2%}"), "alarms.model_errors", ("serverless endpoints publish no metric",)),
    "backlog of instances": (real_time(alarms="{backlog: 10}"), "alarms.backlog", ("real-time endpoints publish no metric that `backlog` could watch",)),
    "age of instances": (real_time(alarms="{age: 1h}"), "alarms.age", ("real-time endpoints publish no metric",)),
    "failures of components": (shared(alarms="{failures: 1}"), "alarms.failures", ("inference components publish no metric that `failures` could watch",)),
    "concurrency of instances": (real_time(alarms="{concurrency: 50%}"), "alarms.concurrency", ("real-time endpoints publish no metric",)),
    "disk of a component": (shared(component("alarms: {disk: 50%}")), "components.a.alarms.disk", ("inference components publish no metric that `disk` could watch",)),
    "figure of a component's cores": (shared(component("alarms: {cpu: 320}")), "components.a.alarms.cpu", ("320 is never exceeded: the metric of an inference component is a share of what a copy is given; write one, such as `cpu: 80%`",)),
    "figure of all components' cores": (shared(alarms="{cpu: 320}"), "alarms.cpu", ("320 is never exceeded",)),
    "rollback at a queue's model errors": (asynchronous(hosting="{instance_type: ml.m5.large, instances: 2}", deployment="{strategy: rolling, rollback_alarms: {model_errors: 2%}}"), "deployment.rollback_alarms.model_errors", ("asynchronous endpoints publish no metric that `model_errors` could watch: remove it",)),
    "odd period of a component": (shared(component("alarms: {period: 90s}")), "components.a.alarms.period", ("1m30s is no period that CloudWatch knows",)),
    "a request waits a week": (asynchronous(alarms="{age: 8d}"), "alarms.age", ("8d is out of range: 1s to 7d (a request waits at most a week)",)),
    "queue of nothing": (asynchronous(alarms="{backlog: 0}"), "alarms.backlog", ("0 is out of range: more than 0",)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "says"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_error(look: Look, text: str, key: str, says: tuple[str, ...]) -> None:
    errors = look(text).errors
    assert len(errors) == 1, f"one mistake, one error: {errors}"
    assert errors[0].startswith(f"{key}: "), errors[0]
    for part in says:
        assert part in errors[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (moved("strategy: rolling", "memory: 1GB"), "components.a.deployment.batch: no number of copies fits every count of 1 for component 'a', so 50% is used; how SageMaker rounds it is not documented: run at least 2 to be sure"),
        (moved("strategy: rolling", "memory: 1GB, cpus: 1, copies: 2, scaling: {min: 1, max: 4}"), "components.a.deployment.batch: no number of copies fits every count of 1 to 4 for component 'a', so 50% is used; how SageMaker rounds it is not documented: narrow the scaling limits to be sure"),
        (moved("strategy: rolling, batch: 25%"), "components.a.deployment.batch: 25% of 10 copies is not always a whole number, and how SageMaker rounds is not documented: write 1 to 5 (copies)"),
        (moved("strategy: all_at_once"), "components.a.deployment: an update of components all at once has neither alarms nor waits, so nothing ends a bad one: write `strategy: rolling`, or `{strategy: all_at_once, rollback_alarms: off, termination_wait: 0s}` to say so"),
        (shared(component("alarms: {period: 30s}")), "components.a.alarms.period: SageMaker publishes these metrics once a minute, so most datapoints of 30s hold nothing"),
        (real_time(metrics="{every: 5m}", alarms="{period: 1m}"), "alarms.period: SageMaker publishes these metrics every 5m (`metrics.every`), so most datapoints of 1m hold nothing and the alarm may never trip: write 5m or longer"),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_a_warning(look: Look, text: str, says: str) -> None:
    (warning,) = look(text).warnings
    assert warning.startswith(says)


@pytest.mark.parametrize(
    "text",
    [
        moved("strategy: rolling"),
        moved("strategy: rolling, batch: 1, wait: 5m, timeout: 51m, rollback_batch: 10"),
        moved("strategy: rolling, batch: 50%, rollback_batch: 100%"),
        moved("strategy: all_at_once, rollback_alarms: off, termination_wait: 0s"),
        moved("strategy: rolling, rollback_alarms: {also: [a, b, c, d, e, f, g]}"),
        moved("strategy: rolling, rollback_alarms: {also: [rc-project-a-dev-e-ep-rollback-latency]}"),
        asynchronous(alarms="{backlog: 1, age: 1s, failures: 0, latency: 30s, cpu: 50%, surge: off, overhead: off}"),
        serverless(alarms="{concurrency: 50%, memory: 70%, surge: 10, cpu: off}"),
        shared(alarms="{cpu: 70%, disk: 50%, latency: 2s, backlog: off}"),
        shared(component("alarms: {cpu: 70%, memory: 50%, surge: 5}")),
        real_time(metrics="{every: 10s, enhanced: true}", alarms="{period: 10s}"),
    ],
)  # fmt: skip
def test_what_is_just_allowed_has_no_finding(look: Look, text: str) -> None:
    found = look(text)
    assert (found.errors, found.warnings) == ((), ())


def test_rollback_alarms_see_what_enhanced_metrics_publish(look: Look) -> None:
    hosting, fast = "{instance_type: ml.m5.large, instances: 2}", "{rollback_alarms: {period: 30s}, strategy: rolling}"
    usual = look(real_time(hosting=hosting, deployment=fast, metrics="{every: 30s}"))
    assert any("deployment.rollback_alarms.period" in warning for warning in usual.warnings)
    enhanced = look(real_time(hosting=hosting, deployment=fast, metrics="{every: 30s, enhanced: true}"))
    assert enhanced.warnings == ()


def test_what_is_wrong_with_the_endpoints_update_is_said_once_for_all_its_components(look: Look) -> None:
    text = shared(component("copies: 2"), component("copies: 2"), deployment="{strategy: rolling, batch: 60%}")
    (error,) = look(text).errors
    assert error.startswith("deployment.batch: 60% is out of range for rolling")
