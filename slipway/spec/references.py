"""How the config writes what lies outside it: keys, topics, places in S3, functions, reservations."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from slipway.spec.names import WORDS

_PARTITION = "aws(-[a-z]+)*"
_KEY_ID = r"([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})"
_FOLDER = r"[A-Za-z0-9!_.'()=+-]+"
_ALIAS = r"alias/[a-zA-Z0-9/_-]{1,250}"

#: API:KmsKeyId: a key id, an alias, or the ARN of either.
Key = Annotated[
    str, Field(pattern=rf"^({_KEY_ID}|{_ALIAS}|arn:{_PARTITION}:kms:[a-z0-9-]+:[0-9]{{12}}:(key/{_KEY_ID}|{_ALIAS}))$")
]
#: A prefix in the model bucket, or a whole S3 URI; either ends in a slash (API:DestinationS3Uri: 512 characters).
Place = Annotated[
    str,
    Field(pattern=rf"^(s3://[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]/({_FOLDER}/)*|({_FOLDER}/)+)$", max_length=448),
]
#: API:SnsTopicArn, or the short name of one of the environment's `topics`.
Topic = Annotated[
    str, Field(pattern=rf"^({WORDS}|arn:{_PARTITION}:sns:[a-z0-9-]+:[0-9]{{12}}:[a-zA-Z0-9_-]{{1,256}})$")
]
#: API:RepositoryCredentialsProviderArn.
Function = Annotated[
    str,
    Field(pattern=rf"^arn:{_PARTITION}:lambda:[a-z0-9-]+:[0-9]{{12}}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?$"),
]
#: API:MlReservationArn.
Reservation = Annotated[
    str, Field(pattern=rf"^arn:{_PARTITION}:sagemaker:[a-z0-9-]+:[0-9]{{12}}:[a-z0-9-]{{1,14}}/.+$", max_length=258)
]
#: A versioned model package (API:VersionedArnOrName).
PackageArn = Annotated[
    str,
    Field(
        pattern=rf"^arn:{_PARTITION}:sagemaker:[a-z0-9-]+:[0-9]{{12}}:model-package/"
        r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(/[0-9]{1,9})?$",
        max_length=176,
    ),
]
#: API:HubContentArn.
HubContentArn = Annotated[
    str,
    Field(
        pattern=rf"^arn:{_PARTITION}:sagemaker:[a-z0-9-]+:([0-9]{{12}}|aws):hub-content/[A-Za-z0-9-]+/[A-Za-z]+/[A-Za-z0-9-]+(/[0-9.]+)?$",
        max_length=255,
    ),
]
InstanceTypeName = Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9-]+$")]
