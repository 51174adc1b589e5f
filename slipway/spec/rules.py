"""Rules that hold between keys: what the service refuses, what cannot work, and what is doubtful.

Each rule reads a typed environment and yields problems; a rule rests on the keys that it names. What the service's
documentation leaves open is a warning, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches

from slipway.spec import images, instances
from slipway.spec.deployment import (
    LONGEST_TIMEOUT,
    MOST_ALARMS,
    AllAtOnce,
    Fleet,
    Guarded,
    RollbackAlarms,
    Rolling,
)
from slipway.spec.endpoint import ONLY_VARIANT, Endpoint, Variant
from slipway.spec.environment import RETENTION_DAYS, Environment
from slipway.spec.errors import Path, Problem
from slipway.spec.lock import artifact_key
from slipway.spec.model import FrameworkImage, Image, RepositoryImage, UriImage
from slipway.spec.names import RESERVED_MODELS, environment_within
from slipway.spec.units import Duration, Percent

Rule = Callable[["Subject"], Iterator[Problem]]


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
            f"{environment.company!r} holds 'sm', which separates the parts of bucket names",
        )
    if environment.environment == "prod" and not environment.notify:
        yield Problem(
            ("notify",),
            "prod needs someone to hear its alarms: list e-mail addresses, https URLs or ARNs, "
            "such as `notify: [ml-oncall@example.com]`",
        )
    for i, target in enumerate(environment.notify):
        if not (target.startswith(("https://", "arn:")) or "@" in target.strip("@")):
            yield Problem(("notify", i), f"{target!r} is no e-mail address, https URL or ARN")
    for what, name in environment.names.of_environment():
        if len(name) > what.longest:
            yield _too_long((), what.what, name, what.longest)
    for i, repository in enumerate(environment.repositories):
        yield from _unique(("repositories", i), environment.repositories, repository, i)
    for i, group in enumerate(environment.model_package_groups):
        yield from _unique(("model_package_groups", i), environment.model_package_groups, group, i)
        name = environment.names.package_group(group)
        if len(name) > 63:
            yield _too_long(("model_package_groups", i), "model package group", name, 63)
    for key, value in (
        ("old_versions", environment.bucket.old_versions),
        ("access_logs", environment.bucket.access_logs),
    ):
        if value < Duration(86400) or value % 86400:
            yield Problem(("bucket", key), f"{value} is no whole number of days: write it like 90d")
    for name in environment.endpoints:
        if name in RESERVED_MODELS:
            yield Problem(
                ("endpoints", name),
                f"{name!r} is the name of a stack of its own: call the model otherwise",
            )


def _unique(path: Path, names: tuple[str, ...], name: str, at: int) -> Iterator[Problem]:
    if name in names[:at]:
        yield Problem(path, f"{name!r} stands twice in this list: keep one of them")


def _too_long(path: Path, what: str, name: str, longest: int) -> Problem:
    return Problem(
        path,
        f"the {what}'s name {name!r} has {len(name)} characters, at most {longest} are allowed: "
        f"shorten team, project or model by {len(name) - longest}",
    )


def naming(s: Subject) -> Iterator[Problem]:
    """Every name fits its service after expansion."""
    for what, name in s.environment.names.of_model(s.name):
        if len(name) > what.longest:
            yield _too_long(s.path, what.what, name, what.longest)


def one_or_several(s: Subject) -> Iterator[Problem]:
    """A model and its hosting, or variants, but not both."""
    e = s.endpoint
    if e.variants is not None and (e.model is not None or e.hosting is not None):
        extra = "model" if e.model is not None else "hosting"
        yield Problem((*s.path, extra), "stands beside `variants`: put it into a variant, or drop `variants`")
    elif e.variants is None:
        for key, value in (("model", e.model), ("hosting", e.hosting)):
            if value is None:
                yield Problem(
                    (*s.path, key),
                    f"is missing: say `{key}: {{…}}`, or `variants` for several models",
                )
    if e.variants and sum(v.weight for v in e.variants.values()) <= 0:
        yield Problem(
            (*s.path, "variants"),
            "all weights are 0: no variant would get a request; give one a weight",
        )
    lowered: dict[str, str] = {}
    for name in e.variants or {}:
        if name.lower() in lowered:
            yield Problem(
                (*s.path, "variants", name),
                f"differs from {lowered[name.lower()]!r} by case only: name it otherwise",
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
            yield Problem((*path, "repository"), f"{image.repository!r} is none of `repositories`: {cure}")
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


def known_machine(s: Subject) -> Iterator[Problem]:
    """Levels in percent of a machine need to know the machine."""
    e = s.endpoint
    for path, _, variant in s.variants():
        name = variant.hosting.instance_type
        machine = instances.lookup(name)
        at = (*path, "hosting", "instance_type")
        if machine is None:
            if e.alarms:
                for key in ("cpu", "gpu", "gpu_memory"):
                    if isinstance(getattr(e.alarms, key), Percent):
                        yield Problem(
                            (*s.path, "alarms", key),
                            f"how many cores and GPUs {name} has is not in the table: give the metric's own figure (100 for "
                            f"each core or GPU, such as `{key}: 320`), or `{key}: off`",
                            others=(at,),
                        )
            for key in ("cpu", "gpu"):
                if e.scaling is not None and getattr(e.scaling, key) is not None:
                    yield Problem(
                        (*s.path, "scaling", key),
                        f"how many cores and GPUs {name} has is not in the table",
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
            f"the minimum of {scale.min} is above the maximum of {scale.max}: swap them",
            others=((*path, "max"),),
        )
    seen: set[str] = set()
    for i, schedule in enumerate(scale.schedules):
        if schedule.min > schedule.max:
            yield Problem(
                (*path, "schedules", i, "min"),
                f"the minimum of {schedule.min} is above the maximum of {schedule.max}",
            )
        if schedule.name in seen:
            yield Problem(
                (*path, "schedules", i, "name"),
                f"{schedule.name!r} stands twice: name each schedule otherwise",
            )
        seen.add(schedule.name)
    for where, _, variant in s.variants():
        count = variant.hosting.instances
        if scale.min <= scale.max and not scale.lowest <= count <= scale.highest:
            yield Problem(
                (*where, "hosting", "instances"),
                f"{count} is outside the scaling limits of {scale.lowest} to {scale.highest}: autoscaling would change it at once",
                "warning",
                ((*path, "min"), (*path, "max")),
            )


def update_sizes(s: Subject) -> Iterator[Problem]:
    """A stage's size fits every instance count that can be live."""
    deployment = s.endpoint.deployment
    path = (*s.path, "deployment")
    if not isinstance(deployment, Guarded):
        return
    key = deployment.limit.key
    given = getattr(deployment, key)
    keys = ((*s.path, "hosting"), (*s.path, "scaling"), (*s.path, "variants"), (*path, key))
    if isinstance(deployment, Rolling) and len(s.endpoint.fleet) > 1:
        yield Problem(
            (*path, "strategy"),
            "rolling updates exclude endpoints with several variants: use canary, linear or all_at_once, or host one variant",
        )
    for _, name, variant in s.variants():
        fleet = s.endpoint.live(variant)
        if fleet.lowest > fleet.highest:
            continue
        who = f"variant {name!r} " if len(s.endpoint.fleet) > 1 else ""
        if fleet.lowest < 2:
            source = "scaling.min" if s.endpoint.scaling is not None else "hosting.instances"
            yield Problem(
                (*path, "strategy"),
                f"{deployment.strategy} moves a fleet in parts, and {who}can have 1 instance ({source}): "
                f"have at least 2, or use `strategy: all_at_once`",
                others=keys,
            )
            continue
        size = deployment.size_for(fleet)
        yield from _size(path, key, size, deployment, fleet, given=given is not None, keys=keys)
    if isinstance(deployment, Rolling) and isinstance(deployment.rollback_batch, Percent):
        share = deployment.rollback_batch
        if not 5 <= share <= 100:
            yield Problem(
                (*path, "rollback_batch"),
                f"{share} is out of range: 5% to 100% (API:RollbackMaximumBatchSize)",
            )


