"""The stages that each strategy intends, as long as nothing ends the update.

Sources: the Developer Guide's pages on deployment guardrails (blue/green with its three ways to shift traffic, rolling,
exclusions), and the API reference of DeploymentConfig.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from slipway.rollout.capacity import Size, moved, shifted
from slipway.rollout.fleets import Update, Variant
from slipway.rollout.policy import BlueGreen, Policy, Rolling
from slipway.rollout.stages import Capacity, Kind, Part, Rollout, Standing, laid_out

#: Developer Guide, "Exclusions": endpoints on these fall back to all at once without a final bake.
_INF1 = "ml.inf1."


def intended(update: Update) -> Rollout:
    """Lay out an update that nothing ends.

    Parameters
    ----------
    update
        What is updated, and how.

    Returns
    -------
    Rollout
        To its end, however long that takes; ``slipway.rollout.simulation`` knows what may end it.
    """
    policy, exclusion = effective(update)
    strategy = policy.strategy
    parts = _rolling(update, strategy) if isinstance(strategy, Rolling) else _blue_green(update, strategy)
    stages = laid_out(update, parts, watched=bool(policy.alarms))
    return Rollout(update, stages, assumptions=(*exclusion, *_assumptions(update, policy)))


def effective(update: Update) -> tuple[Policy, tuple[str, ...]]:
    """The policy that the service really follows.

    Parameters
    ----------
    update
        With the policy that was declared.

    Returns
    -------
    Policy
        The declared one; or all at once without a final bake and without alarms, where the service has no guardrails
        and says nothing about it.
    tuple of str
        Why it is another one, for people; empty when it is not.
    """
    types = {fleet.type for variant in update.variants for fleet in (variant.old, variant.new)}
    rolling = isinstance(update.policy.strategy, Rolling)
    why = f"{update.exclusion} have no deployment guardrails" if update.exclusion else ""
    if update.policy == Policy():
        return update.policy, ()
    if any(type.startswith(_INF1) for type in types):
        why = "Inf1 instances have no deployment guardrails"
    elif rolling and len(update.variants) > 1:
        why = "rolling updates exclude endpoints with several variants (whether they are refused is not documented)"
    if not why:
        return update.policy, ()
    return Policy(), (f"{why}: the update runs all at once, without a final bake, and no alarm ends it.",)


def _blue_green(update: Update, strategy: BlueGreen) -> Iterator[Part]:
    pace = update.pace
    sizes = [variant.new.count for variant in update.variants]
    steps = 1
    if strategy.size is not None:
        steps = 2 if strategy.routing == "CANARY" else strategy.size.steps(sizes)

    def both(share: float | None = None, step: int = 0) -> tuple[Standing, ...]:
        return tuple(
            Standing(
                variant,
                Capacity(variant.old.count),
                Capacity(variant.new.count),
                shifted(strategy.size, variant.new.count, step) if share is None and strategy.size else share or 0.0,
            )
            for variant in update.variants
        )

    starting = tuple(
        Standing(variant, Capacity(variant.old.count), Capacity(starting=variant.new.count), 0.0)
        for variant in update.variants
    )
    yield Part(Kind.PROVISION, pace.start + _time(pace.provision, starting), starting)
    for step in range(1, steps):
        standing = both(step=step)
        yield Part(Kind.SHIFT, pace.shift, standing, step, steps)
        yield Part(Kind.BAKE, strategy.wait, standing, step, steps)
    yield Part(Kind.SHIFT, pace.shift, both(share=1.0), steps, steps)
    yield Part(Kind.FINAL_BAKE, strategy.termination_wait, both(share=1.0))
    yield Part(
        Kind.TERMINATE,
        pace.terminate,
        tuple(replace(standing, old=Capacity(stopping=standing.old.ready)) for standing in both(share=1.0)),
    )


def _rolling(update: Update, strategy: Rolling) -> Iterator[Part]:
    pace = update.pace
    steps = strategy.batch.steps(variant.new.count for variant in update.variants)
    before = tuple(_after_batch(variant, strategy.batch, 0) for variant in update.variants)
    for step in range(1, steps + 1):
        after = tuple(_after_batch(variant, strategy.batch, step) for variant in update.variants)
        if after != before:
            starting = tuple(
                replace(old, new=Capacity(old.new.ready, starting=new.new.ready - old.new.ready))
                for old, new in zip(before, after, strict=True)
            )
            serving = tuple(replace(new, old=old.old) for old, new in zip(before, after, strict=True))
            begin = pace.start if step == 1 else 0.0
            yield Part(Kind.PROVISION, begin + _time(pace.provision, starting), starting, step, steps)
            yield Part(Kind.SHIFT, pace.shift, serving, step, steps)
        else:
            # A small share of few instances: the step comes, and there is nothing to move.
            serving = before
        yield Part(Kind.BAKE, strategy.wait, serving, step, steps)
        if after != before:
            stopping = tuple(
                replace(new, old=Capacity(new.old.ready, stopping=old.old.ready - new.old.ready))
                for old, new in zip(before, after, strict=True)
            )
            yield Part(Kind.TERMINATE, pace.terminate, stopping, step, steps)
        before = after


def _time(provision: float, starting: tuple[Standing, ...]) -> float:
    """Serverless variants and components without copies have nothing to wait for."""
    return provision if any(standing.new.starting for standing in starting) else 0.0


def _after_batch(variant: Variant, batch: Size, step: int) -> Standing:
    """How a variant stands when a batch is over: as many old instances are gone as new ones carry."""
    new, old = variant.new.count, variant.old.count
    come = moved(batch, new, step)
    gone = old * come // new if new else (old if step else 0)
    return Standing(variant, Capacity(old - gone), Capacity(come), shifted(batch, new, step))


def _assumptions(update: Update, policy: Policy) -> Iterator[str]:
    pace, strategy = update.pace, policy.strategy
    if any(variant.new.count for variant in update.variants):
        yield f"Instances serve {pace.provision / 60:g} minutes after they were asked for (not documented)."
    size = strategy.batch if isinstance(strategy, Rolling) else strategy.size
    for variant in update.variants:
        if size is not None and not size.comes_out_even(variant.new.count):
            whole = moved(size, variant.new.count, 1)
            yield (
                f"{size} of the {variant.new.count} of {variant.name} is taken as {whole}: how SageMaker rounds is not "
                "documented."
            )
    if strategy.timeout is not None:
        yield "The maximum execution time counts provisioning (not documented)."
    if len(update.variants) > 1 and not any(variant.weight for variant in update.variants):
        yield "All weights are 0, so the variants are taken to share the traffic equally (not documented)."
