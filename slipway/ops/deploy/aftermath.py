"""What became of a deployment: endpoints that were rolled back although all looks well, stacks that go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.preflight.clients import Clients
from slipway.ops.preflight.facts import EndpointFacts, StackState, stack_state
from slipway.ops.preflight.update import ending_alarms
from slipway.ops.trouble import explained

if TYPE_CHECKING:
    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

_THREADS = 8


@dataclass(frozen=True, slots=True)
class RolledBack:
    """An endpoint that serves another config than its stack holds.

    Attributes
    ----------
    name
        Its short name.
    text
        What happened, and what to do; some lines.
    """

    name: str
    text: str


def rolled_back(
    environment: Environment, target: Target, names: Iterable[str], since: datetime | None = None
) -> Iterator[RolledBack]:
    """Find endpoints whose update was rolled back: to CloudFormation that looks like success.

    Parameters
    ----------
    environment
        The environment.
    target
        Where it is.
    names
        Short names of endpoints.
    since
        When the deployment began, by AWS's clock: alarms that went off since are named.

    Yields
    ------
    RolledBack
        One for each, in the order of the names.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        When AWS cannot be asked.
    """
    clients = Clients(target)
    with ThreadPoolExecutor(_THREADS) as pool:
        for facts in [EndpointFacts(pool, clients, environment, name) for name in names]:
            live, serving, held = facts.live.result(), facts.serving.result(), facts.held.result()
            if live is None or serving is None or held is None or live.busy:
                continue
            if serving.name.casefold() == held.name.casefold():
                continue
            version = environment.endpoints[facts.name].version
            back = f", or write `version: {serving.version}` to keep what serves" if serving.version else ""
            happened = (
                f"{facts.name}: rolled back, although CloudFormation reports success: it serves {serving}, its stack "
                f"holds {held}"
            )
            cure = (
                f"  deploying version {version} again would change nothing: publish a cure under another version and "
                f"declare that{back}"
            )
            went_off = _went_off(clients, ending_alarms(environment, facts.name).names, since)
            lines = [happened, *went_off, cure]
            yield RolledBack(facts.name, "\n".join(lines))


def _went_off(clients: Clients, alarms: Iterable[str], since: datetime | None) -> Iterator[str]:
    """Say which alarms went off; whoever may not ask is told so, since the rest is known all the same."""
    if since is None:
        return
    try:
        for alarm in alarms:
            pages = clients.cloudwatch.get_paginator("describe_alarm_history").paginate(
                AlarmName=alarm, HistoryItemType="StateUpdate", StartDate=since
            )
            for item in (item for page in pages for item in page["AlarmHistoryItems"]):
                if item["HistorySummary"].endswith("to ALARM"):
                    yield f"  {alarm} went off at {item['Timestamp'].astimezone(UTC):%H:%M:%S} UTC"
    except (ClientError, BotoCoreError) as error:
        yield f"  {explained(error, 'why that was could not be told')}"


def under_way(environment: Environment, target: Target, names: Iterable[str]) -> list[StackState]:
    """Find the stacks of an environment at which CloudFormation is at work.

    Parameters
    ----------
    environment
        The environment.
    target
        Where it is.
    names
        Short names of endpoints, besides the foundation and operations.

    Returns
    -------
    list of StackState
        In the order in which they are deployed.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        When CloudFormation cannot be asked.
    """
    cloudformation = Clients(target).cloudformation
    states = [
        stack_state(cloudformation, environment.names.stack(part)) for part in ("foundation", *names, "operations")
    ]
    return [state for state in states if state is not None and state.status.endswith("_IN_PROGRESS")]
