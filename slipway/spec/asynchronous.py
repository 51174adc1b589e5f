"""Asynchronous inference: requests are queued, answers are objects in S3."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.spec.base import Spec
from slipway.spec.references import Key, Place, Topic


class Asynchronous(Spec):
    """Where answers go, who hears of them, and how many requests an instance works on."""

    output: Place | None = None
    """Where answers are written: a prefix in the model bucket or an `s3://` URI, ending in `/`.
    Default: `async/{endpoint}/out/` in the model bucket."""
    failures: Place | None = None
    """Where failures are written. Default: `async/{endpoint}/failed/` in the model bucket."""
    input: Place | None = None
    """Where callers put requests, which the endpoint must be able to read.
    Default: `async/{endpoint}/in/` in the model bucket."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Requests that an instance works on at a time (API:MaxConcurrentInvocationsPerInstance).
    Default: the service chooses."""
    kms_key: Key | None = None
    """Key that encrypts the answers. Default: the bucket's own encryption."""
    success_topic: Topic | None = None
    """Who hears of an answer: the short name of one of `topics`, or an ARN."""
    error_topic: Topic | None = None
    """Who hears of a failure: the short name of one of `topics`, or an ARN."""
    include_response: Annotated[tuple[Literal["success", "error"], ...], Field(max_length=2, strict=False)] = ()
    """In which notifications the answer itself is included, if it has at most 128 KB."""
