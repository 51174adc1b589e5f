"""What a run tells."""

from __future__ import annotations

import json
from datetime import timedelta

from idle_endpoint_cleanup.decision import Action, Verdict
from idle_endpoint_cleanup.inventory import Endpoint, Tagged
from idle_endpoint_cleanup.look import Examined
from idle_endpoint_cleanup.report import Report, announcement, hours, obituary
from tests.unit.idle.fake_aws import START, arn, settings


def examined(name: str, action: Action, reason: str = "idle", instances: int = 2) -> Examined:
    described = Endpoint(name, "InService", "c", START, ("v",), asynchronous=False, instances=instances, components=())
    return Examined(Tagged(arn("endpoint", name), {}), Verdict(action, reason, f"because {reason}"), described)


def report(*found: Examined) -> Report:
    made = Report()
    for one in found:
        made.add(one)
    return made


def record(made: Report) -> dict[str, object]:
    return made.record(settings(opt_in={"Team": "rc", "Environment": "dev"}, namespace="Mine"), START)


def test_the_record_counts_and_explains() -> None:
    found = record(
        report(
            examined("d", Action.DELETE, instances=3),
            examined("m", Action.MARK),
            examined("w", Action.WAIT, "announced"),
            examined("r", Action.REPORT, "not disposable"),
            examined("b", Action.KEEP, "traffic"),
            examined("a", Action.KEEP, "traffic"),
            examined("u", Action.KEEP, "unknown"),
            examined("n", Action.KEEP, "not examined"),
            examined("x", Action.WAIT, "not examined"),
            examined("f", Action.KEEP, "failed"),
        )
    )
    about = found.pop("_aws")
    assert found == {
        "Team": "rc",
        "Environment": "dev",
        "Examined": 10,
        "Idle": 5,
        "Marked": 1,
        "Deleted": 1,
        "Unknown": 1,
        "Failed": 1,
        "Unfinished": 2,
        "InstanceHoursSaved": 504,
        "task": "endpoints",
        "mode": "delete",
        "marked": [{"endpoint": "m", "why": "because idle", "instance_hours_a_week": 336}],
        "waiting": [
            {"endpoint": "w", "why": "because announced", "instance_hours_a_week": 336},
            {"endpoint": "x", "why": "because not examined", "instance_hours_a_week": 336},
        ],
        "deleted": [{"endpoint": "d", "why": "because idle", "instance_hours_a_week": 504}],
        "reported": [{"endpoint": "r", "why": "because not disposable", "instance_hours_a_week": 336}],
        "kept": {
            "failed": {"count": 1, "endpoints": ["f"]},
            "not examined": {"count": 1, "endpoints": ["n"]},
            "traffic": {"count": 2, "endpoints": ["a", "b"]},
            "unknown": {"count": 1, "endpoints": ["u"]},
        },
        "failures": {"f": "because failed"},
    }
    assert about == {
        "Timestamp": int(START.timestamp() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": "Mine",
                "Dimensions": [["Environment", "Team"]],
                "Metrics": [
                    {"Name": name, "Unit": "Count"}
                    for name in (
                        "Examined",
                        "Idle",
                        "Marked",
                        "Deleted",
                        "Unknown",
                        "Failed",
                        "Unfinished",
                        "InstanceHoursSaved",
                    )
                ],
            }
        ],
    }


def test_a_dry_run_says_that_it_was_one() -> None:
    assert Report().record(settings(delete=False), START)["mode"] == "dry-run"


def test_the_record_stays_small_whatever_is_kept() -> None:
    found = record(report(*(examined(f"{'e' * 58}{at:05}", Action.KEEP, "traffic") for at in range(5000))))
    kept = found["kept"]
    assert isinstance(kept, dict)
    assert kept["traffic"]["count"] == 5000
    assert kept["traffic"]["endpoints"] == [f"{'e' * 58}{at:05}" for at in range(100)]
    assert len(json.dumps(found)) < 20_000


def test_a_later_verdict_takes_the_place_of_an_earlier_one() -> None:
    made = report(examined("a", Action.MARK), examined("a", Action.KEEP, "traffic"))
    assert [found.verdict.action for found in made.of(*Action)] == [Action.KEEP]


def test_hours_of_what_was_looked_at_closely() -> None:
    unseen = Examined(Tagged(arn("endpoint", "x"), {}), Verdict(Action.WAIT, "announced", "later"))
    assert hours([examined("a", Action.DELETE, instances=1), unseen, examined("b", Action.DELETE)]) == 504
    assert hours([]) == 0


def test_a_notice_of_many_stays_within_the_256_kb_of_a_message() -> None:
    many = [examined(f"{'e' * 60}{at:03}", Action.MARK) for at in range(100)]
    for subject, message in (announcement(many, settings(), START), obituary(many, settings())):
        assert len(message.encode()) < 256 * 1024
        assert len(subject) <= 100


def test_the_announcement_names_the_time_after_which_it_counts() -> None:
    _, message = announcement([examined("a", Action.MARK)], settings(grace=timedelta(hours=36)), START)
    assert "after 2025-06-03 15:00 UTC" in message
