"""A model: its artifact, its image and what the container is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from slipway.spec.base import ShortName, Spec

Version = Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""A model's version: a whole number, or a word such as ``2026-11-21`` or ``1.4.2``."""


class FrameworkImage(Spec):
    """A container that AWS publishes for a framework, found by Region in a checked-in table."""

    framework: str
    """Such as `sklearn`, `xgboost`, `pytorch`; `slipway config images` lists them."""
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
    """The image's whole tag, such as `1.4-2-cpu-py3`."""


class RepositoryImage(Spec):
    """An image in one of the environment's own ECR repositories."""

    repository: ShortName
    """The repository's short name, one of `repositories`."""
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    """What pins the bytes."""
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")] | None = None
    """A tag instead of a digest; tags of the environment's repositories are immutable."""


class UriImage(Spec):
    """Any image, by its whole address."""

    uri: Annotated[str, Field(pattern=r"^\S+$", max_length=255)]
    """Registry, repository and tag or digest (API:ContainerImage: at most 255 characters)."""


def _kind(value: Any) -> str | None:  # noqa: ANN401  (a mapping of the config, or a model)
    if not isinstance(value, dict):
        return type(value).__name__
    kinds = {"framework": "FrameworkImage", "repository": "RepositoryImage", "uri": "UriImage"}
    return next((name for key, name in kinds.items() if key in value), None)


Image = Annotated[
    Annotated[FrameworkImage, Tag("FrameworkImage")]
    | Annotated[RepositoryImage, Tag("RepositoryImage")]
    | Annotated[UriImage, Tag("UriImage")],
    Discriminator(_kind),
]


class Model(Spec):
    """What is served."""

    image: Image
    """The container that serves it."""
    artifact: Annotated[str, Field(pattern=r"^\S+$")] | None = None
    """A key in the model bucket, an `s3://` URI, or either ending in `/` for an uncompressed prefix,
    whose bytes nothing pins. Default: `models/{model}/v{version}/model.tar.gz`."""
    version: Version | None = None
    """Default: the endpoint's version."""
    environment: Annotated[
        dict[
            Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=1024)],
            Annotated[str, Field(max_length=1024)],
        ],
        Field(max_length=100),
    ] = Field(default_factory=dict)
    """Environment variables of the container (API:EnvironmentMap: at most 100, 32 KB in all)."""
    script: Annotated[str, Field(pattern=r"^[A-Za-z0-9_./-]+\.py$")] | None = None
    """The script inside the artifact's `code/` folder that a framework container runs, such as `inference.py`:
    sets SAGEMAKER_PROGRAM and SAGEMAKER_SUBMIT_DIRECTORY."""
    network_isolation: bool = False
    """Forbid the container any network."""

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment variables of the container, with those that `script` sets."""
        if self.script is None:
            return self.environment
        # The framework containers run a script that lies in the artifact only when both are set.
        script = {"SAGEMAKER_PROGRAM": self.script, "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
        return {**script, **self.environment}
