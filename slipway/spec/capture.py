"""Data capture: a copy of requests and responses in S3."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.spec.base import Spec
from slipway.spec.references import Key, Place
from slipway.spec.units import Percent, between, steps_of

#: API:CsvContentType, JsonContentType.
ContentType = Annotated[
    str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*/[a-zA-Z0-9](-*[a-zA-Z0-9.])*$", max_length=256)
]
#: API:CsvContentTypes, JsonContentTypes: at most ten of each kind.
ContentTypes = Annotated[tuple[ContentType, ...], Field(max_length=10, strict=False)]


class Capture(Spec):
    """What is captured, how much of it, and where it goes."""

    enabled: bool = True
    """`false` keeps the settings and captures nothing."""
    share: Annotated[
        Percent,
        steps_of(Percent(1), "SageMaker takes whole percents"),
        between(Percent(0), Percent(100), "API:SamplingPercentage"),
    ] = Percent(100)
    """Share of the requests that is captured."""
    what: Annotated[tuple[Literal["request", "response"], ...], Field(min_length=1, max_length=2, strict=False)] = (
        "request",
        "response",
    )
    """What of them."""
    destination: Place | None = None
    """A prefix in the model bucket or an `s3://` URI, ending in `/`. Default: `capture/` in the model bucket, under
    which SageMaker makes a folder for each endpoint."""
    kms_key: Key | None = None
    """Key that encrypts what is captured. Default: the bucket's own encryption."""
    csv: ContentTypes = ()
    """Content types that are captured as CSV; others as base64."""
    json_types: ContentTypes = ()
    """Content types that are captured as JSON; others as base64."""
