"""An update from its start to its end: as intended, or ended by an alarm or by its maximum time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from slipway.rollout.fleets import Update
from slipway.rollout.history import History
from slipway.rollout.rollback import roll_back
from slipway.rollout.stages import Ending, Rollout
from slipway.rollout.strategies import effective, intended

MAXIMUM_TIME = "maximum execution time"


class Range(NamedTuple):
    """The same update at the counts between which autoscaling moves the fleets."""

    lowest: Rollout
    highest: Rollout


def roll_out(update: Update, alarms: Mapping[str, History] | None = None) -> Rollout:
    """Run an update.

    Parameters
    ----------
    update
        What is updated, and how.
    alarms
        The states of alarms over time, in seconds since the update began, by name. Only those count that the
        DeploymentConfig names; one that is not there stays silent.

    Returns
    -------
    Rollout
        To its end: on the new fleet, or rolled back by whatever comes first.
    """
    rollout = intended(update)
    ending = first_ending(rollout, alarms or {})
    return rollout if ending is None else roll_back(rollout, ending.at, ending.why)


def between_limits(update: Update) -> Range:
    """Run an update with every variant at the lowest and at the highest count of its autoscaling.

    Parameters
    ----------
    update
        Variants without limits keep their counts.

    Returns
    -------
    Range
        Both; equal without autoscaling.
    """
    return Range(roll_out(update.at_lowest()), roll_out(update.at_highest()))


def first_ending(rollout: Rollout, alarms: Mapping[str, History]) -> Ending | None:
    """What ends an update first.

    Alarms end it in stages that are watched, which are the bakes ("the alarms are active during the baking period",
    Developer Guide). One that is in ALARM when a bake begins ends the update there. So does one that was in ALARM
    before the update; whether the service aborts then is not documented. The maximum execution time ends it in any
    stage, provisioning included, which is not documented either.

    Parameters
    ----------
    rollout
        As intended.
    alarms
        The states of alarms over time, by name.

    Returns
    -------
    Ending or None
        The earliest; of two alarms at one moment the one that is named first. ``None`` when nothing ends the update.
    """
    policy, _ = effective(rollout.update)
    endings = [
        Ending(at, f"alarm {name}")
        for name in policy.alarms
        if name in alarms and (at := _trips(rollout, alarms[name])) is not None
    ]
    timeout = policy.strategy.timeout
    if timeout is not None and rollout.duration > timeout:
        endings.append(Ending(timeout, MAXIMUM_TIME))
    return min(endings, key=lambda ending: ending.at, default=None)


def _trips(rollout: Rollout, history: History) -> float | None:
    for stage in rollout.stages:
        if stage.watched:
            at = history.first_alarm(stage.start, stage.end)
            if at is not None:
                return at
    return None
