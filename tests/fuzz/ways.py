"""Random endpoints by the way in which they are hosted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.fuzz.draws import GPU, MACHINES, NVME, Draws, Plain
from tests.fuzz.machines import hosting, serverless, start_timeouts
from tests.fuzz.models import container, model, multi_model, pipeline
from tests.fuzz.options import alarms, asynchronous, deployment, sample, scaling


def _instances(d: Draws) -> Plain:
    types = d.one(MACHINES, MACHINES, NVME, GPU)
    return {"model": model(d), "hosting": hosting(d, types=types)}


def _weighted(d: Draws) -> Plain:
    names = [f"variant-{i}" for i in range(d.one(2, 3, 1, 2, 3, 10, bad=(0, 11)))]
    if d.kind == "broken" and d.sometimes(20):
        names = d.one(["a", "A"], ["a", "gpu-a"], ["a", "-a"], ["a", "b" * 64])
    simple = {"model": {"image": {"framework": "sklearn", "tag": "1"}}, "hosting": {"instance_type": "ml.m5.large"}}
    full = {
        name: {"model": model(d), "hosting": hosting(d), **d.some({"weight": lambda: weight(d)}, 60)}
        for name in names[:2]
    }
    # The service has one volume key for all of them.
    for name in names[1:2]:
        full[name]["hosting"].pop("kms_key", None)
    return {"variants": {**full, **dict.fromkeys(names[2:], simple)}}


def weight(d: Draws) -> Any:
    return d.one(1, 0, 90, 0.5, 1e6, bad=(-1, "1", None))


def _shadow(d: Draws) -> Plain:
    share = d.some({"share": lambda: d.one("50%", "1%", "100%", bad=("0%", "101%", 50))}, 60)
    return {**_instances(d), "shadow": {"model": model(d), "hosting": hosting(d), **share}}


def _multi_model(d: Draws) -> Plain:
    return {"model": multi_model(d), "hosting": hosting(d)}


def _pipeline(d: Draws) -> Plain:
    return {"model": pipeline(d), "hosting": hosting(d)}


def _serverless(d: Draws) -> Plain:
    return {"model": container(d, archive=True), "hosting": serverless(d)}


def _asynchronous(d: Draws) -> Plain:
    return {**_instances(d), "asynchronous": asynchronous(d)}


def resources(d: Draws, types: tuple[str, ...]) -> Plain:
    """What a copy takes on instances of some types."""
    choices: dict[str, Callable[[], Any]] = {
        "cpus": lambda: d.one(1, 0.25, 2, bad=(0.2, 0, "1")),
        "max_memory": lambda: d.one("2GB", "4GB", bad=("1MB",)),
        "cache": lambda: d.flag(bad=(1,)),
        "placement": lambda: {
            "strategy": d.one("spread", "binpack", bad=("random",)),
            **d.some({"zone_imbalance": lambda: d.one(1, 0, 100, bad=(-1, 101))}),
        },
        "scrape": lambda: {
            "path": d.one("/metrics", bad=("metrics", "/" + "m" * 512)),
            **d.some({"every": lambda: d.one("1m", "10s", "5m", bad=("15s", 60))}),
        },
    }
    if set(types) <= set(GPU) or d.kind == "broken":
        choices["accelerators"] = lambda: d.one(1, bad=(0, 0.5, 1))
    made = {
        "model": container(d, archive=True),
        "memory": d.one("1GB", "128MB", "2GB", bad=("127MB", 128, "0.5MB", None)),
    }
    return {**made, **d.some(choices, 20), **start_timeouts(d)}


def component_deployment(d: Draws) -> Any:
    made = deployment(d)
    return made if made.get("strategy") in ("rolling", "all_at_once") or d.kind == "broken" else {"strategy": "rolling"}


def component(d: Draws, types: tuple[str, ...]) -> Plain:
    made = resources(d, types)
    if len(types) > 1 and d.sometimes(50):
        made = {"on": {kind: resources(d, (kind,)) for kind in types}}
    return {
        **made,
        **d.some(
            {
                "copies": lambda: d.one(1, 0, 2, 4, bad=(-1, "1", 10_001)),
                "scaling": lambda: scaling(d, "components", lowest=(1, 0, 2), highest=4),
                "deployment": lambda: component_deployment(d),
                "alarms": lambda: alarms(d, "copies"),
                "sample": lambda: sample(d),
            },
            25,
        ),
    }


def components(d: Draws) -> Plain:
    types = d.one(("ml.m5.4xlarge",), ("ml.g4dn.12xlarge",), ("ml.m5.4xlarge", "ml.r5.4xlarge"))
    machines: Plain = {"instance_type": types[0]}
    if len(types) > 1:
        machines = {"pools": [{"instance_type": kind, "priority": i + 1} for i, kind in enumerate(types)]}
    if d.sometimes(50):
        machines["managed_scaling"] = {
            "min": d.one(1, 0, 2, bad=(-1, "0")),
            "max": d.one(4, 2, bad=(0, "4")),
            **d.some(
                {
                    "scale_in": lambda: d.one(
                        {"strategy": "idle_release"},
                        {"strategy": "consolidation", "step": 1, "cooldown": "20m"},
                        {"strategy": "consolidation", "step": 100, "cooldown": "5m"},
                        bad=({"strategy": "idle"}, {"strategy": "consolidation", "cooldown": "90s"}, {"step": 1}),
                    )
                }
            ),
        }
    made = {name: component(d, types) for name in ("iris", "prices")[: d.one(2, 1)]}
    if d.sometimes(20):
        adapter = {
            "base": d.one("iris", bad=("nobody", "adapter")),
            "model": {"artifact": "s3://acme-models/lora.tar.gz"},
        }
        made["adapter"] = adapter
    return {"hosting": machines, "components": made}


WAYS: Mapping[str, Callable[[Draws], Plain]] = {
    "instances": _instances,
    "weighted": _weighted,
    "shadow": _shadow,
    "multi_model": _multi_model,
    "pipeline": _pipeline,
    "serverless": _serverless,
    "asynchronous": _asynchronous,
    "components": components,
}
