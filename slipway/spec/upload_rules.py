"""The rule on what waits to be published: nothing serves from the bucket that SageMaker Studio uploads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway.spec.errors import Problem

if TYPE_CHECKING:
    from slipway.spec.rules import Subject


def uploads(s: Subject) -> Iterator[Problem]:
    """An artifact is not an upload, which expires and whose bytes nothing pins."""
    bucket = s.environment.names.upload_bucket
    if not s.environment.bucket.studio_upload:
        return
    for path, container in s.containers():
        for key in ("artifact", "models"):
            given = getattr(container, key)
            if given and given.startswith(f"s3://{bucket}/"):
                message = (
                    f"lies in {bucket}, where uploads wait and then expire: publish it (`slipway publish FOLDER "
                    f"--model {s.name} --version VERSION`) and leave `{key}` out, or name what was published"
                )
                yield Problem((*path, key), message, others=(("bucket", "studio_upload"),))
