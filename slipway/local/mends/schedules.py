"""Schedules of EventBridge Scheduler, fired when somebody asks; by themselves they are only stored.

What a target gets is that of the Scheduler User Guide ("Templated targets", "Adding context attributes").
"""

import json
import uuid
from datetime import UTC, datetime

from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, ScheduleGroup, scheduler_backends

from slipway.local.engine.documents import Document
from slipway.local.engine.resource_type import Scope
from slipway.local.mends.answers import ApiError
from slipway.local.mends.delivery import UndeliverableError, deliver
from slipway.local.mends.patching import replace
from slipway.local.resources.calls import Calls, method, shape

_UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"
_calls = Calls("")


class NotFiredError(Exception):
    """A schedule did nothing; the message says why."""


def apply(url: str) -> None:
    """Install the mends.

    Parameters
    ----------
    url
        Where this server answers; targets are called there.
    """
    global _calls
    _calls = Calls(url)
    create = EventBridgeSchedulerBackend.create_schedule_group

    def create_schedule_group(
        self: EventBridgeSchedulerBackend, name: str, tags: list[dict[str, str]]
    ) -> ScheduleGroup:
        """Refuse a name that is taken: moto puts an empty group in the place of the one with its schedules."""
        if name in self.schedule_groups:
            raise ApiError("ConflictException", f"Schedule group {name} already exists.")
        group: ScheduleGroup = create(self, name, tags)
        return group

    replace(EventBridgeSchedulerBackend, create_schedule_group=create_schedule_group)


def fire(account: str, region: str, group: str, name: str) -> str:
    """Call a schedule's target, with its input and as its role.

    Returns
    -------
    str
        The id of the execution.

    Raises
    ------
    NotFiredError
        When there is no such schedule, it is disabled, or its target refuses.
    """
    try:
        schedule = scheduler_backends[account][region].get_schedule(group, name)
    except (ServiceException, JsonRESTError) as error:
        raise NotFiredError(f"There is no schedule {group}/{name} in account {account}, {region}.") from error
    if schedule.state == "DISABLED":
        raise NotFiredError(f"The schedule {group}/{name} is disabled; it would not fire.")
    execution = str(uuid.uuid4())
    text = _input(schedule, account, region, execution)
    try:
        _call(schedule.target, Scope(account, region, "", ""), text, execution)
    except (ClientError, UndeliverableError) as error:
        raise NotFiredError(f"The target of {group}/{name} refused: {error}") from error
    return execution


def _input(schedule: Schedule, account: str, region: str, execution: str) -> str:
    """Return what the target gets; without an input it is an event that tells of the schedule."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    given = schedule.target.get("Input")
    if not given:
        event = {
            "version": "0",
            "id": execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": account,
            "time": now,
            "region": region,
            "resources": [schedule.arn],
            "detail": "{}",
        }
        return json.dumps(event)
    known = {
        "schedule-arn": schedule.arn,
        "scheduled-time": now,
        "execution-id": execution,
        "attempt-number": "1",
    }
    text = str(given)
    for attribute, value in known.items():
        text = text.replace(f"<aws.scheduler.{attribute}>", value)
    return text


def _call(target: Document, scope: Scope, text: str, execution: str) -> None:
    arn = target["Arn"]
    if not arn.startswith(_UNIVERSAL):
        deliver(_calls, scope, target["RoleArn"], execution, arn, text)
        return
    service, action = arn.removeprefix(_UNIVERSAL).split(":")
    client = _calls.client_as(_calls.assume(scope, target["RoleArn"], execution), scope, service)
    operation = action[0].upper() + action[1:]
    wanted = client.meta.service_model.operation_model(operation).input_shape
    method(client, operation)(**(shape(wanted, json.loads(text)) if wanted else {}))
