"""Where a model runs: instances, their storage and their timeouts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.spec.base import Spec
from slipway.spec.units import Duration, Gigabytes, between, steps_of

#: How long a download or a start may take.
StartTimeout = Annotated[
    Duration,
    steps_of(Duration(1), "SageMaker counts whole seconds"),
    between(Duration(60), Duration(3600), "API:ProductionVariant"),
]

#: API:ProductionVariantInferenceAmiVersion.
Ami = Literal[
    "al2-ami-sagemaker-inference-gpu-2",
    "al2-ami-sagemaker-inference-gpu-2-1",
    "al2-ami-sagemaker-inference-gpu-3-1",
    "al2-ami-sagemaker-inference-neuron-2",
    "al2023-ami-sagemaker-inference-gpu-4-1",
]


_KEY_ID = r"([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})"
_ALIAS = r"alias/[a-zA-Z0-9/_-]{1,250}"
#: API:KmsKeyId.
_KEY = rf"^({_KEY_ID}|{_ALIAS}|arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{{12}}:(key/{_KEY_ID}|{_ALIAS}))$"


class Hosting(Spec):
    """Instances that serve one variant."""

    instance_type: Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9-]+$")]
    """Such as `ml.m5.large`."""
    instances: Annotated[int, Field(ge=1, le=10_000)]
    """How many. With `scaling` only at creation: updates keep the live count then, unless `deployment.apply_capacity`
    is set; without it every update sets this count. Default: 2 where guarded, else 1."""
    volume: (
        Annotated[
            Gigabytes,
            steps_of(Gigabytes(1), "SageMaker takes whole GB"),
            between(Gigabytes(1), Gigabytes(512), "API:VolumeSizeInGB"),
        ]
        | None
    ) = None
    """Size of the storage volume, 1 to 512 GB; refused by types with local NVMe storage."""
    kms_key: Annotated[str, Field(pattern=_KEY)] | None = None
    """Key id, alias (`alias/…`), or ARN of either, that encrypts the storage volumes of all variants; refused by types
    with local NVMe storage. Default: the environment's key where `encrypt_volumes` is set and every type accepts it."""
    download_timeout: StartTimeout | None = None
    """How long an instance may take to download the model."""
    startup_timeout: StartTimeout | None = None
    """How long a container may take to pass its first health check."""
    ami: Ami | None = None
    """Machine image of the instances, for containers that need other drivers."""
    routing: Literal["least_outstanding_requests", "random"] | None = None
    """How requests are spread over instances."""
