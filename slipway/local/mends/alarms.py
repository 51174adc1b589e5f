"""Alarms: their states, on the project's own evaluation.

moto never evaluates an alarm, says OK of new ones, and forgets the state of those that change.
What the states are is decided in ``slipway.rollout``; this stores and returns them.
"""

import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import cast

from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from slipway.local.engine.documents import Document, Json
from slipway.local.mends.cloudwatch import key_of, store
from slipway.local.mends.patching import add, replace
from slipway.rollout.alarm import CompositeAlarm, MetricAlarm, read
from slipway.rollout.composite import children, holds
from slipway.rollout.declared import DeclarationError
from slipway.rollout.expressions import ExpressionError
from slipway.rollout.history import History, Transition, evaluate_at
from slipway.rollout.series import MINUTE, SeriesKey
from slipway.rollout.state import INSUFFICIENT_DATA, State, Verdict

_ALARMS_PAGE = 50
# SetAlarmState lasts until the next evaluation, which the service makes about once a minute.
_HELD_SECONDS = 60.0


def apply() -> None:
    """Install the mends."""
    # moto's PutMetricAlarm takes an AlarmRule as well, but nothing leads PutCompositeAlarm to it.
    composite = _keeping_request(CloudWatchResponse.put_metric_alarm)
    replace(
        CloudWatchBackend,
        put_metric_alarm=_keeping_state(CloudWatchBackend.put_metric_alarm),
        set_alarm_state=_holding(CloudWatchBackend.set_alarm_state),
    )
    replace(
        CloudWatchResponse,
        put_metric_alarm=_keeping_request(CloudWatchResponse.put_metric_alarm),
        describe_alarms=describe_alarms,
        describe_alarms_for_metric=describe_alarms_for_metric,
    )
    add(
        CloudWatchResponse,
        put_composite_alarm=composite,
        describe_alarm_history=describe_alarm_history,
    )


def _keeping_state(original: Callable[..., Alarm]) -> Callable[..., Alarm]:
    def put_metric_alarm(self: CloudWatchBackend, name: str, **settings: Json) -> Alarm:
        """Keep the state of an alarm that exists; new ones know nothing. moto says OK to both."""
        before = self.alarms.get(name)
        alarm = original(self, name=name, **settings)
        alarm.state_value = INSUFFICIENT_DATA
        if before is not None:
            for member in ("state_value", "state_reason", "state_updated_timestamp", "history"):
                setattr(alarm, member, getattr(before, member))
            alarm.held_until = getattr(before, "held_until", 0.0)  # type: ignore[attr-defined]
            alarm.held = getattr(before, "held", None)  # type: ignore[attr-defined]
        return alarm

    return put_metric_alarm


def make_alarm(backend: CloudWatchBackend, request: Document) -> Alarm:
    """Make an alarm on behalf of a service, from the members of PutMetricAlarm."""
    alarm = backend.put_metric_alarm(
        name=request["AlarmName"],
        namespace=request.get("Namespace", ""),
        metric_name=request.get("MetricName", ""),
        comparison_operator=request["ComparisonOperator"],
        evaluation_periods=request["EvaluationPeriods"],
        period=request.get("Period") or 0,
        threshold=request["Threshold"],
        statistic=request.get("Statistic", ""),
        description=request["AlarmDescription"],
        dimensions=request.get("Dimensions") or [],
        alarm_actions=request["AlarmActions"],
        treat_missing_data=request.get("TreatMissingData"),
    )
    alarm.request = dict(request)  # type: ignore[attr-defined]
    return alarm


def _keeping_request(
    original: Callable[[CloudWatchResponse], ActionResult],
) -> Callable[[CloudWatchResponse], ActionResult]:
    def put(self: CloudWatchResponse) -> ActionResult:
        """Keep the whole request: moto's answers lack members, the metrics of a math alarm say."""
        answer = original(self)
        alarm = self.cloudwatch_backend.alarms[self._get_param("AlarmName")]
        alarm.request = {  # type: ignore[attr-defined]
            key: value for key, value in dict(self._get_params()).items() if key != "Tags"
        }
        return answer

    return put


