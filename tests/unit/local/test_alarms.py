"""States of alarms.

The table is the CloudWatch User Guide's ("Configuring how CloudWatch alarms treat missing data"):
an evaluation range of five periods, X breaching, 0 not, - missing.
"""

import pytest

from slipway.local.metrics.alarms import Rule, composite, evaluate, look_back

PRESENT = "the present state"


def state(pattern: str, missing: str, datapoints: int = 3) -> str:
    rule = Rule("GreaterThanThreshold", 5.0, 3, datapoints, missing)
    values = {"0": 1.0, "X": 9.0}
    times = look_back(6 * 60, 60, 3)  # six periods, of which the present one has no data yet
    assert len(times) == 6
    points = {at: values[sign] for at, sign in zip(times, pattern, strict=False) if sign in values}
    return evaluate(rule, points, times, PRESENT).state


@pytest.mark.parametrize(
    ("pattern", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "OK", "OK", "OK", "OK"),
        ("0----", "OK", "OK", "OK", "OK"),
        ("-----", "INSUFFICIENT_DATA", PRESENT, "ALARM", "OK"),
        ("0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("--X--", "ALARM", PRESENT, "ALARM", "OK"),
    ],
)
def test_missing_data_when_all_have_to_breach(
    pattern: str, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    found = [state(pattern, treatment) for treatment in treatments]
    assert found == [missing, ignore, breaching, not_breaching]


@pytest.mark.parametrize(
    ("pattern", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("00X0X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0-X--", "OK", "OK", "ALARM", "OK"),
        ("----0", "OK", "OK", "ALARM", "OK"),
        ("---X-", "ALARM", PRESENT, "ALARM", "OK"),
    ],
)
def test_missing_data_when_two_of_three_have_to_breach(
    pattern: str, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    found = [state(pattern, treatment, datapoints=2) for treatment in treatments]
    assert found == [missing, ignore, breaching, not_breaching]


@pytest.mark.parametrize(
    ("comparison", "value", "expected"),
    [
        ("GreaterThanThreshold", 5.0, "OK"),
        ("GreaterThanOrEqualToThreshold", 5.0, "ALARM"),
        ("LessThanThreshold", 5.0, "OK"),
        ("LessThanOrEqualToThreshold", 5.0, "ALARM"),
    ],
)
def test_comparisons(comparison: str, value: float, expected: str) -> None:
    times = look_back(600, 60, 1)
    points = dict.fromkeys(times, value)
    assert evaluate(Rule(comparison, 5.0, 1, 1), points, times, "OK").state == expected


def test_a_period_in_progress_raises_high_alarms_but_not_low_ones() -> None:
    times = look_back(630, 60, 1)
    points = {times[-2]: 5.0, times[-1]: 1.0}
    low = evaluate(Rule("LessThanThreshold", 3.0, 1, 1), points, times, "OK")
    assert low.state == "OK"
    points = {times[-2]: 5.0, times[-1]: 9.0}
    high = evaluate(Rule("GreaterThanThreshold", 8.0, 1, 1), points, times, "OK")
    assert high.state == "ALARM"
    assert "[9] was greater than the threshold (8)" in high.reason


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('ALARM("on")', "ALARM"),
        ("ALARM(off)", "OK"),
        ("ALARM(on) AND OK(off)", "ALARM"),
        ("ALARM('off') OR NOT ALARM(on)", "OK"),
        ("(ALARM(off) OR ALARM(on)) AND TRUE", "ALARM"),
        ("INSUFFICIENT_DATA(never-made)", "ALARM"),
        ("FALSE", "OK"),
    ],
)
def test_composite_rules(rule: str, expected: str) -> None:
    assert composite(rule, {"on": "ALARM", "off": "OK"}) == expected


@pytest.mark.parametrize("rule", ["ALARM(", "sometimes", "ALARM(on) + 1"])
def test_a_composite_rule_that_is_none_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="AlarmRule"):
        composite(rule, {})
