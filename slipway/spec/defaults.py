"""The layer beneath `base.yaml`: what an environment of each kind gets when nothing is said.

Guarded environments (staging and prod) get two instances, a guarded strategy with alarms, autoscaling, encrypted
volumes; development gets the cheapest thing that works. Turning one off is explicit and shows in the review.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from slipway.spec.source import Node, from_plain, merge

#: What the origin of a default is called in messages.
ORIGIN = "defaults"
_UNGUARDED = {"strategy": "all_at_once", "termination_wait": "0s", "rollback_alarms": False}


def _at(node: Node | None, *path: str) -> Node | None:
    for key in path:
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return node


def _keys(node: Node | None) -> list[str]:
    return list(node.value) if node is not None and isinstance(node.value, dict) else []


def layer(environment: str, *documents: Node) -> Node:
    """Build the defaults for the endpoints that some documents name.

    Parameters
    ----------
    environment
        Such as ``prod``.
    documents
        Base and overlay.

    Returns
    -------
    Node
        A document to merge them over.
    """
    guarded = environment in ("staging", "prod")
    said = reduce(merge, documents) if documents else None
    endpoints = {
        name: _endpoint(_at(said, "endpoints", name), guarded=guarded) for name in _keys(_at(said, "endpoints"))
    }
    top: dict[str, Any] = {
        "bucket": {"encryption": "kms" if guarded else "s3"},
        "encrypt_volumes": guarded,
    }
    return from_plain({**top, "endpoints": endpoints} if endpoints else top, ORIGIN)


def _endpoint(said: Node | None, *, guarded: bool) -> dict[str, Any]:
    count = 2 if guarded else 1
    components = _keys(_at(said, "components"))
    hosts = [
        ("hosting",),
        ("shadow", "hosting"),
        *(("variants", name, "hosting") for name in _keys(_at(said, "variants"))),
    ]
    hosts = [path for path in hosts if _at(said, *path) is not None]
    serverless = any("serverless" in _keys(_at(said, *path)) for path in hosts)
    out: dict[str, Any] = {"log_retention": "90d" if guarded else "14d", "deployment": _UNGUARDED}
    if guarded and not serverless:
        out["deployment"] = {"strategy": "canary" if len(_keys(_at(said, "variants"))) > 1 else "rolling"}
    if (guarded and not serverless) or _at(said, "scaling") is not None:
        out["scaling"] = {"min": count, "max": 4}
    for path in hosts:
        if "serverless" not in _keys(_at(said, *path)):
            _put(out, path, {"instances": count})
    if components and guarded:
        _put(out, ("hosting",), {"instances": count, "managed_scaling": {"min": count, "max": 4}})
    for name in components:
        scaling = {"scaling": {"min": count, "max": 4}} if _keys(_at(said, "components", name, "scaling")) else {}
        _put(out, ("components", name), {"copies": count, **scaling})
    return out


def _put(out: dict[str, Any], path: tuple[str, ...], value: dict[str, Any]) -> None:
    *above, last = path
    for key in above:
        out = out.setdefault(key, {})
    out[last] = value
