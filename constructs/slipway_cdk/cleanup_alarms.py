"""The alarms on the cleanup of idle endpoints: a run that failed, one that was given up, and none for two days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from constructs import Construct

from idle_endpoint_cleanup.settings import Settings
from slipway.spec.environment import Environment
from slipway_cdk.resource import declare

_FIVE_MINUTES, _HOUR, _DAY = 300, 3600, 86400


def cleanup_alarms(
    scope: Construct, *, environment: Environment, settings: Settings, dead_letters: str, log_group: str
) -> None:
    """Declare the alarms; they go to the alarm topic.

    Parameters
    ----------
    scope
        Place in the tree.
    environment
        The environment.
    settings
        What the function is told: where its runs write their metrics.
    dead_letters, log_group
        Names of its queue and of its log group.
    """
    name = environment.names.cleanup
    topic = [environment.names.topic_arn]

    def alarm(what: str, watched: Mapping[str, Any], description: str) -> None:
        declare(
            scope,
            f"Alarm-{what}",
            "AWS::CloudWatch::Alarm",
            {
                "AlarmName": f"{name}-{what}",
                "AlarmDescription": description,
                **watched,
                "AlarmActions": topic,
                "OKActions": topic,
            },
        )

    errors = _metric("AWS/Lambda", "Errors", {"FunctionName": name})
    alarm(
        "errors",
        _any(errors, "Sum", _HOUR),
        f"A run of {name} failed. What went wrong stands in the log group {log_group}; the next run goes on.",
    )
    given_up = _metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": dead_letters})
    alarm(
        "dead-letters",
        _any(given_up, "Maximum", _FIVE_MINUTES),
        f"A run of {name} was given up, after all tries. The queue {dead_letters} has what it was asked for; "
        "delete the message when the cause is mended.",
    )
    alarm(
        "no-run",
        _none_for_two_days(_metric(settings.namespace, "Examined", settings.opt_in)),
        f"No run of {name} over the endpoints came to its end for two days, so idle ones go on to cost. Look at "
        f"its schedules and at the log group {log_group}. After the first deployment this ends with the first run.",
    )


def _metric(namespace: str, name: str, dimensions: Mapping[str, str]) -> dict[str, Any]:
    found = [{"Name": key, "Value": value} for key, value in sorted(dimensions.items())]
    return {"Namespace": namespace, "MetricName": name, "Dimensions": found}


def _any(metric: Mapping[str, Any], statistic: str, period: int) -> dict[str, Any]:
    return {
        **metric,
        "Statistic": statistic,
        "Period": period,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }


def _none_for_two_days(metric: Mapping[str, Any]) -> dict[str, Any]:
    runs = {"Metric": metric, "Stat": "SampleCount", "Period": _DAY}
    return {
        # Where data are missing, an alarm looks further back than its periods, and the last run of some days ago would
        # keep it quiet (CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data").
        "Metrics": [
            {"Id": "runs", "MetricStat": runs, "ReturnData": False},
            {"Id": "filled", "Expression": "FILL(runs, 0)", "Label": "runs", "ReturnData": True},
        ],
        "EvaluationPeriods": 2,
        "Threshold": 1,
        "ComparisonOperator": "LessThanThreshold",
        # Before the first run there is nothing to fill.
        "TreatMissingData": "breaching",
    }
