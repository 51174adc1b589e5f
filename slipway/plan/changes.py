"""What a deployment does to the resources of a stack: added, changed, replaced, removed, and what is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from slipway.local.engine.documents import Json, dependency_order
from slipway.local.engine.errors import TemplateError
from slipway.plan.assembly import Stack
from slipway.plan.documents import UnreadableError
from slipway.plan.resolution import Resource, Symbolic, resource, symbolic, unknown
from slipway.spec.cloudformation import schema

Action = Literal["add", "change", "replace", "remove"]
#: What is gone for good when a resource of these types is deleted.
HOLDS_DATA: Mapping[str, str] = {
    "AWS::S3::Bucket": "its objects (CloudFormation refuses while there are any, unless something empties it)",
    "AWS::Logs::LogGroup": "its logs",
    "AWS::KMS::Key": "everything that is encrypted with it, after the waiting period",
    "AWS::DynamoDB::Table": "its items",
    "AWS::DynamoDB::GlobalTable": "its items",
    "AWS::ECR::Repository": "its images (CloudFormation refuses while there are any, unless EmptyOnDelete)",
    "AWS::EFS::FileSystem": "its files",
    "AWS::FSx::FileSystem": "its files",
    "AWS::RDS::DBInstance": "its data, unless a snapshot is made",
    "AWS::RDS::DBCluster": "its data, unless a snapshot is made",
    "AWS::SecretsManager::Secret": "its value, after the recovery window",
    "AWS::SQS::Queue": "its messages",
    "AWS::Kinesis::Stream": "its records",
    "AWS::SageMaker::FeatureGroup": "its online features",
    "AWS::SageMaker::ModelPackageGroup": "its model versions",
    "AWS::Athena::WorkGroup": "its saved queries",
    "AWS::Cognito::UserPool": "its users",
    "AWS::OpenSearchService::Domain": "its indexes",
    "AWS::Glue::Database": "its tables",
}
#: Items of lists are matched by one of these, where each item has another value there.
_IDENTITIES = ("Key", "VariantName", "AlarmName", "ScheduledActionName", "Sid", "Id", "Name", "Notification")
_KEPT = frozenset({"Retain", "RetainExceptOnCreate"})
#: What stands beside the properties and says what becomes of a resource that is removed or replaced.
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")


@dataclass(frozen=True)
class PropertyChange:
    """One property that differs.

    Attributes
    ----------
    path
        Keys with dots, positions and identities in brackets, such as ``ProductionVariants[primary].InstanceType``.
    old, new
        ``None`` where it is not there.
    replaces
        Whether it can only be set on creation.
    """

    path: str
    old: Json
    new: Json
    replaces: bool = False


@dataclass(frozen=True)
class Change:
    """What happens to one resource.

    Attributes
    ----------
    action
        What.
    logical_id, type
        Which resource.
    properties
        What differs; empty for what is added or removed.
    because
        Logical ids of replaced resources that it refers to and that alone make it change.
    kept
        Whether what is removed or replaced stays, without the stack.
    loses
        What is lost with it; empty for nothing.
    conditional
        Whether the service decides between a change and a replacement.
    """

    action: Action
    logical_id: str
    type: str
    properties: tuple[PropertyChange, ...] = ()
    because: tuple[str, ...] = ()
    kept: bool = False
    loses: str = ""
    conditional: bool = False

    @property
    def tags_only(self) -> bool:
        """Whether nothing but tags, and what becomes of it without its stack, differs."""
        return bool(self.properties) and all(one.path.startswith(("Tags", *POLICIES)) for one in self.properties)

    @property
    def unkept(self) -> bool:
        """Whether it stayed when it was removed or replaced, and does not any more."""
        return any(one.path in POLICIES and one.old in _KEPT and one.new not in _KEPT for one in self.properties)


@dataclass(frozen=True)
class Comparison:
    """Two versions of a stack.

    Attributes
    ----------
    name, account, region
        The stack.
    old, new
        Its resources by logical id; empty on the side where the stack is not.
    changes
        In the order in which CloudFormation makes them; what is removed comes last.
    tags
        Of the stack that differ: from, to.
    retyped
        Logical ids that would get another type, which CloudFormation refuses.
    guessed
        Conditions that could not be told.
    """

    name: str
    account: str
    region: str
    old: Mapping[str, Resource]
    new: Mapping[str, Resource]
    changes: tuple[Change, ...]
    tags: tuple[PropertyChange, ...] = ()
    retyped: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()

    def change(self, logical_id: str) -> Change | None:
        """What happens to a resource; ``None`` for nothing."""
        return next((change for change in self.changes if change.logical_id == logical_id), None)


def compare(old: Stack | None, new: Stack | None) -> Comparison:
    """Compare two versions of a stack.

    Parameters
    ----------
    old, new
        ``None`` where it does not exist.

    Returns
    -------
    Comparison
        What a deployment does.

    Raises
    ------
    UnreadableError
        When a template needs itself in a circle, or is otherwise none.
    ValueError
        When there is neither.
    """
    present = new or old
    if present is None:
        raise ValueError("a comparison has at least one side")
    if new is None:
        before, resolver, _ = _side(present)
        gone = [_removed(one) for one in reversed(before.values())]
        return Comparison(present.name, present.account, present.region, before, {}, tuple(gone))
    before, old_resolver, _ = _side(old) if old is not None else ({}, None, ())
    _, resolver, order = _side(new, resolve=False)
    after: dict[str, Resource] = {}
    changes: list[Change] = []
    retyped: list[str] = []
    definitions = resolver.active()
    for name in order:
        made = after[name] = resource(resolver, name, definitions[name])
        known = before.get(name)
        if known is not None and known.type != made.type:
            retyped.append(name)
        change = _changed(known, made, resolver, new.region)
        if change is None:
            continue
        if change.action in ("add", "replace"):
            resolver.replaced.add(name)
        changes.append(change)
    changes += [_removed(one) for name, one in reversed(before.items()) if name not in after]
    guessed = resolver.guessed | (old_resolver.guessed if old_resolver else set())
    return Comparison(
        new.name,
        new.account,
        new.region,
        before,
        after,
        tuple(changes),
        tuple(differences((), dict(old.tags), dict(new.tags))) if old is not None else (),
        tuple(retyped),
        tuple(sorted(guessed)),
    )


def resources(stack: Stack) -> Mapping[str, Resource]:
    """Resolve all resources of a stack.

    Parameters
    ----------
    stack
        The stack.

    Returns
    -------
    dict
        By logical id, each after those that it needs.

    Raises
    ------
    UnreadableError
        When the template is none.
    """
    return _side(stack)[0]


def _side(stack: Stack, *, resolve: bool = True) -> tuple[dict[str, Resource], Symbolic, tuple[str, ...]]:
    try:
        resolver = symbolic(stack)
        definitions = resolver.active()
        order = tuple(dependency_order(definitions))
    except TemplateError as error:
        raise UnreadableError(f"{stack.name}: {error}") from None
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise UnreadableError(
            f"{stack.name}: a function, parameter or condition in its template is malformed ({error!r})"
        ) from None
    found = {name: resource(resolver, name, definitions[name]) for name in order} if resolve else {}
    return found, resolver, order


def _changed(old: Resource | None, new: Resource, resolver: Symbolic, region: str) -> Change | None:
    if old is None:
        return Change("add", new.logical_id, new.type)
    policies = [
        PropertyChange(name, was, now)
        for name, was, now in zip(
            POLICIES,
            (old.deletion_policy, old.replace_policy),
            (new.deletion_policy, new.replace_policy),
            strict=True,
        )
        if was != now
    ]
    if old.type == new.type and old.properties == new.properties and not policies:
        return None
    known = schema(new.type, region)
    always = [_keys(path) for path in known.get("createOnlyProperties") or ()]
    perhaps = [_keys(path) for path in known.get("conditionalCreateOnlyProperties") or ()]
    replaces = old.type != new.type or any(_at(old.properties, key) != _at(new.properties, key) for key in always)
    found = (
        *(
            PropertyChange(one.path, one.old, one.new, replaces=any(_within(one.path, key) for key in always))
            for one in differences((), old.properties, new.properties)
        ),
        *policies,
    )
    because = tuple(sorted(new.refers & resolver.replaced))
    only_names = bool(because) and all(unknown(one.new) or one.path.startswith("Tags") for one in found)
    return Change(
        "replace" if replaces else "change",
        new.logical_id,
        new.type,
        found,
        because if only_names else (),
        kept=replaces and new.replace_policy in _KEPT,
        loses=HOLDS_DATA.get(old.type, "") if replaces and new.replace_policy == "Delete" else "",
        conditional=not replaces and any(_at(old.properties, key) != _at(new.properties, key) for key in perhaps),
    )


def _removed(gone: Resource) -> Change:
    kept = gone.deletion_policy in _KEPT
    loses = HOLDS_DATA.get(gone.type, "") if gone.deletion_policy == "Delete" else ""
    return Change("remove", gone.logical_id, gone.type, kept=kept, loses=loses)


def _keys(pointer: str) -> tuple[str, ...]:
    return tuple(key for key in pointer.removeprefix("/properties/").split("/") if key != "properties")


def _at(value: Json, keys: Sequence[str]) -> Json:
    """What stands at a path of the schema; ``*`` are all items of a list."""
    for place, key in enumerate(keys):
        if key == "*":
            return [_at(item, keys[place + 1 :]) for item in value] if isinstance(value, list) else None
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _within(path: str, key: tuple[str, ...]) -> bool:
    return _plain(path)[: len(key)] == list(key)


def _plain(path: str) -> list[str]:
    """A path as the schema has it, where items of a list are ``*``."""
    keys: list[str] = []
    for part in path.split("."):
        name, bracket, _ = part.partition("[")
        keys += [name, "*"] if bracket else [name]
    return keys


def differences(path: Sequence[str], old: Json, new: Json) -> Iterator[PropertyChange]:
    """Find what differs, as deep as both sides have the same shape.

    Parameters
    ----------
    path
        Where this stands.
    old, new
        The two sides.

    Yields
    ------
    PropertyChange
        In the order of the keys of the old side, then of what is new.
    """
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from differences((*path, str(key)), old.get(key), new.get(key))
        return
    if isinstance(old, list) and isinstance(new, list):
        before, after = _named(old, new)
        for name in {**before, **after}:
            last = f"{path[-1] if path else ''}[{name}]"
            yield from differences((*path[:-1], last), before.get(name), after.get(name))
        return
    yield PropertyChange(".".join(path), old, new)


def _named(old: list[Json], new: list[Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """The items of two lists by what tells them apart: a key that they have, themselves, or their place."""
    both = [*old, *new]
    if all(isinstance(item, str) for item in both) and all(len(set(side)) == len(side) for side in (old, new)):
        return {item: item for item in old}, {item: item for item in new}
    for key in _IDENTITIES:
        if all(isinstance(item, dict) and isinstance(item.get(key), str) for item in both):
            sides = [{item[key]: item for item in side} for side in (old, new)]
            if len(sides[0]) == len(old) and len(sides[1]) == len(new):
                return sides[0], sides[1]
    return {str(i): item for i, item in enumerate(old)}, {str(i): item for i, item in enumerate(new)}


def fixed_name(change: Change, comparison: Comparison) -> str:
    """The name that keeps a resource from being replaced, as its replacement would need the same.

    Parameters
    ----------
    change
        Of the comparison.
    comparison
        Of a stack.

    Returns
    -------
    str
        Such as ``EndpointConfigName iris-config``; empty where nothing is in the way.
    """
    if change.action != "replace":
        return ""
    known = schema(change.type, comparison.region)
    names = {_keys(path) for path in known.get("primaryIdentifier") or ()}
    names |= {(f"{change.type.rsplit('::', 1)[-1]}Name",)}
    fixed = names & {_keys(path) for path in known.get("createOnlyProperties") or ()}
    old, new = comparison.old[change.logical_id].properties, comparison.new[change.logical_id].properties
    for key in sorted(fixed):
        name = _at(old, key)
        # Where the identity has several parts, such as a scalable target's, one that differs is enough.
        if isinstance(name, str) and not unknown(name) and _at(new, key) == name and len(key) == 1:
            others = [part for part in fixed if part != key and _at(old, part) != _at(new, part)]
            return "" if others else f"{key[0]} {name}"
    return ""
