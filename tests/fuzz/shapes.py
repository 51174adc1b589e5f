"""Holds what CloudFormation would send against the shapes of the services' APIs, as botocore carries them.

botocore itself only looks at types, required members and minima. Here patterns, enums, maxima and unknown members count
too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

from tests.fuzz.draws import ACCOUNT, NEW_TYPE
from tests.fuzz.stack import Properties, Stack

Request = tuple[str, str, Mapping[str, Any]]

#: Newer than any table, and accepted with a warning: the services' own models are as old as the installed botocore.
ALLOWED_VALUES = frozenset({NEW_TYPE})
_NUMBERS: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}
#: What Java's expressions have and Python's lack. Letters with their marks, figures, spaces, signs, printable ASCII.
_JAVA = {
    r"\p{L}": r"\w",
    r"\p{M}": r"\u0300-\u036f",
    r"\p{N}": r"\d",
    r"\p{Z}": r"\s",
    r"\p{Zs}": r" \u00a0",
    r"\p{P}": r"!-/:-@\[-`{-~\u00a1-\u00bf\u2010-\u2bff",
    r"\p{S}": r"!-/:-@\[-`{-~\u00a1-\u00bf\u2010-\u2bff",
    r"\p{Print}": r"[ -~]",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010ffff",
    "(?i)": "",
}


@cache
def _service(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


def _pattern(pattern: str) -> re.Pattern[str]:
    for java, python in _JAVA.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


def violations(shape: Shape, value: Any, at: str) -> Iterator[str]:
    """Say where a value is not what a shape wants.

    Parameters
    ----------
    shape
        A botocore shape.
    value
        What would be sent.
    at
        What it is called in the message.

    Yields
    ------
    str
        One line each.
    """
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, at)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield f"{at}: {value!r} is no list"
            return
        yield from _size(shape, len(value), at, "items")
        for i, item in enumerate(value):
            yield from violations(shape.member, item, f"{at}[{i}]")
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield f"{at}: {value!r} is no map"
            return
        yield from _size(shape, len(value), at, "entries")
        for key, item in value.items():
            yield from violations(shape.key, key, f"{at}.{key} (its key)")
            yield from violations(shape.value, item, f"{at}.{key}")
    else:
        yield from _scalar(shape, value, at)


def _structure(shape: StructureShape, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no structure"
        return
    yield from (f"{at}.{key}: is missing" for key in shape.required_members if key not in value)
    for key, item in value.items():
        if key not in shape.members:
            yield f"{at}.{key}: is no member"
        else:
            yield from violations(shape.members[key], item, f"{at}.{key}")


def _scalar(shape: Shape, value: Any, at: str) -> Iterator[str]:
    if shape.type_name == "boolean":
        if not isinstance(value, bool):
            yield f"{at}: {value!r} is no boolean"
    elif shape.type_name in _NUMBERS:
        if isinstance(value, (int, float)) and type(value) in _NUMBERS[shape.type_name]:
            yield from _size(shape, value, at, "")
        else:
            yield f"{at}: {value!r} is no {shape.type_name}"
    elif isinstance(shape, StringShape):
        if not isinstance(value, str):
            yield f"{at}: {value!r} is no string"
            return
        yield from _size(shape, len(value), at, "characters")
        if shape.enum and value not in shape.enum and value not in ALLOWED_VALUES:
            yield f"{at}: {value!r} is none of {', '.join(shape.enum[:8])} …"
        pattern = shape.metadata.get("pattern")
        if pattern and not _pattern(pattern).fullmatch(value):
            yield f"{at}: {value!r} does not match {pattern}"
    elif shape.type_name != "timestamp":
        raise AssertionError(f"{at}: shapes of type {shape.type_name} are not read here")


def _size(shape: Shape, size: float, at: str, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"{at}: {size:g} {unit} are below {least}"
    if most is not None and size > most:
        yield f"{at}: {size:g} {unit} are above {most}"


def requests(stack: Stack) -> Iterator[Request]:
    """Say which requests CloudFormation makes of a stack's resources.

    Parameters
    ----------
    stack
        The stack.

    Yields
    ------
    tuple of str, str and Mapping
        Service, operation, parameters.
    """
    for type, properties in stack.resolved.values():
        if type.startswith("AWS::SageMaker::"):
            yield from (("sagemaker", operation, sent) for operation, sent in _sagemaker(type, properties))
        else:
            yield from _around(stack, type, properties)


def _sagemaker(type: str, properties: Properties) -> Iterator[tuple[str, Properties]]:
    match type.rsplit("::", 1)[1]:
        case "Model":
            yield "CreateModel", {"ModelName": "a-name", **properties}
        case "EndpointConfig":
            yield "CreateEndpointConfig", {"EndpointConfigName": "a-name", **properties}
        case "Endpoint":
            kept = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig")
            yield "CreateEndpoint", _without(properties, *kept)
            yield "UpdateEndpoint", _without(properties, "Tags")
        case "InferenceComponent":
            yield "CreateInferenceComponent", _without(properties, "DeploymentConfig", "EndpointArn")
            made_once = ("EndpointName", "EndpointArn", "VariantName", "Tags")
            yield "UpdateInferenceComponent", _without(properties, *made_once)
        case _:
            raise AssertionError(f"which requests {type} becomes is not written here")


def _around(stack: Stack, type: str, properties: Properties) -> Iterator[Request]:
    match type.removeprefix("AWS::"):
        case "CloudWatch::Alarm":
            yield "cloudwatch", "PutMetricAlarm", properties
        case "CloudWatch::Dashboard":
            yield "cloudwatch", "PutDashboard", properties
        case "Logs::LogGroup":
            yield from _log_group(properties)
        case "ApplicationAutoScaling::ScalableTarget":
            yield from _scalable_target(properties)
        case "ApplicationAutoScaling::ScalingPolicy":
            target = stack.resolved[properties["ScalingTargetId"]][1]
            whose = {key: target[key] for key in ("ServiceNamespace", "ScalableDimension", "ResourceId")}
            policy = {**_without(properties, "ScalingTargetId"), **whose}
            yield "application-autoscaling", "PutScalingPolicy", policy
        case "Budgets::Budget":
            yield "budgets", "CreateBudget", _budget(properties)
        case _:
            raise AssertionError(f"which requests {type} becomes is not written here")


def _without(properties: Properties, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key not in keys}


def _log_group(properties: Properties) -> Iterator[Request]:
    name = properties["LogGroupName"]
    tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
    key = {"kmsKeyId": properties["KmsKeyId"]} if "KmsKeyId" in properties else {}
    yield "logs", "CreateLogGroup", {"logGroupName": name, **({"tags": tags} if tags else {}), **key}
    yield "logs", "PutRetentionPolicy", {"logGroupName": name, "retentionInDays": properties["RetentionInDays"]}


def _scalable_target(properties: Properties) -> Iterator[Request]:
    tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
    registered = {**_without(properties, "ScheduledActions", "Tags"), "Tags": tags}
    yield "application-autoscaling", "RegisterScalableTarget", registered
    whose = {key: properties[key] for key in ("ServiceNamespace", "ScalableDimension", "ResourceId")}
    for action in properties.get("ScheduledActions", []):
        yield "application-autoscaling", "PutScheduledAction", {**whose, **action}


def _budget(properties: Properties) -> dict[str, Any]:
    budget = dict(properties["Budget"])
    if "BudgetLimit" in budget:
        # CloudFormation has a number here and the API text.
        limit = budget["BudgetLimit"]
        budget["BudgetLimit"] = {**limit, "Amount": str(limit["Amount"])}
    notified = {"NotificationsWithSubscribers": properties.get("NotificationsWithSubscribers", [])}
    tags = {"ResourceTags": properties["ResourceTags"]} if "ResourceTags" in properties else {}
    return {"AccountId": ACCOUNT, "Budget": budget, **notified, **tags}


def refusals(stack: Stack) -> list[str]:
    """Say what the services' APIs would not take of a stack.

    Parameters
    ----------
    stack
        The stack.

    Returns
    -------
    list of str
        One line each.
    """
    found = []
    for service, operation, parameters in requests(stack):
        shape = _service(service).operation_model(operation).input_shape
        assert shape is not None
        found += list(violations(shape, dict(parameters), operation))
    return found
