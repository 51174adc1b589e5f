"""A bucket's settings: each CloudFormation property has an operation, and a form, of its own."""

import secrets
from collections.abc import Callable, Mapping

from slipway.local.engine.documents import Document, Json
from slipway.local.resources.calls import Client, truth

Setting = Callable[[Client, str, Json], None]


def _versioning(client: Client, bucket: str, value: Json) -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=value or {"Status": "Suspended"})


def _encryption(client: Client, bucket: str, value: Json) -> None:
    if not value:
        client.delete_bucket_encryption(Bucket=bucket)
        return
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        made: Document = {"ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault", {})}
        if "BucketKeyEnabled" in rule:
            made["BucketKeyEnabled"] = truth(rule["BucketKeyEnabled"])
        rules.append(made)
    client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def _public_access(client: Client, bucket: str, value: Json) -> None:
    if not value:
        client.delete_public_access_block(Bucket=bucket)
        return
    client.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={key: truth(item) for key, item in value.items()},
    )


def _ownership(client: Client, bucket: str, value: Json) -> None:
    if value:
        client.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=value)
    else:
        client.delete_bucket_ownership_controls(Bucket=bucket)


def _lifecycle(client: Client, bucket: str, value: Json) -> None:
    if not value:
        client.delete_bucket_lifecycle(Bucket=bucket)
        return
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]},
    )


def _lifecycle_rule(rule: Document) -> Document:
    made: Document = {
        "ID": rule.get("Id") or secrets.token_hex(6),
        "Status": rule["Status"],
        "Filter": _lifecycle_filter(rule),
    }
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    elif "ExpirationDate" in rule:
        made["Expiration"] = {"Date": rule["ExpirationDate"]}
    elif truth(rule.get("ExpiredObjectDeleteMarker", False)):
        made["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    if "NoncurrentVersionExpirationInDays" in rule:
        days = int(rule["NoncurrentVersionExpirationInDays"])
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    for key in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if key in rule:
            made[key] = {name: int(item) for name, item in rule[key].items()}
    if "Transitions" in rule:
        made["Transitions"] = [
            {"StorageClass": t["StorageClass"], "Days": int(t["TransitionInDays"])} for t in rule["Transitions"]
        ]
    if "NoncurrentVersionTransitions" in rule:
        made["NoncurrentVersionTransitions"] = [
            {"StorageClass": t["StorageClass"], "NoncurrentDays": int(t["TransitionInDays"])}
            for t in rule["NoncurrentVersionTransitions"]
        ]
    return made


def _lifecycle_filter(rule: Document) -> Document:
    tags = rule.get("TagFilters") or []
    prefix = rule.get("Prefix", "")
    if not tags:
        return {"Prefix": prefix}
    if len(tags) == 1 and not prefix:
        return {"Tag": tags[0]}
    return {"And": {"Prefix": prefix, "Tags": tags}}


def _logging(client: Client, bucket: str, value: Json) -> None:
    status = {}
    if value:
        status = {
            "LoggingEnabled": {
                "TargetBucket": value.get("DestinationBucketName", bucket),
                "TargetPrefix": value.get("LogFilePrefix", ""),
            }
        }
    client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=status)


def _cors(client: Client, bucket: str, value: Json) -> None:
    if not value:
        client.delete_bucket_cors(Bucket=bucket)
        return
    names = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
    rules = [
        {names.get(key, key): int(item) if key == "MaxAge" else item for key, item in rule.items()}
        for rule in value["CorsRules"]
    ]
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})


def _tags(client: Client, bucket: str, value: Json) -> None:
    if value:
        client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": value})
    else:
        client.delete_bucket_tagging(Bucket=bucket)


SETTINGS: Mapping[str, Setting] = {
    "VersioningConfiguration": _versioning,
    "BucketEncryption": _encryption,
    "PublicAccessBlockConfiguration": _public_access,
    "OwnershipControls": _ownership,
    "LifecycleConfiguration": _lifecycle,
    "LoggingConfiguration": _logging,
    "CorsConfiguration": _cors,
    "Tags": _tags,
}
