"""What alarms set off, which moto leaves undone: messages to topics when the state changes, and scaling policies.

The message is the one that subscribers of a topic know (CloudWatch User Guide, "Alarm actions").
"""

import json
import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from moto.cloudwatch.models import Alarm, cloudwatch_backends
from moto.sns.models import Subscription, sns_backends

from slipway.local.engine.documents import Document
from slipway.local.mends.alarms import refresh
from slipway.local.mends.autoscaling import AUTOSCALING, actions_of
from slipway.local.mends.patching import replace

_LOG = logging.getLogger(__name__)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Change(NamedTuple):
    alarm: Alarm
    before: str
    at: float


_CHANGES: deque[_Change] = deque()


def apply() -> None:
    """Install the mends."""
    replace(Alarm, update_state=_noting(Alarm.update_state))
    replace(Subscription, publish=_staying_here(Subscription.publish))


def _noting(original: Callable[..., None]) -> Callable[..., None]:
    def update_state(self: Alarm, reason: str, reason_data: str, state_value: str) -> None:
        """Leave the actions to the next tick: whoever asks for the state does not wait for them."""
        before = self.state_value
        original(self, reason, reason_data, state_value)
        if before != state_value:
            _CHANGES.append(_Change(self, before, time.time()))

    return update_state


def _staying_here(original: Callable[..., None]) -> Callable[..., None]:
    def publish(self: Subscription, *arguments: object, **named: object) -> None:
        """Send nothing to addresses out there: an alarm of the local AWS is to wake up nobody."""
        if self.protocol in ("http", "https") and urlsplit(self.endpoint).hostname not in _LOOPBACK:
            _LOG.info("a message of %s was not sent to %s: the local AWS stays here", self.topic.arn, self.endpoint)
            return
        original(self, *arguments, **named)

    return publish


def minute(_now: float) -> None:
    """Evaluate the alarms that set off something; the others are, when somebody asks."""
    for regions in list(cloudwatch_backends.values()):
        for backend in list(regions.values()):
            acting = [
                alarm
                for alarm in list(backend.alarms.values())
                if alarm.actions_enabled
                and (alarm.alarm_actions or alarm.ok_actions or alarm.insufficient_data_actions)
            ]
            refresh(backend, acting)


def tick(_now: float) -> None:
    """Perform the actions of the alarms that have changed their state."""
    while _CHANGES:
        change = _CHANGES.popleft()
        account, region = change.alarm.alarm_arn.split(":")[4], change.alarm.region_name
        for action in actions_of(change.alarm):
            kind = action.split(":")[2]
            if kind == "sns":
                _tell(action, change, account)
            elif kind == "autoscaling":
                AUTOSCALING.wake(account, region)
            else:
                _LOG.info("alarm %s: the local AWS does not perform %s", change.alarm.name, action)


def _tell(topic: str, change: _Change, account: str) -> None:
    _, _, _, region, owner, _ = topic.split(":", 5)
    alarm = change.alarm
    backend = sns_backends[owner][region]
    if topic not in backend.topics:
        _LOG.info("alarm %s: there is no topic %s", alarm.name, topic)
        return
    subject = f'{alarm.state_value}: "{alarm.name}" in {alarm.region_name}'
    backend.publish(message=json.dumps(_message(change, account)), arn=topic, subject=subject[:100])


def _message(change: _Change, account: str) -> Document:
    alarm = change.alarm
    request: Document = getattr(alarm, "request", {})
    if alarm.rule is not None:
        watched: Document = {"AlarmRule": alarm.rule}
    else:
        # Names as they are in messages, which are not those of the API throughout.
        members = {
            "MetricName": request.get("MetricName"),
            "Namespace": request.get("Namespace"),
            "Statistic": (request.get("Statistic") or "").upper() or None,
            "ExtendedStatistic": request.get("ExtendedStatistic"),
            "Unit": request.get("Unit"),
            "Dimensions": [{"name": d["Name"], "value": d["Value"]} for d in request.get("Dimensions") or []],
            "Metrics": request.get("Metrics"),
            "Period": request.get("Period"),
            "EvaluationPeriods": request.get("EvaluationPeriods"),
            "DatapointsToAlarm": request.get("DatapointsToAlarm"),
            "ComparisonOperator": request.get("ComparisonOperator"),
            "Threshold": request.get("Threshold"),
            "TreatMissingData": request.get("TreatMissingData", "missing"),
        }
        watched = {"Trigger": {key: value for key, value in members.items() if value is not None}}
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description or None,
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": _instant(alarm.configuration_updated_timestamp.replace(tzinfo=UTC)),
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": _instant(datetime.fromtimestamp(change.at, UTC)),
        "Region": alarm.region_name,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": change.before,
        "OKActions": list(alarm.ok_actions or []),
        "AlarmActions": list(alarm.alarm_actions or []),
        "InsufficientDataActions": list(alarm.insufficient_data_actions or []),
        **watched,
    }


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.}{at.microsecond // 1000:03d}+0000"
