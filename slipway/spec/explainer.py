"""Online explanations: SageMaker Clarify says how much each feature weighed in an answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.spec.base import Spec

#: API:ClarifyFeaturesAttribute and its like: a JMESPath expression.
Expression = Annotated[str, Field(min_length=1, max_length=64)]


class ClarifyInput(Spec):
    """How requests and answers are read."""

    features_at: Expression | None = None
    """Where the features stand in a JSON Lines record."""
    content_template: Expression | None = None
    """What a JSON Lines record for the model looks like, with `$features`."""
    features: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] | None = None
    """Names of the features, in their order."""
    types: (
        Annotated[tuple[Literal["numerical", "categorical", "text"], ...], Field(min_length=1, strict=False)] | None
    ) = None
    """Kinds of the features, in their order (API:ClarifyFeatureType)."""
    probability_at: Expression | None = None
    """Where the probability stands in a JSON Lines answer."""
    probability_index: Annotated[int, Field(ge=0)] | None = None
    """Its column in a CSV answer."""
    label_at: Expression | None = None
    """Where the label stands in a JSON Lines answer."""
    label_index: Annotated[int, Field(ge=0)] | None = None
    """Its column in a CSV answer."""
    labels: (
        Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(min_length=1, max_length=16, strict=False)]
        | None
    ) = None
    """Names of the labels (API:ClarifyLabelHeaders)."""
    most_records: Annotated[int, Field(ge=1)] | None = None
    """Records in one request to the model."""
    most_megabytes: Annotated[int, Field(ge=1, le=25)] | None = None
    """Size of one request to the model, in MB (API:ClarifyMaxPayloadInMB)."""


class ClarifyText(Spec):
    """How text is taken apart."""

    granularity: Literal["token", "sentence", "paragraph"]
    """What gets a weight."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
    """Its language, such as `en` (API:ClarifyTextLanguage)."""


class Explainer(Spec):
    """What is explained, and against which baseline."""

    when: Expression | None = None
    """A JMESPath expression that says which records are explained. Default: all."""
    baseline: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """Records that the answer is compared with, in the text itself; or an `s3://` URI of them."""
    baseline_type: (
        Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*/[a-zA-Z0-9](-*[a-zA-Z0-9+.])*$")] | None
    ) = None
    """Content type of the baseline, `text/csv` or `application/jsonlines`."""
    samples: Annotated[int, Field(ge=1)] | None = None
    """How many synthetic records are asked for one explanation."""
    seed: int | None = None
    """Seed of their choice."""
    logit: bool | None = None
    """Explain the logit of the answer rather than the answer."""
    text: ClarifyText | None = None
    """For text features."""
    input: ClarifyInput = Field(default_factory=ClarifyInput)
    """How requests and answers are read."""
