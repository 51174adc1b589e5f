"""Rules on models: their images, where their bytes come from, and what their containers are given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from slipway.spec import images
from slipway.spec.environment import Environment
from slipway.spec.errors import Path, Problem
from slipway.spec.lock import artifact_key
from slipway.spec.model import Container, FrameworkImage, Image, Model, Pipeline, RepositoryImage, UriImage
from slipway.spec.sources import artifacts

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: S3's names of buckets, as they have been since 2018.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
#: What would make a pattern or a variable of a key in the role's policy.
_ODD_IN_KEYS = re.compile(r"[*?$]")
#: The Region of an image in ECR.
_ECR = re.compile(r"[0-9]{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/")
#: API:EnvironmentMap: entries, and bytes of all names and values together.
MOST_VARIABLES, MOST_BYTES = 100, 32 * 1024
#: API:ContainerHostname.
LONGEST_HOSTNAME = 63


def region_of(arn: str) -> str:
    """Name the Region in an ARN."""
    return arn.split(":")[3]


def image(s: Subject) -> Iterator[Problem]:
    """The image can be found, and in prod it is pinned."""
    for path, container in s.containers():
        at = (*path, "image")
        if container.image is not None:
            yield from _image(at, container.image, s.environment)
        elif container.package is None and not s.is_adapter(path):
            yield Problem(
                at,
                "is missing: say what runs (`framework` with `tag`, `repository` with `digest` or `tag`, or `uri`), or "
                "name a model `package`",
                others=((*path, "package"), (*path, "containers"), (*path[:-1], "base")),
            )


def _image(path: Path, image: Image, environment: Environment) -> Iterator[Problem]:
    if isinstance(image, FrameworkImage):
        try:
            images.framework_image(image.framework, image.tag, environment.region)
        except images.UnknownFramework as error:
            yield Problem((*path, "framework"), str(error))
        except images.UnknownRegion as error:
            if environment.region in images.known_regions():
                yield Problem((*path, "framework"), str(error), others=(("region",),))
    elif isinstance(image, RepositoryImage):
        known = environment.repositories
        if image.repository not in known:
            hint = get_close_matches(image.repository, known, 1)
            cure = (
                f"did you mean {hint[0]!r}?"
                if hint
                else f"add it: `repositories: [{', '.join([*known, image.repository])}]`"
            )
            yield Problem(
                (*path, "repository"),
                f"{image.repository!r} is none of `repositories`: {cure}",
                others=(("repositories",),),
            )
        if (image.digest is None) == (image.tag is None):
            yield Problem(path, "needs either `digest: sha256:…` (which pins the bytes) or `tag`")
    else:
        yield from _address(path, image, environment)
    yield from _latest(path, image, environment)


def _address(path: Path, image: UriImage, environment: Environment) -> Iterator[Problem]:
    """An ECR image lies in the endpoint's Region, and a private registry's can be reached."""
    ecr = _ECR.match(image.uri)
    if ecr and ecr["region"] != environment.region:
        yield Problem(
            (*path, "uri"),
            f"lies in {ecr['region']}, and SageMaker pulls images from the endpoint's own Region only "
            f"(API:ContainerDefinition): copy it to {environment.region}",
            others=(("region",),),
        )
    if image.private and ecr:
        yield Problem(
            (*path, "private"),
            "stands beside the address of an image in ECR, which is no private registry: remove `private`",
            others=((*path, "uri"),),
        )
    elif image.private and environment.network is None:
        yield Problem(
            (*path, "private"),
            "needs `network`: SageMaker reaches a private registry through the models' subnets only (Developer Guide, "
            '"Use a Private Docker Registry"); declare `network`, or host the image in ECR',
            others=(("network",),),
        )
    if image.credentials is not None and not image.private:
        yield Problem(
            (*path, "credentials"),
            "stands beside an image that is not in a private registry (API:RepositoryAuthConfig): write `private: "
            "true`, or remove `credentials`",
            others=((*path, "private"),),
        )


def _latest(path: Path, image: Image, environment: Environment) -> Iterator[Problem]:
    if isinstance(image, UriImage):
        last = image.uri.rsplit("/", 1)[-1]
        tag = None if "@sha256:" in last else last.split(":", 1)[1] if ":" in last else "latest"
        key = "uri"
    else:
        tag, key = image.tag, "tag"
    if tag != "latest":
        return
    message = (
        "is `latest` (said or implied): instances that start later may run other bytes than their neighbours; "
        "pin a version tag or a digest (`…@sha256:…`)"
    )
    yield Problem((*path, key), message, "error" if environment.environment == "prod" else "warning")


def artifact(s: Subject) -> Iterator[Problem]:
    """An artifact is a key or an URI that exists as one thing, and its bytes are pinned."""
    bucket = s.environment.names.bucket
    for path, container in s.containers():
        for key in ("artifact", "models", "source"):
            given = getattr(container, key)
            if given:
                yield from _artifact((*path, key), given, s.name)
    for found in artifacts(s.name, s.endpoint, bucket):
        if not found.elsewhere and found.key.endswith("/") and not found.several:
            yield Problem(
                found.decided_by,
                f"the lock file holds no prefixes, so the bytes under {found.key} are not pinned: instances that start "
                "later load whatever lies there then; never change what is under it, or publish a .tar.gz",
                "warning",
            )


def _artifact(path: Path, given: str, model: str) -> Iterator[Problem]:
    away = given.startswith("s3://")
    bucket, _, key = given.removeprefix("s3://").partition("/") if away else ("", "", given)
    if not away and (given.startswith("/") or "://" in given):
        yield Problem(path, f"{given!r} is neither a key nor an s3:// URI: write it like {artifact_key(model, 1)}")
    elif away and not _BUCKET.fullmatch(bucket):
        yield Problem(
            path,
            f"{bucket!r} is no bucket's name (3 to 63 lower-case letters, digits, dots and hyphens): write it like "
            f"s3://a-bucket/{artifact_key(model, 1)}",
        )
    elif not key.strip("/"):
        yield Problem(path, f"{given!r} names no key: write it like s3://{bucket}/{artifact_key(model, 1)}")
    elif odd := _ODD_IN_KEYS.search(key):
        yield Problem(path, f"{given!r} holds {odd[0]!r}, which would widen what the role may read: name one object")
    elif {".", ".."} & set(key.split("/")):
        yield Problem(path, f"{given!r} holds '.' or '..' as a folder, which S3 takes literally: write the whole key")
    elif not key.endswith(("/", ".tar.gz")):
        yield Problem(path, f"{given!r} must end in .tar.gz, or in / for an uncompressed prefix")


def source(s: Subject) -> Iterator[Problem]:
    """A container's bytes come from one place: an image with an artifact or many, or a package of the registry."""
    for path, container in s.containers():
        if container.package is not None:
            yield from _package(path, container, s.environment)
        elif container.specification is not None:
            yield Problem(
                (*path, "specification"),
                "names the inference specification of a model package, and there is none: name the `package`, or "
                "remove `specification`",
                others=((*path, "package"),),
            )
        if container.models is not None and container.artifact is not None:
            yield Problem(
                (*path, "artifact"),
                "stands beside `models`, whose archives are the artifacts: keep one of them (`artifact: null` removes "
                "what base.yaml says)",
                others=((*path, "models"),),
            )
        if container.cache is not None and container.models is None:
            yield Problem(
                (*path, "cache"),
                "is for multi-model containers (API:MultiModelConfig): remove it, or say with `models` where the "
                "archives lie",
                others=((*path, "models"),),
            )
        yield from _script(path, container)
        yield from _elsewhere(path, container)


