"""What makes a random declaration cross two ways of hosting, or a limit between keys that each are fine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.fuzz.draws import ACCOUNT, BURSTABLE, GPU, INFERENTIA, KEY, NEW_TYPE, NVME, REGION, Draws, Plain
from tests.fuzz.machines import serverless
from tests.fuzz.models import multi_model, pipeline
from tests.fuzz.options import TARGETS, capture, explainer, metrics, network, scaling
from tests.fuzz.ways import components

PLAIN_MODEL: Plain = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
PLAIN_HOSTING: Plain = {"instance_type": "ml.m5.large"}


@dataclass(frozen=True)
class Crossing:
    """Changes an endpoint and its environment.

    Attributes
    ----------
    d
        Draws values.
    top
        The environment.
    endpoint
        Its endpoint.
    """

    d: Draws
    top: Plain
    endpoint: Plain

    def members(self) -> list[Plain]:
        """Every mapping that holds a model, its machines, or both."""
        return [self.endpoint, *(self.endpoint.get("variants") or {}).values(), self.endpoint.get("shadow") or {}]

    def instances(self) -> list[Plain]:
        """Every `hosting` that is not serverless."""
        return [m["hosting"] for m in self.members() if "hosting" in m and "serverless" not in m["hosting"]]

    def components(self) -> list[Plain]:
        """Every component."""
        return list((self.endpoint.get("components") or {}).values())

    def say(self, **sections: Any) -> None:
        """Give the endpoint other sections."""
        self.endpoint.update(deepcopy(sections))

    def host(self, **keys: Any) -> None:
        """Give all instances other keys."""
        for machines in self.instances():
            machines.update(keys)

    def on(self, type: str, **keys: Any) -> Crossing:
        """Take another machine for all instances, and say further keys."""
        for machines in self.instances():
            machines.pop("pools", None)
        self.host(instance_type=type, **keys)
        return self

    def serve(self, model: Plain) -> None:
        """Serve another model everywhere."""
        for member in self.members():
            if "model" in member:
                member["model"] = deepcopy(model)

    def guard(self, strategy: str, *, instances: int = 4, **keys: Any) -> None:
        """Update in stages, with enough machines for it, so that only the given keys can be wrong."""
        self.say(deployment={"strategy": strategy, **keys}, scaling=None)
        self.host(instances=instances)

    def second_variant(self) -> None:
        """Host a second model beside the first."""
        if "model" in self.endpoint and "hosting" in self.endpoint:
            first = {"model": self.endpoint.pop("model"), "hosting": self.endpoint.pop("hosting")}
            self.say(variants={"a": first, "b": {"model": PLAIN_MODEL, "hosting": first["hosting"]}})

    def components_say(self, keys: Callable[[], Plain]) -> None:
        """Give every component other keys."""
        for component in self.components():
            component.update(keys())


#: By name. Some are fine with some ways of hosting; whether the endpoint is refused then is what the test is about.
CROSSINGS: Mapping[str, Callable[[Crossing], object]] = {
    # Updates.
    "rolling": lambda c: c.guard("rolling"),
    "canary": lambda c: c.guard("canary"),
    "linear": lambda c: c.guard("linear"),
    "large canary": lambda c: c.guard("canary", size=c.d.one("60%", 3, "51%")),
    "large batch": lambda c: c.guard("rolling", batch=c.d.one("60%", 3, "51%")),
    "small batch": lambda c: c.guard("rolling", batch="4%"),
    "odd step": lambda c: c.guard("linear", step=c.d.one("9%", "60%", 3)),
    "no bake": lambda c: c.guard("canary", wait="0s", **c.d.one({}, {"rollback_alarms": {"also": ["revenue"]}})),
    "short bake": lambda c: c.guard(c.d.one("canary", "linear", "rolling"), wait=c.d.one("1m", "90s")),
    "late alarms": lambda c: c.guard(
        c.d.one("canary", "rolling"), rollback_alarms={"period": c.d.one("10m", "1h"), "evaluations": 3}
    ),
    "short timeout": lambda c: c.guard(c.d.one("canary", "linear", "rolling"), wait="1h", timeout="10m"),
    "exact timeout": lambda c: c.guard("canary", wait="20m", termination_wait="10m", timeout="30m"),
    "late end": lambda c: c.guard("rolling", instances=40, batch=2, wait="30m"),
    "no alarms": lambda c: c.guard(c.d.one("canary", "rolling"), rollback_alarms="off"),
    "many alarms": lambda c: c.guard("canary", rollback_alarms={"also": [f"a{i}" for i in range(8)]}),
    "one machine": lambda c: c.guard(c.d.one("canary", "rolling", "linear"), instances=1),
    # What belongs to other ways of hosting.
    "capture": lambda c: c.say(capture=capture(c.d)),
    "explainer": lambda c: c.say(explainer=explainer(c.d)),
    "metrics": lambda c: c.say(metrics=metrics(c.d)),
    "asynchronous": lambda c: c.say(asynchronous={}),
    "shadow": lambda c: c.say(shadow={"model": PLAIN_MODEL, "hosting": c.d.one(PLAIN_HOSTING, {"serverless": {}})}),
    "shadow of many": lambda c: c.say(
        shadow={"model": c.d.one(multi_model(c.d), pipeline(c.d)), "hosting": PLAIN_HOSTING}
    ),
    "second variant": lambda c: c.second_variant(),
    "serverless": lambda c: c.say(hosting=serverless(c.d)),
    "components": lambda c: c.say(**components(c.d)),
    # Models.
    "pipeline": lambda c: c.serve(pipeline(c.d)),
    "multi-model": lambda c: c.serve(multi_model(c.d)),
    "two multi-model containers": lambda c: c.serve(
        {"containers": {"a": multi_model(c.d), "b": multi_model(c.d)}, "invocation": "direct"}
    ),
    "multi-model with an artifact": lambda c: c.serve({**multi_model(c.d), "artifact": "s3://acme-models/a/"}),
    "prefix": lambda c: c.serve({**PLAIN_MODEL, "artifact": "s3://acme-models/llm/v1/"}),
    "license": lambda c: c.serve({**PLAIN_MODEL, "artifact": "s3://acme-models/a.tar.gz", "accept_eula": True}),
    "private image": lambda c: c.serve(
        {"image": {"uri": "registry.example.com/a:1", "private": True}, "artifact": "s3://acme-models/a.tar.gz"}
    ),
    "isolation": lambda c: c.serve({**PLAIN_MODEL, "network_isolation": True}),
    "network": lambda c: c.top.update(network=network(c.d)),
    # Scaling.
    "scaling": lambda c: c.say(scaling=scaling(c.d, c.d.one(*TARGETS), lowest=c.d.one((1,), (0,), (2,)))),
    "scaling from zero": lambda c: c.say(scaling={"min": 0, "max": 4}),
    "scaling upside down": lambda c: c.say(scaling={"min": 5, "max": 4}),
    "schedule from zero": lambda c: c.say(
        scaling={
            "min": 1,
            "max": 4,
            "schedules": [{"name": "night", "at": "rate(1 day)", "min": 0, "max": c.d.one(4, 0)}],
        }
    ),
    "component from zero": lambda c: c.components_say(lambda: {"scaling": {"min": 0, "max": 2}, "copies": 0}),
    # Machines.
    "burstable": lambda c: c.on(BURSTABLE),
    "scaling of burstable machines": lambda c: c.on(BURSTABLE).say(scaling={"min": 1, "max": 2}),
    "inferentia": lambda c: c.on(INFERENTIA),
    "new type": lambda c: c.on(NEW_TYPE),
    "gpu": lambda c: c.on(c.d.one(*GPU)),
    "volume on local disks": lambda c: c.on(c.d.one(*NVME), volume="30GB"),
    "key on local disks": lambda c: c.on(c.d.one(*NVME), kms_key=KEY),
    "managed scaling": lambda c: c.host(managed_scaling={"min": c.d.one(1, 5), "max": 4}),
    "reservation": lambda c: c.host(
        capacity_reservation=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-plan/inference"
    ),
    # Components.
    "component without memory": lambda c: [component.pop("memory", 0) for component in c.components()],
    "component's variables": lambda c: c.components_say(
        lambda: {
            "scrape": {"path": "/m"},
            "model": {**PLAIN_MODEL, "environment": {f"V{i}": "" for i in range(c.d.one(16, 17))}},
        }
    ),
    "component's update": lambda c: c.components_say(
        lambda: {
            "deployment": {"strategy": "rolling", "batch": c.d.one("50%", "60%", 3, "4%")},
            "copies": 4,
            "scaling": "off",
        }
    ),
    "component's canary": lambda c: c.components_say(lambda: {"deployment": {"strategy": "canary"}, "copies": 4}),
    # Keys.
    "unknown key": lambda c: c.d.one(c.endpoint, *c.instances()).update(instance_count=2),
    "missing key": lambda c: c.endpoint.pop(c.d.one(*sorted(c.endpoint)), None),
}

_UPDATES = (
    "rolling",
    "canary",
    "linear",
    "large canary",
    "large batch",
    "small batch",
    "odd step",
    "no bake",
    "short bake",
    "late alarms",
    "short timeout",
    "exact timeout",
    "late end",
    "no alarms",
    "many alarms",
    "one machine",
)
_SCALING = (
    "scaling",
    "scaling from zero",
    "scaling upside down",
    "schedule from zero",
    "scaling of burstable machines",
)
_MACHINES = (
    "inferentia",
    "new type",
    "gpu",
    "volume on local disks",
    "key on local disks",
    "managed scaling",
    "reservation",
)
_MODELS = (
    "two multi-model containers",
    "multi-model with an artifact",
    "prefix",
    "license",
    "private image",
    "isolation",
)
#: What each way of hosting excludes, or has limits on: half of its crossings are of these.
LIKELY: Mapping[str, tuple[str, ...]] = {
    "instances": (*_UPDATES, *_SCALING, *_MACHINES),
    "weighted": (
        "rolling",
        "canary",
        "many alarms",
        "shadow",
        "key on local disks",
        "volume on local disks",
        *_SCALING,
    ),
    "shadow": (
        "second variant",
        "asynchronous",
        "shadow of many",
        "pipeline",
        "multi-model",
        "inferentia",
        "serverless",
    ),
    "multi_model": (*_MODELS, *_MACHINES, "asynchronous", "shadow", "serverless"),
    "pipeline": (*_MODELS, "asynchronous", "shadow", "shadow of many", "serverless"),
    "serverless": (
        "canary",
        "rolling",
        "capture",
        "asynchronous",
        "shadow",
        "second variant",
        "pipeline",
        "multi-model",
        "prefix",
        "license",
        "private image",
        "isolation",
        "network",
        "scaling",
        "components",
    ),
    "asynchronous": (*_SCALING, "canary", "multi-model", "pipeline", "shadow", "components", "late alarms", "capture"),
    "components": (
        "component from zero",
        "component without memory",
        "component's variables",
        "component's update",
        "component's canary",
        "shadow",
        "asynchronous",
        "burstable",
        "gpu",
        *_SCALING,
    ),
}
