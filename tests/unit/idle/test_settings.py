"""The environment variables: defaults, edges, and everything that is wrong at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idle_endpoint_cleanup.settings import Settings, SettingsError

DELETING = {"MODE": "delete", "TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:t", "RECORD_PATH": "/slipway/removed"}


def test_by_default_it_only_looks() -> None:
    settings = Settings.read({})
    assert settings == Settings()
    assert not settings.delete
    assert settings.opt_in == {"Environment": "dev"}
    assert (settings.window, settings.grace) == (timedelta(days=7), timedelta(days=1))
    assert (settings.max_deletions, settings.kept_revisions, settings.max_revisions) == (10, 3, 100)
    assert (settings.topic, settings.records, settings.namespace) == ("", "", "Slipway/IdleEndpoints")


def test_everything_can_be_said() -> None:
    settings = Settings.read(
        {
            **DELETING,
            "OPT_IN_TAGS": '{"Environment": "dev", "Team": "rc"}',
            "WINDOW_HOURS": "48",
            "GRACE_HOURS": "2",
            "MAX_DELETIONS": "3",
            "KEPT_REVISIONS": "4",
            "MAX_REVISIONS": "5",
            "METRICS_NAMESPACE": "Mine",
        }
    )
    assert settings == Settings(
        opt_in={"Environment": "dev", "Team": "rc"},
        delete=True,
        window=timedelta(hours=48),
        grace=timedelta(hours=2),
        max_deletions=3,
        kept_revisions=4,
        max_revisions=5,
        topic=DELETING["TOPIC_ARN"],
        records=DELETING["RECORD_PATH"],
        namespace="Mine",
    )


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("WINDOW_HOURS", 24, 2160),
        ("GRACE_HOURS", 1, 720),
        ("MAX_DELETIONS", 1, 100),
        ("KEPT_REVISIONS", 1, 100),
        ("MAX_REVISIONS", 1, 1000),
    ],
)
def test_the_numbers_have_edges(name: str, lowest: int, highest: int) -> None:
    window = {} if name == "WINDOW_HOURS" else {"WINDOW_HOURS": "2160"}
    grace = {} if name == "GRACE_HOURS" else {"GRACE_HOURS": "1"}
    for good in (lowest, highest):
        Settings.read({**window, **grace, name: str(good)})
    for bad in (str(lowest - 1), str(highest + 1), "-1", "1.5", "many", ""):
        with pytest.raises(SettingsError) as caught:
            Settings.read({**window, **grace, name: bad})
        assert str(caught.value) == f'{name} is "{bad}"; write a whole number from {lowest} to {highest}'


def test_the_grace_is_shorter_than_the_window() -> None:
    Settings.read({"WINDOW_HOURS": "48", "GRACE_HOURS": "47"})
    with pytest.raises(SettingsError) as caught:
        Settings.read({"WINDOW_HOURS": "48", "GRACE_HOURS": "48"})
    assert str(caught.value) == ("GRACE_HOURS must be less than WINDOW_HOURS: only traffic within the window is known")


@pytest.mark.parametrize(
    "text", ["", "dev", "[]", "{}", '{"Team": "rc"}', '{"Environment": ""}', '{"Environment": "dev", "Team": 1}']
)
def test_the_opt_in_names_an_environment(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read({"OPT_IN_TAGS": text})
    assert str(caught.value) == f'OPT_IN_TAGS is "{text}"; write the tags as a JSON object, Environment among them'


@pytest.mark.parametrize("environment", ["test", "staging", "prod"])
def test_nothing_is_deleted_outside_development(environment: str) -> None:
    opt_in = {"OPT_IN_TAGS": f'{{"Environment": "{environment}"}}'}
    assert Settings.read(opt_in).opt_in == {"Environment": environment}
    with pytest.raises(SettingsError) as caught:
        Settings.read({**DELETING, **opt_in})
    assert str(caught.value) == f"MODE=delete is only for Environment=dev, but OPT_IN_TAGS has {environment}"


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read({"MODE": "delete", "WINDOW_HOURS": "x", "GRACE_HOURS": "0"})
    assert str(caught.value).splitlines() == [
        'WINDOW_HOURS is "x"; write a whole number from 24 to 2160',
        'GRACE_HOURS is "0"; write a whole number from 1 to 720',
        "MODE=delete needs TOPIC_ARN: nothing is deleted without an announcement",
        "MODE=delete needs RECORD_PATH, such as /slipway/rc-project-a-dev/removed",
    ]


def test_the_mode_is_one_of_two() -> None:
    assert not Settings.read({"MODE": "dry-run"}).delete
    with pytest.raises(SettingsError, match=r'^MODE is "remove"; write dry-run or delete$'):
        Settings.read({"MODE": "remove"})
