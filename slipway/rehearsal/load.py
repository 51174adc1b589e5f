"""Who answers what: requests, failures and behaviour of every fleet in every minute of a rollout."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from slipway.rehearsal.baseline import Baseline
from slipway.rehearsal.faults import HEALTHY, Behaviour, Fault
from slipway.rollout.series import MINUTE
from slipway.rollout.stages import Rollout, Side, Stage


@dataclass(frozen=True, slots=True)
class Answers:
    """What one fleet of one variant did in one minute.

    Attributes
    ----------
    requests
        How many it answered.
    errors_4xx, errors_5xx
        How many of them failed, the usual failures included.
    mix
        Shares of the requests, which add up to 1, with the behaviour of what answered them.
    ready
        Instances, or copies, that can serve.
    idle
        Those of them that got no requests yet.
    load
        Requests of each instance that gets any, beside a usual minute's.
    """

    requests: int = 0
    errors_4xx: int = 0
    errors_5xx: int = 0
    mix: tuple[tuple[float, Behaviour], ...] = ()
    ready: float = 0.0
    idle: float = 0.0
    load: float = 0.0


@dataclass(frozen=True, slots=True)
class Minute:
    """What one variant did in one minute.

    Attributes
    ----------
    start
        Seconds since the update began.
    old, new
        Its two fleets.
    harmed
        Requests that the fault harmed: they failed, or were slow, beyond the usual ones.
    """

    start: int
    old: Answers
    new: Answers
    harmed: float

    @property
    def fleets(self) -> tuple[Answers, Answers]:
        """Both."""
        return self.old, self.new


@dataclass(slots=True)
class _Whole:
    """Makes whole numbers of fractions without losing any: 0.4 a minute is one in every two or three minutes."""

    given: float = 0.0
    taken: int = 0

    def take(self, expected: float) -> int:
        self.given += expected
        now = math.floor(self.given + 1e-9)
        taken, self.taken = now - self.taken, now
        return taken


@dataclass(slots=True)
class _Counters:
    requests: _Whole = field(default_factory=_Whole)
    errors_4xx: _Whole = field(default_factory=_Whole)
    errors_5xx: _Whole = field(default_factory=_Whole)


@dataclass(frozen=True, slots=True)
class _Cohort:
    """The share of a variant's traffic that moved to the new fleet at one moment."""

    joined: float
    share: float


def first_traffic(rollout: Rollout) -> float | None:
    """When the new fleet gets its first request, in seconds; ``None`` when it gets none."""
    for stage in (*rollout.stages, rollout.at(rollout.duration)):
        if stage.traffic.new > 0 and stage.end > stage.start:
            return stage.start
    return None


def minutes(
    rollout: Rollout,
    variant: int,
    baseline: Baseline,
    fault: Fault,
    *,
    sick: bool,
    start: int,
    end: int,
    calls_from: float = -math.inf,
) -> list[Minute]:
    """Follow one variant through a rollout.

    Parameters
    ----------
    rollout
        As it runs, with its rollback if there is one.
    variant
        Its place among the update's variants.
    baseline
        Healthy traffic.
    fault
        What is wrong.
    sick
        Whether it is this variant that has the fault.
    start, end
        Seconds since the update began, whole minutes; the start may be before it.
    calls_from
        When the calls begin.

    Returns
    -------
    list of Minute
        One for each.
    """
    stages = _stages(rollout, start, end)
    cohorts = _cohorts(stages, variant)
    first = next((cohort.joined for those in cohorts for cohort in those), 0.0)
    weight = rollout.update.weights[variant]
    counters: dict[Side, _Counters] = {"old": _Counters(), "new": _Counters()}
    usual = max(1, rollout.update.variants[variant].old.count)
    found, at = [], 0
    for minute in range(start, end, MINUTE):
        while stages[at].end <= minute:
            at += 1
        parts: dict[Side, list[tuple[float, Behaviour]]] = {"old": [], "new": []}
        ready: dict[Side, float] = {"old": 0.0, "new": 0.0}
        for index in range(at, len(stages)):
            stage = stages[index]
            begin, until = max(stage.start, minute), min(stage.end, minute + MINUTE)
            if begin >= minute + MINUTE:
                break
            part, middle = (until - begin) / MINUTE, (begin + until) / 2
            standing = stage.variants[variant]
            ready["old"] += part * standing.old.ready
            ready["new"] += part * standing.new.ready
            moved = 0.0
            for cohort in cohorts[index]:
                age = middle - (cohort.joined if fault.each_instance else first)
                ill = sick and fault.side == "new"
                parts["new"].append((part * cohort.share, fault.course(age) if ill else HEALTHY))
                moved += cohort.share
            ill = sick and fault.side == "old"
            parts["old"].append((part * max(0.0, 1 - moved), fault.course(minute - start) if ill else HEALTHY))
        calls = baseline.requests * weight * min(1.0, max(0.0, (minute + MINUTE - calls_from) / MINUTE))
        sides = {
            side: _answers(parts[side], ready[side], calls, baseline, counters[side], usual) for side in ("old", "new")
        }
        harmed = sum(_harmed(answers, baseline) for answers in sides.values())
        found.append(Minute(minute, sides["old"], sides["new"], harmed))
    return found


