"""Where a model's bytes come from: the URI of its artifact and the address of its image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.spec import images
from slipway.spec.endpoint import Endpoint
from slipway.spec.environment import Environment
from slipway.spec.errors import Path
from slipway.spec.lock import artifact_key
from slipway.spec.model import FrameworkImage, Model, RepositoryImage


@dataclass(frozen=True)
class Artifact:
    """The artifact of one variant.

    Attributes
    ----------
    variant
        The variant's name.
    version
        The model's version.
    key
        A key in the model bucket, by convention when none is declared, or the ``s3://`` URI of what lies elsewhere.
    decided_by
        The key in the config that decides it.
    """

    variant: str
    version: str
    key: str
    decided_by: Path

    @property
    def elsewhere(self) -> bool:
        """Whether it lies outside the model bucket, which is the user's own affair."""
        return self.key.startswith("s3://")

    def uri(self, environment: Environment) -> str:
        """The ``s3://`` URI in an environment."""
        return self.key if self.elsewhere else f"s3://{environment.names.bucket}/{self.key}"


def artifacts(name: str, endpoint: Endpoint, bucket: str) -> Iterator[Artifact]:
    """Say which artifact each variant of an endpoint serves.

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
        One for each variant, in the order of the config.
    """
    top: Path = ("endpoints", name)
    for variant_name, variant in endpoint.fleet.items():
        at: Path = (*top, "variants", variant_name, "model") if endpoint.variants else (*top, "model")
        version = endpoint.version_of(variant)
        if variant.model.artifact is not None:
            key = variant.model.artifact.removeprefix(f"s3://{bucket}/")
            yield Artifact(variant_name, version, key, (*at, "artifact"))
        else:
            decided = (*at, "version") if variant.model.version is not None else (*top, "version")
            yield Artifact(variant_name, version, artifact_key(name, version), decided)


def image_uri(environment: Environment, model: Model) -> str:
    """Write the address of a model's image.

    Parameters
    ----------
    environment
        Whose Region and repositories.
    model
        The model.

    Returns
    -------
    str
        Registry, repository and tag or digest.
    """
    image = model.image
    if isinstance(image, FrameworkImage):
        return images.framework_image(image.framework, image.tag, environment.region)
    if isinstance(image, RepositoryImage):
        version = f"@{image.digest}" if image.digest else f":{image.tag}"
        return environment.names.repository_uri(image.repository) + version
    return image.uri
