"""Random hosting: instances, and serverless."""

from __future__ import annotations

from typing import Any

from tests.fuzz.draws import ACCOUNT, KEY, MACHINES, NVME, REGION, Draws, Plain


def start_timeouts(d: Draws) -> Plain:
    times = {"bad": ("59s", "61m", "1h1s", "90.5s", 600, "10", "-5m", "")}
    return d.some(
        {
            "download_timeout": lambda: d.one("10m", "60s", "1h", **times),
            "startup_timeout": lambda: d.one("5m", "1m", "3600s", **times),
        },
        10,
    )


def place(d: Draws) -> Any:
    return d.one("some/prefix/", "s3://acme-data/x/", bad=("some/prefix", "s3://acme-data", "s3://x/", "/a/", "a*/", 1))


def key(d: Draws) -> Any:
    return d.one(
        KEY,
        "01234567-89ab-cdef-0123-456789abcdef",
        f"arn:aws:kms:{REGION}:{ACCOUNT}:key/mrk-0123456789abcdef0123456789abcdef",
        bad=("mine", "alias/", "arn:aws:s3:::bucket", 5, ""),
    )


def count(d: Draws) -> Any:
    return d.one(1, 2, 3, 4, 10, bad=(0, -1, 1.5, "2", 10_001, None))


def routing(d: Draws) -> Any:
    aware = {
        "concurrency": d.one(8, 1, 1024, bad=(0, 1025)),
        "prefix": d.one(4096, 1024, 65536, bad=(1023, 65537)),
    }
    return d.one("least_outstanding_requests", "random", {"prefix_aware": aware}, bad=("RANDOM", 1, {}))


def hosting(d: Draws, *, types: tuple[str, ...] = MACHINES) -> Plain:
    """Instances of one type or, now and then, of several."""
    made: Plain = {"instance_type": d.one(*types, bad=("m5.large", "ml.m5", "ml.M5.large", 5, "ml.m5.large "))}
    if d.sometimes(8):
        several = d.one(1, 2, len(types), bad=(0, 6))
        made = {"pools": [{"instance_type": types[i % len(types)], "priority": i + 1} for i in range(several)]}
    options = {
        "provision_timeout": lambda: d.one("30m", "5m", "1h", bad=("4m59s", "2h", 300)),
        "ami": lambda: d.one(
            "al2-ami-sagemaker-inference-gpu-2", "al2023-ami-sagemaker-inference-gpu-4-1", bad=("al2", "", 2)
        ),
        "routing": lambda: routing(d),
        "core_dumps": lambda: {"destination": place(d), **d.some({"kms_key": lambda: key(d)})},
        "ssm_access": lambda: d.flag(bad=("on", 1)),
    }
    if not set(types) & {*NVME}:
        options["volume"] = lambda: d.one("30GB", "1GB", "512GB", bad=("0GB", "513GB", "1.5GB", 30, "30"))
        options["kms_key"] = lambda: key(d)
    return {**made, **d.some({"instances": lambda: count(d)}, 40), **start_timeouts(d), **d.some(options, 6)}


def serverless(d: Draws) -> Plain:
    concurrency = d.one(5, 1, 200, bad=(0, 201, "5"))
    made: Plain = {
        "memory": d.one("2GB", "1GB", "6GB", "3072MB", bad=("512MB", "7GB", "1500MB", 2048)),
        "concurrency": concurrency,
    }
    if d.sometimes(50):
        made["provisioned"] = d.one(1, concurrency, bad=(0, 201, "all", None))
    return {"serverless": made}