def _answers(
    parts: list[tuple[float, Behaviour]],
    ready: float,
    calls: float,
    baseline: Baseline,
    counters: _Counters,
    usual: int,
) -> Answers:
    share = sum(part for part, _ in parts)
    if share <= 0:
        return Answers(ready=ready, idle=ready)
    mix = tuple((part / share, behaviour) for part, behaviour in parts if part > 0)
    expected = calls * share
    requests = counters.requests.take(expected)
    bad_4xx = sum(part * behaviour.errors_4xx for part, behaviour in mix)
    bad_5xx = sum(part * behaviour.errors_5xx for part, behaviour in mix)
    usual_4xx, usual_5xx = baseline.errors_4xx, baseline.errors_5xx
    errors_5xx = min(requests, counters.errors_5xx.take(expected * (bad_5xx + (1 - bad_5xx) * usual_5xx)))
    errors_4xx = min(requests - errors_5xx, counters.errors_4xx.take(expected * (1 - bad_5xx) * (bad_4xx + usual_4xx)))
    busy = min(ready, max(share * usual, 1e-9))
    load = (expected / busy) / (calls / usual) if calls and ready else 0.0
    return Answers(requests, errors_4xx, errors_5xx, mix, ready, ready - busy if ready else 0.0, load)


def _harmed(answers: Answers, baseline: Baseline) -> float:
    return answers.requests * sum(
        part * (bad + (1 - bad) * baseline.latency.slowed(behaviour.slower))
        for part, behaviour in answers.mix
        if (bad := min(1.0, behaviour.errors_5xx + behaviour.errors_4xx)) or behaviour.slower > 1
    )


def _stages(rollout: Rollout, start: int, end: int) -> list[Stage]:
    """All that take time, with the quiet before and after."""
    inside = [stage for stage in rollout.stages if stage.end > stage.start]
    return [rollout.at(start) if start < 0 else rollout.at(-1), *inside, rollout.at(max(end, rollout.duration))]


def _cohorts(stages: Sequence[Stage], variant: int) -> list[tuple[_Cohort, ...]]:
    return list(_joined(stages, variant))


def _joined(stages: Sequence[Stage], variant: int) -> Iterator[tuple[_Cohort, ...]]:
    cohorts: tuple[_Cohort, ...] = ()
    for stage in stages:
        share, had = stage.variants[variant].shifted, sum(cohort.share for cohort in cohorts)
        if share > had + 1e-9:
            cohorts = (*cohorts, _Cohort(stage.start, share - had))
        elif share < had - 1e-9:
            left = share / had
            cohorts = tuple(_Cohort(cohort.joined, cohort.share * left) for cohort in cohorts) if left else ()
        yield cohorts
