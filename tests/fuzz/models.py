"""Random models: images, artifacts, containers, pipelines."""

from __future__ import annotations

from typing import Any

from tests.fuzz.draws import ACCOUNT, REGION, Draws, Plain


def image(d: Draws) -> Any:
    return d.one(
        {"framework": "sklearn", "tag": "1.4-2-cpu-py3"},
        {"framework": "xgboost", "tag": "1.7-1"},
        {"repository": "scorer", "digest": "sha256:" + "0a" * 32},
        {"repository": "scorer", "tag": "v3"},
        {"uri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/mine:3"},
        {"uri": "registry.example.com/" + "m" * 230 + ":3"},
        bad=(
            {"framework": "scikit", "tag": "1"},
            {"repository": "scorer"},
            {"repository": "other", "tag": "1"},
            {"uri": "a b"},
            {"uri": "m" * 256},
            {"uri": "registry.example.com/a:1", "private": "yes"},
            {"uri": "registry.example.com/a:1", "credentials": "arn:aws:lambda:x:1:function:f"},
            "sklearn",
            None,
            {},
            {"framework": "sklearn", "tag": 1.4},
        ),
    )


def variables(d: Draws) -> Any:
    return d.one(
        {"LOG_LEVEL": "debug"},
        {},
        {f"V{i}": "" for i in range(16)},
        {f"V{i}": "x" for i in range(98)},
        {"LONG": "x" * 1024},
        {f"V{i}": "ä" * 256 for i in range(60)},
        bad=(
            {f"V{i}": "x" for i in range(101)},
            {f"V{i}": "x" * 1000 for i in range(40)},
            {"LONG": "x" * 1025},
            {"1A": "x"},
            {"A": 1},
            [],
            "A=b",
        ),
    )


def container(d: Draws, *, archive: bool = False) -> Plain:
    """Any container; where only an archive will do, one with an archive."""
    sources = ("default", "default", "artifact", "uri", "off", *(() if archive else ("prefix", "package")))
    bytes_from = d.one(*sources)
    if bytes_from == "package":
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/scorer/3"
        made: Plain = {"package": d.one(arn, bad=("scorer", arn + "/x", 3))}
        return {**made, **d.some({"specification": lambda: d.one("default", bad=("-a", "", 1))})}
    made = {"image": image(d)}
    if bytes_from == "artifact":
        made["artifact"] = d.one(
            "models/mine/v1/model.tar.gz", bad=("models/m.zip", "/models/m.tar.gz", "a*.tar.gz", 5)
        )
    elif bytes_from == "uri":
        made["artifact"] = d.one(
            "s3://acme-models/iris/m.tar.gz", bad=("s3://A/b.tar.gz", "s3://a", "http://a/b.tar.gz")
        )
    elif bytes_from == "prefix":
        made["artifact"] = d.one("s3://acme-models/iris/v1/", bad=("s3://acme-models//../", "/"))
    elif bytes_from == "off":
        made["artifact"] = d.off(bad=(True, "no", 0))
    return {
        **made,
        **d.some(
            {
                "script": lambda: d.one("inference.py", bad=("inference", "a b.py", 1)),
                "environment": lambda: variables(d),
                "version": lambda: d.one(2, "2026-11-21", bad=(0, -1, "", "v 2", "x" * 64, 1.5, True)),
            }
        ),
    }


def model(d: Draws, *, archive: bool = False) -> Plain:
    return {
        **container(d, archive=archive),
        **d.some({"hostname": lambda: d.one("scorer", "h" * 63, bad=("h" * 64, "-h", "a_b", ""))}, 10),
        **d.some({"network_isolation": lambda: d.flag(bad=("yes", 1))}, 5),
    }


def multi_model(d: Draws) -> Plain:
    prefix = d.one("models/many/", "s3://acme-models/many/", bad=("models/many", "/", "many.tar.gz/..", 3, "a?/"))
    return {
        "image": image(d),
        "models": prefix,
        **d.some({"cache": lambda: d.flag(bad=("on", 1)), "environment": lambda: variables(d)}),
    }


def pipeline(d: Draws) -> Plain:
    count = d.one(2, 3, 15, bad=(0, 1, 16))
    names = [f"step-{i}" for i in range(count)]
    containers = {name: container(d) for name in names[:3]}
    simple = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
    containers |= dict.fromkeys(names[3:], simple)
    if names and d.sometimes(15):
        containers[names[0]] = multi_model(d)
    return {
        "containers": containers,
        **d.some({"invocation": lambda: d.one("serial", "direct", bad=("parallel", None, 1))}, 50),
        **d.some({"network_isolation": lambda: d.flag()}, 5),
    }
