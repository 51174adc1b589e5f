"""What the cleanup is told by its environment variables; all that is wrong with them is said at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from idle_endpoint_cleanup.tags import DEVELOPMENT, ENVIRONMENT

#: Each number: default, lowest, highest. A window of more than 90 days would exceed the 100,800 points of a query.
_NUMBERS = {
    "WINDOW_HOURS": (7 * 24, 24, 90 * 24),
    "GRACE_HOURS": (24, 1, 30 * 24),
    "MAX_DELETIONS": (10, 1, 100),
    "KEPT_REVISIONS": (3, 1, 100),
    "MAX_REVISIONS": (100, 1, 1000),
}
_MODES = ("dry-run", "delete")


class SettingsError(Exception):
    """The environment variables make no sense together."""


@dataclass(frozen=True)
class Settings:
    """How the cleanup behaves.

    Attributes
    ----------
    opt_in
        Tags that an endpoint must carry to be looked at.
    delete
        Mark, notify and delete; otherwise only say what would be done.
    window
        How long an endpoint must be without traffic, creation and update.
    grace
        From the announcement to the removal; shorter than the window, since only traffic within it is known.
    max_deletions
        Endpoints a run.
    kept_revisions
        Configs of an endpoint that stay beside those in use. At least one: after a rollback, the newest is the one
        that CloudFormation takes for current.
    max_revisions
        Retired configs and models a run.
    topic, records
        ARN of the topic, and path of the SSM parameters that tell what was removed; needed for deleting.
    namespace
        CloudWatch namespace of the run's metrics.
    """

    opt_in: Mapping[str, str] = field(default_factory=lambda: {ENVIRONMENT: DEVELOPMENT})
    delete: bool = False
    window: timedelta = timedelta(hours=_NUMBERS["WINDOW_HOURS"][0])
    grace: timedelta = timedelta(hours=_NUMBERS["GRACE_HOURS"][0])
    max_deletions: int = _NUMBERS["MAX_DELETIONS"][0]
    kept_revisions: int = _NUMBERS["KEPT_REVISIONS"][0]
    max_revisions: int = _NUMBERS["MAX_REVISIONS"][0]
    topic: str = ""
    records: str = ""
    namespace: str = "Slipway/IdleEndpoints"

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Settings:
        """Read the environment variables.

        Parameters
        ----------
        variables
            ``OPT_IN_TAGS`` (a JSON object), ``MODE`` (``dry-run`` or ``delete``), ``WINDOW_HOURS``, ``GRACE_HOURS``,
            ``MAX_DELETIONS``, ``KEPT_REVISIONS``, ``MAX_REVISIONS``, ``TOPIC_ARN``, ``RECORD_PATH``,
            ``METRICS_NAMESPACE``; what is missing has its default.

        Raises
        ------
        SettingsError
            With everything that is wrong.
        """
        wrong: list[str] = []
        numbers = {name: _whole(name, variables.get(name), wrong) for name in _NUMBERS}
        mode = variables.get("MODE", "dry-run")
        settings = cls(
            opt_in=_opt_in(variables.get("OPT_IN_TAGS"), wrong),
            delete=mode == "delete",
            window=timedelta(hours=numbers["WINDOW_HOURS"]),
            grace=timedelta(hours=numbers["GRACE_HOURS"]),
            max_deletions=numbers["MAX_DELETIONS"],
            kept_revisions=numbers["KEPT_REVISIONS"],
            max_revisions=numbers["MAX_REVISIONS"],
            topic=variables.get("TOPIC_ARN", ""),
            records=variables.get("RECORD_PATH", ""),
            namespace=variables.get("METRICS_NAMESPACE", cls.namespace),
        )
        if mode not in _MODES:
            wrong.append(f'MODE is "{mode}"; write {" or ".join(_MODES)}')
        if settings.grace >= settings.window:
            wrong.append("GRACE_HOURS must be less than WINDOW_HOURS: only traffic within the window is known")
        if settings.delete:
            if settings.opt_in[ENVIRONMENT] != DEVELOPMENT:
                found = settings.opt_in[ENVIRONMENT]
                wrong.append(f"MODE=delete is only for {ENVIRONMENT}={DEVELOPMENT}, but OPT_IN_TAGS has {found}")
            if not settings.topic.startswith("arn:"):
                wrong.append("MODE=delete needs TOPIC_ARN: nothing is deleted without an announcement")
            if not settings.records.startswith("/"):
                wrong.append("MODE=delete needs RECORD_PATH, such as /slipway/rc-project-a-dev/removed")
        if wrong:
            raise SettingsError("\n".join(wrong))
        return settings


def _whole(name: str, text: str | None, wrong: list[str]) -> int:
    default, lowest, highest = _NUMBERS[name]
    if text is None:
        return default
    if text.isdecimal() and lowest <= int(text) <= highest:
        return int(text)
    wrong.append(f'{name} is "{text}"; write a whole number from {lowest} to {highest}')
    return default


def _opt_in(text: str | None, wrong: list[str]) -> Mapping[str, str]:
    default = {ENVIRONMENT: DEVELOPMENT}
    try:
        tags = default if text is None else json.loads(text)
    except ValueError:
        tags = None
    if isinstance(tags, dict) and tags.get(ENVIRONMENT) and all(isinstance(value, str) for value in tags.values()):
        return tags
    wrong.append(f'OPT_IN_TAGS is "{text}"; write the tags as a JSON object, {ENVIRONMENT} among them')
    return default