def _script(path: Path, container: Container) -> Iterator[Problem]:
    """A multi-model container starts before any model is there, so its script cannot lie in one."""
    if container.source is not None and container.models is None:
        yield Problem(
            (*path, "source"),
            "is for multi-model containers, and the script of any other lies in the `code/` folder of its artifact: "
            "remove it, or say with `models` where the archives lie",
            others=((*path, "models"),),
        )
    elif container.source is not None and container.script is None:
        yield Problem(
            (*path, "source"),
            "holds a script, and none is named: write `script: inference.py` or its like, or remove `source`",
            others=((*path, "script"),),
        )
    elif container.models is not None and container.script is not None and container.source is None:
        yield Problem(
            (*path, "script"),
            "a multi-model container starts before any model is there, so whether it finds a script inside an archive "
            "depends on its image: put it into an archive of its own and name that with `source`",
            "warning",
            ((*path, "models"),),
        )


def _package(path: Path, container: Container, environment: Environment) -> Iterator[Problem]:
    for key in ("image", "artifact", "models", "hub_content", "accept_eula"):
        # `artifact: off` says nothing else than the package does.
        if getattr(container, key) is not None and not (key == "artifact" and container.artifact is False):
            yield Problem(
                (*path, key),
                "stands beside `package`, which brings image and artifact (API:ContainerDefinition): keep one of them",
                others=((*path, "package"),),
            )
    region = region_of(container.package or "")
    if region != environment.region:
        yield Problem(
            (*path, "package"),
            f"lies in {region} and the endpoint in {environment.region}, and whether SageMaker takes a model package "
            "of another Region is not documented",
            "warning",
            (("region",),),
        )


