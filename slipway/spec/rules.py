"""Rules that hold between keys: what the service refuses, what cannot work, and what is doubtful.

Each rule reads a typed environment and yields problems; a rule rests on the keys that it names. What the service's
documentation leaves open is a warning, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches

from slipway.spec import images, instances
from slipway.spec.alarms import Alarms
from slipway.spec.endpoint import ONLY_VARIANT, Endpoint, Variant
from slipway.spec.environment import RETENTION_DAYS, Environment
from slipway.spec.errors import Path, Problem, shown
from slipway.spec.lock import artifact_key
from slipway.spec.model import FrameworkImage, Image, RepositoryImage, UriImage
from slipway.spec.names import RESERVED_MODELS, Limit, environment_within
from slipway.spec.units import Duration, Percent
from slipway.spec.update_rules import period, rollback, update_sizes, update_times

Rule = Callable[["Subject"], Iterator[Problem]]
#: What everything of a project is tagged with.
OWN_TAGS = ("Team", "Project", "Environment", "Model", "Version")


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

    def variants(self) -> Iterator[tuple[Path, str, Variant]]:
        """Each variant with the path of the mapping that holds its `model` and `hosting`."""
        for name, variant in self.endpoint.fleet.items():
            alone = self.endpoint.variants is None and name == ONLY_VARIANT
            yield (self.path if alone else (*self.path, "variants", name)), name, variant


def _parts_of_names(environment: Environment) -> Iterator[Problem]:
    within = environment_within(environment.project)
    if within:
        yield Problem(
            ("project",),
            f"{environment.project!r} holds the environment name {within!r}: two projects would share a prefix and so "
            f"each other's permissions; leave {within!r} out of the project's name",
        )
    if "sm" in environment.company.split("-"):
        yield Problem(
            ("company",),
            f"{environment.company!r} holds 'sm', which separates the parts of bucket names: leave it out",
        )
    for what, name in environment.names.of_environment():
        yield from _fits(("project",), what, name)
    for name in environment.endpoints:
        if name in RESERVED_MODELS:
            yield Problem(
                ("endpoints", name),
                f"{name!r} is the name of a stack of its own: call the model otherwise",
                of_name=True,
            )


def _listeners(environment: Environment) -> Iterator[Problem]:
    if environment.environment == "prod" and not environment.notify:
        yield Problem(
            ("notify",),
            "prod needs someone to hear its alarms: list e-mail addresses, https URLs or ARNs, "
            "such as `notify: [ml-oncall@example.com]`",
        )
    for i, target in enumerate(environment.notify):
        arn = target.startswith("arn:") and target.split(":")[2:3] in (["sqs"], ["lambda"])
        if not (arn or target.startswith("https://") or (not target.startswith("arn:") and "@" in target.strip("@"))):
            message = (
                f"{shown(target)} is no e-mail address, https URL, or ARN of a queue or function: write one, such as "
                "ml-oncall@example.com"
            )
            yield Problem(("notify", i), message)


def _named_lists(environment: Environment) -> Iterator[Problem]:
    names = environment.names
    for key, limit, listed, full in (
        ("repositories", Limit("ECR repository", 256), environment.repositories, names.repository),
        (
            "model_package_groups",
            Limit("model package group", 63),
            environment.model_package_groups,
            names.package_group,
        ),
    ):
        for i, name in enumerate(listed):
            yield from _unique((key, i), listed, name, i)
            yield from _fits((key, i), limit, full(name))


def _bucket_days(environment: Environment) -> Iterator[Problem]:
    for key in ("old_versions", "access_logs"):
        value: Duration = getattr(environment.bucket, key)
        if value < Duration(86400) or value % 86400:
            yield Problem(("bucket", key), f"{value} is no whole number of days: write it like 90d")


def _reserved_tags(path: Path, tags: Mapping[str, str]) -> Iterator[Problem]:
    for key in tags:
        if key in OWN_TAGS or key.lower().startswith("aws:"):
            whose = (
                "the service's own"
                if key not in OWN_TAGS
                else "set from the config, and permissions and cleanup go by it"
            )
            yield Problem((*path, key), f"{key!r} is {whose}: use another key")


def whole(environment: Environment) -> Iterator[Problem]:
    """Rules on what is not an endpoint's.

    Parameters
    ----------
    environment
        A typed environment.

    Yields
    ------
    Problem
        What is wrong or doubtful.
    """
    yield from _parts_of_names(environment)
    yield from _listeners(environment)
    yield from _named_lists(environment)
    yield from _bucket_days(environment)
    yield from _reserved_tags(("tags",), environment.tags)


def _unique(path: Path, names: tuple[str, ...], name: str, at: int) -> Iterator[Problem]:
    if name in names[:at]:
        yield Problem(path, f"{name!r} stands twice in this list: keep one of them")


def _fits(path: Path, limit: Limit, name: str) -> Iterator[Problem]:
    if len(name) <= limit.longest:
        return
    parts = [part for part in ("company", "team", "project") if part != "company" or limit.what == "S3 bucket"]
    last = "" if path == ("project",) else f" or {shown(path[-1])}" if path[0] == "endpoints" else " or this name"
    yield Problem(
        path,
        f"the {limit.what}'s name {name!r} has {len(name)} characters, at most {limit.longest} are allowed: "
        f"shorten {', '.join(parts)}{last} by {len(name) - limit.longest}",
        others=tuple((part,) for part in (*parts, "region")),
        of_name=True,
    )


def naming(s: Subject) -> Iterator[Problem]:
    """Every name fits its service after expansion."""
    for what, name in s.environment.names.of_model(s.name):
        yield from _fits(s.path, what, name)


def tagging(s: Subject) -> Iterator[Problem]:
    """Tags besides the project's own are not the project's own."""
    yield from _reserved_tags((*s.path, "tags"), s.endpoint.tags)


def one_or_several(s: Subject) -> Iterator[Problem]:
    """A model and its hosting, or variants, but not both."""
    e = s.endpoint
    variants = (*s.path, "variants")
    for key, value in (("model", e.model), ("hosting", e.hosting)):
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
    for path, _, variant in s.variants():
        yield from _image((*path, "model", "image"), variant.model.image, s.environment)


def _image(path: Path, image: Image, environment: Environment) -> Iterator[Problem]:
    if isinstance(image, FrameworkImage):
        try:
            images.framework_image(image.framework, image.tag, environment.region)
        except images.UnknownFramework as error:
            yield Problem((*path, "framework"), str(error))
        except images.UnknownRegion as error:
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


def instance_types(s: Subject) -> Iterator[Problem]:
    """What an instance type allows."""
    for path, _, variant in s.variants():
        hosting = variant.hosting
        name = hosting.instance_type
        at = (*path, "hosting", "instance_type")
        if name not in instances.known():
            close = instances.nearest(name)
            hint = f" (did you mean {close[0]}?)" if close else ""
            yield Problem(
                at,
                f"{name!r} is not in the table of known types{hint}; newer types are accepted",
                "warning",
            )
        refuses = instances.refuses_kms_key(name)
        for key, value in (("kms_key", hosting.kms_key), ("volume", hosting.volume)):
            if value is None:
                continue
            if refuses:
                yield Problem(
                    (*path, "hosting", key),
                    f"{name} has local NVMe storage, which is encrypted by the hardware, and SageMaker refuses "
                    f"{'KmsKeyId' if key == 'kms_key' else 'VolumeSizeInGB'} with it: remove `{key}`",
                    others=(at,),
                )
            elif refuses is None:
                yield Problem(
                    (*path, "hosting", key),
                    f"whether {name} accepts `{key}` is not documented",
                    "warning",
                    (at,),
                )
        if s.endpoint.scaling is not None and instances.is_burstable(name):
            yield Problem(
                (*s.path, "scaling"),
                f"{name} is burstable, and autoscaling refuses T types: remove `scaling` (`scaling: null`) or host on "
                "another type, such as ml.m5.large",
                others=(at,),
            )


def one_volume_key(s: Subject) -> Iterator[Problem]:
    """An endpoint config has one key for all its volumes."""
    named = {path: variant.hosting.kms_key for path, _, variant in s.variants() if variant.hosting.kms_key}
    first = next(iter(named.values()), None)
    for path, key in named.items():
        if key != first:
            yield Problem(
                (*path, "hosting", "kms_key"),
                f"an endpoint has one key for the volumes of all its variants: write {shown(first)} here too, or "
                "leave it out",
            )


def known_machine(s: Subject) -> Iterator[Problem]:
    """Levels in percent of a machine need to know the machine."""
    e = s.endpoint
    for path, _, variant in s.variants():
        name = variant.hosting.instance_type
        machine = instances.lookup(name)
        at = (*path, "hosting", "instance_type")
        if machine is None:
            for key in ("cpu", "gpu", "gpu_memory"):
                if e.alarms and isinstance(getattr(e.alarms, key), Percent):
                    # Newer types are accepted, so the default level alone must not refuse one.
                    asked = getattr(e.alarms, key) != getattr(Alarms(), key)
                    yield Problem(
                        (*s.path, "alarms", key),
                        f"how many cores and GPUs {name} has is not in the "
                        f"table{'' if asked else ', so this alarm is left out'}: "
                        f"give the metric's own figure (100 for each core or GPU, such as `{key}: 320`), or `{key}: "
                        f"off`",
                        "error" if asked else "warning",
                        others=(at,),
                    )
            for key in ("cpu", "gpu"):
                if e.scaling is not None and getattr(e.scaling, key) is not None:
                    yield Problem(
                        (*s.path, "scaling", key),
                        f"how many cores and GPUs {name} has is not in the table: scale on invocations or concurrency",
                        others=(at,),
                    )
        elif e.scaling is not None and e.scaling.gpu is not None and not machine.gpus:
            yield Problem(
                (*s.path, "scaling", "gpu"),
                f"{name} has no GPU: scale on `cpu` or invocations",
                others=(at,),
            )


def scaling(s: Subject) -> Iterator[Problem]:
    """The scaling limits make sense."""
    scale = s.endpoint.scaling
    if scale is None:
        return
    path = (*s.path, "scaling")
    if scale.min > scale.max:
        yield Problem(
            (*path, "min"),
            f"the minimum of {scale.min} is above the maximum of {scale.max}: write `max: {scale.min}` or more, or "
            f"a lower `min`",
            others=((*path, "max"),),
        )
    seen: set[str] = set()
    for i, schedule in enumerate(scale.schedules):
        if schedule.min > schedule.max:
            yield Problem(
                (*path, "schedules", i, "min"),
                f"the minimum of {schedule.min} is above the maximum of {schedule.max}: write `max: {schedule.min}` "
                "or more, or a lower `min`",
                others=((*path, "schedules", i, "max"),),
            )
        if schedule.name in seen:
            yield Problem(
                (*path, "schedules", i, "name"),
                f"{schedule.name!r} stands twice: name each schedule otherwise",
            )
        seen.add(schedule.name)
    for where, _, variant in s.variants():
        count = variant.hosting.instances
        if scale.lowest <= scale.highest and not scale.lowest <= count <= scale.highest:
            yield Problem(
                (*where, "hosting", "instances"),
                f"{count} is outside the scaling limits of {scale.lowest} to {scale.highest}: autoscaling would "
                f"change it at once",
                "warning",
                ((*path, "min"), (*path, "max"), (*path, "schedules")),
            )


def operating(s: Subject) -> Iterator[Problem]:
    """The operating alarms' periods are CloudWatch's."""
    if s.endpoint.alarms:
        yield from period((*s.path, "alarms", "period"), s.endpoint.alarms.period, s.endpoint.alarms.evaluations)


def artifact(s: Subject) -> Iterator[Problem]:
    """An artifact key names the bucket's way of versions."""
    for path, _, variant in s.variants():
        given = variant.model.artifact
        if given is None or given.startswith("s3://"):
            continue
        if given.startswith("/") or "://" in given:
            yield Problem(
                (*path, "model", "artifact"),
                f"{given!r} is neither a key nor an s3:// URI: write it like {artifact_key(s.name, 1)}",
            )
        elif not given.endswith(("/", ".tar.gz")):
            yield Problem(
                (*path, "model", "artifact"),
                f"{given!r} must end in .tar.gz, or in / for an uncompressed prefix",
            )


#: Every rule on an endpoint, in the order in which a reader would check.
RULES: tuple[Rule, ...] = (
    naming,
    tagging,
    one_or_several,
    retention,
    image,
    artifact,
    instance_types,
    one_volume_key,
    known_machine,
    scaling,
    update_sizes,
    update_times,
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
