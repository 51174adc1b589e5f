"""What kind of change an endpoint sees, and whether its fleet moves."""

from __future__ import annotations

from collections.abc import Iterator

from slipway.plan.changes import POLICIES, Change, Comparison, PropertyChange
from slipway.plan.endpoints import Declared

#: In the order in which a reviewer wants to know them.
ORDER = (
    *(
        "new",
        "removed",
        "undeclared",
        "replaced",
        "model",
        "instances",
        "traffic",
        "config",
        "strategy",
        "scaling",
        "components",
    ),
    *("alarms", "tags", "nothing"),
)
_VARIANT_KINDS = {"InitialVariantWeight": "traffic", "ModelName": "model"}
#: What takes effect without an update of the endpoint.
_AT_ONCE = {"scaling": "the scaling", "rollback alarm": "the rollback alarms", "alarm": "the alarms"}
_RETAINING = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig")


def kinds(comparison: Comparison, old: Declared | None, new: Declared | None) -> tuple[str, ...]:
    """Name the kinds of change of an endpoint.

    Parameters
    ----------
    comparison
        Of its stack.
    old, new
        The endpoint of both sides.

    Returns
    -------
    tuple of str
        Of ``ORDER``, the weightiest first; at least one.
    """
    if old is None or new is None:
        return ("new",) if old is None else ("removed",)
    found = set(_kinds(comparison, old, new))
    if len(found) > 1:
        found.discard("tags")
    return tuple(kind for kind in ORDER if kind in found) or ("nothing",)


def _kinds(comparison: Comparison, old: Declared, new: Declared) -> Iterator[str]:
    owned = {**old.owned, **new.owned}
    for change in comparison.changes:
        role = owned.get(change.logical_id)
        if role is not None:
            yield from _kinds_of(change, role) if not change.tags_only else ["tags"] if _tagged(change) else []


def _tagged(change: Change) -> bool:
    return any(one.path.startswith("Tags") for one in change.properties)


def _kinds_of(change: Change, role: str) -> Iterator[str]:
    if role == "endpoint":
        if change.action == "replace":
            yield "replaced"
        yield from filter(None, (_endpoint_kind(one.path) for one in change.properties))
    elif role == "config":
        yield from _config_kinds(change.properties)
    elif role == "component":
        yield "components"
    elif not change.because:
        # What only follows another resource's new name, such as an alarm on the new fleet, is no change of its own.
        yield "alarms" if role.endswith("alarm") else role


def _endpoint_kind(path: str) -> str:
    if path.startswith("DeploymentConfig.AutoRollbackConfiguration"):
        return "alarms"
    if path.startswith(("DeploymentConfig", *_RETAINING)):
        return "strategy"
    return "tags" if path.startswith("Tags") else ""


def _config_kinds(properties: tuple[PropertyChange, ...]) -> Iterator[str]:
    for one in properties:
        top, _, below = one.path.partition(".")
        if top.startswith(("ProductionVariants", "ShadowProductionVariants")):
            yield _VARIANT_KINDS.get(below, "instances")
        elif top.startswith("Tags"):
            yield "tags"
        elif top not in POLICIES:
            yield "config"


def models(comparison: Comparison, old: Declared | None, new: Declared | None) -> Iterator[PropertyChange]:
    """Find what of the models changes.

    Parameters
    ----------
    comparison
        Of the stack.
    old, new
        The endpoint of both sides.

    Yields
    ------
    PropertyChange
        Of each model of the endpoint that changes, tags aside but the version.
    """
    owned = {**(old.owned if old else {}), **(new.owned if new else {})}
    for change in comparison.changes:
        if owned.get(change.logical_id) == "model" and change.action in ("change", "replace"):
            yield from (
                one for one in change.properties if not one.path.startswith("Tags") or one.path == "Tags[Version].Value"
            )


def moves(comparison: Comparison, old: Declared | None, new: Declared | None) -> tuple[bool, str]:
    """Tell whether an endpoint's fleet moves.

    Parameters
    ----------
    comparison
        Of its stack.
    old, new
        The endpoint of both sides.

    Returns
    -------
    bool
        Whether the service is asked to update the endpoint.
    str
        Why, or why not, in a sentence; empty where there is nothing to say.
    """
    if old is None:
        return False, "It does not exist yet."
    if new is None:
        return False, ""
    change = comparison.change(new.logical_id)
    if change is not None and change.action == "replace":
        return False, "It is replaced, which no strategy guards."
    differs = [one.path for one in change.properties] if change is not None else []
    sent = [path for path in differs if not path.startswith(("Tags", *POLICIES))]
    if "EndpointConfigName" in sent:
        return True, "It moves to a new endpoint config."
    if sent:
        return True, (
            "Only how it is updated changes, so the service is sent the config that serves. Whether it refuses that or "
            "moves the fleet is not documented: reckon with a full rollout."
        )
    owned = {**old.owned, **new.owned}
    roles = {role for one in comparison.changes if (role := owned.get(one.logical_id)) and not one.tags_only}
    if "component" in roles:
        return False, "Its fleet does not move; its inference components do."
    at_once = [what for role, what in _AT_ONCE.items() if role in roles]
    return (
        False,
        f"Its fleet does not move: the change of {' and '.join(at_once)} takes effect at once." if at_once else "",
    )
