"""What AWS Lambda calls: a run over the endpoints, or over retired revisions, as the schedule asks for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Protocol

from idle_endpoint_cleanup.cleanup import clean_up
from idle_endpoint_cleanup.report import embedded
from idle_endpoint_cleanup.revisions import Retired, retire
from idle_endpoint_cleanup.run import Clients, OutOfTimeError, Run
from idle_endpoint_cleanup.settings import Settings


class Context(Protocol):
    """What Lambda tells of the invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends it."""


def handle(event: Mapping[str, str], context: Context) -> dict[str, object]:
    """Run once, and log the record as one line.

    The event cannot set the time: with one in the future, everything would look idle.

    Parameters
    ----------
    event
        ``{"task": "endpoints"}`` or ``{"task": "revisions"}``.
    context
        Of the invocation.

    Returns
    -------
    dict
        The record.
    """
    settings = Settings.read(os.environ)
    run = Run(Clients(), settings, remaining=lambda: context.get_remaining_time_in_millis() / 1000)
    record = perform(event.get("task", "endpoints"), run)
    print(json.dumps(record))
    return record


def perform(task: str, run: Run) -> dict[str, object]:
    """Do one task, ``endpoints`` or ``revisions``, and return its record; raise ValueError for any other."""
    if task == "endpoints":
        return clean_up(run).record(run.settings, run.clock())
    if task != "revisions":
        raise ValueError(f'the task is "{task}"; write endpoints or revisions')
    unfinished = False
    try:
        done = retire(run)
    except OutOfTimeError:
        done, unfinished = Retired(), True
    counts = {
        "RevisionsExamined": done.examined,
        "RevisionsDeleted": len(done.deleted),
        "RevisionsFailed": len(done.failed),
        "RevisionsUnfinished": int(unfinished),
    }
    return {
        **embedded(counts, run.settings, run.clock()),
        "task": task,
        "mode": "delete" if run.settings.delete else "dry-run",
        "marked": done.marked,
        "unmarked": done.unmarked,
        "deleted": done.deleted,
        "failures": done.failed,
    }
