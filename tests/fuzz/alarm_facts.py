"""Facts on alarms and metrics: the Developer Guide's pages on monitoring with CloudWatch, API:PutMetricAlarm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.fuzz.stack import Mode, Properties, Stack

REQUESTS, MACHINE = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
COPIES = "/aws/sagemaker/InferenceComponents"

Dimensions = frozenset[str]
WHOLE = frozenset({"EndpointName"})
VARIANT = frozenset({"EndpointName", "VariantName"})
NEW_FLEET = frozenset({"EndpointName", "VariantName", "EndpointConfigName"})
COMPONENT = frozenset({"InferenceComponentName"})

#: A request that went wrong counts 1, any other 0: the average is a rate.
RATES = {"Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors", "MidStreamErrors"}
_ANSWERS = {"ModelLatency", *RATES}
#: No Invocations, InvocationsPerInstance, OverheadLatency, InvocationModelErrors: the guide's page on asynchronous
#: endpoints does not have them.
_LATER = {"ModelLatency", "Invocation4XXErrors", "Invocation5XXErrors"}
_COUNTED = {"Invocations", "InvocationsPerInstance", "OverheadLatency", "ConcurrentRequestsPerModel"}
_LOADS = {"CPUUtilization", "MemoryUtilization", "DiskUtilization", "GPUUtilization", "GPUMemoryUtilization"}
_SERVERLESS = {
    "Invocations",
    "Invocation4XXErrors",
    "Invocation5XXErrors",
    "ModelLatency",
    "OverheadLatency",
    "ModelSetupTime",
    "MemoryUtilization",
    "ServerlessConcurrentExecutionsUtilization",
}
_WARM = {
    f"ServerlessProvisionedConcurrency{what}"
    for what in ("Executions", "Utilization", "Invocations", "SpilloverInvocations")
}
_QUEUE = {
    "ApproximateBacklogSize",
    "ApproximateBacklogSizePerInstance",
    "ApproximateAgeOfOldestRequest",
    "HasBacklogWithoutCapacity",
}
_QUEUED = {
    "InvocationFailures",
    "ExpiredRequests",
    "InvocationsProcessed",
    "InvocationsProcesssed",
    "TimeInBacklog",
    "TotalProcessingTime",
    "RequestDownloadLatency",
    "ResponseUploadLatency",
    "NotificationFailures",
}
_PER_COPY = {"Invocations", "InvocationsPerCopy", "ConcurrentRequestsPerCopy", "NoCapacityInvocationFailures"}
_NORMALIZED = {f"{what}UtilizationNormalized" for what in ("CPU", "GPU", "GPUMemory", "Memory")}

#: What each way of hosting publishes, by namespace and exact set of dimensions.
PUBLISHED: Mapping[Mode, Mapping[tuple[str, Dimensions], set[str]]] = {
    "instances": {
        (REQUESTS, VARIANT): _ANSWERS | _COUNTED,
        (REQUESTS, NEW_FLEET): _ANSWERS | _COUNTED,
        (MACHINE, VARIANT): _LOADS,
    },
    "serverless": {(REQUESTS, VARIANT): _SERVERLESS | _WARM, (MACHINE, VARIANT): {"MemoryUtilization"}},
    "asynchronous": {
        (REQUESTS, VARIANT): _LATER | _QUEUED,
        (REQUESTS, NEW_FLEET): _LATER | _QUEUED,
        (REQUESTS, WHOLE): _QUEUE,
        (MACHINE, VARIANT): _LOADS,
    },
    "components": {
        (REQUESTS, COMPONENT): _ANSWERS | _PER_COPY,
        (COPIES, COMPONENT): _NORMALIZED,
        (MACHINE, VARIANT): _LOADS,
    },
}
#: Virtual CPUs and GPUs of the types that the declarations are made of: the metrics count 100 for each.
MACHINES: Mapping[str, tuple[int, int]] = {
    "ml.m5.large": (2, 0),
    "ml.m5.xlarge": (4, 0),
    "ml.m5.4xlarge": (16, 0),
    "ml.c5.2xlarge": (8, 0),
    "ml.r5.4xlarge": (16, 0),
    "ml.m5d.large": (2, 0),
    "ml.t2.medium": (2, 0),
    "ml.inf1.xlarge": (4, 0),
    "ml.g5.2xlarge": (8, 1),
    "ml.g4dn.12xlarge": (48, 4),
    "ml.p3.2xlarge": (8, 1),
}


def published(stack: Stack, namespace: str, metric: str, dimensions: Mapping[str, str]) -> bool:
    """Whether there is such a metric of what is deployed, GPUs included."""
    known = PUBLISHED[stack.mode].get((namespace, frozenset(dimensions)), set())
    types = [kind for variant in stack.variants for kind in stack.types(variant)]
    gpu = metric.startswith("GPU") and any(MACHINES.get(kind, (0, 1))[1] == 0 for kind in types)
    warm = metric in _WARM and not any(
        v.get("ServerlessConfig", {}).get("ProvisionedConcurrency") for v in stack.variants
    )
    return metric in known and not gpu and not warm


def reach(stack: Stack, metric: str, dimensions: Mapping[str, str]) -> float:
    """How high a metric can get; infinity where nothing limits it."""
    if metric in RATES or metric.endswith("ConcurrencyUtilization"):
        return 1
    if metric in ("MemoryUtilization", "DiskUtilization") or metric.endswith("Normalized"):
        return 100
    if metric in ("CPUUtilization", "GPUUtilization", "GPUMemoryUtilization"):
        variant = next(v for v in stack.variants if v["VariantName"] == dimensions["VariantName"])
        machines = [MACHINES[kind] for kind in stack.types(variant) if kind in MACHINES]
        return min(
            (100 * (cpus if metric.startswith("CPU") else gpus) for cpus, gpus in machines), default=float("inf")
        )
    return float("inf")


def dimensions_of(alarm: Properties) -> dict[str, str]:
    """An alarm's dimensions by name."""
    return {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", [])}


def an_alarm_watches_what_is_published(stack: Stack) -> Iterator[str]:
    """CloudWatch: metrics by way of hosting, with their exact dimensions; the new fleet's only for requests."""
    for alarm in stack.of("CloudWatch::Alarm"):
        if not published(stack, alarm["Namespace"], alarm["MetricName"], dimensions_of(alarm)):
            yield f"{alarm['AlarmName']}: {alarm['Namespace']} {alarm['MetricName']} {sorted(dimensions_of(alarm))}"


def an_alarm_watches_what_is_deployed(stack: Stack) -> Iterator[str]:
    """CloudWatch: endpoint, variant, config and component by the names that they have."""
    names = {
        "EndpointName": {stack.endpoint["EndpointName"]},
        "EndpointConfigName": {stack.endpoint["EndpointConfigName"]},
        "VariantName": {variant["VariantName"] for variant in stack.variants},
        "InferenceComponentName": {c["InferenceComponentName"] for c in stack.of("SageMaker::InferenceComponent")},
    }
    for alarm in stack.of("CloudWatch::Alarm"):
        for name, value in dimensions_of(alarm).items():
            if value not in names[name]:
                yield f"{alarm['AlarmName']}: {name} is {value}"


def an_alarm_can_trip(stack: Stack) -> Iterator[str]:
    """CloudWatch: error metrics are 0 or 1, CPU and GPU reach 100 for each, the rest of the machine 100."""
    for alarm in stack.of("CloudWatch::Alarm"):
        most = reach(stack, alarm["MetricName"], dimensions_of(alarm))
        if alarm.get("Statistic") == "Sum":
            continue
        equal = alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        if not (alarm["Threshold"] < most or (equal and alarm["Threshold"] == most)):
            yield f"{alarm['AlarmName']}: above {alarm['Threshold']} of {most}"


def an_alarm_has_a_period_that_cloudwatch_knows(stack: Stack) -> Iterator[str]:
    """CloudWatch, alarms: 10, 20, 30 or a multiple of 60; a day in all, or a week with periods of an hour."""
    for alarm in stack.of("CloudWatch::Alarm"):
        period, evaluations = alarm["Period"], alarm["EvaluationPeriods"]
        if period not in (10, 20, 30) and (period < 60 or period % 60):
            yield f"{alarm['AlarmName']}: a period of {period} s"
        if period * evaluations > (604_800 if period >= 3600 else 86_400):
            yield f"{alarm['AlarmName']}: {evaluations} periods of {period} s"


def no_data_never_ends_an_update(stack: Stack) -> Iterator[str]:
    """Rollback alarms: changing an alarm keeps its state, so missing data is not breaching."""
    ending = stack.ending_alarms
    for alarm in stack.of("CloudWatch::Alarm"):
        if alarm["AlarmName"] in ending and alarm.get("TreatMissingData") != "notBreaching":
            yield f"{alarm['AlarmName']}: {alarm.get('TreatMissingData')}"


def only_the_new_fleet_ends_an_update(stack: Stack) -> Iterator[str]:
    """Rollback alarms: by EndpointConfigName; a component's metrics do not tell new copies from old ones."""
    ending = stack.ending_alarms
    for alarm in stack.of("CloudWatch::Alarm"):
        own = frozenset(dimensions_of(alarm))
        if alarm["AlarmName"] in ending and own not in (NEW_FLEET, COMPONENT):
            yield f"{alarm['AlarmName']}: {sorted(own)}"


def alarms_come_before_what_they_end(stack: Stack) -> Iterator[str]:
    """Rollback alarms: listed by reference, with the endpoint's name as a literal; else a circle, or no order."""
    own = {r["Properties"]["AlarmName"] for r in stack.resources.values() if r["Type"] == "AWS::CloudWatch::Alarm"}
    for resource in stack.resources.values():
        properties = resource.get("Properties", {})
        listed = properties.get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {}).get("Alarms", [])
        yield from (f"{alarm['AlarmName']} is listed by name" for alarm in listed if alarm["AlarmName"] in tuple(own))
        for dimension in properties.get("Dimensions", []):
            if dimension["Name"] == "EndpointName" and not isinstance(dimension["Value"], str):
                yield f"{properties['AlarmName']} waits for the endpoint"


FACTS = (
    an_alarm_watches_what_is_published,
    an_alarm_watches_what_is_deployed,
    an_alarm_can_trip,
    an_alarm_has_a_period_that_cloudwatch_knows,
    no_data_never_ends_an_update,
    only_the_new_fleet_ends_an_update,
    alarms_come_before_what_they_end,
)