def _size(
    path: Path,
    key: str,
    size: int | Percent,
    deployment: Guarded,
    fleet: Fleet,
    *,
    given: bool,
    keys: tuple[Path, ...],
) -> Iterator[Problem]:
    limit, strategy = deployment.limit, deployment.strategy
    counts = f"{fleet.lowest}" if fleet.lowest == fleet.highest else f"{fleet.lowest} to {fleet.highest}"
    allowed = limit.allowed(fleet)
    cure = (
        f"write {allowed.start} (instances)"
        if allowed
        else f"write a percentage between {limit.least or 1:g}% and {limit.most:g}%"
    )
    if len(allowed) > 1:
        cure = f"write {allowed.start} to {allowed.stop - 1} (instances)"
    if isinstance(size, Percent):
        if not limit.least <= size <= limit.most or size <= 0:
            low = f"{limit.least:g}%" if limit.least else "above 0%"
            yield Problem(
                (*path, key),
                f"{size} is out of range for {strategy}: {low} to {limit.most:g}% of the instances; {cure}",
            )
        elif given and any(size * count % 100 for count in fleet.counts):
            yield Problem(
                (*path, key),
                f"{size} of {counts} instances is not always a whole number, and how SageMaker rounds is not documented: {cure}",
                "warning",
                keys,
            )
        elif not given:
            yield Problem(
                (*path, key),
                f"no number of instances fits every fleet of {counts}, so {size} is used; how SageMaker rounds it is not "
                "documented: narrow the scaling limits to be sure",
                "warning",
                keys,
            )
    elif not all(limit.fits(size, count) for count in fleet.counts):
        bad = [count for count in fleet.counts if not limit.fits(size, count)]
        which = "any" if len(bad) == len(fleet.counts) else f"{bad[0]}" if len(bad) == 1 else f"{bad[0]} to {bad[-1]}"
        low = f"{limit.least:g} to " if limit.least else "at most "
        yield Problem(
            (*path, key),
            f"{size} does not fit a fleet of {which if which != 'any' else counts} instances, which "
            f"{'autoscaling can reach' if fleet.lowest != fleet.highest else 'is what runs'}: {strategy} takes {low}{limit.most:g} % "
            f"of them; {cure}",
            others=keys,
        )


