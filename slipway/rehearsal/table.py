"""The cells of a report's tables, for every output."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.rehearsal.compare import Choice, Comparison
from slipway.rehearsal.rehearsal import Rehearsal, Trip, Verdict
from slipway.rehearsal.report import TargetReport
from slipway.rehearsal.target import Target
from slipway.rehearsal.words import minutes, number, stage_name
from slipway.rollout.policy import Policy, Rolling
from slipway.rollout.stages import BAKES
from slipway.rollout.strategies import effective, intended

COLUMNS = ("fault", "how it ends", "alarm", "in stage", "after", "harmed", "over after", "unguarded")
Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def matrix(report: TargetReport) -> Table:
    """The heads and one row for each rehearsal."""
    return COLUMNS, [_row(rehearsal, report.aside) for rehearsal in report.rehearsals]


def _row(rehearsal: Rehearsal, aside: Sequence[str]) -> tuple[str, ...]:
    trip = rehearsal.ended_by or rehearsal.told_by
    policy, _ = effective(rehearsal.target.update)
    as_always = rehearsal.verdict is Verdict.ROLLED_BACK and trip is not None and trip.alarm in aside
    return (
        rehearsal.title,
        "updated" if rehearsal.verdict is Verdict.FINE else f"{rehearsal.verdict}{', as always' if as_always else ''}",
        short(trip.alarm, rehearsal.target) if trip else "",
        ("before the update" if trip.at == 0 else stage_name(trip.stage, policy)) if trip else "",
        _after(rehearsal, trip),
        number(rehearsal.harmed),
        minutes(rehearsal.rollout.duration),
        number(rehearsal.unguarded),
    )


def _after(rehearsal: Rehearsal, trip: Trip | None) -> str:
    if trip is None or rehearsal.began is None or trip.at == 0:
        return ""
    return "before harm" if rehearsal.after is None else minutes(rehearsal.after)


def short(alarm: str, target: Target) -> str:
    """An alarm's name without the endpoint's, which stands above the table."""
    prefix = f"{target.place.endpoint}-"
    return f"…{alarm.removeprefix(prefix)}" if alarm.startswith(prefix) else alarm


def comparison(compared: Comparison) -> Table:
    """One column for each strategy; the row of a fault says how many requests it harms."""
    choices = compared.choices
    faults = [place for place, one in enumerate(choices[0].rehearsals) if one.fault.side is not None]
    heads = ("", *(_choice(choice) for choice in choices))
    return heads, [
        ("minutes", *(f"{round(choice.rollout.duration / 60, 1):g}" for choice in choices)),
        ("instances at the peak", *(str(choice.peak) for choice in choices)),
        *(
            (choices[0].rehearsals[place].title, *(_harm(choice.rehearsals[place]) for choice in choices))
            for place in faults
        ),
    ]


def _choice(choice: Choice) -> str:
    name = _strategy(choice.policy)
    return f"as declared ({name})" if choice.name == "as declared" else name


def _harm(rehearsal: Rehearsal) -> str:
    back = rehearsal.verdict in (Verdict.ROLLED_BACK, Verdict.TIMED_OUT, Verdict.FALSE_ALARM)
    return f"{number(rehearsal.harmed)}{' ↩' if back else ''}"


def headline(target: Target) -> str:
    """What is updated, and how: ``canary of 1, 4 × ml.m5.large, 25 min, ended by 3 alarms``."""
    policy, _ = effective(target.update)
    fleets = ", ".join(
        " × ".join(filter(None, (str(variant.new.count), variant.new.type or _what(target))))
        if variant.new.count
        else "serverless"
        for variant in target.update.variants
    )
    count = len(policy.alarms)
    alarms = f"{count} alarm{'' if count == 1 else 's'} can end it" if count else "no alarm can end it"
    return f"{_strategy(policy)}; {fleets}; {minutes(intended(target.update).duration)}; {alarms}"


def _what(target: Target) -> str:
    return "copies" if target.mode == "components" else "instances"


def _strategy(policy: Policy) -> str:
    strategy = policy.strategy
    size = strategy.batch if isinstance(strategy, Rolling) else strategy.size
    return policy.name.replace("_", " ") + (f" of {size}" if size else "")


def course(target: Target) -> str:
    """The stages of the update without a fault, in a line."""
    policy, _ = effective(target.update)
    parts = [
        f"{stage_name(stage, policy)} {minutes(stage.seconds)}"
        for stage in intended(target.update).stages
        if stage.seconds > 0
    ]
    if not any(stage.kind in BAKES for stage in intended(target.update).stages):
        parts.append("no bake")
    return " → ".join(parts)


def legend(report: TargetReport) -> Sequence[str]:
    """What the columns mean."""
    watched = minutes(report.rehearsals[0].watched_for) if report.rehearsals else ""
    harmed = (
        "harmed: requests that failed, or took longer than all but one healthy one in a thousand, until the update is "
        f"over and for as long as it is watched then ({watched} in all for healthy traffic)."
    )
    return (
        "after: from the first harmed request to the alarm.",
        harmed,
        "unguarded: the same with all traffic moved at once and no alarms.",
    )


def rest(report: TargetReport) -> str:
    """What follows when alarms that always go off are left aside."""
    names = " and ".join(report.aside)
    goes = "it goes" if len(report.aside) == 1 else "they go"
    return f"Leaving {names} aside, as {goes} off in any case:"
