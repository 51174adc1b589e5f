"""Many requests: who answered, how fast, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from slipway.ops.invoke.errors import InvokeError, UnansweredError
from slipway.ops.invoke.invoke import Answer, Invoker, Request
from slipway.ops.invoke.repetition import Answers, Outcome, percentile, repeat, summarize

REQUEST = Request(b"[1]", "application/json")


class Scripted:
    """Answers, or fails, as it is told."""

    def __init__(self, *script: Answer | InvokeError) -> None:
        self._script: Iterator[Answer | InvokeError] = iter(script)

    def invoke(self, name: str, request: Request) -> Answer:
        assert (name, request) == ("it", REQUEST)
        following = next(self._script)
        if isinstance(following, InvokeError):
            raise following
        return following


def asked(count: int, *script: Answer | InvokeError) -> Iterator[Outcome]:
    return repeat(cast("Invoker", Scripted(*script)), "it", REQUEST, count)


def answer(variant: str, seconds: float) -> Answer:
    return Answer(b"yes", variant=variant, seconds=seconds)


def test_answers_are_counted_by_variant_and_failures_by_what_was_said() -> None:
    no = UnansweredError("no")
    script: list[Answer | InvokeError] = [answer("new", 0.1), answer("old", 0.2), no, answer("old", 0.4), no]
    found = summarize(list(asked(5, *script)))
    assert (found.requests, found.failed, found.errors) == (5, 2, (("no", 2),))
    assert found.answers == (Answers("new", 1, 1 / 3, 0.1, 0.1), Answers("old", 2, 2 / 3, 0.2, 0.4))
    assert found.headline == f"5 requests in {found.seconds:.1f} s: 3 answered, 2 failed"
    assert found.as_dict()["variants"]["old"] == {"answers": 2, "share": 2 / 3, "p50": 0.2, "p99": 0.4}
    assert found.as_dict()["errors"] == [{"count": 2, "error": "no"}]


def test_what_the_next_request_would_meet_as_well_ends_it_and_what_came_is_kept() -> None:
    outcomes: list[Outcome] = []
    with pytest.raises(InvokeError, match="gone"):
        outcomes.extend(asked(9, answer("old", 0.1), InvokeError("gone")))
    assert [one.variant for one in outcomes] == ["old"]


def test_a_service_that_names_no_variant_is_counted_all_the_same() -> None:
    (found,) = summarize([Outcome(0.1), Outcome(0.3)]).answers
    assert (found.variant, found.count) == ("(not said)", 2)


def test_when_all_failed_there_is_no_answer_to_sum_up() -> None:
    found = summarize([Outcome(0.1, error="no")])
    assert found.answers == ()
    assert found.headline == "1 request in 0.1 s: 0 answered, 1 failed"


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_a_percentile_is_a_value_that_was_seen(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value
    assert percentile([7.0], share) == 7.0