def update_times(s: Subject) -> Iterator[Problem]:
    """The update can end within its maximum time."""
    deployment = s.endpoint.deployment
    path = (*s.path, "deployment")
    for _, _, variant in s.variants():
        fleet = s.endpoint.live(variant)
        if fleet.lowest > fleet.highest or fleet.lowest < (2 if isinstance(deployment, Guarded) else 1):
            continue
        waits = deployment.waits(fleet)
        others = tuple((*path, key) for key in ("wait", "termination_wait", "batch", "step", "size"))
        keys = (*others, (*s.path, "hosting"), (*s.path, "scaling"))
        if deployment.timeout is not None and deployment.timeout <= waits:
            longer = deployment.model_copy(update={"timeout": None}).timeout_for(fleet)
            yield Problem(
                (*path, "timeout"),
                f"{deployment.timeout} is no longer than the update's own waits of {waits}, so every update would be rolled back: "
                f"write {longer}, or leave it out and it is derived",
                others=keys,
            )
        elif deployment.timeout is None and waits >= LONGEST_TIMEOUT:
            yield Problem(
                (*path, "wait"),
                f"the waits add up to {waits}, and an update may take at most {LONGEST_TIMEOUT}: wait less or move more at once",
                others=keys,
            )


def rollback(s: Subject) -> Iterator[Problem]:
    """What guards an update can end it."""
    e = s.endpoint
    deployment = e.deployment
    path = (*s.path, "deployment", "rollback_alarms")
    alarms = deployment.rollback_alarms
    if isinstance(alarms, RollbackAlarms):
        yield from _window(path, alarms, s)
        kept = e.rollback_levels
        count = len(kept) * max(1, len(e.fleet)) + len(alarms.also)
        if count > MOST_ALARMS:
            yield Problem(
                path,
                f"{len(kept)} alarms for each of {len(e.fleet)} variants and {len(alarms.also)} further ones are {count} "
                f"rollback alarms, at most {MOST_ALARMS} are allowed: turn one off (`latency: off`) or name fewer in `also`",
                others=((*s.path, "variants"), (*s.path, "alarms")),
            )
        duplicate = {name for name in alarms.also if alarms.also.count(name) > 1}
        if duplicate:
            yield Problem(
                (*path, "also"),
                f"{', '.join(sorted(duplicate))} stands twice: the alarms must be unique",
            )
    if isinstance(deployment, Guarded) and not (
        isinstance(alarms, RollbackAlarms) and (e.rollback_levels or alarms.also)
    ):
        yield Problem(
            path,
            f"{deployment.strategy} has nothing that would stop a bad model: leave `rollback_alarms` out (the defaults watch latency, "
            "5XX and model errors), or use `strategy: all_at_once`",
        )


def _window(path: Path, alarms: RollbackAlarms, s: Subject) -> Iterator[Problem]:
    deployment = s.endpoint.deployment
    yield from _period((*path, "period"), alarms.period, alarms.evaluations)
    bake, window = deployment.bake, alarms.window
    key = "termination_wait" if isinstance(deployment, AllAtOnce) else "wait"
    if window > bake:
        yield Problem(
            path,
            f"the alarms need {window} of bad data ({alarms.evaluations} × {alarms.period}) but the bake lasts {bake}, so they cannot "
            f"trip in time: write `{key}: {window}` or longer, or `evaluations: {max(1, int(bake // alarms.period))}`"
            + (f" with `period: {bake}`" if bake and bake < alarms.period else "")
            + (", or `rollback_alarms: off`" if isinstance(deployment, AllAtOnce) else ""),
            others=((*s.path, "deployment", key),),
        )


def _period(path: Path, period: Duration, evaluations: int) -> Iterator[Problem]:
    if float(period) not in (10.0, 20.0, 30.0) and period % 60:
        yield Problem(
            path,
            f"{period} is no period that CloudWatch knows: write 10s, 20s, 30s or whole minutes",
        )
    longest = Duration(604800 if period >= 3600 else 86400)
    if period * evaluations > longest:
        yield Problem(
            path,
            f"{evaluations} × {period} is longer than CloudWatch looks back ({longest}): evaluate less",
        )


def operating(s: Subject) -> Iterator[Problem]:
    """The operating alarms' periods are CloudWatch's."""
    if s.endpoint.alarms:
        yield from _period((*s.path, "alarms", "period"), s.endpoint.alarms.period, s.endpoint.alarms.evaluations)


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
    one_or_several,
    retention,
    image,
    artifact,
    instance_types,
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
