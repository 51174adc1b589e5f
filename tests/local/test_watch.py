"""Watching updates that really move, on a local AWS whose clock goes on whenever the watch waits."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from slipway.local import control, steering
from slipway.ops.aws_clock import AwsClock
from slipway.ops.target import Target
from slipway.ops.watch.events import Event, Outcome, Result
from slipway.ops.watch.following import Quiet, follow, follow_component
from slipway.ops.watch.showing import Lines
from tests.local import test_rollouts as moving
from tests.local.conftest import ACCOUNT, REGION
from tests.local.hosting import Hosting
from tests.local.test_rollouts import CANARY, COPIES, LINEAR, ROLLING, alarm, asked, component, update

# fixtures
local_aws, hosting, two, part = moving.local_aws, moving.hosting, moving.two, moving.part


class Advancing(AwsClock):
    """Moves the local clock instead of waiting, and lets people ask meanwhile."""

    def __init__(self, target: Target, meanwhile: Callable[[], object]) -> None:
        super().__init__(target)
        self._url, self._meanwhile = target.environ["AWS_ENDPOINT_URL"], meanwhile

    def pause(self, seconds: float) -> None:
        self._meanwhile()
        steering.advance_clock(self._url, timedelta(seconds=seconds))


def target_of(hosting: Hosting) -> Target:
    return Target("local", ACCOUNT, REGION, control.environment(hosting.aws.url, ACCOUNT, REGION), "here")


def watched(hosting: Hosting, *, requests: int = 2, **options: Any) -> tuple[Outcome, list[str]]:
    """Watch an endpoint to which so many requests go between two looks; return the lines without their time."""
    target, output = target_of(hosting), io.StringIO()
    clock = Advancing(target, lambda: asked(hosting, requests) if requests else None)
    outcome = follow(target, hosting.name, show=Lines(output), clock=clock, begun=True, **options)
    return outcome, [line[10:] for line in output.getvalue().splitlines()]


def of(lines: list[str], *words: str) -> list[str]:
    """The lines that begin with one of some words."""
    return [line for line in lines if line.startswith(words)]


def test_a_canary_is_followed_from_stage_to_stage_until_it_serves(two: Hosting) -> None:
    update(two, "-new", CANARY, alarm(two, f"{two.name}-new"))
    outcome, lines = watched(two)
    assert (outcome.kind, outcome.exit_code, outcome.serves) == (Result.DEPLOYED, 0, f"{two.name}-new")
    assert lines[0].startswith(f"{two.name} moves from {two.name} to {two.name}-new: canary, 2 steps, 15m of bakes;")
    stages = [event.data for event in outcome.events if event.kind == "stage"]
    assert [(one["kind"], one["step"]) for one in stages] == [("provision", 0), ("bake", 1), ("final bake", 0)]
    assert of(lines, "traffic") == ["traffic: 50 % to the new fleet", "traffic: 100 % to the new fleet"]
    assert of(lines, "baking, step 1 of 2, 10m left; all done in about 15m")
    assert not of(lines, "warning")
    last = [event for event in outcome.events if event.kind == "metrics"][-1]
    new, old = last.data["new"], last.data["old"]
    assert isinstance(new, dict)
    assert isinstance(old, dict)
    assert new["requests"] > 10
    assert old["requests"] > 10
    assert new["errors_5xx"] == old["errors_5xx"] == 0


@pytest.mark.parametrize("policy", [CANARY, LINEAR, ROLLING], ids=["canary", "linear", "rolling"])
def test_a_bad_model_is_told_to_have_been_rolled_back_and_by_what(two: Hosting, policy: dict[str, Any]) -> None:
    name = alarm(two, f"{two.name}-bad")
    update(two, "-bad", policy, name)
    outcome, lines = watched(two, expect=f"{two.name}-bad")
    assert (outcome.kind, outcome.exit_code) == (Result.ROLLED_BACK, 3)
    assert (outcome.serves, outcome.expected) == (two.name, f"{two.name}-bad")
    assert "AWS gives no reason (FailureReason is empty)" in outcome.why
    assert [trip.name for trip in outcome.trips] == [name]
    assert of(lines, f"alarm {name}: ") or of(lines, f"alarm {name} went off")
    assert any(f"alarm {name} went off at" in one for one in outcome.advice)


def test_a_rolling_update_is_timed_by_what_its_batches_took(two: Hosting) -> None:
    update(two, "-new", ROLLING)
    outcome, lines = watched(two, requests=0)
    assert outcome.kind is Result.DEPLOYED
    stages = [line for line in of(lines, "provisioning", "baking") if " · " not in line]
    # Ten minutes are assumed for instances to come; the first ones came in two.
    assert stages[0].startswith("provisioning 1 new instance, batch 1 of 2, all done in about 30m")
    assert stages[1].startswith("baking, batch 1 of 2, 5m left; all done in about 12m")
    assert stages[2].startswith("provisioning 1 new instance, batch 2 of 2, all done in about 7m")


def test_a_bake_without_traffic_is_a_warning(two: Hosting) -> None:
    update(two, "-new", CANARY, alarm(two, f"{two.name}-new"))
    outcome, lines = watched(two, requests=0)
    assert outcome.kind is Result.DEPLOYED
    said = "no request was counted on the new fleet, so its alarms could not have seen a fault"
    assert of(lines, "warning") == [f"warning: baking, step 1 of 2: {said}", f"warning: final bake: {said}"]


def test_instances_that_never_get_healthy_are_rolled_back_with_awss_words(two: Hosting) -> None:
    steering.give_flaw(two.aws.url, ACCOUNT, REGION, two.name, "unhealthy")
    update(two, "-new", CANARY)
    outcome, _ = watched(two, requests=0, expect=f"{two.name}-new")
    assert outcome.kind is Result.ROLLED_BACK
    assert "AWS says: The primary container for production variant main did not pass the ping" in outcome.why


def test_a_rollback_that_fails_is_a_failure(two: Hosting) -> None:
    name = alarm(two, f"{two.name}-bad")
    steering.give_flaw(two.aws.url, ACCOUNT, REGION, two.name, "rollback-fails")
    update(two, "-bad", CANARY, name)
    outcome, _ = watched(two)
    assert (outcome.kind, outcome.exit_code) == (Result.FAILED, 1)
    assert "another update mends it" in outcome.advice[0]


def test_a_stuck_update_times_out_and_goes_on(two: Hosting) -> None:
    steering.give_flaw(two.aws.url, ACCOUNT, REGION, two.name, "stuck")
    update(two, "-new", CANARY)
    outcome, lines = watched(two, requests=0, timeout=1200.0)
    assert (outcome.kind, outcome.exit_code) == (Result.TIMED_OUT, 4)
    assert of(lines, "warning: instances take longer to come than assumed")
    assert outcome.why.startswith(f"timed out: after 20m {two.name} is not done: provisioning 2 new instances")


def test_an_endpoint_that_serves_what_was_expected_is_told_at_once(two: Hosting) -> None:
    outcome = follow(target_of(two), two.name, expect=two.name.upper())
    assert (outcome.kind, outcome.moved) == (Result.DEPLOYED, False)
    assert outcome.why == f"nothing is under way: {two.name} serves {two.name}, as expected"


def test_an_endpoint_that_serves_something_else_is_told_at_once(two: Hosting) -> None:
    outcome = follow(target_of(two), two.name, expect=f"{two.name}-bad")
    assert (outcome.kind, outcome.moved) == (Result.ROLLED_BACK, False)
    assert f"serves {two.name}, not {two.name}-bad" in outcome.why


class Hurrying(Quiet):
    """Lets the local clock run faster as soon as the watch has begun."""

    def __init__(self, url: str) -> None:
        self._url = url

    def event(self, event: Event) -> None:
        if event.kind == "started":
            steering.set_speed(self._url, 300.0)


def test_a_fast_clock_is_followed_at_its_speed(two: Hosting) -> None:
    update(two, "-new", CANARY)
    try:
        outcome = follow(target_of(two), two.name, begun=True, show=Hurrying(two.aws.url))
    finally:
        steering.set_speed(two.aws.url, 1.0)
    assert outcome.kind is Result.DEPLOYED
    # The 15 minutes of bakes are three seconds, in which there is a look every fifth of one.
    assert [event for event in outcome.events if event.kind == "stage" and event.data["kind"] == "bake"]


def test_a_component_is_watched_until_what_was_wanted_is_live(part: Hosting) -> None:
    part.api.update_inference_component(
        InferenceComponentName=part.name, Specification=component(part, "-new"), DeploymentConfig=COPIES
    )
    clock = Advancing(target_of(part), lambda: None)
    outcome = follow_component(target_of(part), part.name, clock=clock, begun=True)
    assert outcome.kind is Result.DEPLOYED
    assert outcome.serves.endswith("-new.tar.gz")
    assert "4 of 4 copies" in " ".join(event.text for event in outcome.events)
