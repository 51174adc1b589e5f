"""Rules on what an endpoint has once: asynchronous answers, data capture, explanations, metrics, a sample request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from slipway.spec.errors import Path, Problem, shown
from slipway.spec.model import Pipeline
from slipway.spec.model_rules import region_of
from slipway.spec.sample import Sample
from slipway.spec.units import Duration

if TYPE_CHECKING:
    from slipway.spec.rules import Subject

#: API:MetricPublishFrequencyInSeconds.
INTERVALS = tuple(Duration(seconds) for seconds in (10, 30, 60, 120, 180, 240, 300))
#: API:Url.
LONGEST_URL = 1024
_OBJECT = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/\S+")


def answers(s: Subject) -> Iterator[Problem]:
    """Who hears of asynchronous answers is known, and what they are sent has a topic."""
    declared = s.endpoint.asynchronous
    if declared is None:
        return
    path = (*s.path, "asynchronous")
    for key, topic in (("success_topic", declared.success_topic), ("error_topic", declared.error_topic)):
        at = (*path, key)
        if topic is None:
            if (which := key.removesuffix("_topic")) in declared.include_response:
                yield Problem(
                    (*path, "include_response", declared.include_response.index(which)),
                    f"{which!r} includes the answer in notifications that nobody gets: name a `{key}`, or leave it out",
                    others=(at,),
                )
        elif topic.startswith("arn:"):
            if region_of(topic) != s.environment.region:
                yield Problem(
                    at,
                    f"is a topic in {region_of(topic)}, and the endpoint is in {s.environment.region}: name one there",
                    others=(("region",),),
                )
        elif topic not in s.environment.topics:
            known = s.environment.topics
            close = get_close_matches(topic, known, 1)
            cure = f"did you mean {close[0]!r}?" if close else f"add it: `topics: [{', '.join([*known, topic])}]`"
            yield Problem(at, f"{topic!r} is none of `topics`: {cure}", others=(("topics",),))
    for i, which in enumerate(declared.include_response):
        if which in declared.include_response[:i]:
            yield Problem((*path, "include_response", i), f"{which!r} stands twice in this list: keep one of them")


def captured(s: Subject) -> Iterator[Problem]:
    """Data capture says each thing once."""
    declared = s.endpoint.capture
    if declared is None:
        return
    path = (*s.path, "capture")
    for key in ("what", "csv", "json_types"):
        listed = getattr(declared, key)
        for i, value in enumerate(listed):
            if value in listed[:i]:
                yield Problem((*path, key, i), f"{value!r} stands twice in this list: keep one of them")
    for i, kind in enumerate(declared.json_types):
        if kind in declared.csv:
            yield Problem(
                (*path, "json_types", i),
                f"{kind!r} stands in `csv` too: keep it in one of the two",
                others=((*path, "csv"),),
            )
    if declared.enabled and not declared.share:
        yield Problem(
            (*path, "share"),
            "0% captures nothing: write more, or `enabled: false` to say so",
            "warning",
            ((*path, "enabled"),),
        )


def explained(s: Subject) -> Iterator[Problem]:
    """Clarify gets a baseline, and features that fit together (API:ClarifyExplainerConfig)."""
    declared = s.endpoint.explainer
    if declared is None:
        return
    path = (*s.path, "explainer")
    given = declared.input
    if declared.baseline is None:
        yield Problem(
            (*path, "baseline"),
            "is missing: an explanation compares with a baseline (API:ClarifyShapBaselineConfig); write its records, "
            "or the `s3://` URI of them",
        )
    elif declared.baseline.startswith("s3://") and (
        not _OBJECT.fullmatch(declared.baseline) or len(declared.baseline) > LONGEST_URL
    ):
        yield Problem(
            (*path, "baseline"),
            f"{shown(declared.baseline)} is no URI of an object with at most {LONGEST_URL} characters (API:Url): "
            "write it like s3://a-bucket/baseline.csv",
        )
    if given.features is not None and given.types is not None and len(given.features) != len(given.types):
        yield Problem(
            (*path, "input", "types"),
            f"has {len(given.types)} entries for {len(given.features)} `features`: write one for each",
            others=((*path, "input", "features"),),
        )
    if given.types is not None and "text" not in given.types:
        yield Problem(
            (*path, "input", "types"),
            "is for text only, and none of them is `text` (API:ClarifyFeatureTypes): leave it out, and the kinds are "
            "inferred from the baseline",
        )
    elif given.types is not None and declared.text is None:
        yield Problem(
            (*path, "text"),
            "is missing: text features need a `granularity` and a `language` (API:ClarifyTextConfig), such as `text: "
            "{granularity: token, language: en}`",
            others=((*path, "input", "types"),),
        )
    if given.features_at is not None and given.content_template is None:
        yield Problem(
            (*path, "input", "content_template"),
            "is missing: records in JSON Lines, out of which `features_at` takes the features, need one "
            "(API:ClarifyContentTemplate), such as '{\"features\":$features}'",
            others=((*path, "input", "features_at"),),
        )


def published(s: Subject) -> Iterator[Problem]:
    """Metrics are published as often as the service knows."""
    declared = s.endpoint.metrics
    if declared is not None:
        yield from interval((*s.path, "metrics", "every"), declared.every)


def interval(path: Path, every: Duration) -> Iterator[Problem]:
    """Hold an interval against those that the service knows.

    Parameters
    ----------
    path
        Its key.
    every
        How often metrics are published.

    Yields
    ------
    Problem
        What is wrong.
    """
    if every not in INTERVALS:
        nearest = min(INTERVALS, key=lambda known: abs(known - every))
        yield Problem(
            path,
            f"{every} is no interval at which metrics are published (API:MetricPublishFrequencyInSeconds): write "
            f"{nearest}, or another of {', '.join(map(str, INTERVALS))}",
        )


def samples(s: Subject) -> Iterator[Problem]:
    """A sample request names a model or a container where, and only where, one of several has to be named."""
    e = s.endpoint
    if e.sample is not None:
        yield from _target((*s.path, "sample"), e.sample, s)
    for name, component in (e.components or {}).items():
        if component.sample is not None and component.sample.target is not None:
            yield Problem(
                (*s.path, "components", name, "sample", "target"),
                "a component serves one model, so there is nothing else to name: remove `target`",
            )


def _target(path: Path, sample: Sample, s: Subject) -> Iterator[Problem]:
    at = (*path, "target")
    models = [served.model for served in s.endpoint.served]
    keys = tuple((*s.path, *served.at) for served in s.endpoint.served)
    direct = [model for model in models if isinstance(model, Pipeline) and model.invocation == "direct"]
    several = [container for _, container in s.containers() if container.models is not None]
    if direct:
        names = list(direct[0].containers)
        if sample.target is None:
            yield Problem(at, f"is missing: say which container is asked, one of {', '.join(names)}", others=keys)
        elif sample.target not in names and not several:
            yield Problem(at, f"{sample.target!r} is no container: write one of {', '.join(names)}", others=keys)
    elif several:
        if sample.target is None:
            yield Problem(
                at,
                "is missing: say which archive is asked, as its key reads after the prefix in `models`, such as "
                "store-1.tar.gz",
                others=keys,
            )
    elif sample.target is not None and models:
        yield Problem(
            at,
            "names an archive of a multi-model container or a container of a direct pipeline, and there is neither: "
            "remove it",
            others=keys,
        )
