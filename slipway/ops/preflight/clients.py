"""The clients that the checks share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from types_boto3_application_autoscaling import ApplicationAutoScalingClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_ecr import ECRClient
    from types_boto3_iam import IAMClient
    from types_boto3_s3 import S3Client
    from types_boto3_sagemaker import SageMakerClient
    from types_boto3_service_quotas import ServiceQuotasClient
    from types_boto3_sts import STSClient

    from slipway.ops.target import Target


class Clients:
    """Clients of everything that is asked, each made when it is first wanted; threads may share them.

    Parameters
    ----------
    target
        Where they go.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def _client(self, service: str) -> Any:  # noqa: ANN401  (the property names the type)
        with self._lock:
            if service not in self._made:
                self._made[service] = self._target.client(service)
            return self._made[service]

    @property
    def application_autoscaling(self) -> ApplicationAutoScalingClient:
        """Application Auto Scaling."""
        return cast("ApplicationAutoScalingClient", self._client("application-autoscaling"))

    @property
    def cloudformation(self) -> CloudFormationClient:
        """CloudFormation."""
        return cast("CloudFormationClient", self._client("cloudformation"))

    @property
    def cloudwatch(self) -> CloudWatchClient:
        """CloudWatch."""
        return cast("CloudWatchClient", self._client("cloudwatch"))

    @property
    def ecr(self) -> ECRClient:
        """Elastic Container Registry."""
        return cast("ECRClient", self._client("ecr"))

    @property
    def iam(self) -> IAMClient:
        """Identity and Access Management."""
        return cast("IAMClient", self._client("iam"))

    @property
    def s3(self) -> S3Client:
        """Simple Storage Service."""
        return cast("S3Client", self._client("s3"))

    @property
    def sagemaker(self) -> SageMakerClient:
        """SageMaker."""
        return cast("SageMakerClient", self._client("sagemaker"))

    @property
    def service_quotas(self) -> ServiceQuotasClient:
        """Service Quotas."""
        return cast("ServiceQuotasClient", self._client("service-quotas"))

    @property
    def sts(self) -> STSClient:
        """Security Token Service."""
        return cast("STSClient", self._client("sts"))
