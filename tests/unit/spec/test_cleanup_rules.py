"""What the cleanup is told by the config: who is looked at, how long, and that only development is ever touched."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from idle_endpoint_cleanup.settings import Settings
from idle_endpoint_cleanup.tags import kept_by
from slipway.spec.cleanup import Cleanup
from slipway.spec.cleanup_settings import opt_in, variables
from tests.unit.idle.fake_aws import START
from tests.unit.spec.overlays import check

if TYPE_CHECKING:
    from slipway.spec.environment import Environment
    from tests.unit.spec.conftest import Config


def cleanup_of(environment: Environment) -> Cleanup:
    assert environment.cleanup
    return environment.cleanup


# -- defaults


@pytest.mark.parametrize(
    ("name", "mode"), [("dev", "delete"), ("test", "report"), ("staging", "report"), ("prod", "report")]
)
def test_it_deletes_in_development_and_reports_elsewhere(config: Config, name: str, mode: str) -> None:
    config.overlay(name)
    assert cleanup_of(config.environment(name)) == Cleanup(mode=mode)  # type: ignore[arg-type]


@pytest.mark.parametrize("written", ["off", "false", "'off'"])
def test_it_can_be_turned_off(config: Config, written: str) -> None:
    config.overlay("dev", f"cleanup: {written}\n")
    assert config.environment("dev").cleanup is False


def test_one_key_leaves_the_other_defaults(config: Config) -> None:
    config.overlay("dev", "cleanup: {window: 14d}\n")
    found = cleanup_of(config.environment("dev"))
    assert (found.mode, found.window.days, found.grace.days, found.most, found.revisions) == ("delete", 14, 1, 10, 3)


# -- what is wrong


@pytest.mark.parametrize(
    ("environment", "text", "key", "says"),
    [
        ("prod", "{mode: delete}", "mode", ("`delete` is for dev only, and this is prod: write `mode: report`",)),
        ("staging", "{mode: delete}", "mode", ("this is staging",)),
        ("test", "{mode: delete}", "mode", ("this is test",)),
        ("dev", "{mode: remove}", "mode", ("delete", "report")),
        ("dev", "{window: 2d, grace: 2d}", "grace", ("2d is no shorter than the window of 2d", "write a shorter")),
        ("dev", "{window: 1d, grace: 30d}", "grace", ("no shorter than the window of 1d",)),
        ("dev", "{window: 23h}", "window", ("23h", "90d")),
        ("dev", "{window: 91d}", "window", ("91d", "90d")),
        ("dev", "{window: 90h30m}", "window", ("the cleanup counts whole hours",)),
        ("dev", "{grace: 59m}", "grace", ("59m",)),
        ("dev", "{grace: 90m}", "grace", ("the cleanup counts whole hours",)),
        ("dev", "{window: 60d, grace: 31d}", "grace", ("31d", "30d")),
        ("dev", "{window: 7}", "window", ("unit",)),
        ("dev", "{most: 0}", "most", ("0",)),
        ("dev", "{most: 101}", "most", ("101",)),
        ("dev", "{revisions: 0}", "revisions", ("0",)),
        ("dev", "{revisions: 101}", "revisions", ("101",)),
        ("dev", "{reserved_concurrency: 2}", "reserved_concurrency", ("2",)),
        ("dev", "{at: daily}", "at", ("daily",)),
        ("dev", '{at: "cron(0 6 * * *)"}', "at", ("cron",)),
        ("dev", "{timezone: Berlin}", "timezone", ("Berlin",)),
        ("dev", "{every: 1d}", "every", ("unknown",)),
    ],
)
def test_each_mistake_is_one_error_that_says_what_to_write(
    config: Config, environment: str, text: str, key: str, says: tuple[str, ...]
) -> None:
    config.overlay(environment, f"cleanup: {text}\n")
    check(config.errors(environment), f"{environment}.yaml:5: cleanup.{key}", says)


@pytest.mark.parametrize("text", ["{window: 1d, grace: 1h}", "{window: 90d, grace: 30d}", "{window: 25h, grace: 24h}"])
def test_the_limits_themselves_are_accepted(config: Config, text: str) -> None:
    config.overlay("dev", f"cleanup: {text}\n")
    assert cleanup_of(config.environment("dev"))


# -- keeping an endpoint


@pytest.mark.parametrize(
    ("written", "tag"),
    [("true", {"slipway:keep": "true"}), ('"2025-06-30"', {"slipway:keep-until": "2025-06-30"}), ("false", {})],
)
def test_an_endpoint_is_kept_by_a_tag_on_it(config: Config, written: str, tag: dict[str, str]) -> None:
    config.endpoint("dev", f"keep: {written}\n")
    tags = config.environment("dev").tags_of("iris")
    assert {key: value for key, value in tags.items() if key.startswith("slipway:keep")} == tag
    assert bool(kept_by(tags, START)) == bool(tag)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('"2025-02-30"', ("'2025-02-30' is no day: write it like 2026-12-31, or `true`",)),
        ('"2025-13-01"', ("'2025-13-01' is no day",)),
        ("for ever", ("'for ever'",)),
    ],
)
def test_a_day_that_is_none_is_refused(config: Config, written: str, says: tuple[str, ...]) -> None:
    config.endpoint("dev", f"keep: {written}\n")
    check(config.errors("dev"), "dev.yaml:7: endpoints.iris.keep", says)


def test_a_day_needs_no_quotes(config: Config) -> None:
    config.endpoint("dev", "keep: 2025-06-30\n")
    assert config.environment("dev").tags_of("iris")["slipway:keep-until"] == "2025-06-30"


# -- what everything of an endpoint bears


def test_in_development_everything_of_an_endpoint_says_that_it_is_disposable(config: Config) -> None:
    config.overlay("dev")
    tags = config.environment("dev").tags_of("iris")
    assert tags["slipway:disposable"] == "true"
    assert tags["slipway:stack"] == "rc-project-a-dev-iris"
    assert tags.items() >= opt_in(config.environment("dev")).items()


@pytest.mark.parametrize("name", ["test", "staging", "prod"])
def test_outside_development_nothing_is_disposable(config: Config, name: str) -> None:
    config.endpoint(name, "keep: true\n")
    assert not [key for key in config.environment(name).tags_of("iris") if key.startswith("slipway:")]


@pytest.mark.parametrize("key", ["slipway:disposable", "slipway:keep", "slipway:anything"])
def test_nobody_gives_the_cleanups_tags_by_hand(config: Config, key: str) -> None:
    config.overlay("prod", f'tags: {{"{key}": "true"}}\n')
    check(config.errors("prod"), f"prod.yaml:5: tags.{key}", ("`keep` keeps an endpoint",))


# -- what the function is told


def test_the_function_is_told_all_of_it(config: Config) -> None:
    config.overlay("dev", "cleanup: {window: 10d, grace: 36h, most: 4, revisions: 5}\n")
    environment = config.environment("dev")
    assert Settings.read(variables(environment, cleanup_of(environment))) == Settings(
        opt_in={"Environment": "dev", "Project": "project-a", "Team": "rc"},
        delete=True,
        window=timedelta(days=10),
        grace=timedelta(hours=36),
        max_deletions=4,
        kept_revisions=5,
        topic=environment.names.topic_arn,
        records="/slipway/rc-project-a-dev/removed",
    )


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_where_nothing_is_deleted_nothing_names_what_that_would_need(config: Config, name: str) -> None:
    config.overlay(name, "cleanup: {mode: report}\n")
    environment = config.environment(name)
    told = variables(environment, cleanup_of(environment))
    assert not {"TOPIC_ARN", "RECORD_PATH"} & told.keys()
    assert not Settings.read(told).delete


def test_the_defaults_are_the_functions_own(config: Config) -> None:
    config.overlay("dev")
    environment = config.environment("dev")
    told = Settings.read(variables(environment, cleanup_of(environment)))
    own = Settings()
    for name in ("window", "grace", "max_deletions", "kept_revisions"):
        assert getattr(told, name) == getattr(own, name), name


def test_the_variables_are_the_same_whatever_the_order_of_the_tags(config: Config) -> None:
    config.overlay("dev")
    environment = config.environment("dev")
    told = variables(environment, cleanup_of(environment))["OPT_IN_TAGS"]
    assert told == json.dumps(json.loads(told), sort_keys=True)
