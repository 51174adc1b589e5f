"""Where messages of topics go, and where they do not."""

from types import SimpleNamespace
from typing import cast

import pytest
from moto.sns.models import Subscription

from slipway.local.mends.alarm_actions import _staying_here


@pytest.mark.parametrize(
    ("protocol", "endpoint", "sent"),
    [
        ("https", "https://hooks.example.com/alarm", False),
        ("http", "http://10.0.0.1:8080/", False),
        ("https", "https://127.0.0.1.example.com/", False),
        ("http", "http://127.0.0.1:8080/", True),
        ("http", "http://localhost/", True),
        ("sqs", "arn:aws:sqs:eu-west-1:111122223333:inbox", True),
    ],
)
def test_a_message_leaves_the_machine_by_no_subscription(protocol: str, endpoint: str, *, sent: bool) -> None:
    said: list[object] = []
    publish = _staying_here(lambda _, *given, **named: said.append((given, named)))
    topic = SimpleNamespace(arn="arn:aws:sns:eu-west-1:111122223333:alarms")
    subscription = cast("Subscription", SimpleNamespace(protocol=protocol, endpoint=endpoint, topic=topic))
    publish(subscription, "message", subject="subject")
    assert said == ([(("message",), {"subject": "subject"})] if sent else [])
