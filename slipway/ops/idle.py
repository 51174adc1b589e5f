"""What the cleanup of idle endpoints would do now: its own code, run where it can change nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from idle_endpoint_cleanup.cleanup import clean_up
from idle_endpoint_cleanup.decision import Action, announced_at
from idle_endpoint_cleanup.handler import perform
from idle_endpoint_cleanup.report import hours
from idle_endpoint_cleanup.run import Clients, Run
from idle_endpoint_cleanup.settings import Settings
from slipway.local import steering
from slipway.spec.cleanup_settings import variables

if TYPE_CHECKING:
    from idle_endpoint_cleanup.look import Examined
    from slipway.ops.target import Target
    from slipway.spec.cleanup import Cleanup
    from slipway.spec.environment import Environment

#: What a person reads about each verdict, in the order of the table.
_WORDS = {
    Action.DELETE: "goes",
    Action.WAIT: "waits",
    Action.MARK: "to be announced",
    Action.REPORT: "idle, stays",
    Action.KEEP: "stays",
}


@dataclass(frozen=True)
class Row:
    """One endpoint.

    Attributes
    ----------
    endpoint
        Its whole name, in lower case.
    action
        ``delete``, ``wait``, ``mark``, ``report`` or ``keep``.
    when
        When it goes, in words; empty for what stays.
    reason, why
        A word to count by, and a sentence.
    instance_hours_a_week
        What it costs while it is there; ``None`` where that was not looked at.
    """

    endpoint: str
    action: str
    when: str
    reason: str
    why: str
    instance_hours_a_week: int | None

    @property
    def cells(self) -> list[str]:
        """The row as people read it."""
        cost = "" if self.instance_hours_a_week is None else str(self.instance_hours_a_week)
        return [self.endpoint, _WORDS[Action(self.action)], self.when, self.why, cost]


#: Heads of `Row.cells`.
COLUMNS = ("endpoint", "what", "when", "why", "instance-hours a week")


@dataclass(frozen=True)
class Outlook:
    """What the cleanup would do now.

    Attributes
    ----------
    mode
        ``delete``, or ``report`` where it only tells.
    rows
        The endpoints, those that go first.
    revisions
        Configs and models by what would become of them: ``marked`` or ``deleted``; and how many were examined.
    failures
        What could not be looked at, and why.
    """

    mode: str
    rows: tuple[Row, ...]
    revisions: dict[str, Any]
    failures: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for programs."""
        return {
            "mode": self.mode,
            "endpoints": [asdict(row) for row in self.rows],
            "revisions": self.revisions,
            "failures": self.failures,
        }


def look(environment: Environment, cleanup: Cleanup, target: Target) -> Outlook:
    """Decide as the function would, and change nothing.

    Parameters
    ----------
    environment, cleanup
        The environment, and how its cleanup was declared.
    target
        Where it is.

    Returns
    -------
    Outlook
        What the next run would do if it came now.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        If the endpoints cannot be listed, or their metrics.
    """
    settings = Settings.read(variables(environment, cleanup))
    return outlook(Run(_clients(target), settings, clock=_clock(target)), cleanup)


def outlook(run: Run, cleanup: Cleanup) -> Outlook:
    """Decide as a run would.

    Parameters
    ----------
    run
        The run; whatever its settings say, nothing is changed.
    cleanup
        How the cleanup was declared.

    Returns
    -------
    Outlook
        What it would do.
    """
    run = replace(run, settings=replace(run.settings, delete=False))
    report = clean_up(run)
    retired = perform("revisions", run)
    found = sorted(report.examined.values(), key=lambda one: (list(_WORDS).index(one.verdict.action), one.tagged.name))
    revisions = {"examined": retired["RevisionsExamined"], "marked": retired["marked"], "deleted": retired["deleted"]}
    failed: Any = retired["failures"]
    return Outlook(
        cleanup.mode,
        tuple(_row(one, run.settings, run.clock(), cleanup) for one in found),
        revisions,
        {**report.failures, **failed},
    )


def _row(found: Examined, settings: Settings, now: datetime, cleanup: Cleanup) -> Row:
    verdict = found.verdict
    when = ""
    if cleanup.mode == "delete":
        when = {
            Action.DELETE: "at the next run",
            Action.MARK: f"{cleanup.grace} after the next run",
            Action.WAIT: _due(found, settings, now),
        }.get(verdict.action, "")
    cost = hours([found]) if found.endpoint else None
    return Row(found.tagged.name, verdict.action.value, when, verdict.reason, verdict.detail, cost)


def _due(found: Examined, settings: Settings, now: datetime) -> str:
    announced = announced_at(found.tagged.tags, settings, now)
    due = announced and announced + settings.grace
    return f"after {due:%Y-%m-%d %H:%M} UTC" if due and due > now else "at a later run"


def _clients(target: Target) -> Clients:
    return Clients(
        sagemaker=target.client("sagemaker"),
        cloudwatch=target.client("cloudwatch"),
        tagging=target.client("resourcegroupstaggingapi"),
        cloudformation=target.client("cloudformation"),
        scaling=target.client("application-autoscaling"),
        ssm=target.client("ssm"),
        sns=target.client("sns"),
    )


def _clock(target: Target) -> Callable[[], datetime]:
    ahead = timedelta()
    if target.kind == "local":  # whose clock may have been moved
        ahead = steering.clock(target.environ["AWS_ENDPOINT_URL"]).ahead
    return lambda: datetime.now(UTC) + ahead
