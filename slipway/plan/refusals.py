"""What the service refuses or ignores of an endpoint's change, and the steps that work instead.

Sources: the Developer Guide's pages on deployment guardrails ("Exclusions"), endpoint autoscaling ("Update or delete
endpoints") and serverless inference; the API reference of UpdateEndpoint and DeploymentConfig.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from slipway.plan.courses import Course
from slipway.plan.endpoints import Declared, DeclaredVariant
from slipway.plan.figures import clock
from slipway.plan.findings import Finding, Kind
from slipway.plan.live import MISSING, LiveEndpoint
from slipway.rollout.capacity import Size
from slipway.rollout.policy import BlueGreen, Policy, Rolling
from slipway.rollout.simulation import MAXIMUM_TIME
from slipway.rollout.stages import Outcome
from slipway.rollout.strategies import effective, intended
from slipway.spec.deployment import Canary, Fleet, Linear, SizeLimit
from slipway.spec.deployment import Rolling as RollingSpec


def refused(old: Declared, new: Declared, live: LiveEndpoint | None) -> Iterator[Finding]:
    """Find what the service refuses when an endpoint moves from one config to another.

    Parameters
    ----------
    old, new
        The endpoint of both sides.
    live
        What runs now, where it is known; its scalable targets count besides those of the template.

    Yields
    ------
    Finding
        Each with the steps that work.
    """
    before, after = {v.name: v for v in old.variants}, {v.name: v for v in new.variants}
    scaled = set(old.targets) | set(live.limits if live else ())
    if before and after and before.keys() != after.keys():
        yield from _renamed(new, before.keys() - after.keys(), after.keys() - before.keys(), scaled)
    for name in before.keys() & after.keys():
        was, now = before[name], after[name]
        if bool(was.serverless) != bool(now.serverless):
            yield _other_hosting(new, name, was)
        elif was.type != now.type and name in scaled:
            yield Finding(
                Kind.REFUSED,
                f"The instance type of variant {name} changes from {was.type} to {now.type} while the variant is a "
                "scalable target: the service refuses the update.",
                (
                    f"Deploy with {was.type} as it is and without the scalable target of {name} (`scaling: null`).",
                    f"Deploy again with {now.type} and with the scalable target.",
                ),
                new.name,
            )
    if old.asynchronous != new.asynchronous:
        yield Finding(
            Kind.CAUTION,
            f"The endpoint changes from {_answers(old)} to {_answers(new)}. Whether an update may do that is not "
            "documented, and callers must call it differently.",
            _second_endpoint(new),
            new.name,
        )


def _answers(side: Declared) -> str:
    return "asynchronous" if side.asynchronous else "answering at once"


def _renamed(new: Declared, gone: set[str], come: set[str], scaled: set[str]) -> Iterator[Finding]:
    lost, added = ", ".join(sorted(gone)), ", ".join(sorted(come))
    if gone and come:
        what = f"The variants are renamed: {lost} becomes {added}"
    elif gone:
        what = f"Variant {lost} is removed"
    else:
        what = f"Variant {added} is added"
    why = "an update keeps the names of all variants"
    if gone & scaled:
        why += f", and {', '.join(sorted(gone & scaled))} is a scalable target"
    yield Finding(Kind.REFUSED, f"{what}. The service refuses it: {why}.", _second_endpoint(new), new.name)


def _other_hosting(new: Declared, name: str, was: DeclaredVariant) -> Finding:
    ways = ("serverless", "instances") if was.serverless else ("instances", "serverless")
    return Finding(
        Kind.REFUSED,
        f"Variant {name} changes from {ways[0]} to {ways[1]}: an update cannot do that.",
        _second_endpoint(new),
        new.name,
    )


def _second_endpoint(new: Declared) -> tuple[str, ...]:
    return (
        f"Declare a second endpoint under another name beside {new.name}, deploy it, and move the callers.",
        f"Then remove {new.name}.",
    )


def sizes(course: Course, policy: Policy, *, where: str) -> Iterator[Finding]:
    """Hold the size of a stage against the fleets that it can meet.

    Parameters
    ----------
    course
        How the update runs.
    policy
        How it was declared.
    where
        The endpoint.

    Yields
    ------
    Finding
        A size that the service refuses for a fleet of one of the counts, or updates that can never end well.
    """
    update = course.highest.update
    if effective(update)[0] == policy:
        strategy = policy.strategy
        limit, size = _limit(strategy)
        for one, other in zip(course.lowest.update.variants, update.variants, strict=True):
            if limit is None or size is None:
                break
            counts = Fleet(min(one.new.count, other.new.count), max(one.new.count, other.new.count))
            text = ""
            if counts.lowest < 2:
                text = f"{policy.name} needs at least 2 {course.unit}, and {one.name} may have {counts.lowest}"
            elif size.relative and not limit.least <= size.value <= limit.most:
                text = f"{size} is out of range: {max(limit.least, 1):g} to {limit.most:g} %"
            elif not size.relative and any(not limit.fits(size.value, count) for count in counts.counts):
                bad = next(count for count in counts.counts if not limit.fits(size.value, count))
                least, most = max(1, math.ceil(limit.least * bad / 100)), math.floor(limit.most * bad / 100)
                text = f"{size.value} of {bad} {course.unit} is out of range: {least} to {most}"
            if text:
                yield Finding(
                    Kind.REFUSED,
                    f"The {limit.key} of the update does not fit the fleet: {text}.",
                    (f"Give a {limit.key} that fits every count from {counts}, or use all at once.",),
                    where,
                )
    yield from _too_long(course, policy, where)


def _limit(strategy: BlueGreen | Rolling) -> tuple[SizeLimit | None, Size | None]:
    if isinstance(strategy, Rolling):
        return RollingSpec.limit, strategy.batch
    return {"CANARY": Canary.limit, "LINEAR": Linear.limit}.get(strategy.routing), strategy.size


def _too_long(course: Course, policy: Policy, where: str) -> Iterator[Finding]:
    """An update that its maximum time ends, always or if provisioning counts and takes as long as assumed."""
    ending, timeout = course.highest.ending, policy.strategy.timeout
    if timeout is None or ending is None or ending.why != MAXIMUM_TIME:
        return
    whole = intended(course.highest.update)
    if whole.waits >= timeout:
        yield Finding(
            Kind.REFUSED,
            f"The update can never end: its bakes alone take {clock(whole.waits)}, and after {clock(timeout)} "
            "(MaximumExecutionTimeoutInSeconds) the service rolls it back.",
            (f"Raise the maximum time well above {clock(whole.waits)}, or shorten the bakes.",),
            where,
        )
    else:
        yield Finding(
            Kind.CAUTION,
            f"With provisioning as assumed the update takes {clock(whole.duration)}, longer than the "
            f"{clock(timeout)} of MaximumExecutionTimeoutInSeconds, so it would be rolled back. Whether the service "
            "counts provisioning is not documented.",
            (f"Raise the maximum time above {clock(whole.duration)}.",),
            where,
        )


def ignored(old: Declared, new: Declared, live: LiveEndpoint | None) -> Iterator[Finding]:
    """Find what an update does not do although the templates say it, or does although they do not.

    Parameters
    ----------
    old, new
        The endpoint of both sides.
    live
        What runs now, where it is known.

    Yields
    ------
    Finding
        Counts and weights that are retained, or reset.
    """
    for variant in new.production:
        was = old.variant(variant.name)
        if was is None or variant.serverless or was.serverless:
            continue
        running = live.counts.get(variant.name) if live else None
        if "DesiredInstanceCount" in new.retained:
            if variant.count != was.count or (running is not None and running != variant.count):
                runs = f"the {running} that run now stay" if running is not None else "what runs stays"
                yield Finding(
                    Kind.IGNORED,
                    f"Variant {variant.name} declares {variant.count} instances, which counts at creation only: "
                    f"{runs} (RetainAllVariantProperties).",
                    ("To make the declared count hold, deploy with `apply_capacity: true`, or change it by scaling.",),
                    new.name,
                )
        else:
            yield from _reset(old, new, was, variant, running)
        if "DesiredWeight" in new.retained and variant.weight != was.weight:
            yield Finding(
                Kind.IGNORED,
                f"Variant {variant.name} declares weight {variant.weight:g}, but the live weight stays "
                "(RetainAllVariantProperties).",
                ("Exclude DesiredWeight from what is retained.",),
                new.name,
            )


def _reset(
    old: Declared, new: Declared, was: DeclaredVariant, variant: DeclaredVariant, running: int | None
) -> Iterator[Finding]:
    """Autoscaled capacity that the update throws away."""
    scaled = was.name in old.limits or was.managed is not None
    highest = running if running is not None else old.counts(was).highest
    if scaled and highest > variant.count:
        has = f"runs {running}" if running is not None else f"may run up to {highest}"
        yield Finding(
            Kind.CAUTION,
            f"The update sets variant {variant.name} to {variant.count} instances, but autoscaling {has}: the new "
            "fleet may be too small for the traffic that it gets.",
            ("Set RetainAllVariantProperties, so that the update keeps what autoscaling set.",),
            new.name,
        )


def unguarded(course: Course, policy: Policy, *, where: str) -> Iterator[Finding]:
    """Find what keeps a bad update from being ended.

    Parameters
    ----------
    course, policy
        How the update runs, and how it was declared.
    where
        The endpoint.

    Yields
    ------
    Finding
        No alarms, or alarms that never watch.
    """
    if not policy.alarms:
        yield Finding(Kind.CAUTION, "No alarm ends the update: a bad model is not rolled back.", (), where)
    elif course.highest.outcome is Outcome.UPDATED and not any(stage.watched for stage in course.highest.stages):
        yield Finding(
            Kind.CAUTION,
            f"{len(policy.alarms)} alarms are named, but there is no bake in which they watch: a bad model is not "
            "rolled back.",
            ("Give the update a wait, or a termination wait.",),
            where,
        )


def drifted(live: LiveEndpoint) -> Iterator[Finding]:
    """Find what keeps a deployment from starting where the stack believes to be.

    Parameters
    ----------
    live
        What runs now.

    Yields
    ------
    Finding
        Another config than the stack's, or a status in which nothing can be updated.
    """
    if live.status == MISSING:
        yield Finding(
            Kind.LIVE,
            "Its stack has it, but it does not exist: somebody deleted it, and the service cannot update it.",
            ("Delete its stack and deploy again, or make it once more by hand under the same name and config.",),
            live.name,
        )
        return
    # CloudFormation knows it by its ARN, in which the service writes names in small letters.
    if live.stack_config and live.config.lower() != live.stack_config.lower():
        yield Finding(
            Kind.LIVE,
            f"It serves config {live.config}, but its stack has {live.stack_config}: an update was rolled back, or "
            "somebody changed it. What this plan compares with is not what runs.",
            (
                "Find out why: `slipway status`, and the endpoint's alarms and log group of that time.",
                "Set the version back to the one that serves, deploy that, and then plan again.",
            ),
            live.name,
        )
    if live.status == "Failed":
        yield Finding(
            Kind.LIVE, "Its status is Failed: it can only be deleted.", ("Delete it, and deploy.",), live.name
        )
    elif live.status not in ("InService", "UpdateRollbackFailed"):
        yield Finding(
            Kind.LIVE,
            f"Its status is {live.status}: the service refuses an update now.",
            ("Wait until it is InService, and plan again.",),
            live.name,
        )
