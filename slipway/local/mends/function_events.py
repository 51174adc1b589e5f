"""Events: asynchronous invocations, their retries, and where they end.

As the Lambda Developer Guide has it ("Asynchronous invocation"): two retries unless the function says otherwise, then
the dead-letter queue and the destination. The service waits a minute before the first retry and two before the second;
here nothing waits.
"""

import json
import threading
from datetime import UTC, datetime

from moto.awslambda.models import LambdaFunction

from slipway.local.engine.documents import Document
from slipway.local.mends.answers import ApiError
from slipway.local.mends.delivery import UndeliverableError, deliver
from slipway.local.mends.function_run import CONCURRENCY, Answer, publish, run, scope_of
from slipway.local.resources.calls import Calls

_RETRIES = 2


def accept(calls: Calls, function: LambdaFunction, event: str, request_id: str, invoked_arn: str) -> None:
    """Take in an event, and process it in a thread of its own."""
    publish(function, {"AsyncEventsReceived": 1.0})
    arguments = (calls, function, event, request_id, invoked_arn)
    threading.Thread(target=_process, args=arguments, daemon=True, name="lambda-event").start()


def _process(calls: Calls, function: LambdaFunction, event: str, request_id: str, invoked_arn: str) -> None:
    config = function.event_invoke_config[0].config if function.event_invoke_config else {}
    attempts = 1 + int(config.get("MaximumRetryAttempts", _RETRIES))
    answer, made = _refused("The function did not run."), 0
    try:
        while answer.failed and made < attempts:
            made += 1
            with CONCURRENCY.place(function, wait=True):
                answer = run(calls, function, event, request_id, invoked_arn)
    except ApiError as error:  # concurrency of none, or code that cannot run here
        answer = _refused(error.message)
    outcome = _record(function, event, request_id, answer, made)
    if answer.failed:
        publish(function, {"AsyncEventsDropped": 1.0})
        _send_dead_letter(calls, function, event, request_id, answer)
    wanted = "OnFailure" if answer.failed else "OnSuccess"
    target = ((config.get("DestinationConfig") or {}).get(wanted) or {}).get("Destination")
    if target:
        _send_record(calls, function, target, outcome)


def _refused(message: str) -> Answer:
    """Return the answer to an event that was never run."""
    return Answer(json.dumps({"errorType": "Rejected", "errorMessage": message}).encode(), failed=True, log="")


def _record(function: LambdaFunction, event: str, request_id: str, answer: Answer, attempts: int) -> Document:
    """Return what a destination is told of an event."""
    response = {"statusCode": 200, "executedVersion": str(function.version)}
    if answer.failed:
        response["functionError"] = "Unhandled"
    now = datetime.now(UTC)
    return {
        "version": "1.0",
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function.function_arn.partition(f':{function.version}')[0]}:{function.version}",
            "condition": "RetriesExhausted" if answer.failed else "Success",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": json.loads(event),
        "responseContext": response,
        "responsePayload": json.loads(answer.payload),
    }


def _send_dead_letter(calls: Calls, function: LambdaFunction, event: str, request_id: str, answer: Answer) -> None:
    """Send an event that failed to the function's dead-letter queue or topic, as it came."""
    target = (getattr(function, "dead_letter_config", None) or {}).get("TargetArn")
    if not target:
        return
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": _message(answer)[:1024]},
    }
    try:
        _send(calls, function, target, event, attributes)
    except UndeliverableError:
        publish(function, {"DeadLetterErrors": 1.0})


def _message(answer: Answer) -> str:
    return str(json.loads(answer.payload).get("errorMessage") or "none")


def _send_record(calls: Calls, function: LambdaFunction, target: str, record: Document) -> None:
    try:
        _send(calls, function, target, json.dumps(record), {})
    except UndeliverableError:
        publish(function, {"DestinationDeliveryFailures": 1.0})


def _send(calls: Calls, function: LambdaFunction, target: str, text: str, attributes: Document) -> None:
    deliver(calls, scope_of(function), function.role, function.function_name, target, text, attributes)
