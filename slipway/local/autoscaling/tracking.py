"""The alarms that target tracking makes for itself, and the metrics that it knows by names of its own."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slipway.local.engine.documents import Document, Json

#: How many minutes in a row a metric must be above its target until more is added, and below the level for less until
#: something is removed. The User Guide gives no figures; these are those of the alarms that the service makes.
HIGH_MINUTES, LOW_MINUTES = 3, 15
#: Of the target; "usually more than 10% lower".
LOW_SHARE = 0.9
#: "For the default values", of SageMaker's three dimensions (User Guide, "Define cooldown periods").
COOLDOWN = 300.0

_NAMESPACE = "AWS/SageMaker"


@dataclass(frozen=True)
class _Predefined:
    metric: str
    statistic: str


#: The metric and the statistic of each. For the high-resolution ones, of which the service looks at every ten seconds,
#: the highest of each minute stands here.
_PREDEFINED: Mapping[str, _Predefined] = {
    "SageMakerVariantInvocationsPerInstance": _Predefined("InvocationsPerInstance", "Sum"),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": _Predefined("ConcurrentRequestsPerModel", "Maximum"),
    "SageMakerVariantProvisionedConcurrencyUtilization": _Predefined(
        "ServerlessProvisionedConcurrencyUtilization", "Maximum"
    ),
    "SageMakerInferenceComponentInvocationsPerCopy": _Predefined("InvocationsPerCopy", "Sum"),
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": _Predefined(
        "ConcurrentRequestsPerCopy", "Maximum"
    ),
}


def dimensions_of(resource: str) -> dict[str, str]:
    """Return the dimensions of a resource's metrics, from its ResourceId."""
    kind, _, name = resource.partition("/")
    if kind == "inference-component":
        return {"InferenceComponentName": name}
    endpoint, _, variant = name.partition("/variant/")
    return {"EndpointName": endpoint, "VariantName": variant}


def watched(configuration: Document, resource: str) -> Document | None:
    """Return the members of PutMetricAlarm that say what a target-tracking policy looks at.

    Parameters
    ----------
    configuration
        TargetTrackingScalingPolicyConfiguration.
    resource
        Its ResourceId.

    Returns
    -------
    dict or None
        ``None`` for a predefined metric that is not SageMaker's.
    """
    custom = configuration.get("CustomizedMetricSpecification")
    if custom and custom.get("Metrics"):
        return {"Metrics": [_query(query) for query in custom["Metrics"]]}
    if custom:
        return {
            "Namespace": custom["Namespace"],
            "MetricName": custom["MetricName"],
            "Dimensions": list(custom.get("Dimensions") or []),
            "Statistic": custom["Statistic"],
            "Period": 60,
            **({"Unit": custom["Unit"]} if custom.get("Unit") else {}),
        }
    known = _PREDEFINED.get((configuration.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType", ""))
    if known is None:
        return None
    return {
        "Namespace": _NAMESPACE,
        "MetricName": known.metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions_of(resource).items()],
        "Statistic": known.statistic,
        "Period": 60,
    }


def _query(query: Json) -> Document:
    """Return a query of a policy as one of an alarm, which has a period."""
    given: Document = dict(query)
    if given.get("MetricStat"):
        given["MetricStat"] = {"Period": 60, **given["MetricStat"]}
    return given


def alarms(configuration: Document, resource: str, policy_arn: str, names: Sequence[str] = ()) -> list[Document]:
    """Return the requests of PutMetricAlarm for a target-tracking policy: above its target, and well below it.

    Missing data are missing: such a policy "does not scale in when the state of the alarm is INSUFFICIENT_DATA", and
    SageMaker "doesn't emit metrics with a value of zero" (Developer Guide, "Edit a scaling policy").

    Parameters
    ----------
    configuration, resource
        As for ``watched``.
    policy_arn
        What the alarms trigger.
    names
        Of the alarms that the policy has already, in the same order.
    """
    metric = watched(configuration, resource)
    if metric is None:
        return []
    target = float(configuration["TargetValue"])
    out = []
    sides = (
        ("High", "GreaterThanThreshold", HIGH_MINUTES, target),
        ("Low", "LessThanThreshold", LOW_MINUTES, target * LOW_SHARE),
    )
    for number, (side, comparison, minutes, threshold) in enumerate(sides):
        known = names[number] if number < len(names) else ""
        out.append(
            {
                **metric,
                "AlarmName": known or f"TargetTracking-{resource}-Alarm{side}-{uuid.uuid4()}",
                "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy_arn}.",
                "ActionsEnabled": True,
                "AlarmActions": [policy_arn],
                "ComparisonOperator": comparison,
                "EvaluationPeriods": minutes,
                "Threshold": threshold,
                "TreatMissingData": "missing",
            }
        )
    return out
