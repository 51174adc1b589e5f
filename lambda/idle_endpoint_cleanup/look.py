"""Look at endpoints: at all of them from afar, at some closely, and at one once more before it goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from idle_endpoint_cleanup.decision import Action, State, Verdict, announced_at, at_a_glance, decide
from idle_endpoint_cleanup.inventory import Component, Endpoint, Tagged, components, describe, tagged, tags_of
from idle_endpoint_cleanup.owner import Stack, lost, owner
from idle_endpoint_cleanup.parts import Part, parts_of
from idle_endpoint_cleanup.run import AWS_ERRORS, PAGE, Run, missing
from idle_endpoint_cleanup.tags import STACK, VARIANTS, disposable
from idle_endpoint_cleanup.traffic import Listing, Series, Traffic, ask, every, listed, of_variants

#: ListMetrics names the series of the last two weeks; for longer windows the variants' names come from a tag.
_LISTED_FOR = timedelta(days=14)
_NO_TIME = "the run's time was up; the next run goes on"


@dataclass(frozen=True)
class Examined:
    """An endpoint and what becomes of it.

    Attributes
    ----------
    tagged, verdict
        The endpoint, and what becomes of it.
    endpoint
        Its description, if it was looked at closely.
    stack, parts
        What it goes with: its stack, or, if it was made by hand, what hangs on it.
    """

    tagged: Tagged
    verdict: Verdict
    endpoint: Endpoint | None = None
    stack: Stack | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Survey:
    """All endpoints from afar.

    Attributes
    ----------
    settled
        Those whose tags or traffic decide.
    due
        Those whose removal was announced long enough ago, longest first.
    unclear
        The rest.
    components, listing
        The inference components by endpoint, and which series had data.
    """

    settled: tuple[Examined, ...]
    due: tuple[Tagged, ...]
    unclear: tuple[Tagged, ...]
    components: Mapping[str, tuple[Component, ...]]
    listing: Listing


def survey(run: Run) -> Survey:
    """Settle what can be settled without describing endpoints one by one.

    For 2,000 endpoints of three variants, 20 of them idle, this is 20 pages of tags, 1 of components, 12 + 1 of listed
    series, and metric queries: 4 for the first series of each endpoint, and 1 to 8 for the rest of those where it had
    no traffic. That is 39 to 46 calls. To announce a removal takes a description and a mark each, a query and a notice
    for all: 42 for 20. To remove a stack takes 8 calls, 6 of them in `once_more`: 80 for the 10 that a run may remove,
    and a notice. The worst day, with 10 to announce and 10 to remove, has 46 + 22 + 81 = 149.
    """
    endpoints = tagged(run, "endpoint")
    on_endpoint: dict[str, tuple[Component, ...]] = defaultdict(tuple)
    for name, component in components(run):
        on_endpoint[name.lower()] += (component,)
    listing = listed(run)
    seen = _seen(run, {one.arn: _easy(run, one, on_endpoint, listing) for one in endpoints})
    settled, unclear, due = [], [], {}
    for one in endpoints:
        now = run.clock()
        verdict = at_a_glance(one.tags, seen.get(one.arn, Traffic.NONE), run.settings, now)
        if verdict is not None:
            settled.append(Examined(one, verdict))
        elif announced := announced_at(one.tags, run.settings, now):
            due[announced, one.arn] = one
        else:
            unclear.append(one)
    return Survey(tuple(settled), tuple(due[key] for key in sorted(due)), tuple(unclear), on_endpoint, listing)


def _easy(
    run: Run, endpoint: Tagged, on_endpoint: Mapping[str, tuple[Component, ...]], listing: Listing
) -> list[Series]:
    """Name those series of an endpoint that are known without describing it: the plain ones, of variants."""
    found = {
        series
        for series in listing.endpoints.get(endpoint.name, ())
        if {name for name, _ in series.dimensions} == {"EndpointName", "VariantName"}
    }
    for component in on_endpoint.get(endpoint.name, ()):
        found |= listing.components.get(component.name, set())
    if run.settings.window > _LISTED_FOR and VARIANTS in endpoint.tags:
        found |= of_variants(endpoint.name, endpoint.tags[VARIANTS].split("/"))
    return sorted(found)


def _seen(run: Run, series: Mapping[str, list[Series]]) -> dict[str, Traffic]:
    """Ask for one series of each endpoint, which settles most of the busy ones, then for the rest of the others."""
    first = ask(run, {arn: found[:1] for arn, found in series.items() if found})
    return first | ask(
        run, {arn: found[1:] for arn, found in series.items() if found[1:] and first[arn] is Traffic.NONE}
    )


def closely(run: Run, seen: Survey) -> Iterator[list[Examined]]:
    """Look closely at what the survey left unclear, a hundred at a time; what there is no time for is kept."""
    for at in range(0, len(seen.unclear), PAGE):
        done: list[Examined] = []
        described: list[tuple[Tagged, Endpoint]] = []
        for one in seen.unclear[at : at + PAGE]:
            if not run.in_time():
                done.append(Examined(one, Verdict(Action.KEEP, "not examined", _NO_TIME)))
                continue
            try:
                described.append((one, describe(run, one.name, seen.components.get(one.name, ()))))
            except AWS_ERRORS as error:
                done.append(failed(one, error))
        traffic = ask(run, {one.arn: every(endpoint, seen.listing) for one, endpoint in described})
        for one, endpoint in described:
            state = State(endpoint.status, endpoint.changed, traffic[one.arn])
            done.append(Examined(one, decide(one.tags, state, run.settings, run.clock()), endpoint))
        yield done


def once_more(run: Run, arn: str, seen: Survey) -> Examined:
    """Look at an endpoint again immediately before it goes: everything is asked anew, its traffic last."""
    one = Tagged(arn, tags_of(run, arn))
    # The project's own names are in lower case, as in the ARN; others may not be.
    name = one.name if STACK in one.tags else _exact_name(run, one)
    endpoint = describe(run, name or one.name)
    stack = owner(run, arn, endpoint)
    parts = () if stack else parts_of(run, endpoint)
    foreign = [part for part in parts if not disposable(part.tags, run.settings.opt_in)]
    obstacle = lost(one.tags, stack) or (stack.unfit if stack else None)
    if foreign:
        obstacle = obstacle or f"its {foreign[0]} is not tagged as disposable"
    if name is None:
        obstacle = obstacle or "its name could not be learned"
    traffic = ask(run, {arn: every(endpoint, seen.listing)})[arn]
    state = State(endpoint.status, endpoint.changed, traffic)
    verdict = decide(one.tags, state, run.settings, run.clock())
    if verdict.action is Action.DELETE and obstacle:
        verdict = Verdict(Action.REPORT, "not the cleanup's", obstacle)
    return Examined(one, verdict, endpoint, stack, parts)


def failed(endpoint: Tagged, error: Exception) -> Examined:
    """Keep an endpoint about which a call failed."""
    gone = Verdict(Action.KEEP, "gone", "it was deleted meanwhile")
    return Examined(endpoint, gone if missing(error) else Verdict(Action.KEEP, "failed", str(error)))


def _exact_name(run: Run, endpoint: Tagged) -> str | None:
    """Find the name in the case that it was created in, which metrics mind and no ARN has."""
    pages = run.aws.sagemaker.get_paginator("list_endpoints").paginate(PaginationConfig={"PageSize": PAGE})
    found = [one for page in pages for one in page["Endpoints"]]
    return next((one["EndpointName"] for one in found if one["EndpointArn"] == endpoint.arn), None)
