"""Whether the service would take the update now, and let it end well."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from slipway.ops.preflight.facts import Config
from slipway.ops.preflight.report import Outcome
from slipway.ops.preflight.service import accepted, agreement, quiet, status
from slipway.ops.preflight.update import Ending, update_of
from slipway.spec.deployment import Fleet
from tests.unit.ops.preflight.fakes import environment, live, serving

OK, WARNING, FAILED = Outcome.OK, Outcome.WARNING, Outcome.FAILED
ONE, TWO = Config("Config-1", "1", {}), Config("Config-2", "2", {})


@pytest.mark.parametrize(
    ("now", "words", "do"),
    [
        ("Creating", "an update is under way", "slipway watch iris --env prod"),
        (
            "Updating",
            "Updating to config-2: an update is under way, and the service refuses",
            "slipway watch iris --env prod",
        ),
        ("RollingBack", "an update is under way", "slipway watch iris --env prod"),
        ("SystemUpdating", "the service itself works on it", "slipway watch iris --env prod"),
        ("Deleting", "it is going", "deploy again"),
        ("Failed", "it can only be deleted", "`slipway recreate iris --env prod`"),
        (
            "UpdateRollbackFailed",
            "instances of both configs serve",
            "`slipway rollback iris --env prod --now`, then deploy",
        ),
        ("OutOfService", "the service updates what is InService", "slipway watch iris --env prod"),
    ],
)
def test_what_is_not_in_service_is_not_updated_and_the_mend_is_told(now: str, words: str, do: str) -> None:
    (found,) = status("iris --env prod", live(now), declared=True)
    assert found.outcome is FAILED
    assert found.text.startswith(now)
    assert words in found.text
    assert do in found.do


def test_a_failed_endpoint_says_why() -> None:
    (found,) = status("iris --env prod", live("Failed", failure="The image does not start."), declared=True)
    assert found.text == "Failed (The image does not start.): it can only be deleted"


def test_an_endpoint_that_serves_or_was_never_made_is_fine() -> None:
    assert list(status("iris --env prod", live(), declared=True)) == []
    assert list(status("iris --env prod", None, declared=False)) == []


def test_an_endpoint_that_somebody_deleted_is_none_to_update() -> None:
    (found,) = status("iris --env prod", None, declared=True)
    assert found.outcome is FAILED
    assert found.do == "delete its stack, and deploy again"


def test_a_config_that_the_stack_holds_is_fine_whatever_the_case_of_its_name() -> None:
    found = agreement("iris --env prod", "1", live(), ONE, Config("config-1", "1", {}))
    assert (found.outcome, found.text) == (OK, "it serves version 1 (Config-1), which its stack holds")


def test_deploying_what_was_rolled_back_once_more_is_refused_with_both_ways_out() -> None:
    found = agreement("iris --env prod", "2", live(), ONE, TWO)
    assert found.outcome is FAILED
    assert found.text == (
        "it serves version 1 (Config-1), its stack holds version 2 (Config-2): an update was rolled back, or somebody "
        "changed it by hand. Deploying version 2 again changes nothing, since CloudFormation believes it to serve"
    )
    assert found.do.startswith(
        "publish a cure under another version, such as 3, and declare that, or write `version: 1` to keep what serves; "
    )
    assert "--no-preflight" in found.do


@pytest.mark.parametrize("declared", ["3", "1"])
def test_a_cure_or_the_way_back_goes_on_and_says_where_it_starts(declared: str) -> None:
    found = agreement("iris --env prod", declared, live(), ONE, TWO)
    assert found.outcome is WARNING
    assert found.text.endswith(f"by hand; version {declared} comes in its place")


def test_the_same_version_on_both_sides_offers_no_way_back_by_the_version() -> None:
    found = agreement("iris --env prod", "1", live(), ONE, Config("Config-2", "1", {}))
    assert found.outcome is FAILED
    assert "to keep what serves" not in found.do


def test_a_version_that_is_no_number_has_no_next_one() -> None:
    found = agreement("iris --env prod", "2026-11-21", live(), ONE, Config("Config-2", "2026-11-21", {}))
    assert "under another version and declare" in found.do


def test_while_an_update_runs_the_old_config_serves_and_nothing_is_wrong_about_that() -> None:
    found = agreement("iris --env prod", "2", live("Updating"), ONE, TWO)
    assert (found.outcome, found.do) == (WARNING, "wait: slipway watch iris --env prod")


def test_before_the_first_deployment_there_is_nothing_to_compare() -> None:
    assert agreement("iris --env prod", "2", None, None, None).outcome is OK
    assert agreement("iris --env prod", "2", live(), ONE, None).outcome is OK


OWN = ("ep-rollback-latency", "ep-rollback-errors-5xx")


def alarms(**states: str) -> Mapping[str, tuple[str, str]]:
    return {name.replace("_", "-"): (state, "why") for name, state in states.items()}


def test_alarms_in_alarm_stop_the_update_and_say_why_they_are() -> None:
    states = alarms(ep_rollback_latency="ALARM", ep_rollback_errors_5xx="OK", mine="ALARM")
    first, second = quiet(Ending(OWN, ("mine",)), OWN, states)
    assert first.outcome is second.outcome is FAILED
    assert first.text == "ep-rollback-latency is in ALARM, and would end the update: why"
    assert second.text.startswith("mine is in ALARM")


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_alarms_that_are_quiet_are_counted(state: str) -> None:
    (found,) = quiet(Ending(OWN, ()), OWN, alarms(ep_rollback_latency=state, ep_rollback_errors_5xx="OK"))
    assert (found.outcome, found.text) == (OK, "2 that end an update, none in ALARM")


def test_alarms_that_the_update_makes_need_not_be_there() -> None:
    (found,) = quiet(Ending(OWN, ()), (), {})
    assert (found.outcome, found.text) == (OK, "there are none yet: the update makes them")
    (found,) = quiet(Ending(OWN, ()), OWN[:1], alarms(ep_rollback_latency="OK"))
    assert found.outcome is OK


def test_an_alarm_of_the_stacks_that_somebody_deleted_is_missed() -> None:
    (found,) = quiet(Ending(OWN, ()), OWN, alarms(ep_rollback_latency="OK"))
    assert found.outcome is FAILED
    assert found.text.startswith("ep-rollback-errors-5xx is gone, though its stack has it")


def test_an_alarm_of_somebodys_own_has_to_exist() -> None:
    (found,) = quiet(Ending((), ("mine",)), (), {})
    assert found.outcome is FAILED
    assert found.text == "there is no alarm mine, which deployment.rollback_alarms.also names"


def test_no_alarms_are_said_to_be_none() -> None:
    (found,) = quiet(Ending((), ()), (), {})
    assert (found.outcome, found.text) == (OK, "the config declares none that end an update")


def test_another_instance_type_under_a_scalable_target_is_refused_with_two_steps() -> None:
    declared = environment({"hosting": {"instance_type": "ml.m5.xlarge"}, "scaling": None})
    update = update_of(declared, "iris", live(), serving(), {"primary": Fleet(2, 4)})
    (found,) = accepted(update)
    assert found.outcome is FAILED
    assert "changes from ml.m5.large to ml.m5.xlarge while the variant is a scalable target" in found.text
    assert found.do.startswith("1. Deploy with ml.m5.large as it is and without the scalable target of primary")
    assert "2. Deploy again with ml.m5.xlarge" in found.do


def test_another_instance_type_without_a_scalable_target_is_taken() -> None:
    declared = environment({"hosting": {"instance_type": "ml.m5.xlarge"}})
    (found,) = accepted(update_of(declared, "iris", live(), serving(), {}))
    assert (found.outcome, found.text) == (OK, "rolling over 2 × ml.m5.xlarge")


def test_another_variant_is_refused() -> None:
    (found,) = accepted(update_of(environment(), "iris", live(), serving(name="blue"), {}))
    assert found.outcome is FAILED
    assert "blue becomes primary" in found.text


def test_a_size_that_does_not_fit_the_live_count_is_refused() -> None:
    """An operator took the fleet to one instance, of which no batch can be half."""
    (found,) = accepted(update_of(environment(), "iris", live(count=1), serving(), {"primary": Fleet(1, 4)}))
    assert found.outcome is FAILED
    assert "rolling needs at least 2 instances, and primary may have 1" in found.text


def test_an_endpoint_that_becomes_asynchronous_is_doubtful_only() -> None:
    declared = environment({"asynchronous": {}, "scaling": None})
    (found,) = accepted(update_of(declared, "iris", live(), serving(), {}))
    assert found.outcome is WARNING


def test_what_is_made_anew_is_not_refused() -> None:
    (found,) = accepted(update_of(environment(), "iris", None, None, {}))
    assert (found.outcome, found.text) == (OK, "the endpoint is made anew")
