"""What becomes of an endpoint, at the edges of every rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from idle_endpoint_cleanup.decision import Action, State, Verdict, announced_at, at_a_glance, decide
from idle_endpoint_cleanup.settings import Settings
from idle_endpoint_cleanup.traffic import Traffic

NOW = datetime(2025, 6, 20, 3, 0, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
SETTINGS = Settings(delete=True)
OURS = {"Environment": "dev", "slipway:disposable": "true"}
MARK = "slipway:removal-marked"


def marked(ago: timedelta) -> dict[str, str]:
    return {**OURS, MARK: (NOW - ago).isoformat()}


def state(status: str = "InService", age: timedelta = 30 * DAY, traffic: Traffic = Traffic.NONE) -> State:
    return State(status, NOW - age, traffic)


def verdict(tags: dict[str, str], seen: State | None = None, settings: Settings = SETTINGS) -> Verdict:
    return decide(tags, seen or state(), settings, NOW)


class TestDecide:
    def test_an_idle_endpoint_is_announced_first(self) -> None:
        assert verdict(OURS) == Verdict(Action.MARK, "idle", "no traffic for 7 days")

    def test_it_waits_through_its_grace(self) -> None:
        assert verdict(marked(DAY - SECOND)) == Verdict(
            Action.WAIT, "announced", "goes after 2025-06-20 03:00 UTC, unless it is used or kept"
        )

    def test_and_then_it_goes(self) -> None:
        assert verdict(marked(DAY)) == Verdict(Action.DELETE, "idle", "no traffic for 7 days; announced on 2025-06-19")

    @pytest.mark.parametrize("status", ["InService", "Failed"])
    def test_at_rest(self, status: str) -> None:
        assert verdict(marked(DAY), state(status)).action is Action.DELETE

    @pytest.mark.parametrize(
        "status",
        [
            "Creating",
            "Updating",
            "SystemUpdating",
            "RollingBack",
            "Deleting",
            "OutOfService",
            "UpdateRollbackFailed",
            "",
        ],
    )
    def test_every_other_status_keeps(self, status: str) -> None:
        assert verdict(marked(DAY), state(status)) == Verdict(Action.KEEP, "not at rest", f"its status is {status}")

    def test_younger_than_the_window(self) -> None:
        found = verdict(marked(DAY), state(age=7 * DAY - SECOND))
        assert found == Verdict(
            Action.KEEP, "young", "created or updated on 2025-06-13, less than 7 days ago", unmark=True
        )
        assert not verdict(OURS, state(age=DAY)).unmark
        assert verdict(marked(DAY), state(age=7 * DAY)).action is Action.DELETE

    def test_traffic_keeps_and_takes_the_mark_away(self) -> None:
        seen = state(traffic=Traffic.SOME)
        assert verdict(marked(DAY), seen) == Verdict(Action.KEEP, "traffic", "traffic in the last 7 days", unmark=True)
        assert not verdict(OURS, seen).unmark

    def test_unknown_is_never_idle_but_leaves_the_mark(self) -> None:
        assert verdict(marked(DAY), state(traffic=Traffic.UNKNOWN)) == Verdict(
            Action.KEEP, "unknown", "CloudWatch did not answer in full; unknown is never idle"
        )

    def test_without_the_opt_in_it_is_not_looked_at(self) -> None:
        tags = marked(DAY) | {"Environment": "prod"}
        assert verdict(tags) == Verdict(Action.KEEP, "not opted in", "its tags do not say Environment=dev")

    def test_every_tag_of_the_opt_in_counts(self) -> None:
        settings = Settings(opt_in={"Environment": "dev", "Team": "rc"})
        found = verdict(marked(DAY), settings=settings)
        assert found == Verdict(Action.KEEP, "not opted in", "its tags do not say Environment=dev, Team=rc")
        assert verdict(marked(DAY) | {"Team": "rc"}, settings=settings).action is Action.DELETE

    def test_the_tag_that_keeps_takes_the_mark_away(self) -> None:
        tags = marked(DAY) | {"slipway:keep": ""}
        assert verdict(tags) == Verdict(Action.KEEP, "opted out", "tag slipway:keep", unmark=True)
        assert not verdict(OURS | {"slipway:keep": "x"}).unmark

    @pytest.mark.parametrize(
        ("until", "action"),
        [
            ("2025-06-19", Action.DELETE),
            ("2025-06-20", Action.KEEP),
            ("2025-06-21", Action.KEEP),
            ("tomorrow", Action.KEEP),
            ("2025-6-1", Action.KEEP),
            ("2025-02-30", Action.KEEP),
            ("2025-06-19T12:00:00", Action.KEEP),
            ("", Action.KEEP),
        ],
    )
    def test_the_date_that_keeps(self, until: str, action: Action) -> None:
        assert verdict(marked(DAY) | {"slipway:keep-until": until}).action is action

    @pytest.mark.parametrize("tags", [{"Environment": "dev"}, {**OURS, "slipway:disposable": "True"}])
    def test_what_is_not_disposable_is_only_reported(self, tags: dict[str, str]) -> None:
        assert verdict(tags | {MARK: (NOW - DAY).isoformat()}) == Verdict(
            Action.REPORT,
            "not disposable",
            "no traffic for 7 days, but its tags do not say that it may be deleted",
        )

    def test_outside_development_it_is_only_reported_whatever_is_opted_in(self) -> None:
        settings = Settings(opt_in={"Environment": "staging"}, delete=True)
        assert verdict(marked(DAY) | {"Environment": "staging"}, settings=settings).action is Action.REPORT

    def test_a_window_of_hours_is_called_so(self) -> None:
        settings = Settings(window=timedelta(hours=36))
        assert verdict(OURS, settings=settings).detail == "no traffic for 36 hours"


class TestAnnouncedAt:
    def test_it_holds_for_the_length_of_the_window(self) -> None:
        assert announced_at(marked(7 * DAY), SETTINGS, NOW) == NOW - 7 * DAY
        assert announced_at(marked(7 * DAY + SECOND), SETTINGS, NOW) is None

    def test_it_is_not_in_the_future(self) -> None:
        assert announced_at(marked(timedelta()), SETTINGS, NOW) == NOW
        assert announced_at(marked(-SECOND), SETTINGS, NOW) is None

    @pytest.mark.parametrize("value", ["", "soon", "2025-06-19T03:00:00"])
    def test_what_cannot_be_read_is_no_announcement(self, value: str) -> None:
        tags = {**OURS, MARK: value}
        assert announced_at(tags, SETTINGS, NOW) is None
        assert verdict(tags).action is Action.MARK

    def test_a_void_announcement_is_made_anew(self) -> None:
        assert verdict(marked(8 * DAY)).action is Action.MARK


class TestAtAGlance:
    @pytest.mark.parametrize(
        ("tags", "seen", "action", "reason", "unmark"),
        [
            (OURS, Traffic.SOME, Action.KEEP, "traffic", False),
            (marked(DAY), Traffic.SOME, Action.KEEP, "traffic", True),
            (marked(DAY), Traffic.UNKNOWN, Action.KEEP, "unknown", False),
            ({**marked(DAY), "slipway:keep": "x"}, Traffic.NONE, Action.KEEP, "opted out", True),
            ({MARK: "x"}, Traffic.NONE, Action.KEEP, "not opted in", False),
            ({**marked(DAY), "slipway:keep-until": "2025-06-20"}, Traffic.NONE, Action.KEEP, "opted out", True),
            (marked(DAY - SECOND), Traffic.NONE, Action.WAIT, "announced", False),
            ({**marked(DAY - SECOND), "slipway:keep": "x"}, Traffic.NONE, Action.KEEP, "opted out", True),
        ],
    )
    def test_what_it_settles(
        self, tags: dict[str, str], seen: Traffic, action: Action, reason: str, *, unmark: bool
    ) -> None:
        found = at_a_glance(tags, seen, SETTINGS, NOW)
        assert found is not None
        assert (found.action, found.reason, found.unmark) == (action, reason, unmark)

    def test_what_it_says_of_waiting(self) -> None:
        found = at_a_glance(marked(DAY / 2), Traffic.NONE, SETTINGS, NOW)
        assert found is not None
        assert found.detail == "goes after 2025-06-20 15:00 UTC, unless it is used or kept"

    @pytest.mark.parametrize(
        "tags",
        [OURS, marked(DAY), marked(8 * DAY), {"Environment": "dev"}, {**OURS, "slipway:keep-until": "2025-06-19"}],
    )
    def test_to_mark_and_to_delete_it_takes_a_closer_look(self, tags: dict[str, str]) -> None:
        assert at_a_glance(tags, Traffic.NONE, SETTINGS, NOW) is None
