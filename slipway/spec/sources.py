"""Where a model's bytes come from: the URIs of its artifacts and the addresses of its images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.spec import images
from slipway.spec.endpoint import Endpoint
from slipway.spec.environment import Environment
from slipway.spec.errors import Path
from slipway.spec.lock import artifact_key
from slipway.spec.model import Container, FrameworkImage, RepositoryImage


@dataclass(frozen=True)
class Artifact:
    """What one container of a served model downloads.

    Attributes
    ----------
    served
        Whose model it is: the variant's or the component's name.
    container
        The container's name; empty for a model of one container.
    version
        The model's version.
    key
        A key in the model bucket, by convention when none is declared, or the ``s3://`` URI of what lies elsewhere.
        A prefix ends in a slash.
    decided_by
        The key in the config that decides it.
    model
        What it is published as, where it is named by convention.
    several
        Whether it is the prefix of a multi-model container, under which whole archives lie.
    script_only
        Whether it holds no model but the script of a multi-model container.
    """

    served: str
    container: str
    version: str
    key: str
    decided_by: Path
    model: str
    several: bool = False
    script_only: bool = False

    @property
    def elsewhere(self) -> bool:
        """Whether it lies outside the model bucket, which is the user's own affair."""
        return self.key.startswith("s3://")

    def uri(self, environment: Environment) -> str:
        """The ``s3://`` URI in an environment."""
        return self.key if self.elsewhere else f"s3://{environment.names.bucket}/{self.key}"


def artifacts(name: str, endpoint: Endpoint, bucket: str) -> Iterator[Artifact]:
    """Say which artifacts the containers of an endpoint's models download.

    Parameters
    ----------
    name
        The endpoint's short name.
    endpoint
        The endpoint.
    bucket
        The model bucket: a URI in it counts as its key, so that the lock holds for it too.

    Yields
    ------
    Artifact
        One for each container that downloads any, in the order of the config.
    """
    top: Path = ("endpoints", name)
    decided: Path
    for served in endpoint.served:
        for at, container_name, container in served.containers:
            if container.source is not None:
                key = container.source.removeprefix(f"s3://{bucket}/")
                decided = (*top, *at, "source")
                yield Artifact(served.id, container_name, served.version, key, decided, name, script_only=True)
            if container.package is not None or container.artifact is False:
                continue
            model = f"{name}-{container_name}" if container_name else name
            if served.component:
                model = f"{name}-{served.at[1]}"
            version = str(container.version) if container.version is not None else served.version
            given = container.models or container.artifact
            if given:
                key = given.removeprefix(f"s3://{bucket}/")
                decided = (*top, *at, "models" if container.models else "artifact")
                yield Artifact(served.id, container_name, version, key, decided, model, container.models is not None)
                continue
            version_keys = [(*at, "version")] if container.version is not None else []
            version_keys += [(*served.at, "version")] if served.model.version is not None else []
            decided = (*top, *(version_keys or [("version",)])[0])
            yield Artifact(served.id, container_name, version, artifact_key(model, version), decided, model)


def image_uri(environment: Environment, container: Container) -> str | None:
    """Write the address of a container's image.

    Parameters
    ----------
    environment
        Whose Region and repositories.
    container
        The container.

    Returns
    -------
    str or None
        Registry, repository and tag or digest; ``None`` where a model package or another component brings it.
    """
    image = container.image
    if image is None:
        return None
    if isinstance(image, FrameworkImage):
        return images.framework_image(image.framework, image.tag, environment.region)
    if isinstance(image, RepositoryImage):
        version = f"@{image.digest}" if image.digest else f":{image.tag}"
        return environment.names.repository_uri(image.repository) + version
    return image.uri


@dataclass(frozen=True)
class AsynchronousPlaces:
    """``s3://`` URIs of an asynchronous endpoint's requests, answers and failures; each ends in a slash."""

    input: str
    output: str
    failures: str


def place_uri(environment: Environment, place: str) -> str:
    """Write a place as a URI: a prefix without a bucket is one in the model bucket.

    Parameters
    ----------
    environment
        The environment.
    place
        As the config has it.

    Returns
    -------
    str
        An ``s3://`` URI.
    """
    return place if place.startswith("s3://") else f"s3://{environment.names.bucket}/{place}"


def asynchronous_places(environment: Environment, name: str) -> AsynchronousPlaces:
    """Say where an asynchronous endpoint finds requests and leaves answers.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.

    Returns
    -------
    AsynchronousPlaces
        Those of the config, else prefixes in the model bucket.
    """
    declared = environment.endpoints[name].asynchronous
    given = (declared.input, declared.output, declared.failures) if declared else (None, None, None)
    parts = zip(given, ("in", "out", "failed"), strict=True)
    return AsynchronousPlaces(*(place_uri(environment, own or f"async/{name}/{part}/") for own, part in parts))


def capture_place(environment: Environment, name: str) -> str:
    """Say under which URI SageMaker makes an endpoint's folder of captured data.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.

    Returns
    -------
    str
        An ``s3://`` URI without a slash at its end, since SageMaker adds one.
    """
    declared = environment.endpoints[name].capture
    own = declared.destination if declared else None
    return place_uri(environment, own or "capture/").rstrip("/")


def topic_arn(environment: Environment, topic: str) -> str:
    """Write a topic's ARN.

    Parameters
    ----------
    environment
        The environment.
    topic
        An ARN, or the short name of one of the environment's topics.

    Returns
    -------
    str
        The ARN.
    """
    names = environment.names
    return topic if topic.startswith("arn:") else names.arn("sns", names.results_topic(topic))
