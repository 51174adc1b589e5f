"""Rule expressions of composite alarms."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.rollout.composite import RuleError, children, holds, parse
from slipway.rollout.state import State

STATES: dict[str, State] = {"bad": "ALARM", "good": "OK", "new": "INSUFFICIENT_DATA", "a b(c)": "ALARM"}


def truth(rule: str) -> bool:
    return holds(parse(rule), lambda name: STATES[name])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ALARM(bad)", True),
        ('ALARM("bad")', True),
        ("ALARM ( 'bad' )", True),
        ("OK(bad)", False),
        ("INSUFFICIENT_DATA(new)", True),
        ('ALARM("a b(c)")', True),
        ("ALARM(arn:aws:cloudwatch:us-east-1:111122223333:alarm:bad)", True),
        ("TRUE", True),
        ("FALSE", False),
        ("NOT ALARM(good)", True),
        ("NOT NOT ALARM(good)", False),
        ("ALARM(bad) AND OK(good)", True),
        ("ALARM(bad) AND\n  ALARM(good)", False),
        ("ALARM(good) OR OK(good)", True),
        ("TRUE OR FALSE AND FALSE", True),
        ("(TRUE OR FALSE) AND FALSE", False),
        ("NOT FALSE AND FALSE", False),
        ("NOT (FALSE AND FALSE)", True),
        ("((ALARM(bad)))", True),
    ],
)
def test_rules(rule: str, expected: bool) -> None:  # noqa: FBT001
    assert truth(rule) is expected


def test_the_alarms_that_a_rule_looks_at() -> None:
    assert children(parse('ALARM(a) AND (OK("b c") OR NOT INSUFFICIENT_DATA(d)) OR TRUE')) == {"a", "b c", "d"}


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ("", "at its end"),
        ("ALARM(a) AND", "at its end"),
        ("(ALARM(a)", "at its end"),
        ("ALARM(a))", "at ')'"),
        ("ALARM(a) ALARM(b)", "at 'ALARM(b)'"),
        ("ALARM(a) && ALARM(b)", "at '&& ALARM(b)'"),
        ("HIGH(a)", "at 'HIGH(a)'"),
        ("ALARM()", "at 'ALARM()'"),
        ("AND ALARM(a)", "at 'AND ALARM(a)'"),
        ("__import__('os')", "at"),
    ],
)
def test_a_rule_that_cannot_be_read_says_where(rule: str, where: str) -> None:
    with pytest.raises(RuleError, match="write ALARM") as raised:
        parse(rule)
    assert where in str(raised.value)


@given(st.text("ALRMOKNDTFUSE()\"' ab", max_size=40))
def test_no_text_makes_another_error(rule: str) -> None:
    with suppress(RuleError):
        parse(rule)


RULES = st.recursive(
    st.sampled_from(["ALARM(bad)", "OK(good)", "ALARM(good)", "TRUE", "FALSE"]),
    lambda inner: (
        inner.map(lambda rule: f"NOT ({rule})")
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) AND ({pair[1]})")
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) OR ({pair[1]})")
    ),
    max_leaves=8,
)


@given(RULES, RULES)
def test_rules_follow_de_morgan(one: str, other: str) -> None:
    assert truth(f"NOT (({one}) AND ({other}))") == truth(f"NOT ({one}) OR NOT ({other})")
