"""The one way to say what the spec has no word for: properties laid over those of a resource."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from slipway.spec.base import Spec

#: Properties as CloudFormation spells them; an item of a list is named by its position, counted from 0.
Properties = dict[str, Any]


class Overrides(Spec):
    """Properties as CloudFormation spells them, merged into a resource of the endpoint."""

    endpoint: Properties = Field(default_factory=dict)
    """Of AWS::SageMaker::Endpoint."""
    config: Properties = Field(default_factory=dict)
    """Of AWS::SageMaker::EndpointConfig."""
    models: dict[str, Properties] = Field(default_factory=dict)
    """Of AWS::SageMaker::Model, by variant (`primary` where there is one, `shadow`) or component."""
    components: dict[str, Properties] = Field(default_factory=dict)
    """Of AWS::SageMaker::InferenceComponent, by component."""
