"""Online explanations: SageMaker Clarify says how much each feature weighed in an answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.spec.base import Spec

#: API:ClarifyTextLanguage; `xx` is a mix of several.
Language = Literal[
    "af", "sq", "ar", "hy", "eu", "bn", "bg", "ca", "zh", "hr", "cs", "da", "nl", "en", "et", "fi", "fr", "de",
    "el", "gu", "he", "hi", "hu", "is", "id", "ga", "it", "kn", "ky", "lv", "lt", "lb", "mk", "ml", "mr", "ne",
    "nb", "fa", "pl", "pt", "ro", "ru", "sa", "sr", "tn", "si", "sk", "sl", "es", "sv", "tl", "ta", "tt", "te",
    "tr", "uk", "ur", "yo", "lij", "xx"
]  # fmt: skip
#: API:ClarifyHeader.
Header = Annotated[str, Field(min_length=1, max_length=64)]
#: API:ClarifyFeaturesAttribute and its like: a JMESPath expression.
Expression = Annotated[str, Field(min_length=1, max_length=64)]


class ClarifyInput(Spec):
    """How requests and answers are read."""

    features_at: Expression | None = None
    """Where the features stand in a JSON Lines record."""
    content_template: Expression | None = None
    """What a JSON Lines record for the model looks like, with `$features`."""
    features: Annotated[tuple[Header, ...], Field(min_length=1, max_length=256, strict=False)] | None = None
    """Names of the features, in their order (API:ClarifyFeatureHeaders)."""
    types: (
        Annotated[
            tuple[Literal["numerical", "categorical", "text"], ...], Field(min_length=1, max_length=256, strict=False)
        ]
        | None
    ) = None
    """Kinds of the features, in their order, where one of them is text (API:ClarifyFeatureTypes). Default: inferred
    from the baseline."""
    probability_at: Expression | None = None
    """Where the probability stands in a JSON Lines answer."""
    probability_index: Annotated[int, Field(ge=0)] | None = None
    """Its column in a CSV answer."""
    label_at: Expression | None = None
    """Where the label stands in a JSON Lines answer."""
    label_index: Annotated[int, Field(ge=0)] | None = None
    """Its column in a CSV answer."""
    labels: Annotated[tuple[Header, ...], Field(min_length=1, max_length=16, strict=False)] | None = None
    """Names of the labels (API:ClarifyLabelHeaders)."""
    most_records: Annotated[int, Field(ge=1)] | None = None
    """Records in one request to the model."""
    most_megabytes: Annotated[int, Field(ge=1, le=25)] | None = None
    """Size of one request to the model, in MB (API:ClarifyMaxPayloadInMB)."""


class ClarifyText(Spec):
    """How text is taken apart."""

    granularity: Literal["token", "sentence", "paragraph"]
    """What gets a weight."""
    language: Language
    """Its language, such as `en`, or `xx` for a mix (API:ClarifyTextLanguage)."""


class Explainer(Spec):
    """What is explained, and against which baseline."""

    when: Expression | None = None
    """A JMESPath expression that says which records are explained. Default: all."""
    baseline: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """Records that the answer is compared with, in the text itself (at most 4,096 characters); or an `s3://` URI of
    them. Required (API:ClarifyShapBaselineConfig)."""
    baseline_type: Literal["text/csv", "application/jsonlines"] | None = None
    """Content type of the baseline (API:ClarifyMimeType). Default: the service's, `text/csv`."""
    samples: Annotated[int, Field(ge=1)] | None = None
    """How many synthetic records are asked for one explanation."""
    seed: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] | None = None
    """Seed of their choice."""
    logit: bool | None = None
    """Explain the logit of the answer rather than the answer."""
    text: ClarifyText | None = None
    """For text features."""
    input: ClarifyInput = Field(default_factory=ClarifyInput)
    """How requests and answers are read."""
