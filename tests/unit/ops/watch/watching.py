"""An endpoint whose update moves as a test says, with its stack, configs, alarms and metrics, for tests of watches."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from slipway.ops.watch.events import Outcome
from slipway.ops.watch.following import Show, follow
from slipway.ops.watch.showing import Lines
from tests.unit.ops.answering import GONE, START, Aws, Refusal

ENDPOINT, STACK = "rc-project-a-dev-iris-ep", "rc-project-a-dev-iris"
OLD, NEW = "InferenceConfig-Old11111", "InferenceConfig-New22222"
ALARMS = (f"{ENDPOINT}-rollback-latency", f"{ENDPOINT}-rollback-errors-5xx")
ARN = "arn:aws:sagemaker:eu-west-1:123456789012"

CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 600,
        },
        "TerminationWaitInSeconds": 300,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in ALARMS]},
}


def variant(
    count: int | None = 3, desired: int | None = 3, status: str = "", message: str = "", since: float = 0.0
) -> dict[str, Any]:
    """A variant of a description; its status began so many seconds after the start."""
    found: dict[str, Any] = {"VariantName": "primary", "CurrentWeight": 1.0, "DesiredWeight": 1.0}
    if count is not None:
        found |= {"CurrentInstanceCount": count, "DesiredInstanceCount": desired}
    if status:
        begun = START + timedelta(seconds=since)
        found["VariantStatus"] = [{"Status": status, "StatusMessage": message, "StartTime": begun}]
    return found


def described(
    status: str = "InService",
    config: str = OLD,
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    to: str = NEW,
    **members: Any,
) -> dict[str, Any]:
    """What DescribeEndpoint answers; with a new fleet an update is under way."""
    found = {
        "EndpointName": ENDPOINT,
        "EndpointArn": f"{ARN}:endpoint/{ENDPOINT}",
        "EndpointConfigName": config,
        "EndpointStatus": status,
        "ProductionVariants": [old or variant()],
        "LastDeploymentConfig": CANARY,
        "CreationTime": START - timedelta(days=9),
        "LastModifiedTime": START,
        **members,
    }
    if new is not None:
        found["PendingDeploymentSummary"] = {
            "EndpointConfigName": to,
            "StartTime": START,
            "ProductionVariants": [new],
        }
    return found


def updating(new: Mapping[str, Any], *, old: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return described("Updating", old=old, new=new)


#: A canary of one in three instances, with the messages of the service's own example: from when on, and what then.
MOVES: tuple[tuple[float, dict[str, Any]], ...] = (
    (0, updating(variant(0, 3, "Creating", "Launching 3 instance(s)."))),
    (
        300,
        updating(variant(1, 3, "ActivatingTraffic", "Activating traffic on canary capacity of 1 instance(s).", 300)),
    ),
    (
        310,
        updating(
            variant(
                1,
                3,
                "Baking",
                "Baking for 600 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 "
                "instance(s).",
                310,
            )
        ),
    ),
    (
        910,
        updating(variant(3, 3, "ActivatingTraffic", "Activating traffic on full capacity of 3 instance(s).", 910)),
    ),
    (
        920,
        updating(
            variant(
                3,
                3,
                "Baking",
                "Baking for 300 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 3 "
                "instance(s).",
                920,
            )
        ),
    ),
    (1220, updating(variant(3), old=variant(3, 3, "Deleting", "Terminating 3 instance(s).", 1220))),
)
DEPLOYED: tuple[tuple[float, dict[str, Any]], ...] = (*MOVES, (1250, described(config=NEW)))


@dataclass
class World:
    """An endpoint, and all that is asked about it.

    Attributes
    ----------
    moves
        From which second on DescribeEndpoint answers what; ``None`` for an endpoint that is gone.
    stack
        The stack's status, and the config that it holds; ``None`` for no stack.
    states
        From which second on which alarm is in which state, and why.
    asked
        Requests a minute that a fleet answers, by the seconds since the start and the name of its config.
    made
        What else the stack has made, by logical id.
    """

    moves: tuple[tuple[float, dict[str, Any] | None], ...] = DEPLOYED
    stack: Callable[[float], tuple[str, str] | None] = lambda _: ("UPDATE_IN_PROGRESS", NEW.lower())
    states: tuple[tuple[float, str, str, str], ...] = ()
    asked: Callable[[float, str], float] = lambda second, config: 60.0 if config == OLD else 20.0 * (second >= 300)
    failed: Callable[[float, str], float] = lambda *_: 0.0
    made: dict[str, str] = field(default_factory=dict)
    aws: Aws = field(default_factory=Aws)

    def __post_init__(self) -> None:
        self.aws.answers |= {
            "DescribeEndpoint": self._endpoint,
            "DescribeEndpointConfig": self._config,
            "ListTags": self._tags,
            "DescribeStacks": self._stack,
            "DescribeStackResources": self._resources,
            "DescribeAlarms": self._alarms,
            "DescribeAlarmHistory": self._history,
            "GetMetricData": self._metrics,
        }

    @property
    def second(self) -> float:
        return (self.aws.now - START).total_seconds()

    def watch(self, *, show: Show | None = None, timeout: float = 7200.0, **options: Any) -> Outcome:
        """Watch it, with the clock of this world."""
        return follow(
            self.aws.target(),
            ENDPOINT,
            clock=self.aws.clock(),
            timeout=timeout,
            show=show,
            **{"stack": STACK, "again": "slipway watch iris", **options},
        )

    def lines(self, **options: Any) -> list[str]:
        """What a log shows of a watch."""
        output = io.StringIO()
        self.watch(show=Lines(output), **options)
        return output.getvalue().splitlines()

    def _endpoint(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        found = [answer for since, answer in self.moves if since <= self.second][-1]
        if found is None:
            raise GONE
        return found

    def _config(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        name = next(one for one in (OLD, NEW) if one.lower() == given["EndpointConfigName"].lower())
        return {
            "EndpointConfigName": name,
            "EndpointConfigArn": f"{ARN}:endpoint-config/{name.lower()}",
            "CreationTime": START - timedelta(days=9 if name == OLD else 0),
            "ProductionVariants": [
                {"VariantName": "primary", "ModelName": "m", "InitialInstanceCount": 3, "InstanceType": "ml.m5.large"}
            ],
        }

    def _tags(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Tags": [{"Key": "Version", "Value": "2" if NEW.lower() in given["ResourceArn"] else "1"}]}

    def _stack(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self.stack(self.second)
        if found is None:
            raise Refusal("ValidationError", f"Stack with id {STACK} does not exist")
        return {"Stacks": [{"StackName": STACK, "StackStatus": found[0], "CreationTime": START}]}

    def _resources(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self.stack(self.second)
        resource = {
            "LogicalResourceId": "InferenceConfig",
            "ResourceType": "AWS::SageMaker::EndpointConfig",
            "PhysicalResourceId": f"{ARN}:endpoint-config/{found[1] if found else ''}",
        }
        others = [
            {"LogicalResourceId": logical, "ResourceType": "AWS::CloudWatch::Alarm", "PhysicalResourceId": name}
            for logical, name in self.made.items()
        ]
        return {"StackResources": [resource, *others]}

    def _state(self, name: str) -> tuple[str, str, datetime]:
        states = [(since, state, why) for since, alarm, state, why in self.states if alarm == name]
        passed = [one for one in states if one[0] <= self.second]
        since, state, why = passed[-1] if passed else (-3600.0, "OK", "")
        return state, why, START + timedelta(seconds=since)

    def _alarms(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        found = []
        for name in given["AlarmNames"]:
            state, why, since = self._state(name)
            found.append({"AlarmName": name, "StateValue": state, "StateReason": why, "StateUpdatedTimestamp": since})
        return {"MetricAlarms": found}

    def _history(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        items = [
            {
                "AlarmName": name,
                "Timestamp": START + timedelta(seconds=since),
                "HistoryItemType": "StateUpdate",
                "HistorySummary": f"Alarm updated from OK to {state}",
            }
            for since, name, state, _ in self.states
            if name == given["AlarmName"] and since <= self.second
        ]
        return {"AlarmHistoryItems": items}

    def _metrics(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        start = (given["StartTime"] - START).total_seconds()
        minutes = [start + 60 * n for n in range(int((self.second - start) // 60) + 1)]
        found = []
        for query in given["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            configs = [dimensions["EndpointConfigName"]] if "EndpointConfigName" in dimensions else [OLD, NEW]
            values: dict[float, float] = {}
            for minute in minutes:
                count = sum(self.asked(minute, config) for config in configs)
                bad = sum(self.failed(minute, config) for config in configs)
                value = {"Invocations": count, "Invocation5XXErrors": bad, "ModelLatency": 12000.0 if count else 0.0}
                if value.get(metric["MetricName"]):
                    values[minute] = value[metric["MetricName"]]
            found.append(
                {
                    "Id": query["Id"],
                    "Timestamps": [START + timedelta(seconds=minute) for minute in values],
                    "Values": list(values.values()),
                }
            )
        return {"MetricDataResults": found}
