"""The two alarms that stand in circulating guides are found out, in words for whoever copied them."""

from __future__ import annotations

from functools import cache

from slipway.rehearsal.findings import Finding
from slipway.rehearsal.rehearsal import Verdict
from slipway.rehearsal.report import TargetReport
from tests.unit.rehearsal.templates import GUIDES, rehearsed


@cache
def found() -> TargetReport:
    (one,) = rehearsed(GUIDES).targets
    return one


def about(code: str, alarm: str = "") -> Finding:
    (one,) = [gap for gap in (*found().wrong, *found().missed) if gap.code == code and alarm in ("", gap.alarm)]
    return one


def test_an_alarm_on_errors_that_measures_latency_is_said_to_see_no_errors() -> None:
    gap = about("latency-is-no-error")
    assert gap.alarm == "churn-model-errors"
    assert "how long answers take" in gap.text
    assert "Watch Invocation5XXErrors or InvocationModelErrors" in gap.text
    assert "1 % is 0.01" in gap.text


def test_5000_on_a_latency_is_explained_as_5_milliseconds() -> None:
    for alarm, healthy in (("churn-model-errors", "Average here is 69 ms"), ("churn-latency", "p99 here is 200 ms")):
        gap = about("microseconds", alarm)
        assert "counted in microseconds, so its threshold of 5000 is 5 ms" in gap.text
        assert healthy in gap.text
        assert "If 5 s is meant, write 5000000." in gap.text


def test_it_is_shown_that_such_an_alarm_ends_every_update() -> None:
    healthy = found().rehearsals[0]
    assert healthy.verdict is Verdict.FALSE_ALARM
    assert "It ends every update, 10 min after its start" in about("microseconds", "churn-model-errors").text
    assert about("microseconds", "churn-model-errors").faults == ("healthy",)


def test_without_them_a_5xx_burst_is_caught_by_nothing() -> None:
    assert found().aside == ("churn-latency", "churn-model-errors")
    gap = about("no-rollback-alarms")
    assert "Caught by nothing: slow from the start, slower and slower, 5XX burst, 4XX burst" in gap.text


def test_both_watch_the_old_fleet_too() -> None:
    gap = about("both-fleets", "churn-model-errors")
    assert "In the rehearsal the cure is rolled back" in gap.text
    assert "Add the dimension EndpointConfigName" in gap.text
    assert about("both-fleets", "churn-latency")


def test_mended_as_it_says_nothing_is_wrong_any_more() -> None:
    fleet = "- {Name: VariantName, Value: AllTraffic}\n"
    mended = (
        GUIDES.replace(
            fleet, f"{fleet}        - {{Name: EndpointConfigName, Value: !GetAtt Config.EndpointConfigName}}\n"
        )
        .replace("MetricName: ModelLatency", "MetricName: InvocationModelErrors", 1)
        .replace("Threshold: 5000", "Threshold: 0.01", 1)
        .replace("Threshold: 5000", "Threshold: 500000")
    )
    (one,) = rehearsed(mended).targets
    assert one.wrong == ()
    assert [gap.code for gap in one.missed] == ["memory-leak", "no-traffic"]
