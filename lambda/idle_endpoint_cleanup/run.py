"""What every step of a run needs: the AWS clients, the settings, and the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from idle_endpoint_cleanup.settings import Settings

if TYPE_CHECKING:
    from types_boto3_application_autoscaling import ApplicationAutoScalingClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from types_boto3_sagemaker import SageMakerClient
    from types_boto3_sns import SNSClient
    from types_boto3_ssm import SSMClient

#: Whatever a call can raise.
AWS_ERRORS = (ClientError, BotoCoreError)
#: Longest page of SageMaker's and the tagging service's lists.
PAGE = 100
#: Seconds between two looks at what is being deleted.
_POLL = 10
#: Seconds to finish what was begun, and to report.
_RESERVE = 60
#: Codes of SageMaker and of CloudFormation.
_WRONG_REQUEST = ("ValidationException", "ValidationError")


def connect(service: str) -> Any:  # noqa: ANN401 - the fields of Clients say what it is
    """Make a client that is patient with throttling: nobody waits for the answer."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 6}, connect_timeout=5, read_timeout=30)
    make: Any = boto3.client
    return make(service, config=config)


@dataclass(frozen=True)
class Clients:
    """One client a service."""

    sagemaker: SageMakerClient = field(default_factory=lambda: connect("sagemaker"))
    cloudwatch: CloudWatchClient = field(default_factory=lambda: connect("cloudwatch"))
    tagging: ResourceGroupsTaggingAPIClient = field(default_factory=lambda: connect("resourcegroupstaggingapi"))
    cloudformation: CloudFormationClient = field(default_factory=lambda: connect("cloudformation"))
    scaling: ApplicationAutoScalingClient = field(default_factory=lambda: connect("application-autoscaling"))
    ssm: SSMClient = field(default_factory=lambda: connect("ssm"))
    sns: SNSClient = field(default_factory=lambda: connect("sns"))


class OutOfTimeError(Exception):
    """The run's time is nearly up; the next run goes on."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    aws, settings
        Where, and how.
    clock
        Says the time, with a time zone.
    remaining
        Says how many seconds are left until the run is ended from outside.
    sleep
        Lets seconds pass.
    """

    aws: Clients
    settings: Settings
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    remaining: Callable[[], float] = lambda: float("inf")
    sleep: Callable[[float], None] = time.sleep

    def in_time(self, needed: float = 0) -> bool:
        """Say whether something new may be begun that takes some seconds."""
        return self.remaining() - needed >= _RESERVE

    def check_time(self) -> None:
        """Raise OutOfTimeError if nothing new may be begun."""
        if not self.in_time():
            raise OutOfTimeError

    def wait(self) -> None:
        """Let what is being deleted go on for a while; raise OutOfTimeError if there is no time for that."""
        if not self.in_time(_POLL):
            raise OutOfTimeError
        self.sleep(_POLL)


def missing(error: Exception) -> bool:
    """Say whether what was asked for does not exist. Its code is that of any wrong request, so the message tells."""
    if not isinstance(error, ClientError) or error.response["Error"]["Code"] not in _WRONG_REQUEST:
        return False
    message = error.response["Error"]["Message"]
    return "Could not find" in message or "does not exist" in message
