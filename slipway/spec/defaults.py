"""The layer beneath `base.yaml`: what an environment of each kind gets when nothing is said.

Guarded environments (staging and prod) get two instances, a guarded strategy with alarms, autoscaling, encrypted
volumes;
development gets the cheapest thing that works. Turning one off is explicit and shows in the review.
"""

from __future__ import annotations

from typing import Any

from slipway.spec.source import Node, from_plain

#: What the origin of a default is called in messages.
ORIGIN = "defaults"


def _has(node: Node | None, key: str) -> bool:
    return node is not None and isinstance(node.value, dict) and key in node.value


def _at(node: Node | None, key: str) -> Node | None:
    return node.value[key] if node is not None and isinstance(node.value, dict) and key in node.value else None


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
    names = {name: None for document in documents for name in _keys(_at(document, "endpoints"))}
    endpoints = {}
    for name in names:
        parts = [_at(_at(document, "endpoints"), name) for document in documents]
        endpoints[name] = _endpoint(guarded, parts)
    top: dict[str, Any] = {
        "bucket": {"encryption": "kms" if guarded else "s3"},
        "encrypt_volumes": guarded,
    }
    return from_plain({**top, "endpoints": endpoints} if endpoints else top, ORIGIN)


def _endpoint(guarded: bool, parts: list[Node | None]) -> dict[str, Any]:  # noqa: FBT001
    instances = {"instances": 2 if guarded else 1}
    out: dict[str, Any] = {"log_retention": "90d" if guarded else "14d"}
    out["deployment"] = (
        {"strategy": "rolling"}
        if guarded
        else {"strategy": "all_at_once", "termination_wait": "0s", "rollback_alarms": False}
    )
    if guarded or any(_has(part, "scaling") for part in parts):
        out["scaling"] = {"min": 2 if guarded else 1, "max": 4}
    if any(_has(part, "hosting") for part in parts):
        out["hosting"] = instances
    variants = {name: None for part in parts for name in _keys(_at(part, "variants"))}
    if variants:
        out["variants"] = {
            name: {"hosting": instances}
            for name in variants
            if any(_has(_at(_at(part, "variants"), name), "hosting") for part in parts)
        }
    return out