def _elsewhere(path: Path, container: Container) -> Iterator[Problem]:
    """Content of a hub, and models with an agreement, lie outside the model bucket."""
    away = bool(container.artifact) and str(container.artifact).startswith("s3://")
    for key, value in (("hub_content", container.hub_content), ("accept_eula", container.accept_eula)):
        if value is not None and container.package is None and not away:
            yield Problem(
                (*path, key),
                "belongs to an artifact outside the model bucket (API:S3ModelDataSource): name its URI, `artifact: "
                f"s3://…`, or remove `{key}`",
                others=((*path, "artifact"), (*path, "package")),
            )
    if container.accept_eula is False:
        yield Problem(
            (*path, "accept_eula"),
            "refuses the agreement, and a model that asks for one does not load then: write `true` once you have read "
            "and accept it, or leave it out",
            "warning",
        )


def variables(s: Subject) -> Iterator[Problem]:
    """The container's environment, with what `script` adds to it, is no larger than the service accepts."""
    for path, container in s.containers():
        given = container.variables
        at = (*path, "environment")
        size = _bytes(container)
        if size > MOST_BYTES:
            yield Problem(
                at,
                f"names and values have {size:,} bytes together, at most {MOST_BYTES:,} are allowed "
                "(API:EnvironmentMap): put what is long into the artifact",
            )
        if len(given) > MOST_VARIABLES:
            yield Problem(
                at,
                f"has {len(given)} entries with those that `script` sets, at most {MOST_VARIABLES} are allowed "
                f"(API:EnvironmentMap): leave {len(given) - MOST_VARIABLES} out",
                others=((*path, "script"),),
            )


def _bytes(container: Container) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in container.variables.items())


def pipelines(s: Subject) -> Iterator[Problem]:
    """The containers of a pipeline have names that fit, at most one hosts several models, and all fit together."""
    for served in s.endpoint.served:
        path = (*s.path, *served.at)
        if isinstance(served.model, Model) and served.model.hostname is not None:
            yield Problem(
                (*path, "hostname"),
                "the service ignores the name of a container that is alone (API:ContainerDefinition): leave it out",
                "warning",
            )
        if not isinstance(served.model, Pipeline):
            continue
        containers = served.model.containers
        for name in containers:
            if len(name) > LONGEST_HOSTNAME:
                yield Problem(
                    (*path, "containers", name),
                    f"the name has {len(name)} characters, at most {LONGEST_HOSTNAME} are allowed "
                    f"(API:ContainerHostname): shorten it by {len(name) - LONGEST_HOSTNAME}",
                    of_name=True,
                )
        several = [name for name, container in containers.items() if container.models is not None]
        for name in several[1:]:
            yield Problem(
                (*path, "containers", name, "models"),
                f"a pipeline has at most one multi-model container, and {several[0]!r} is one: name one `artifact` "
                "here",
                others=((*path, "containers", several[0], "models"),),
            )
        each = {name: _bytes(container) for name, container in containers.items()}
        if sum(each.values()) > MOST_BYTES >= max(each.values()):
            yield Problem(
                (*path, "containers"),
                f"the environments of all containers have {sum(each.values()):,} bytes together, at most "
                f"{MOST_BYTES:,} are allowed (API:ContainerDefinition): put what is long into the artifacts",
            )
