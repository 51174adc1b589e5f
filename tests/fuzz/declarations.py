"""Random endpoint declarations as plain data, in the words of `docs/configuration.md`.

The spec's own types are not used: what they take for granted would never be tried then.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.crossings import CROSSINGS, LIKELY, Crossing
from tests.fuzz.draws import ACCOUNT, REGION, Draws, Plain
from tests.fuzz.options import (
    alarms,
    budget,
    capture,
    deployment,
    explainer,
    metrics,
    network,
    overrides,
    sample,
    scaling,
)
from tests.fuzz.ways import WAYS


def _beside(d: Draws, way: str) -> Plain:
    """What an endpoint has beside its models and machines."""
    mode = {"serverless": "serverless", "asynchronous": "asynchronous", "components": "components"}.get(
        way, "instances"
    )
    options: dict[str, Callable[[], Any]] = {
        "metrics": lambda: metrics(d),
        "dashboard": lambda: d.flag(bad=("off", 0)),
        "log_retention": lambda: d.one("30d", "1d", "3653d", bad=("2d", 30, "1h")),
        "tags": lambda: d.one({"Cost": "a"}, {"k" * 128: "v" * 256}, bad=({"Team": "x"}, {"a": 1}, {"k" * 129: ""})),
        "budget": lambda: budget(d),
        "overrides": lambda: overrides(d) if way == "instances" else {},
    }
    if way not in ("multi_model", "pipeline", "components"):
        options["sample"] = lambda: sample(d)
    if way not in ("serverless", "weighted", "components"):
        options["scaling"] = lambda: scaling(d, mode)
        options["deployment"] = lambda: deployment(d)
    if way not in ("serverless", "asynchronous", "components", "pipeline"):
        options["capture"] = lambda: capture(d)
    if way == "instances":
        options["explainer"] = lambda: explainer(d)
    if way == "asynchronous":
        options["scaling"] = lambda: scaling(d, mode, lowest=(1, 0))
    watched = d.some({"alarms": lambda: alarms(d, mode)}, 60)
    return {**watched, **d.some(options, 20)}


def _roomy(d: Draws, endpoint: Plain) -> None:
    """Give an update in stages the machines that it needs, or most would be refused for that alone."""
    deployment, hosting = endpoint.get("deployment") or {}, endpoint.get("hosting") or {}
    if d.kind == "broken" or deployment.get("strategy") in (None, "all_at_once") or "serverless" in hosting:
        return
    hosting["instances"] = d.one(4, 2, 10)
    if isinstance(endpoint.get("scaling"), dict):
        endpoint["scaling"] |= {"min": 2, "schedules": []}


@st.composite
def declarations(draw: Callable[[st.SearchStrategy[Any]], Any], way: str) -> Plain:
    """An environment with one endpoint.

    Parameters
    ----------
    draw
        Hypothesis gives it.
    way
        How it is hosted.

    Returns
    -------
    dict
        What the YAML files of an environment hold together.
    """
    kind = draw(st.sampled_from(("calm", "crossed", "slipped", "calm", "crossed", "slipped", "crossed", "broken")))
    d = Draws(draw, kind, right=draw(st.integers(0, 20)) if kind == "slipped" else 0)
    endpoint = {"version": d.one(1, "2026-11-21", bad=(0, "v 1", None, 1.5)), **WAYS[way](d), **_beside(d, way)}
    _roomy(d, endpoint)
    environment = d.one("dev", "staging", "prod")
    longest = "m" + "o" * (20 if way == "components" else 41)
    name = d.one("iris", "a-model", longest, bad=("Iris", "m" * 50, "foundation", "a--b", "1st"))
    top: Plain = {
        "company": "acme",
        "team": "rc",
        "project": "fuzz",
        "environment": environment,
        "account": ACCOUNT,
        "region": REGION,
        "notify": ["ml-oncall@example.com"],
        "repositories": ["scorer"],
        "topics": ["results"],
        **d.some({"encrypt_volumes": lambda: d.flag(), "tags": lambda: {"Owner": "ml"}}, 20),
    }
    if way != "serverless":
        top |= d.some({"network": lambda: network(d)}, 15)
    if kind == "crossed":
        likely, all_of_them = st.sampled_from(LIKELY[way]), st.sampled_from(sorted(CROSSINGS))
        names = draw(st.lists(likely | all_of_them, min_size=1, max_size=2, unique=True))
        for crossing in names:
            CROSSINGS[crossing](Crossing(d, top, endpoint))
    # Through JSON, so that no two parts are the same object.
    declaration: Plain = json.loads(json.dumps({**top, "endpoints": {name: endpoint}}))
    return declaration
