"""A model: its containers, each with its image, its artifact and what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from slipway.spec.base import Off, ShortName, Spec
from slipway.spec.references import Function, HubContentArn, PackageArn

Version = Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""A model's version: a whole number, or a word such as ``2026-11-21`` or ``1.4.2``."""

#: API:ContainerHostname.
Hostname = Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")]


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
    private: bool = False
    """The registry is a private one inside the `network`, and no ECR."""
    credentials: Function | None = None
    """ARN of the function that hands out the private registry's credentials; needs `private`."""


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


class Container(Spec):
    """One container: what runs in it and which bytes it gets."""

    image: Image | None = None
    """The container's image. Required, unless `package` says what runs."""
    artifact: Annotated[Off | Annotated[str, Field(pattern=r"^\S+$")], Field(union_mode="left_to_right")] | None = None
    """A key in the model bucket, an `s3://` URI, or either ending in `/` for an uncompressed prefix,
    whose bytes nothing pins; `off` when the image holds the model itself.
    Default: `models/{model}/v{version}/model.tar.gz`."""
    models: Annotated[str, Field(pattern=r"^\S+/$")] | None = None
    """Makes it a multi-model container: the prefix under which its archives lie, a key in the model bucket or an
    `s3://` URI. Each request names one (TargetModel). Instead of `artifact`."""
    cache: bool | None = None
    """Whether a multi-model container keeps loaded models in memory. Default: the service's, which is yes."""
    package: PackageArn | None = None
    """ARN of a model package of the registry, which brings image and artifact: instead of both."""
    specification: Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")] | None = None
    """Which inference specification of the container's package to use."""
    hub_content: HubContentArn | None = None
    """ARN of the content of a JumpStart hub that the artifact belongs to; the artifact is its `s3://` URI."""
    accept_eula: bool | None = None
    """Say that you read and accept the end-user license agreement of a gated model."""
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
    source: Annotated[str, Field(pattern=r"^\S+\.tar\.gz$")] | None = None
    """Where a multi-model container finds its `script`, since it starts before any model is there: a key in the model
    bucket or an `s3://` URI of an archive with the script at its root."""

    @property
    def variables(self) -> Mapping[str, str]:
        """Environment variables of the container, with those that `script` sets; a `source` as it is declared."""
        if self.script is None:
            return self.environment
        # The framework containers run a script that lies in the artifact only when both are set.
        script = {"SAGEMAKER_PROGRAM": self.script, "SAGEMAKER_SUBMIT_DIRECTORY": self.source or "/opt/ml/model/code"}
        return {**script, **self.environment}


class Model(Container):
    """A model in one container."""

    hostname: Hostname | None = None
    """What the container is called, for whoever calls it by name."""
    network_isolation: bool = False
    """Forbid the container any network."""

    @property
    def containers(self) -> Mapping[str, Container]:
        """Its one container, under no name."""
        return {"": self}


class Pipeline(Spec):
    """A model in 2 to 15 containers (API:ContainerDefinitionList), one after the other or each for itself."""

    containers: Annotated[dict[ShortName, Container], Field(min_length=2, max_length=15)]
    """By name, in the order in which a request passes through them."""
    invocation: Literal["serial", "direct"] = "serial"
    """`serial` hands each container's answer to the next; with `direct` every request names its container."""
    version: Version | None = None
    """Default: the endpoint's version; a container may have its own."""
    network_isolation: bool = False
    """Forbid the containers any network."""


def _shape(value: Any) -> str:  # noqa: ANN401  (a mapping of the config, or a model)
    if isinstance(value, dict):
        return "Pipeline" if "containers" in value else "Model"
    return type(value).__name__ if isinstance(value, Pipeline) else "Model"


AnyModel = Annotated[
    Annotated[Model, Tag("Model")] | Annotated[Pipeline, Tag("Pipeline")],
    Discriminator(_shape),
]
