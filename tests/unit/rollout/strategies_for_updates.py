"""Hypothesis strategies for updates: every way to update, over fleets of any size."""

from hypothesis import strategies as st

from slipway.rollout.capacity import Size
from slipway.rollout.fleets import Instances, Pace, Update, Variant
from slipway.rollout.policy import BlueGreen, Policy, Rolling

WAITS = st.integers(0, 3600)
TIMEOUTS = st.none() | st.integers(600, 28_800)
ALARMS = st.sampled_from([(), ("latency",), ("latency", "errors")])


def sizes(most: int) -> st.SearchStrategy[Size]:
    counts = st.integers(1, 12).map(lambda value: Size("INSTANCE_COUNT", value))
    return counts | st.integers(5, most).map(lambda value: Size("CAPACITY_PERCENT", value))


@st.composite
def policies(draw: st.DrawFn, timeouts: st.SearchStrategy[int | None] = TIMEOUTS) -> Policy:
    timeout, alarms, wait = draw(timeouts), draw(ALARMS), draw(WAITS)
    match draw(st.sampled_from(["none", "ALL_AT_ONCE", "CANARY", "LINEAR", "rolling"])):
        case "none":
            return Policy()
        case "ALL_AT_ONCE":
            return Policy(BlueGreen(termination_wait=draw(WAITS), timeout=timeout), alarms)
        case "rolling":
            back = draw(st.none() | sizes(100))
            return Policy(Rolling(draw(sizes(50)), wait, back, timeout), alarms)
        case "CANARY":
            return Policy(BlueGreen("CANARY", draw(sizes(50)), wait, draw(WAITS), timeout), alarms)
        case _:
            return Policy(BlueGreen("LINEAR", draw(sizes(50)), wait, draw(WAITS), timeout), alarms)


TYPES = st.sampled_from([*["ml.m5.large"] * 8, *["ml.g5.xlarge"] * 6, "", "ml.inf1.xlarge"])
FLEETS = st.builds(Instances, st.integers(0, 20), TYPES)
PACES = st.builds(Pace, *[st.sampled_from([0.0, 7.5, 60.0, 600.0])] * 3)


@st.composite
def updates(draw: st.DrawFn, timeouts: st.SearchStrategy[int | None] = TIMEOUTS) -> Update:
    weights = st.sampled_from([0.0, 1.0, 10.0, 90.0])
    variants = draw(st.lists(st.tuples(FLEETS, FLEETS, weights), min_size=1, max_size=3))
    return Update(
        draw(policies(timeouts)),
        tuple(Variant(f"v{i}", old, new, weight) for i, (old, new, weight) in enumerate(variants)),
        draw(PACES),
        draw(st.sampled_from([*[""] * 7, "serverless endpoints"])),
    )