def _holding(original: Callable[..., None]) -> Callable[..., None]:
    def set_alarm_state(
        self: CloudWatchBackend, alarm_name: str, reason: str, reason_data: str, state_value: str
    ) -> None:
        """Let a state that was set by hand stand until the next evaluation would be."""
        original(self, alarm_name, reason, reason_data, state_value)
        alarm, now = self.alarms[alarm_name], time.time()
        alarm.held_until = now + _HELD_SECONDS  # type: ignore[attr-defined]
        alarm.held = Transition(now, cast("State", state_value), reason)  # type: ignore[attr-defined]

    return set_alarm_state


# -- alarms that an update follows


def state_of(alarm: Alarm) -> State:
    """Return an alarm's state."""
    return cast("State", alarm.state_value)


def held(alarm: Alarm, now: float) -> bool:
    """Tell whether a state that was set by hand stands."""
    return float(getattr(alarm, "held_until", 0.0)) > now


def with_held(history: History, alarm: Alarm) -> History:
    """Return an alarm's states with the one that was set by hand last."""
    hand: Transition | None = getattr(alarm, "held", None)
    if hand is None:
        return history
    until = hand.time + _HELD_SECONDS
    before = [one for one in history.transitions if one.time < hand.time]
    after = [Transition(until, history.at(until)), *(one for one in history.transitions if one.time > until)]
    return History(history.initial, (*before, hand, *after))


def bring(alarm: Alarm, history: History, now: float) -> None:
    """Leave an alarm in the state that its history has for now."""
    passed = [one for one in history.transitions if one.time <= now]
    state = history.at(now)
    if state != alarm.state_value:
        alarm.update_state(passed[-1].reason if passed else "", "{}", state)


def follow(alarms: Iterable[Alarm], settle: Callable[[], object] | None) -> None:
    """Let an update evaluate its alarms, as often as the service would; ``None`` when it is over."""
    for alarm in alarms:
        alarm.follower = settle  # type: ignore[attr-defined]


def refresh(backend: CloudWatchBackend, chosen: Iterable[Alarm], asking: frozenset[str] = frozenset()) -> None:
    """Bring alarms' states up to date.

    Done when somebody asks, which answers the same as a timer would, without one.

    Parameters
    ----------
    chosen
        The alarms.
    asking
        Names of the composite alarms that want to know, which ends circles of them.
    """
    for alarm in chosen:
        follower = getattr(alarm, "follower", None)
        if follower is not None:
            follower()
            continue
        if held(alarm, time.time()) or alarm.name in asking:
            continue
        verdict = _verdict(backend, alarm, asking | {alarm.name})
        if verdict is not None and verdict[0] != alarm.state_value:
            alarm.update_state(verdict[1], "{}", verdict[0])


def _verdict(backend: CloudWatchBackend, alarm: Alarm, asking: frozenset[str]) -> tuple[str, str] | None:
    """The state and why; None when it stays, as that of alarms that cannot be followed does."""
    present = cast("State", alarm.state_value)
    try:
        declared = read(alarm.name, getattr(alarm, "request", {}))
        if isinstance(declared, CompositeAlarm):
            others = [other for name in children(declared.rule) if (other := backend.alarms.get(name)) is not None]
            refresh(backend, others, asking)
            states = {other.name: cast("State", other.state_value) for other in others}
            true = holds(declared.rule, lambda name: states.get(name, INSUFFICIENT_DATA))
            return ("ALARM", f"{alarm.rule} is true") if true else ("OK", f"{alarm.rule} is false")
        verdict = _evaluated(backend, declared, present, whole_minutes=_scales(alarm))
    except (DeclarationError, ExpressionError):
        return None
    return None if verdict is None else (verdict.state, verdict.reason)


def _evaluated(
    backend: CloudWatchBackend, declared: MetricAlarm, present: State, *, whole_minutes: bool
) -> Verdict | None:
    series = store(backend.account_id, backend.region_name)
    data = {query.metric: series.series(query.metric) for query in declared.queries if query.metric}
    # Nobody waits for a minute to end here: what was put is seen at once, also of the minute in progress. Not so
    # for alarms on low values: half a minute's sum is low for no reason.
    early = declared.rule.comparison.startswith("Greater") and not whole_minutes
    return evaluate_at(declared, data, time.time(), present, delay=-MINUTE if early else 0)


def _scales(alarm: Alarm) -> bool:
    """Tell whether an alarm triggers a scaling policy, which reckons with what a whole minute brings."""
    return any(":scalingPolicy:" in action for action in alarm.alarm_actions or ())


