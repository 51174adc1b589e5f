"""A plan of a hundred endpoints is fast."""

from __future__ import annotations

import json
import time

from slipway.plan import data, markdown, text
from slipway.plan.assembly import Assembly, Stack
from slipway.plan.html import page
from slipway.plan.planning import plan

from .pairs import NAME, next_model, template


def side(*, second: bool) -> Assembly:
    stacks = {}
    for at in range(100):
        given = next_model(template()) if second else template()
        own = json.loads(json.dumps(given).replace(NAME, f"endpoint-{at}"))
        stacks[f"rc-{at}"] = Stack(f"rc-{at}", own, "123456789012", "eu-west-1")
    return Assembly("side", stacks)


def test_a_plan_of_a_hundred_endpoints_with_all_outputs_takes_less_than_three_seconds() -> None:
    old, new = side(second=False), side(second=True)
    begun = time.process_time()
    found = plan(old, new)
    outputs = [text.text(found), markdown.text(found), data.text(found), page(found)]
    assert time.process_time() - begun < 3
    assert all(outputs)
    assert sum(endpoint.rolls for stack in found.stacks for endpoint in stack.endpoints) == 100
    assert [quota.least for quota in found.quotas] == [2400]
