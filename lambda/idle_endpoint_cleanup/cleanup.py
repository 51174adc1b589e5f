"""A run over the endpoints: survey, remove what is due, announce what has become idle, report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from idle_endpoint_cleanup.decision import Action, Verdict
from idle_endpoint_cleanup.inventory import Tagged
from idle_endpoint_cleanup.look import Examined, Survey, closely, failed, once_more, survey
from idle_endpoint_cleanup.references import References
from idle_endpoint_cleanup.removal import LeftoverError, remove
from idle_endpoint_cleanup.report import Report, announcement, obituary
from idle_endpoint_cleanup.run import AWS_ERRORS, OutOfTimeError, Run
from idle_endpoint_cleanup.tags import MARK, mark


def clean_up(run: Run) -> Report:
    """Run once. In a dry run everything is looked at and decided, and nothing is changed.

    Returns
    -------
    Report
        What was found and done, and what failed with single endpoints.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        If the survey fails: then nothing was done.
    """
    report, seen = Report(), survey(run)
    for found in seen.settled:
        _take(run, report, found)
    # What is due comes before what is unclear, so that a slow account cannot keep it from its turn.
    _remove_due(run, report, seen)
    for batch in closely(run, seen):
        idle = [found for found in batch if found.verdict.action is Action.MARK]
        for found in batch:
            if found.verdict.action is not Action.MARK:
                _take(run, report, found)
        _announce(run, report, idle)
    return report


def _take(run: Run, report: Report, found: Examined) -> None:
    """Note an endpoint, and take back an announcement that no longer holds."""
    if found.verdict.unmark:
        _attempt(run, report, found, partial(run.aws.sagemaker.delete_tags, TagKeys=[MARK]))
    else:
        report.add(found)


def _attempt(run: Run, report: Report, found: Examined, call: Callable[..., object]) -> None:
    """Change an endpoint's tags, and note it."""
    try:
        if run.settings.delete:
            call(ResourceArn=found.tagged.arn)
        report.add(found)
    except AWS_ERRORS as error:
        report.add(failed(found.tagged, error))


def _announce(run: Run, report: Report, idle: list[Examined]) -> None:
    """Notify, then mark: nothing carries the mark of which nobody was told."""
    if idle and _published(run, report, *announcement(idle, run.settings, run.clock())):
        told = mark(run.clock())  # the grace begins when the owners know
        for found in idle:
            _attempt(run, report, found, partial(run.aws.sagemaker.add_tags, Tags=[told]))


def _published(run: Run, report: Report, subject: str, message: str) -> bool:
    try:
        if run.settings.delete:
            run.aws.sns.publish(TopicArn=run.settings.topic, Subject=subject, Message=message)
    except AWS_ERRORS as error:
        report.failures[f"notice: {subject}"] = str(error)
        return False
    return True


def _remove_due(run: Run, report: Report, seen: Survey) -> None:
    references = References(run)
    removed: list[Examined] = []
    attempts = 0
    for one in seen.due:
        found = _spared(run, one, attempts)
        if found is None:
            try:
                found = once_more(run, one.arn, seen)
                if found.verdict.action is Action.DELETE:
                    attempts += 1  # before the first call, since one that fails may have had its effect
                    if run.settings.delete:
                        found = remove(run, found, seen, references)
            except OutOfTimeError:
                found = Examined(one, Verdict(Action.WAIT, "not examined", "its removal is under way"))
            except (LeftoverError, *AWS_ERRORS) as error:
                found = failed(one, error)
        _take(run, report, found)
        if found.verdict.action is Action.DELETE:
            removed.append(found)
    if removed:
        _published(run, report, *obituary(removed, run.settings))


def _spared(run: Run, one: Tagged, attempts: int) -> Examined | None:
    """Leave an endpoint that is due to the next run, if this one has no time or has removed enough."""
    if not run.in_time():
        return Examined(one, Verdict(Action.WAIT, "not examined", "the run's time was up; the next run goes on"))
    if attempts == run.settings.max_deletions:
        detail = f"a run removes no more than {attempts}; those announced earlier go first"
        return Examined(one, Verdict(Action.WAIT, "over the cap", detail))
    return None
