"""Who uses a model version, and what a config has to say so that it is deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.spec.lock import PUBLISHED_KEY
from slipway.spec.model import RepositoryImage, UriImage
from slipway.spec.sources import Artifact, artifacts

if TYPE_CHECKING:
    from slipway.spec.environment import Environment
    from slipway.spec.errors import Path
    from slipway.spec.model import Container, Image


@dataclass(frozen=True, eq=False)
class Use:
    """A container that runs a model, or its script.

    Attributes
    ----------
    endpoint
        The endpoint's short name.
    artifact
        What it downloads.
    container
        The container.
    at
        Keys from the top of the config to the container.
    """

    endpoint: str
    artifact: Artifact
    container: Container
    at: Path


def uses(environment: Environment, model: str) -> Iterator[Use]:
    """Find the containers that run a model, in whatever version.

    Parameters
    ----------
    environment
        The environment.
    model
        As it is published, such as ``iris`` or ``demand/store-1``.

    Yields
    ------
    Use
        In the order of the config.
    """
    for name, endpoint in environment.endpoints.items():
        containers = {
            (served.id, container_name): (container, ("endpoints", name, *at))
            for served in endpoint.served
            for at, container_name, container in served.containers
        }
        for artifact in artifacts(name, endpoint, environment.names.bucket):
            key = PUBLISHED_KEY.fullmatch(artifact.key)
            ours = f"models/{model}/".startswith(artifact.key) if artifact.several else key and key["model"] == model
            if ours:
                container, at = containers[artifact.served, artifact.container]
                yield Use(name, artifact, container, at)


def to_write(
    environment: Environment, model: str, version: str, key: str, images: Mapping[Use, Image]
) -> Mapping[str, Any]:
    """Say what an environment's config lacks to run a version in the image that runs it elsewhere.

    Parameters
    ----------
    environment
        The environment to deploy.
    model, version
        What was promoted.
    key
        Its key.
    images
        The image of each container that runs the model where it comes from.

    Returns
    -------
    Mapping
        What to lay over its config; empty if it says so already.
    """
    out: dict[str, Any] = {}
    for use in uses(environment, model):
        if use.artifact.several:
            continue
        if use.artifact.key != key:
            by_version = use.artifact.decided_by[-1] == "version"
            number = int(version) if version.isdigit() else version
            _lay(out, use.artifact.decided_by, number if by_version else key)
        if use.artifact.script_only:
            continue
        image = _image_of(use, images)
        if image is not None and use.container.image is not None and not same_image(use.container.image, image):
            _lay(out, (*use.at, "image"), image.model_dump(exclude_defaults=True, exclude_none=True))
    return out


def same_image(one: Image, other: Image) -> bool:
    """Whether two configs name the same bytes, as far as names tell."""
    if isinstance(one, UriImage) and isinstance(other, UriImage) and "@" in one.uri:
        return one.uri.partition("@")[2] == other.uri.partition("@")[2]
    if isinstance(one, RepositoryImage) and isinstance(other, RepositoryImage) and one.digest:
        return one.digest == other.digest
    return one == other


def _image_of(use: Use, images: Mapping[Use, Image]) -> Image | None:
    """The image that runs the model elsewhere: in the same place of the config, or in the only one that there is."""
    same_place = [image for other, image in images.items() if other.at == use.at]
    every = list(dict.fromkeys(images.values()))
    return same_place[0] if same_place else every[0] if len(every) == 1 else None


def _lay(out: dict[str, Any], path: Path, value: object) -> None:
    *above, last = path
    for key in above:
        out = out.setdefault(str(key), {})
    out[str(last)] = value