def datapoints(backend: CloudWatchBackend, alarm: Alarm) -> list[float]:
    """Return the datapoints of an alarm's metric that decide about its state, the newest last."""
    try:
        declared = read(alarm.name, getattr(alarm, "request", {}))
        if isinstance(declared, CompositeAlarm):
            return []
        verdict = _evaluated(backend, declared, cast("State", alarm.state_value), whole_minutes=True)
    except (DeclarationError, ExpressionError):
        return []
    return [] if verdict is None else list(verdict.found)


def _metrics(alarm: Alarm) -> list[SeriesKey]:
    request: Document = getattr(alarm, "request", {})
    stats = [query["MetricStat"]["Metric"] for query in request.get("Metrics") or [] if query.get("MetricStat")]
    return [
        key_of(m["Namespace"], m["MetricName"], m.get("Dimensions")) for m in stats or [request] if "MetricName" in m
    ]


def _described(alarm: Alarm) -> Document:
    return {
        **getattr(alarm, "request", {}),
        "ActionsEnabled": alarm.actions_enabled,
        "AlarmArn": alarm.alarm_arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configuration_updated_timestamp,
        "StateValue": alarm.state_value,
        "StateReason": alarm.state_reason,
        "StateReasonData": alarm.state_reason_data,
        "StateUpdatedTimestamp": alarm.state_updated_timestamp,
        "StateTransitionedTimestamp": alarm.state_updated_timestamp,
    }


def describe_alarms(self: CloudWatchResponse) -> ActionResult:
    """DescribeAlarms, evaluated and in pages."""
    backend = self.cloudwatch_backend
    names = self._get_param("AlarmNames") or sorted(backend.alarms)
    prefix = self._get_param("AlarmNamePrefix") or ""
    action = self._get_param("ActionPrefix")
    # Without AlarmTypes the service returns metric alarms only.
    types = self._get_param("AlarmTypes") or ["MetricAlarm"]
    chosen = [
        alarm
        for alarm in (backend.alarms[name] for name in names if name in backend.alarms)
        if alarm.name.startswith(prefix)
        and ("MetricAlarm" if alarm.rule is None else "CompositeAlarm") in types
        and (action is None or any(a.startswith(action) for a in alarm.alarm_actions))
    ]
    refresh(backend, chosen)
    state = self._get_param("StateValue")
    chosen = [alarm for alarm in chosen if state in (None, alarm.state_value)]
    start = int(self._get_param("NextToken") or 0)
    end = start + int(self._get_param("MaxRecords") or _ALARMS_PAGE)
    page = chosen[start:end]
    return ActionResult(
        {
            "MetricAlarms": [_described(a) for a in page if a.rule is None],
            "CompositeAlarms": [_described(a) for a in page if a.rule is not None],
            "NextToken": str(end) if len(chosen) > end else None,
        }
    )


def describe_alarms_for_metric(self: CloudWatchResponse) -> ActionResult:
    """DescribeAlarmsForMetric, of the exact metric."""
    backend = self.cloudwatch_backend
    key = key_of(self._get_param("Namespace"), self._get_param("MetricName"), self._get_param("Dimensions"))
    chosen = [alarm for alarm in list(backend.alarms.values()) if alarm.rule is None and key in _metrics(alarm)]
    refresh(backend, chosen)
    return ActionResult({"MetricAlarms": [_described(alarm) for alarm in chosen]})


def describe_alarm_history(self: CloudWatchResponse) -> ActionResult:
    """DescribeAlarmHistory, of state changes, which moto records and has no way to read."""
    backend, name = self.cloudwatch_backend, self._get_param("AlarmName")
    chosen = [a for a in list(backend.alarms.values()) if name in (None, a.name)]
    refresh(backend, chosen)
    items = []
    for alarm in chosen:
        states = [*alarm.history, (None, None, None, alarm.state_value, None)]
        for before, after in pairwise(states):
            items.append(
                {
                    "AlarmName": alarm.name,
                    "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
                    "Timestamp": after[4] or alarm.state_updated_timestamp,
                    "HistoryItemType": "StateUpdate",
                    "HistorySummary": f"Alarm updated from {before[3]} to {after[3]}",
                }
            )
    items.sort(key=lambda item: item["Timestamp"], reverse=True)
    return ActionResult({"AlarmHistoryItems": items})
