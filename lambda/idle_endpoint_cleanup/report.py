"""What a run tells: one structured record with the metrics in it, and the notices to the topic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from idle_endpoint_cleanup.decision import Action
from idle_endpoint_cleanup.look import Examined
from idle_endpoint_cleanup.settings import Settings
from idle_endpoint_cleanup.tags import KEEP, KEEP_UNTIL

_HOURS_A_WEEK = 168
#: Endpoints named for each reason to keep them; the count is whole. A log event has a limit.
_NAMED = 100


@dataclass
class Report:
    """A run over the endpoints: the last verdict on each, and what went wrong, by its name in lower case."""

    examined: dict[str, Examined] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, found: Examined) -> None:
        """Take in an endpoint's verdict, instead of an earlier one."""
        self.examined[found.tagged.name] = found
        if found.verdict.reason == "failed":
            self.failures[found.tagged.name] = found.verdict.detail

    def of(self, *actions: Action) -> list[Examined]:
        """List those with a verdict."""
        return [found for _, found in sorted(self.examined.items()) if found.verdict.action in actions]

    def record(self, settings: Settings, now: datetime) -> dict[str, object]:
        """Write the run as one log event, from which CloudWatch extracts the metrics."""
        kept: dict[str, list[str]] = defaultdict(list)
        for found in self.of(Action.KEEP):
            kept[found.verdict.reason].append(found.tagged.name)
        counts = {
            "Examined": len(self.examined),
            "Idle": len(self.of(Action.REPORT, Action.MARK, Action.WAIT, Action.DELETE)),
            "Marked": len(self.of(Action.MARK)),
            "Deleted": len(self.of(Action.DELETE)),
            "Unknown": len(kept.get("unknown", ())),
            "Failed": len(self.failures),
            "Unfinished": sum(found.verdict.reason == "not examined" for found in self.examined.values()),
            "InstanceHoursSaved": hours(self.of(Action.DELETE)),
        }
        return {
            **embedded(counts, settings, now),
            "task": "endpoints",
            "mode": "delete" if settings.delete else "dry-run",
            "marked": _explained(self.of(Action.MARK)),
            "waiting": _explained(self.of(Action.WAIT)),
            "deleted": _explained(self.of(Action.DELETE)),
            "reported": _explained(self.of(Action.REPORT)),
            "kept": {
                reason: {"count": len(names), "endpoints": names[:_NAMED]} for reason, names in sorted(kept.items())
            },
            "failures": self.failures,
        }


def embedded(counts: Mapping[str, int], settings: Settings, now: datetime) -> dict[str, object]:
    """Write metrics in CloudWatch's embedded metric format, with the opt-in tags as dimensions."""
    described = {
        "Namespace": settings.namespace,
        "Dimensions": [sorted(settings.opt_in)],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    about = {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [described]}
    return {"_aws": about, **settings.opt_in, **counts}


def hours(examined: Iterable[Examined]) -> int:
    """Count the instance-hours a week of endpoints that were looked at closely."""
    return sum(found.endpoint.instances for found in examined if found.endpoint) * _HOURS_A_WEEK


def announcement(idle: list[Examined], settings: Settings, now: datetime) -> tuple[str, str]:
    """Announce removals: what goes, why, when, and how to keep it. Return subject and message."""
    due = now + settings.grace
    lines = [
        f"These endpoints will be removed after {due:%Y-%m-%d %H:%M} UTC, because nobody uses them:",
        "",
        *(f"  {one.tagged.name}: {one.verdict.detail}; {hours([one])} instance-hours a week" for one in idle),
        "",
        "Whoever invokes or updates an endpoint keeps it. So does one of these tags on it (`keep` in its config):",
        f"  {KEEP}=<any reason>            as long as the tag is there",
        f"  {KEEP_UNTIL}=<date>    through that day, such as {due:%Y-%m-%d}",
    ]
    return f"Idle endpoints that will be removed: {len(idle)}", "\n".join(lines)


def obituary(removed: list[Examined], settings: Settings) -> tuple[str, str]:
    """Tell what was removed, and how to get it back. Return subject and message."""
    lines = [
        f"These endpoints were removed; that saves {hours(removed)} instance-hours a week:",
        "",
        *(f"  {one.tagged.name}: {one.verdict.detail}" for one in removed),
        "",
        "An endpoint that a stack declares comes back with: make deploy WAKE=<its short name>",
        f"Deployments leave it out until then, as the parameters under {settings.records}/ tell them to.",
    ]
    return f"Idle endpoints that were removed: {len(removed)}", "\n".join(lines)


def _explained(examined: Iterable[Examined]) -> list[dict[str, object]]:
    return [
        {"endpoint": one.tagged.name, "why": one.verdict.detail, "instance_hours_a_week": hours([one])}
        for one in examined
    ]
