"""Rules that hold between keys: what the service refuses, what cannot work, and what is doubtful.

Each rule reads a typed environment and yields problems; a rule rests on the keys that it names. What the service's
documentation leaves open is a warning, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches

from slipway.spec import images
from slipway.spec.alarm_rules import operating, rollback, variant_names
from slipway.spec.endpoint import Endpoint, Member
from slipway.spec.environment import RETENTION_DAYS, Environment
from slipway.spec.environment_rules import fits, tags, whole
from slipway.spec.errors import Path, Problem
from slipway.spec.hosting import Hosting
from slipway.spec.lock import artifact_key
from slipway.spec.machine_rules import guardrails, instance_types, known_machine, volume_key
from slipway.spec.model import Container, FrameworkImage, Image, RepositoryImage, UriImage
from slipway.spec.scaling_rules import live_weights, scaling
from slipway.spec.sources import artifacts
from slipway.spec.update_rules import update_sizes, update_times

Rule = Callable[["Subject"], Iterator[Problem]]
#: S3's names of buckets, as they have been since 2018.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
#: What would make a pattern or a variable of a key in the role's policy.
_ODD_IN_KEYS = re.compile(r"[*?$]")
#: API:EnvironmentMap: entries, and bytes of all names and values together.
MOST_VARIABLES, MOST_BYTES = 100, 32 * 1024


class Subject:
    """One endpoint within its environment, as the rules look at it.

    Parameters
    ----------
    environment
        The whole.
    name
        The endpoint's short name.
    """

    def __init__(self, environment: Environment, name: str) -> None:
        self.environment = environment
        self.name = name
        self.endpoint: Endpoint = environment.endpoints[name]

    @property
    def path(self) -> Path:
        """Where the endpoint stands."""
        return ("endpoints", self.name)

    def variants(self) -> Iterator[tuple[Path, str, Member]]:
        """Each production variant with the path of the mapping that holds its `model` and `hosting`."""
        for name, member in self.endpoint.fleet.items():
            yield (*self.path, *member.at), name, member

    def members(self) -> Iterator[tuple[Path, str, Member]]:
        """Each variant, the shadow too."""
        yield from self.variants()
        for name, member in self.endpoint.shadows.items():
            yield (*self.path, *member.at), name, member

    def hosts(self) -> Iterator[tuple[Path, str, Hosting]]:
        """Each variant that has instances, the shadow too, with the path of its `hosting`."""
        for path, name, member in self.members():
            if isinstance(member.hosting, Hosting):
                yield (*path, "hosting"), name, member.hosting

    def types(self) -> Iterator[tuple[Path, str]]:
        """Each instance type that a variant may run on, the shadow too, with the path of its key."""
        for path, _, hosting in self.hosts():
            for i, pool in enumerate(hosting.pools or ()):
                yield (*path, "pools", i, "instance_type"), pool.instance_type
            if hosting.instance_type is not None:
                yield (*path, "instance_type"), hosting.instance_type

    def containers(self) -> Iterator[tuple[Path, Container]]:
        """Each container of each model that is served, with its path."""
        for served in self.endpoint.served:
            for at, _, container in served.containers:
                yield (*self.path, *at), container


def naming(s: Subject) -> Iterator[Problem]:
    """Every name fits its service after expansion."""
    for what, name in s.environment.names.of_model(s.name):
        yield from fits(s.path, what, name)


def tagging(s: Subject) -> Iterator[Problem]:
    """Tags besides the project's own are not the project's own."""
    yield from tags((*s.path, "tags"), s.endpoint.tags, s.environment.tags)


def one_or_several(s: Subject) -> Iterator[Problem]:
    """A model and its hosting, or variants, but not both."""
    e = s.endpoint
    variants = (*s.path, "variants")
    for key, value in (("model", e.model), ("hosting", e.hosting)):
        if e.components is not None and key == "model":
            continue
        if e.variants is not None and value is not None:
            cure = f"move it into a variant (`{key}: null` removes what base.yaml says), or drop `variants`"
            yield Problem((*s.path, key), f"stands beside `variants`: {cure}")
        elif e.variants is None and value is None:
            message = f"is missing: say `{key}: {{…}}`, or `variants` for several models"
            yield Problem((*s.path, key), message, others=(variants,))
    if e.variants and sum(v.weight for v in e.variants.values()) <= 0:
        yield Problem(
            variants,
            "all weights are 0: no variant would get a request; give one a weight",
        )
    lowered: dict[str, str] = {}
    for name in e.variants or {}:
        if name.lower() in lowered:
            yield Problem(
                (*s.path, "variants", name),
                f"differs from {lowered[name.lower()]!r} by case only: name it otherwise",
                of_name=True,
            )
        lowered[name.lower()] = name


def retention(s: Subject) -> Iterator[Problem]:
    """CloudWatch Logs knows certain numbers of days only."""
    value = s.endpoint.log_retention
    if value % 86400 or value.days not in RETENTION_DAYS:
        nearest = min(RETENTION_DAYS, key=lambda days: abs(days - value / 86400))
        yield Problem(
            (*s.path, "log_retention"),
            f"{value} is no retention that CloudWatch Logs knows: write {nearest}d, or one of "
            f"{', '.join(f'{d}d' for d in RETENTION_DAYS if d <= 400)} …",
        )


def image(s: Subject) -> Iterator[Problem]:
    """The image can be found, and in prod it is pinned."""
    for path, container in s.containers():
        if container.image is not None:
            yield from _image((*path, "image"), container.image, s.environment)


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
    yield from _latest(path, image, environment)


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
        for key in ("artifact", "models"):
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


def variables(s: Subject) -> Iterator[Problem]:
    """The container's environment, with what `script` adds to it, is no larger than the service accepts."""
    for path, container in s.containers():
        given = container.variables
        size = sum(len(name.encode()) + len(value.encode()) for name, value in given.items())
        at = (*path, "environment")
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


#: Every rule on an endpoint, in the order in which a reader would check.
RULES: tuple[Rule, ...] = (
    naming,
    tagging,
    one_or_several,
    variant_names,
    retention,
    image,
    artifact,
    variables,
    instance_types,
    volume_key,
    known_machine,
    scaling,
    live_weights,
    update_sizes,
    update_times,
    guardrails,
    rollback,
    operating,
)


def check(environment: Environment) -> Iterator[Problem]:
    """Apply every rule.

    Parameters
    ----------
    environment
        A typed environment.

    Yields
    ------
    Problem
        What is wrong or doubtful.
    """
    yield from whole(environment)
    for name in environment.endpoints:
        subject = Subject(environment, name)
        for rule in RULES:
            yield from rule(subject)
