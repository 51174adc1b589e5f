"""Random sections beside models and machines: updates, scaling, alarms, capture, budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tests.fuzz.draws import ACCOUNT, REGION, Draws, Plain
from tests.fuzz.machines import key, place


def wait(d: Draws) -> Any:
    return d.one("5m", "10m", "2m", "1h", "0s", "90s", bad=("61m", "-1m", 300, "5", "0.5s"))


def size(d: Draws) -> Any:
    return d.one(1, 2, "50%", "25%", "10%", "5%", bad=(0, -1, "0%", "101%", "2.5%", "half", 1.5))


def rollback_alarms(d: Draws, *, optional: bool) -> Any:
    if optional and d.sometimes(30):
        return d.off(bad=(True, None, 0))
    return d.some(
        {
            "latency": lambda: d.one("500ms", "1ms", "1h", "off", bad=("0s", "2h", 500)),
            "errors_5xx": lambda: d.one("1%", "0%", "99%", "off", bad=("100%", 0.01, "-1%")),
            "model_errors": lambda: d.one("2%", "off", bad=("100%", 5)),
            "period": lambda: d.one("1m", "2m", "5m", "1h", "30s", bad=("45s", "90s", "5s", 60)),
            "evaluations": lambda: d.one(1, 2, 3, 60, bad=(0, -1, "2", 1.5)),
            "also": lambda: d.one(
                ["revenue"], [f"a{i}" for i in range(7)], bad=([""], ["x" * 256], "revenue", ["a", "a"])
            ),
        },
        20,
    )


def deployment(d: Draws) -> Any:
    strategy = d.one("all_at_once", "rolling", "canary", "linear", bad=("blue_green", None, "ALL_AT_ONCE"))
    made: Plain = {"strategy": strategy}
    options: dict[str, Callable[[], Any]] = {
        "timeout": lambda: d.one("1h", "8h", "10m", bad=("9m", "9h", 3600)),
        "rollback_alarms": lambda: rollback_alarms(d, optional=strategy == "all_at_once"),
        "apply_capacity": lambda: d.flag(bad=("no", 0)),
    }
    if strategy != "all_at_once":
        options["wait"] = lambda: wait(d)
    if strategy != "rolling":
        options["termination_wait"] = lambda: wait(d)
    stage = {"rolling": "batch", "canary": "size", "linear": "step"}.get(strategy)
    if stage:
        options[stage] = lambda: size(d)
    if strategy == "rolling":
        options["rollback_batch"] = lambda: d.one(1, 2, "50%", "100%", bad=(0, "101%", "4%"))
    return {**made, **d.some(options, 30)}


#: The targets that each way of hosting has.
TARGETS: Mapping[str, tuple[str, ...]] = {
    "instances": ("invocations_per_minute", "concurrency", "cpu"),
    "serverless": ("provisioned_use",),
    "asynchronous": ("backlog", "cpu"),
    "components": ("invocations_per_minute", "concurrency"),
}


def target(d: Draws, name: str) -> Any:
    if name in ("cpu", "gpu", "provisioned_use"):
        return d.one("60%", "1%", "100%", bad=("0%", "101%", 60))
    return d.one(70, 0.5, 1, bad=(0, -1, "70"))


def scaling(d: Draws, way: str, *, lowest: tuple[int, ...] = (1, 2), highest: int = 10) -> Plain:
    low = d.one(*lowest, bad=(-1, "1", None, 10_001))
    most = d.one(max(lowest), highest, bad=(0, "9"))
    made: Plain = {"min": low, "max": most}
    made |= d.some({name: partial(target, d, name) for name in TARGETS[way]}, 30)
    return made | d.some(
        {
            "scale_in_cooldown": lambda: d.one("5m", "0s", "1d", bad=("2d", 300, "1.5s")),
            "scale_out_cooldown": lambda: d.one("1m", "1s", bad=("25h", -1)),
            "schedules": lambda: [schedule(d, i, lowest, highest) for i in range(d.one(1, 2))],
            "steps": lambda: [step(d, way)],
        },
        15,
    )


def schedule(d: Draws, at: int, lowest: tuple[int, ...], highest: int) -> Plain:
    return {
        "name": d.one(f"s{at}", bad=("s", "S", "", "a_b", 1)),
        "at": d.one(
            "cron(0 7 ? * MON-FRI *)",
            "rate(12 hours)",
            "at(2028-02-29T08:00:00)",
            bad=("0 7 * * *", "cron(0 7 * * *)", "rate(0 days)", "at(2027-02-29T08:00:00)", 7),
        ),
        "min": d.one(*lowest, bad=(-1,)),
        "max": d.one(max(lowest), highest, bad=(0,)),
        **d.some({"timezone": lambda: d.one("UTC", "Europe/Berlin", bad=("Berlin", "CET/DST", 1))}),
    }


#: The metrics on which each way of hosting can take steps.
STEPS: Mapping[str, tuple[str, ...]] = {
    "instances": ("cpu", "memory", "latency"),
    "serverless": ("latency",),
    "asynchronous": ("backlog", "cpu"),
    "components": ("latency",),
}


def step(d: Draws, way: str) -> Plain:
    metric = d.one(*STEPS[way], bad=("disk", "gpu", "backlog", 1))
    level = {"backlog": (5, 0.5), "latency": ("2s", "100ms")}.get(metric, ("80%", "50%"))
    return {"metric": metric, "above": d.one(*level, bad=(0, "101%", "x")), "add": d.one(1, 1000, bad=(0, 1001))}


_REQUESTS = ("latency", "errors_4xx", "errors_5xx")
_MACHINE = ("cpu", "memory", "disk", "gpu", "gpu_memory")
#: The levels that each way of hosting has; an endpoint of components says those of their copies too.
LEVELS: Mapping[str, tuple[str, ...]] = {
    "instances": (*_REQUESTS, "model_errors", "overhead", "surge", *_MACHINE),
    "serverless": (*_REQUESTS, "overhead", "surge", "memory", "concurrency"),
    "asynchronous": (*_REQUESTS, *_MACHINE, "backlog", "age", "failures"),
    "components": (*_REQUESTS, "model_errors", "surge", *_MACHINE),
    "copies": (*_REQUESTS, "model_errors", "surge", "cpu", "memory"),
}


def alarms(d: Draws, way: str) -> Any:
    """Levels of a way of hosting; in a broken declaration, of any."""
    if d.sometimes(40):
        return d.off(bad=(True, 0, "no"))
    latency = {"bad": ("0ms", "61m", 500)}
    rate = {"bad": ("100%", 0.01, 1)}
    share = {"bad": ("0%", "100%", "eighty")}
    levels: dict[str, Callable[[], Any]] = {
        "latency": lambda: d.one("500ms", "1ms", "1h", "off", **latency),
        "overhead": lambda: d.one("200ms", "off", **latency),
        "errors_4xx": lambda: d.one("1%", "99.9%", "off", **rate),
        "errors_5xx": lambda: d.one("0.1%", "0%", "off", **rate),
        "model_errors": lambda: d.one("1%", "off", **rate),
        "cpu": lambda: d.one("80%", "1%", "99%", 90, "off", **share),
        "memory": lambda: d.one("80%", "99%", "off", **share),
        "disk": lambda: d.one("80%", "off", **share),
        "gpu": lambda: d.one("80%", 90, "off", **share),
        "gpu_memory": lambda: d.one("80%", "off", **share),
        "surge": lambda: d.one(1000, 1, "off", bad=(0, -1, 1.5)),
        "concurrency": lambda: d.one("80%", "off", **share),
        "backlog": lambda: d.one(10, 1, "off", bad=(0, "10")),
        "age": lambda: d.one("15m", "1s", "7d", "off", bad=("8d", 900)),
        "failures": lambda: d.one(10, 0, "off", bad=(-1, "x")),
    }
    known = levels if d.kind == "broken" else {key: levels[key] for key in LEVELS[way]}
    times = {
        "period": lambda: d.one("5m", "1m", "1d", "10s", bad=("90s", "2d", 300)),
        "evaluations": lambda: d.one(2, 1, 5, bad=(0, 1000, "2")),
    }
    return {**d.some(known, 12), **d.some(times, 15)}


def sample(d: Draws) -> Plain:
    return {
        "body": d.one("1,2", "", bad=(1, None)),
        **d.some({"content_type": lambda: d.one("text/csv", bad=("csv", 1))}, 50),
    }


def capture(d: Draws) -> Plain:
    types = {"bad": (["text"], ["text/csv"] * 11, "text/csv")}
    return d.some(
        {
            "enabled": lambda: d.flag(bad=("on",)),
            "share": lambda: d.one("100%", "0%", "1%", bad=("101%", "0.5%", 50)),
            "what": lambda: d.one(
                ["request"], ["request", "response"], bad=([], ["input"], "request", ["request"] * 3)
            ),
            "destination": lambda: place(d),
            "kms_key": lambda: key(d),
            "csv": lambda: d.one(["text/csv"], [f"text/x{i}" for i in range(10)], **types),
            "json_types": lambda: d.one(["application/json"], ["application/x.y"], **types),
        },
        40,
    )


def explainer(d: Draws) -> Plain:
    given = d.some(
        {
            "features": lambda: d.one(["a", "b"], bad=([], "a", [1])),
            "types": lambda: d.one(["numerical", "categorical"], bad=(["number"],)),
            "probability_index": lambda: d.one(0, 3, bad=(-1, "0")),
            "labels": lambda: d.one(["yes", "no"], ["l"] * 16, bad=(["l"] * 17, ["l" * 65], [])),
            "most_records": lambda: d.one(100, 1, bad=(0,)),
            "most_megabytes": lambda: d.one(6, 1, 25, bad=(0, 26)),
            "features_at": lambda: d.one("features", "f" * 64, bad=("", "f" * 65)),
        }
    )
    return {
        "baseline": d.one("1,2", "s3://acme-data/baseline.csv", "1" * 2048, bad=("", "1" * 4097, 5)),
        **d.some(
            {
                "when": lambda: d.one("true", bad=("", "x" * 65)),
                "baseline_type": lambda: d.one("text/csv", "application/jsonlines", bad=("csv", 1)),
                "samples": lambda: d.one(100, 1, bad=(0, "1")),
                "seed": lambda: d.one(7, 0, bad=("x", 1.5)),
                "logit": lambda: d.flag(),
                "text": lambda: {
                    "granularity": d.one("token", "paragraph", bad=("word",)),
                    "language": d.one("en", "de", "multi", bad=("EN", "english")),
                },
                "input": lambda: given,
            }
        ),
    }


def metrics(d: Draws) -> Plain:
    return d.some(
        {
            "enhanced": lambda: d.flag(bad=("on",)),
            "detailed": lambda: d.flag(bad=(1,)),
            "every": lambda: d.one("1m", "10s", "30s", "5m", bad=("15s", "90s", 60, "10m")),
        },
        60,
    )


def budget(d: Draws) -> Plain:
    made = d.some(
        {
            "daily": lambda: d.one("100USD", "1USD", bad=("0USD", 100, "100EUR")),
            "monthly": lambda: d.one("2500.50USD", "99999999USD", bad=("100000000USD", "-1USD")),
            "notify_at": lambda: d.one(
                ["80%", "100%"], ["1%"], ["1000%"], bad=([], ["0%"], ["50%"] * 6, "80%", ["1001%"])
            ),
            "forecast": lambda: d.flag(bad=(1,)),
        },
        50,
    )
    return made if made.keys() & {"daily", "monthly"} or d.kind == "broken" else {**made, "monthly": "100USD"}


def asynchronous(d: Draws) -> Plain:
    wrong = ("Results", "unknown", "arn:aws:sqs:eu-west-1:111122223333:x", 1)
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:failures"
    made = d.some(
        {
            "output": lambda: place(d),
            "failures": lambda: place(d),
            "input": lambda: place(d),
            "concurrency": lambda: d.one(4, 1, 1000, bad=(0, 1001)),
            "kms_key": lambda: key(d),
            "success_topic": lambda: d.one("results", arn, bad=wrong),
            "error_topic": lambda: d.one(arn, "results", bad=wrong),
        }
    )
    told = [which for which in ("success", "error") if f"{which}_topic" in made]
    if told and d.sometimes(50):
        made["include_response"] = d.one(told, told[:1], bad=(["all"], "success", ["success", "error"], ["error"] * 3))
    return made


def overrides(d: Draws) -> Plain:
    return d.some(
        {
            "endpoint": lambda: d.one(
                {"RetainDeploymentConfig": True}, bad=({"Retain": True}, [], {"EndpointName": 5})
            ),
            "config": lambda: d.one(
                {"ProductionVariants": {"0": {"ModelDataDownloadTimeoutInSeconds": 600}}},
                bad=(
                    {"ProductionVariant": {}},
                    {"ProductionVariants": {"x": {"VolumeSizeInGB": 1}}},
                    {"ProductionVariants": {"7": {"VolumeSizeInGB": 1}}},
                    {"ProductionVariants": {"0": {"VolumeSize": 1}}},
                    {"KmsKeyId": ["x"]},
                ),
            ),
            "models": lambda: d.one(
                {"primary": {"EnableNetworkIsolation": False}},
                bad=({"nobody": {"EnableNetworkIsolation": True}}, {"primary": {"Image": "x"}}, {"primary": 5}),
            ),
        },
        50,
    )


def network(d: Draws) -> Plain:
    subnets, groups = d.one(1, 2, 16, bad=(0, 17)), d.one(1, 5, bad=(0, 6))
    return {
        "subnets": [f"subnet-{i:017x}" for i in range(subnets)],
        "security_groups": [f"sg-{i:017x}" for i in range(groups)],
    }
