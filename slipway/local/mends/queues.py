"""How many messages wait in a queue, as metrics; moto publishes none.

The service publishes them once a minute ("Available CloudWatch metrics for Amazon SQS"); here a change shows at once.
Either way a minute has one datapoint.
"""

import time
from collections.abc import Callable

from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from slipway.local.engine.documents import Json
from slipway.local.mends import cloudwatch
from slipway.local.mends.patching import replace
from slipway.rollout.series import SeriesKey

_NAMESPACE = "AWS/SQS"


def apply() -> None:
    """Install the mend."""
    replace(Queue, add_message=_publishing(Queue.add_message), delete_message=_publishing(Queue.delete_message))
    receive = SQSBackend.receive_message

    def receive_message(self: SQSBackend, queue_name: str, *arguments: Json, **named: Json) -> list[Message]:
        """Publish what is left in sight, and in a dead-letter queue; forget what has been there too long.

        moto finds nothing instead, once for each message that is older than the queue keeps them.
        """
        _forget_old(self.get_queue(queue_name))
        messages: list[Message] = receive(self, queue_name, *arguments, **named)
        publish(self.get_queue(queue_name))
        return messages

    replace(SQSBackend, receive_message=receive_message)


def _publishing(original: Callable[..., None]) -> Callable[..., None]:
    def change(self: Queue, *arguments: Json, **named: Json) -> None:
        original(self, *arguments, **named)
        publish(self)

    return change


def _forget_old(queue: Queue) -> None:
    """Forget the messages that a queue keeps no longer: four days, unless it says otherwise."""
    oldest = (time.time() - float(vars(queue)["message_retention_period"])) * 1000
    for message in [message for message in queue._messages if (message.sent_timestamp or 0.0) <= oldest]:
        queue._messages.remove(message)


def publish(queue: Queue) -> None:
    """Publish a queue's metrics of this minute."""
    sent = [message.sent_timestamp or 0.0 for message in queue.messages]
    values = {
        "ApproximateNumberOfMessagesVisible": (queue.approximate_number_of_messages, "Count"),
        "ApproximateNumberOfMessagesNotVisible": (queue.approximate_number_of_messages_not_visible, "Count"),
        "ApproximateNumberOfMessagesDelayed": (queue.approximate_number_of_messages_delayed, "Count"),
        "ApproximateAgeOfOldestMessage": (max(0.0, time.time() - min(sent) / 1000) if sent else 0.0, "Seconds"),
    }
    series = cloudwatch.store(queue.account_id, queue.region)
    for name, (value, unit) in values.items():
        series.put_gauge(SeriesKey.of(_NAMESPACE, name, [("QueueName", queue.name)]), float(value), unit=unit)


def publish_all() -> None:
    """Publish the metrics of all queues; called once a minute."""
    for account in list(sqs_backends.values()):
        for backend in list(account.values()):
            for queue in list(backend.queues.values()):
                publish(queue)
