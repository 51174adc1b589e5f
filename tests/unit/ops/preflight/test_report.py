"""What the checklist found, as people and programs read it."""

from __future__ import annotations

from slipway.ops.preflight.report import Check, Outcome, Report, failed, listed, ok, warning

REPORT = Report(
    (
        Check("", "credentials", (ok("whose they are"),)),
        Check("iris", "alarms", (failed("one is in ALARM", "find out why"), ok("the other is not"))),
        Check("iris", "quota", (warning("could not be told", "look there"),)),
        Check("fraud", "stack", (ok("at rest"),)),
    )
)


def test_each_finding_has_a_line_and_what_to_do_stands_below_it() -> None:
    assert list(REPORT.lines()) == [
        "environment",
        "  ok       credentials        whose they are",
        "iris",
        "  failed   alarms             one is in ALARM",
        "                              → find out why",
        "  ok       alarms             the other is not",
        "  warning  quota              could not be told",
        "                              → look there",
        "fraud",
        "  ok       stack              at rest",
    ]


def test_quietly_only_what_is_wrong_is_told() -> None:
    assert list(REPORT.lines(quiet=True)) == [
        "iris",
        "  failed   alarms             one is in ALARM",
        "                              → find out why",
        "  warning  quota              could not be told",
        "                              → look there",
    ]


def test_the_summary_counts_checks_by_the_gravest_finding() -> None:
    assert REPORT.summary == "4 checks: 2 ok, 1 warning, 1 failed"
    assert Report(REPORT.checks[:1]).summary == "1 check: 1 ok"
    twice = Report((REPORT.checks[2], REPORT.checks[2]))
    assert twice.summary == "2 checks: 2 warnings"


def test_failures_stop_and_warnings_only_when_strict() -> None:
    assert not REPORT.passed()
    warned = Report(REPORT.checks[2:])
    assert warned.passed()
    assert not warned.passed(strict=True)
    assert Report(REPORT.checks[:1]).passed(strict=True)


def test_programs_get_every_finding() -> None:
    found = REPORT.as_dict()
    assert found["passed"] is False
    assert found["checks"][1] == {  # type: ignore[index]
        "endpoint": "iris",
        "check": "alarms",
        "outcome": "failed",
        "findings": [
            {"outcome": "failed", "text": "one is in ALARM", "do": "find out why"},
            {"outcome": "ok", "text": "the other is not", "do": ""},
        ],
    }
    assert REPORT.count(Outcome.FAILED) == 1


def test_many_names_are_cut() -> None:
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
