"""The resource types that the local CloudFormation can deploy.

Most state three API operations and a name; see ``base.ApiType``. To add one, write a class beside
its kin and list it in that module's ``TYPES``.
"""

from slipway.local.engine.resource_type import Catalogue, ResourceType
from slipway.local.resources import (
    automation,
    functions,
    identity,
    messaging,
    monitoring,
    sagemaker,
    storage,
)
from slipway.local.resources.base import Nothing
from slipway.local.resources.calls import Calls

_MODULES = (automation, functions, identity, messaging, monitoring, sagemaker, storage)
_ACCEPTED = ("AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle")


def catalogue(calls: Calls) -> Catalogue:
    """Return every resource type there is, making its resources with ``calls``."""
    types: dict[str, ResourceType] = {name: Nothing() for name in _ACCEPTED}
    for module in _MODULES:
        types.update({name: kind(calls) for name, kind in module.TYPES.items()})
    return Catalogue(types)
