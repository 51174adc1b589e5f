"""One CloudFormation resource, declared by its properties.

The endpoint's resources are declared in CloudFormation's own words rather than through the generated classes. Those
check every property in Python and again in Node, and at a hundred endpoints that alone makes synth a third slower;
the spec has checked the values by then, CDK validates the template at synth, and the tests hold it against the
schemas. It also keeps what is declared plain data, which can be tested without Node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from aws_cdk import CfnResource, RemovalPolicy
from constructs import Construct

from slipway.spec.environment import Environment

#: What happens to a resource that is removed, and to one that is replaced.
Policy = Literal["Delete", "Retain", "RetainExceptOnCreate"]
Properties = Mapping[str, Any]
#: CDK's words for what it has words for.
_REMOVAL_POLICIES: Mapping[tuple[Policy | None, Policy | None], RemovalPolicy] = {
    ("Delete", "Delete"): RemovalPolicy.DESTROY,
    ("RetainExceptOnCreate", "Retain"): RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
}


def present(properties: Properties) -> dict[str, Any]:
    """Leave out what is ``None``.

    Parameters
    ----------
    properties
        Properties, some of them not given.

    Returns
    -------
    dict
        Those that are.
    """
    return {key: value for key, value in properties.items() if value is not None}


def overlaid(properties: Properties, overrides: Properties) -> dict[str, Any]:
    """Lay overrides over properties: mappings merge by key, an item of a list goes by its position, the rest replaces.

    Parameters
    ----------
    properties
        What the spec makes of the config.
    overrides
        What the config says in CloudFormation's own words.

    Returns
    -------
    dict
        Both.
    """
    return {**properties, **{key: _overlaid(properties.get(key), value) for key, value in overrides.items()}}


def _overlaid(below: Any, above: Any) -> Any:  # noqa: ANN401  (any property)
    if isinstance(below, list) and isinstance(above, Mapping):
        items = dict(enumerate(below))
        for position, value in above.items():
            items[int(position)] = _overlaid(items.get(int(position)), value)
        return [items[position] for position in sorted(items)]
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return overlaid(below, above)
    return above


class Kept(TypedDict):
    """What happens to a revision that is removed or replaced."""

    removed: Policy
    replaced: Policy


def kept(environment: Environment) -> Kept:
    """Say how long models and configs are kept: replaced ones always, removed ones where guarded.

    Parameters
    ----------
    environment
        The environment.

    Returns
    -------
    Kept
        Arguments of `declare`.
    """
    return {"removed": "RetainExceptOnCreate" if environment.guarded else "Delete", "replaced": "Retain"}


def declare(
    scope: Construct,
    id: str,
    type: str,
    properties: Properties,
    *,
    removed: Policy | None = None,
    replaced: Policy | None = None,
) -> CfnResource:
    """Declare a resource.

    Parameters
    ----------
    scope, id
        Place in the tree.
    type
        Such as ``AWS::SageMaker::Model``.
    properties
        As CloudFormation spells them; ``None`` leaves one out.
    removed, replaced
        DeletionPolicy and UpdateReplacePolicy; give both or none.

    Returns
    -------
    CfnResource
        The resource.
    """
    resource = CfnResource(scope, id, type=type, properties=present(properties))
    # Each of these is one call to Node; the same through `cfn_options` takes five.
    if (removed, replaced) in _REMOVAL_POLICIES:
        resource.apply_removal_policy(_REMOVAL_POLICIES[removed, replaced])
        return resource
    if removed is not None:
        resource.add_override("DeletionPolicy", removed)
    if replaced is not None:
        resource.add_override("UpdateReplacePolicy", replaced)
    return resource


def tags(
    environment: Environment, name: str | None = None, *, version: str | None = None, **further: str
) -> list[dict[str, str]]:
    """Make the tags of one resource.

    They are given to each resource rather than laid over the tree: policies tell models and configs apart by them, so
    they must be there whatever app the endpoint is part of.

    Parameters
    ----------
    environment
        The environment.
    name
        Short name of the endpoint that it is part of; without it, the environment's own tags.
    version
        Of the model; only on what belongs to one version.
    further
        Tags that only this resource has.

    Returns
    -------
    list of dict
        Sorted by key.
    """
    made = dict(environment.own_tags if name is None else environment.tags_of(name))
    if version is not None:
        made["Version"] = version
    made |= further
    return [{"Key": key, "Value": value} for key, value in sorted(made.items())]
