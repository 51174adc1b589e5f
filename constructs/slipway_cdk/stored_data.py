"""Permissions on what endpoints read and write besides their artifacts, and on the topics that they tell.

Objects are named by the prefixes that the config names, and by nothing wider. Endpoints that keep the default prefixes
share one pattern: they run as one role in any case, and a hundred of them must fit into its policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from slipway.spec.environment import Environment
from slipway.spec.hosting import CoreDumps, Hosting
from slipway.spec.sources import AsynchronousPlaces, asynchronous_places, capture_place, place_uri, topic_arn
from slipway_cdk.named_keys import key_statements

#: What encrypting an object takes; SageMaker asks for Encrypt too (API:ProductionVariantCoreDumpConfig).
_ENCRYPT = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
#: Why each wildcard in a policy may be as wide as it is.
Reasons = MutableMapping[str, str]


def stored_data_statements(environment: Environment, key: kms.IKey, reasons: Reasons) -> Iterator[iam.PolicyStatement]:
    """Allow what the execution role needs for asynchronous inference, capture, core dumps and explanations.

    Parameters
    ----------
    environment
        The environment.
    key
        Its own key.
    reasons
        Gets the reason of each wildcard.

    Yields
    ------
    PolicyStatement
        Only for what is used.
    """
    yield from _asynchronous(environment, reasons)
    captured = {
        f"{capture_place(environment, name)}/"
        for name, endpoint in environment.endpoints.items()
        if endpoint.capture is not None and endpoint.capture.enabled
    }
    yield from _objects(
        environment,
        reasons,
        captured,
        sid="CaptureData",
        actions=["s3:PutObject"],
        reason="SageMaker names the objects of captured data by endpoint, variant and time",
    )
    yield from _objects(
        environment,
        reasons,
        {place_uri(environment, dumps.destination) for dumps in _core_dumps(environment)},
        sid="WriteCoreDumps",
        actions=["s3:PutObject", "s3:AbortMultipartUpload"],
        reason="SageMaker names the core dumps",
    )
    baselines = {
        endpoint.explainer.baseline
        for endpoint in environment.endpoints.values()
        if endpoint.explainer is not None and (endpoint.explainer.baseline or "").startswith("s3://")
    }
    yield from _objects(
        environment,
        reasons,
        filter(None, baselines),
        sid="ReadBaselines",
        actions=["s3:GetObject"],
        reason="the baseline, as the config names it",
    )
    yield from key_statements(environment, key, _keys(environment), sid="EncryptData", actions=_ENCRYPT)


def caller_statements(environment: Environment, key: kms.IKey, reasons: Reasons) -> Iterator[iam.PolicyStatement]:
    """Allow what callers of asynchronous endpoints need: to put requests, and to fetch answers and failures.

    Parameters
    ----------
    environment
        The environment.
    key
        Its own key.
    reasons
        Gets the reason of each wildcard.

    Yields
    ------
    PolicyStatement
        None without an asynchronous endpoint. Keys can be used through S3 only.
    """
    places = list(_asynchronous_places(environment))
    outputs = {uri for place in places for uri in (place.output, place.failures)}
    yield from _objects(
        environment,
        reasons,
        {place.input for place in places},
        sid="PutRequests",
        actions=["s3:PutObject"],
        reason="callers choose the names of their requests",
    )
    yield from _objects(
        environment,
        reasons,
        outputs,
        sid="FetchAnswers",
        actions=["s3:GetObject"],
        reason="SageMaker chooses the names of answers and failures",
    )
    suffix = ".cn" if environment.names.partition == "aws-cn" else ""
    through_s3 = {"StringEquals": {"kms:ViaService": f"s3.{environment.region}.amazonaws.com{suffix}"}}
    declared = [e.asynchronous for e in environment.endpoints.values() if e.asynchronous is not None]
    named = {one.kms_key for one in declared if one.kms_key}
    own = {environment.names.key_alias} if _encrypted(environment, {place.input for place in places}) else set()
    used = own if _encrypted(environment, outputs) else set()
    yield from key_statements(
        environment,
        key,
        own,
        sid="EncryptRequests",
        actions=["kms:Decrypt", "kms:GenerateDataKey"],
        conditions=through_s3,
    )
    yield from key_statements(
        environment, key, (named | used) - own, sid="DecryptAnswers", actions=["kms:Decrypt"], conditions=through_s3
    )


def _asynchronous_places(environment: Environment) -> Iterator[AsynchronousPlaces]:
    ours = f"s3://{environment.names.bucket}/async/"
    for name, endpoint in environment.endpoints.items():
        if endpoint.asynchronous is not None:
            places = asynchronous_places(environment, name)

            def shared(uri: str, own: str = f"{ours}{name}/") -> str:
                return f"{ours}*/{uri.removeprefix(own)}" if uri.startswith(own) else uri

            yield AsynchronousPlaces(shared(places.input), shared(places.output), shared(places.failures))


def _asynchronous(environment: Environment, reasons: Reasons) -> Iterator[iam.PolicyStatement]:
    """Developer Guide, "Complete the prerequisites" of asynchronous inference: these four actions on the bucket."""
    places = list(_asynchronous_places(environment))
    inputs = {place.input for place in places}
    outputs = {uri for place in places for uri in (place.output, place.failures)}
    yield from _objects(
        environment,
        reasons,
        inputs,
        sid="ReadRequests",
        actions=["s3:GetObject"],
        reason="callers of asynchronous endpoints choose the names of their requests",
    )
    yield from _objects(
        environment,
        reasons,
        outputs,
        sid="WriteAnswers",
        actions=["s3:PutObject", "s3:AbortMultipartUpload"],
        reason="SageMaker chooses the names of asynchronous answers and failures",
    )
    prefixes: dict[str, set[str]] = {}
    for uri in inputs | outputs:
        bucket, _, path = uri.removeprefix("s3://").partition("/")
        prefixes.setdefault(bucket, set()).add(f"{path}*")
    for at, (bucket, paths) in enumerate(sorted(prefixes.items())):
        yield iam.PolicyStatement(
            sid=f"ListAsynchronous{at}",
            actions=["s3:ListBucket"],
            resources=[f"arn:{environment.names.partition}:s3:::{bucket}"],
            conditions={"StringLike": {"s3:prefix": sorted(paths)}},
        )
    topics = {
        topic
        for endpoint in environment.endpoints.values()
        if endpoint.asynchronous is not None
        for topic in (endpoint.asynchronous.success_topic, endpoint.asynchronous.error_topic)
        if topic is not None
    }
    if topics:
        yield iam.PolicyStatement(
            sid="TellTopics",
            actions=["sns:Publish"],
            resources=sorted(topic_arn(environment, topic) for topic in topics),
        )


def _core_dumps(environment: Environment) -> Iterator[CoreDumps]:
    for endpoint in environment.endpoints.values():
        for member in (*endpoint.fleet.values(), *endpoint.shadows.values()):
            if isinstance(member.hosting, Hosting) and member.hosting.core_dumps is not None:
                yield member.hosting.core_dumps


def _keys(environment: Environment) -> set[str]:
    """The keys that encrypt what endpoints write and the messages that they send, as the config names them."""
    own = environment.names.key_alias
    used = set()
    written: set[tuple[str, str | None]] = set()
    for name, endpoint in environment.endpoints.items():
        declared = endpoint.asynchronous
        if declared is not None:
            places = asynchronous_places(environment, name)
            written |= {(places.output, declared.kms_key), (places.failures, declared.kms_key)}
            topics = (declared.success_topic, declared.error_topic)
            used |= {own for topic in topics if topic is not None and not topic.startswith("arn:")}
        if endpoint.capture is not None and endpoint.capture.enabled:
            written.add((f"{capture_place(environment, name)}/", endpoint.capture.kms_key))
    written |= {(place_uri(environment, dumps.destination), dumps.kms_key) for dumps in _core_dumps(environment)}
    for uri, named in written:
        if named is not None or _encrypted(environment, {uri}):
            used.add(named or own)
    return used


def _encrypted(environment: Environment, uris: Iterable[str]) -> bool:
    """Whether any of these is in the model bucket, and that is encrypted with the environment's key."""
    ours = f"s3://{environment.names.bucket}/"
    return environment.bucket.encryption == "kms" and any(uri.startswith(ours) for uri in uris)


def _objects(
    environment: Environment, reasons: Reasons, uris: Iterable[str], *, sid: str, actions: list[str], reason: str
) -> Iterator[iam.PolicyStatement]:
    """Allow actions on objects: on one that a URI names, or on all under a prefix."""
    resources = []
    for uri in sorted(uris):
        arn = f"arn:{environment.names.partition}:s3:::{uri.removeprefix('s3://')}{'*' if uri.endswith('/') else ''}"
        resources.append(arn)
        if "*" in arn:
            reasons[arn] = reason
    if resources:
        yield iam.PolicyStatement(sid=sid, actions=actions, resources=resources)
