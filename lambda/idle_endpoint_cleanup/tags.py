"""The tags that speak to the cleanup: what may go, what stays, and what it has marked itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_sagemaker.type_defs import TagTypeDef

#: The environment's tag, and the only environment in which anything is ever deleted.
ENVIRONMENT = "Environment"
DEVELOPMENT = "dev"
#: Short name of the endpoint, on everything that belongs to it; revisions are counted by it.
MODEL = "Model"
#: ``true`` on a stack, and on each of its endpoints, configs, models and components: can be deleted and made again
#: without loss. Whatever else uses a model (a batch job) leaves it off that model.
DISPOSABLE = "slipway:disposable"
#: The name of the stack that an endpoint belongs to. CloudFormation's own tags may be missing on endpoints.
STACK = "slipway:stack"
#: The names of an endpoint's variants, separated by slashes; left off where they exceed the 256 characters of a tag.
VARIANTS = "slipway:variants"
#: With any value: the endpoint stays.
KEEP = "slipway:keep"
#: The endpoint stays through this day (UTC), such as ``2025-06-30``.
KEEP_UNTIL = "slipway:keep-until"
#: When the cleanup announced the removal; the only tag that it sets and removes.
MARK = "slipway:removal-marked"


def as_mapping(tags: Iterable[Any]) -> dict[str, str]:
    """Turn a service's list of keys and values into a mapping."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def carries(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Say whether all the wanted tags are there, with these very values."""
    return all(tags.get(key) == value for key, value in wanted.items())


def disposable(tags: Mapping[str, str], opt_in: Mapping[str, str]) -> bool:
    """Say whether something may be deleted: opted in, of a development environment, and declared disposable."""
    return carries(tags, {**opt_in, ENVIRONMENT: DEVELOPMENT, DISPOSABLE: "true"})


def kept_by(tags: Mapping[str, str], now: datetime) -> str | None:
    """Say which tag keeps something, if one does. A date that cannot be read keeps, too."""
    if KEEP in tags:
        return f"tag {KEEP}"
    if KEEP_UNTIL not in tags:
        return None
    try:
        until = date.fromisoformat(tags[KEEP_UNTIL])
    except ValueError:
        return f'tag {KEEP_UNTIL} is "{tags[KEEP_UNTIL]}", which is no date; write it as 2025-06-30'
    return f"tag {KEEP_UNTIL}={until}" if now.astimezone(UTC).date() <= until else None


def marked_at(tags: Mapping[str, str]) -> datetime | None:
    """Read when the removal was announced; a value that the cleanup did not write is no announcement."""
    try:
        at = datetime.fromisoformat(tags.get(MARK, ""))
    except ValueError:
        return None
    return at if at.tzinfo else None


def mark(now: datetime) -> TagTypeDef:
    """Write the announcement as a tag."""
    return {"Key": MARK, "Value": now.astimezone(UTC).isoformat(timespec="seconds")}
