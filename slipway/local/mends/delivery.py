"""Messages from one service to another, as the role that the sender was given."""

from botocore.exceptions import ClientError

from slipway.local.engine.documents import Document
from slipway.local.engine.resource_type import Scope
from slipway.local.resources.calls import Calls


class UndeliverableError(Exception):
    """A message did not arrive; the message says why."""


def deliver(
    calls: Calls, scope: Scope, role_arn: str, session: str, target: str, text: str, attributes: Document | None = None
) -> None:
    """Send a text to a queue, a topic or a function.

    Parameters
    ----------
    calls
        To this server.
    scope
        For whom; the target may be elsewhere.
    role_arn, session
        Who sends it.
    target
        An ARN.
    text
        A message's body, or a function's event.
    attributes
        A message's attributes.

    Raises
    ------
    UndeliverableError
        When the target refuses, or is of another kind.
    """
    _, _, service, region, account, _ = target.split(":", 5)
    if service not in ("lambda", "sns", "sqs"):
        raise UndeliverableError(f"The local AWS delivers to functions, queues and topics, not to {target}.")
    try:
        client = calls.client_as(calls.assume(scope, role_arn, session), Scope(account, region, "", ""), service)
        if service == "lambda":
            client.invoke(FunctionName=target, InvocationType="Event", Payload=text.encode())
        elif service == "sns":
            client.publish(TopicArn=target, Message=text, MessageAttributes=attributes or {})
        else:
            url = client.get_queue_url(QueueName=target.rsplit(":", 1)[-1])["QueueUrl"]
            client.send_message(QueueUrl=url, MessageBody=text, MessageAttributes=attributes or {})
    except ClientError as error:
        raise UndeliverableError(f"{target} refused: {error}") from error
