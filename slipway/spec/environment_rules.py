"""Rules on what is not one endpoint's: parts of names, Region, who is told, lists, retention, tags, budgets."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from idle_endpoint_cleanup.tags import DISPOSABLE, KEEP, MARK, STACK, VARIANTS
from slipway.spec import images
from slipway.spec.budget import Budget
from slipway.spec.cleanup_rules import cleanup
from slipway.spec.environment import Environment
from slipway.spec.errors import Path, Problem, shown
from slipway.spec.names import RESERVED_MODELS, Limit, environment_within
from slipway.spec.units import Duration

#: What everything of a project is tagged with.
OWN_TAGS = ("Team", "Project", "Environment", "Model", "Version")
#: What the cleanup goes by, on an endpoint of dev.
CLEANUP_TAGS = (DISPOSABLE, STACK, VARIANTS, KEEP, MARK)
#: API:Tag of SageMaker, IAM and S3 alike.
LONGEST_TAG_KEY, LONGEST_TAG_VALUE = 128, 256
#: API:TagList.
MOST_TAGS = 50


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
        yield from fits(("project",), what, name)
    if environment.bucket.studio_upload:
        yield from fits(("project",), Limit("S3 bucket", 63), environment.names.upload_bucket)
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
    told: set[str] = set()
    for i, target in enumerate(environment.notify):
        arn = target.startswith("arn:") and target.split(":")[2:3] in (["sqs"], ["lambda"])
        if not (arn or target.startswith("https://") or (not target.startswith("arn:") and "@" in target.strip("@"))):
            message = (
                f"{shown(target)} is no e-mail address, https URL, or ARN of a queue or function: write one, such as "
                "ml-oncall@example.com"
            )
            yield Problem(("notify", i), message)
            continue
        # The part of an address before the @ could tell cases apart, but nobody's does.
        mail = "@" in target and "://" not in target and not target.startswith("arn:")
        heard = target.lower() if mail else target
        if heard in told:
            case = "" if target in environment.notify[:i] else " (case does not count)"
            yield Problem(("notify", i), f"{shown(target)} stands twice in this list{case}: keep one of them")
        told.add(heard)


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
        ("topics", Limit("SNS topic", 256), environment.topics, names.results_topic),
    ):
        for i, name in enumerate(listed):
            yield from _unique((key, i), listed, name, i)
            yield from fits((key, i), limit, full(name))
            if key == "topics" and full(name) == names.topic:
                yield Problem((key, i), f"{name!r} is the name of the topic of the alarms: name this one otherwise")


def _bucket_days(environment: Environment) -> Iterator[Problem]:
    for key in ("old_versions", "access_logs"):
        value: Duration = getattr(environment.bucket, key)
        if value < Duration(86400) or value % 86400:
            yield Problem(("bucket", key), f"{value} is no whole number of days: write it like 90d")


def budget(path: Path, declared: Budget | None) -> Iterator[Problem]:
    """A budget limits something, and says each thing once.

    Its name always fits: AWS Budgets takes 100 characters, and it is an endpoint's name and little more.

    Parameters
    ----------
    path
        Of what the budget stands in.
    declared
        The budget.

    Yields
    ------
    Problem
        What is wrong.
    """
    if declared is None:
        return
    at = (*path, "budget")
    if declared.daily is None and declared.monthly is None:
        yield Problem(at, "has neither `daily` nor `monthly`: write one of them, such as `monthly: 500USD`")
    elif declared.forecast and declared.monthly is None:
        yield Problem(
            (*at, "forecast"),
            "is for `monthly` limits, since a day has no forecast: write `monthly: …` too, or remove `forecast`",
            others=((*at, "monthly"),),
        )
    for i, share in enumerate(declared.notify_at):
        if share in declared.notify_at[:i]:
            yield Problem((*at, "notify_at", i), f"{share} stands twice in this list: keep one of them")


def _region(environment: Environment) -> Iterator[Problem]:
    known = images.known_regions()
    if environment.region not in known:
        close = get_close_matches(environment.region, known, 1)
        hint = f": did you mean {close[0]}?" if close else ""
        yield Problem(
            ("region",),
            f"{environment.region!r} is no Region that the table of images knows{hint} (a newer botocore and `python "
            "-m slipway.spec.data.renew` bring newer ones)",
        )


def tags(path: Path, given: Mapping[str, str], around: Mapping[str, str]) -> Iterator[Problem]:
    """Tags are what AWS accepts, few enough, and none is the project's own.

    Parameters
    ----------
    path
        Where they stand.
    given
        The tags.
    around
        Other tags that the same resources get.

    Yields
    ------
    Problem
        What is wrong.
    """
    every = {*OWN_TAGS, *CLEANUP_TAGS, *around, *given}
    if given and len(every) > MOST_TAGS:
        yield Problem(
            path,
            f"with the project's own {len(OWN_TAGS) + len(CLEANUP_TAGS)}"
            f"{' and those of the environment' if around else ''} a resource has "
            f"{len(every)} tags, at most {MOST_TAGS} are allowed (API:TagList): leave {len(every) - MOST_TAGS} out",
            others=(("tags",),),
        )
    seen = {key.lower(): key for key in (*OWN_TAGS, *around)}
    for key, value in given.items():
        at = (*path, key)
        same = seen.setdefault(key.lower(), key)
        if key in OWN_TAGS or key.lower().startswith(("aws:", "slipway:")):
            whose = (
                "set from the config, and permissions and cleanup go by it"
                if key in OWN_TAGS
                else "the service's own"
                if key.lower().startswith("aws:")
                else "the cleanup's own (`keep` keeps an endpoint)"
            )
            yield Problem(at, f"{key!r} is {whose}: use another key", of_name=True)
        elif same != key:
            yield Problem(
                at,
                f"{key!r} differs from the tag {same!r} by case only, and IAM takes them for one: "
                f"{'use another key' if same in OWN_TAGS else f'write {same!r}, or use another key'}",
                of_name=True,
            )
        for what, text, least, most in (
            ("key", key, 1, LONGEST_TAG_KEY),
            ("value", value, 0, LONGEST_TAG_VALUE),
        ):
            if not least <= len(text) <= most:
                yield Problem(at, f"the tag's {what} has {len(text)} characters, {least} to {most} are allowed")
            odd = next((c for c in text if unicodedata.category(c)[0] not in "LNZ" and c not in "_.:/=+-@"), None)
            if odd is not None:
                yield Problem(
                    at, f"the tag's {what} {shown(text)} holds {odd!r}: write letters, digits, spaces and _.:/=+-@ only"
                )


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
    yield from _region(environment)
    yield from _listeners(environment)
    yield from _named_lists(environment)
    yield from _bucket_days(environment)
    yield from tags(("tags",), environment.tags, {})
    yield from cleanup(environment)
    yield from budget((), environment.budget)


def _unique(path: Path, names: tuple[str, ...], name: str, at: int) -> Iterator[Problem]:
    if name in names[:at]:
        yield Problem(path, f"{name!r} stands twice in this list: keep one of them")


def fits(path: Path, limit: Limit, name: str) -> Iterator[Problem]:
    """A name is no longer than its service accepts.

    Parameters
    ----------
    path
        The key that decides it.
    limit
        The service's limit.
    name
        After expansion.

    Yields
    ------
    Problem
        What is wrong.
    """
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
