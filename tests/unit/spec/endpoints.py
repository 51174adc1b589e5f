"""Endpoints of every hosting mode in the words of the config, to be broken one key at a time."""

from __future__ import annotations

MODEL = "{image: {framework: sklearn, tag: 1.4-2-cpu-py3}}"
MANY = "{image: {framework: sklearn, tag: 1.4-2-cpu-py3}, models: models/many/}"
CHAIN = f"{{containers: {{scale: {MODEL}, predict: {MODEL}}}}}"
DIRECT = f"{{invocation: direct, containers: {{scale: {MODEL}, predict: {MODEL}}}}}"
LARGE = "{instance_type: ml.m5.large}"
SERVERLESS = "{serverless: {memory: 2GB, concurrency: 5}}"
WARM = "{serverless: {memory: 2GB, concurrency: 5, provisioned: 2}}"
PACKAGE = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/scorer/3"
FOREIGN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/scorer/3"
NETWORK = "network: {subnets: [subnet-0a1b2c3d], security_groups: [sg-0a1b2c3d]}"
CANARY = "{strategy: canary}"


def endpoint(**keys: str | None) -> str:
    """An endpoint with some keys; None leaves one out."""
    return "".join(f"{key}: {value}\n" for key, value in {"version": "1", **keys}.items() if value is not None)


def real_time(**keys: str | None) -> str:
    """One model on one instance."""
    return endpoint(**{"model": MODEL, "hosting": LARGE, **keys})


def fleet(hosting: str) -> str:
    """One model on a fleet."""
    return real_time(hosting=hosting)


def model(text: str) -> str:
    """One model on one instance, with more to say of the model."""
    return real_time(model=text)


def serverless(**keys: str | None) -> str:
    """One model, serverless."""
    return endpoint(**{"model": MODEL, "hosting": SERVERLESS, **keys})


def asynchronous(**keys: str | None) -> str:
    """One model that answers to S3."""
    return real_time(**{"asynchronous": "{}", **keys})


def shadowed(model: str = MODEL, hosting: str = LARGE, **keys: str | None) -> str:
    """A model, and a second one that gets copies of the requests."""
    return real_time(**{"shadow": f"{{model: {model}, hosting: {hosting}}}", **keys})


def variants(first: str = LARGE, second: str = LARGE, **keys: str | None) -> str:
    """Two models by weight."""
    both = f"{{one: {{model: {MODEL}, hosting: {first}}}, two: {{model: {MODEL}, hosting: {second}}}}}"
    return endpoint(**{"variants": both, **keys})


def component(text: str = "", model: str | None = MODEL, memory: str = "memory: 1GB") -> str:
    """One model's share of a fleet."""
    parts = [f"model: {model}" if model else "", memory, text]
    return f"{{{', '.join(part for part in parts if part)}}}"


def shared(*texts: str, hosting: str = "{instance_type: ml.m5.xlarge}", **keys: str | None) -> str:
    """Components `a`, `b`, … on one fleet."""
    each = ", ".join(f"{name}: {text}" for name, text in zip("abcdef", texts or (component(),), strict=False))
    return endpoint(**{"hosting": hosting, "components": f"{{{each}}}", **keys})
