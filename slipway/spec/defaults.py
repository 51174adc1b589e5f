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
    # `null` in the only document removes nothing yet; it is not there either.
    return node if node is not None and node.value is not None else None


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
        "cleanup": {"mode": "delete" if environment == "dev" else "report"},
    }
    return from_plain({**top, "endpoints": endpoints} if endpoints else top, ORIGIN)


def counts(environment: str, *documents: Node) -> Node:
    """Build the defaults of instance counts alone, for fleets that lost theirs between two documents.

    A base that hosts serverless and an overlay that hosts on instances each replace all that was said of the hosting
    before, and with it the default.

    Parameters
    ----------
    environment, documents
        As for `layer`.

    Returns
    -------
    Node
        A document to lay the merged ones over.
    """
    count = {"instances": _count(guarded=environment in ("staging", "prod"))}
    said = reduce(merge, documents) if documents else None
    out: dict[str, Any] = {}
    for name in _keys(_at(said, "endpoints")):
        for path in _fleets(_at(said, "endpoints", name)):
            _put(out, ("endpoints", name, *path), dict(count))
    return from_plain(out, ORIGIN)


def _count(*, guarded: bool) -> int:
    return 2 if guarded else 1


def _hosts(said: Node | None) -> list[tuple[str, ...]]:
    """Where an endpoint says how something is hosted."""
    variants = (("variants", name, "hosting") for name in _keys(_at(said, "variants")))
    return [path for path in (("hosting",), ("shadow", "hosting"), *variants) if _at(said, *path) is not None]


def _fleets(said: Node | None) -> list[tuple[str, ...]]:
    """Those of them that are fleets of instances."""
    return [path for path in _hosts(said) if "serverless" not in _keys(_at(said, *path))]


def _endpoint(said: Node | None, *, guarded: bool) -> dict[str, Any]:
    count = _count(guarded=guarded)
    components = _keys(_at(said, "components"))
    hosts = _hosts(said)
    serverless = any("serverless" in _keys(_at(said, *path)) for path in hosts)
    out: dict[str, Any] = {"log_retention": "90d" if guarded else "14d", "deployment": _UNGUARDED}
    if guarded and not serverless:
        out["deployment"] = {"strategy": "canary" if len(_keys(_at(said, "variants"))) > 1 else "rolling"}
    if (guarded and not serverless) or _at(said, "scaling") is not None:
        out["scaling"] = {"min": count, "max": 4}
    for path in _fleets(said):
        _put(out, path, {"instances": count})
    if components and guarded:
        _put(out, ("hosting",), {"instances": count, "managed_scaling": {"min": count, "max": 4}})
    for name in components:
        declared = _at(said, "components", name, "scaling")
        scaled = declared is not None and isinstance(declared.value, dict)
        scaling = {"scaling": {"min": count, "max": 4}} if scaled else {}
        _put(out, ("components", name), {"copies": count, **scaling})
    return out


def _put(out: dict[str, Any], path: tuple[str, ...], value: dict[str, Any]) -> None:
    *above, last = path
    for key in above:
        out = out.setdefault(key, {})
    out[last] = value
