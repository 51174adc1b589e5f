"""Shift traffic between an endpoint's variants, at once or in stages, and put the weights back when an alarm trips."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.aws_clock import AwsClock
from slipway.ops.lease import lease
from slipway.ops.live import IN_SERVICE, Live, describe
from slipway.ops.settling import patiently, settled, unhindered
from slipway.ops.shift.guards import Guard, guards, requests_seen
from slipway.ops.shift.plan import Stage, weights_of
from slipway.ops.shift.weights import Weights, gaining, said, same, shares, typed
from slipway.ops.trouble import BusyError, OperationError, WrongOperation, counted, explained
from slipway.ops.unfinished import Unfinished
from slipway.spec.units import Duration

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_sagemaker import SageMakerClient
    from types_boto3_sagemaker.type_defs import DesiredWeightAndCapacityTypeDef

    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

#: Between two looks at the alarms, in seconds of AWS's time.
LOOK = 10.0
#: How long new weights may take until they are there; autoscaling may make the endpoint Updating meanwhile.
SETTLE = timedelta(minutes=30)
#: The same for putting them back: Ctrl-C has no effect meanwhile.
PUT_BACK = timedelta(minutes=10)
_WORD = "shift"


class Tripped(OperationError):  # noqa: N818  (it is what the alarm did, not a malfunction)
    """An alarm tripped. Exit code 3 if the weights are as they were again, else 1.

    Attributes
    ----------
    put_back
        Whether they are.
    """

    put_back = False


@dataclass(frozen=True, slots=True)
class Shift:
    """What is to be done.

    Attributes
    ----------
    live
        The endpoint as it was found.
    before
        Its weights.
    stages
        The last one is what stays.
    watched
        Alarms of the variants that get more traffic.
    variants
        Those variants.
    """

    live: Live
    before: Weights
    stages: tuple[Stage, ...]
    watched: tuple[Guard, ...]
    variants: tuple[str, ...]


class Shifter:
    """Changes the weights of one endpoint.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.
    target
        Where it is.
    again
        Arguments with which a command goes to the same place, beginning with a space.
    clock
        AWS's; its own by default.
    say, warn
        Where to say what happens, and what is doubtful.
    """

    def __init__(
        self,
        environment: Environment,
        name: str,
        target: Target,
        *,
        again: str = "",
        clock: AwsClock | None = None,
        say: Callable[[str], object] = lambda line: print(line, flush=True),
        warn: Callable[[str], object] = lambda line: print(line, file=sys.stderr, flush=True),
    ) -> None:
        self._full = environment.names.endpoint(name)
        self._mode = environment.endpoints[name].mode
        self._command = f"slipway shift {name} --to {{}}{again}"
        self._clock = clock or AwsClock(target)
        self._sagemaker: SageMakerClient = target.client("sagemaker")
        self._cloudwatch: CloudWatchClient = target.client("cloudwatch")
        self._clock.listen(self._sagemaker, self._cloudwatch)
        self._say, self._warn = say, warn
        # What the weights can be without anybody else having set them.
        self._own: list[Weights] = []
        self._put_back = False

    def look(self) -> Live:
        """Describe the endpoint.

        Raises
        ------
        slipway.ops.trouble.NoEndpointError
            When there is none.
        """
        return describe(self._sagemaker, self._full)

    def plan(self, wanted: Callable[[Weights], Sequence[Stage]], ignore: Collection[str] = ()) -> Shift:
        """Find out what is to be done, and refuse what cannot be.

        Parameters
        ----------
        wanted
            Makes the stages, of the weights as they are.
        ignore
            Alarms that are not to be watched: their names, with or without the endpoint's.

        Returns
        -------
        Shift
            For ``run``; without stages when the weights are as they are wanted.

        Raises
        ------
        WrongOperation
            When it cannot be done, whatever the state of the endpoint.
        BusyError
            When the endpoint is being changed.
        OperationError
            When the endpoint is not in service, or an alarm is in ALARM already.
        """
        live = self.look()
        before = weights_of(live)
        if live.busy:
            raise BusyError(f"{live.name} is {live.status}: wait for its end with `slipway watch`; nothing was changed")
        if live.status != IN_SERVICE:
            raise OperationError(f"{live.name} is {live.status}{_because(live)}: nothing was changed")
        if len(before) < 2:
            raise WrongOperation(f"{live.name} has one variant, {', '.join(before)}, so there is nothing to shift")
        stages = tuple(wanted(before))
        variants = gaining(before, (stage.weights for stage in stages))
        watched = self._watched(live, variants, ignore) if stages else ()
        return Shift(live, before, stages, watched, variants)

    def run(self, shift: Shift, bake: Duration) -> None:
        """Set the weights, stage by stage; whatever ends it early puts them back as they were.

        Parameters
        ----------
        shift
            From ``plan``.
        bake
            How long the alarms are watched after each stage.

        Raises
        ------
        Tripped
            When an alarm trips.
        BusyError
            When another operator works on the endpoint; or took it over, and then the weights stay as they are.
        OperationError
            When somebody else changed the weights or deploys meanwhile, and then they stay as they are; or when AWS
            refuses.
        """
        duration = timedelta(seconds=bake * len(shift.stages)) + SETTLE * (len(shift.stages) + 1)
        try:
            with (
                lease(self._sagemaker, shift.live.arn, _WORD, duration, clock=self._clock.now) as check,
                Unfinished(say=self._warn) as unfinished,
            ):
                self._announce(shift, bake)
                for number, stage in enumerate(shift.stages):
                    patiently(check, self._clock, what=f"read the tags of {self._full}")
                    live = settled(self._sagemaker, self._full, self._clock, within=SETTLE)
                    self._refuse_changes(shift, live, shift.stages[number - 1].weights if number else shift.before)
                    if not number:
                        unfinished.begin(
                            f"the weights: {said(shift.before)}",
                            lambda: self._own.append(shift.before),
                            lambda: self._restore(shift, check),
                            self._command.format(typed(shift.before)),
                        )
                    self._set(shift, stage)
                    if bake:
                        self._bake(shift, stage, bake)
                unfinished.done()
        except Tripped as tripped:
            tripped.put_back = self._put_back
            raise

    # -- alarms

    def _watched(self, live: Live, variants: Collection[str], ignore: Collection[str]) -> tuple[Guard, ...]:
        found = {guard.name: guard for guard in self._guards(live, variants)}
        for name in ignore:
            full = name if name in found else f"{live.name}-{name}"
            if found.pop(full, None) is None:
                near = get_close_matches(full, found, 1, cutoff=0.4)
                hint = f", did you mean {near[0]}?" if near else "."
                raise WrongOperation(
                    f"--ignore {name}: no such alarm watches {' or '.join(variants)}{hint} There is: "
                    f"{', '.join(found) or 'none'}"
                )
        firing = [guard for guard in found.values() if guard.firing]
        if firing:
            listed = "\n".join(f"  {guard.name}: {guard.reason}" for guard in firing)
            flags = " ".join(f"--ignore {guard.name}" for guard in firing)
            number = counted([guard.name for guard in firing], "alarm")
            raise OperationError(
                f"{number} of {' and '.join(variants)} in ALARM already, so nothing was changed:\n{listed}\n"
                f"Mend that first. If it has nothing to do with the traffic, say `{flags}`"
            )
        return tuple(found.values())

    def _guards(self, live: Live, variants: Collection[str]) -> list[Guard]:
        return patiently(
            lambda: guards(self._cloudwatch, live, variants), self._clock, what=f"look at the alarms of {live.name}"
        )

    def _announce(self, shift: Shift, bake: Duration) -> None:
        self._say(f"{self._full}: {said(shift.before)}")
        if not bake:
            self._say("no bake, so no alarm is watched")
            return
        number = counted([guard.name for guard in shift.watched], "alarm")
        self._say(f"watching {number} of {' and '.join(shift.variants)}")
        if not shift.watched:
            self._warn(f"no alarm watches {' or '.join(shift.variants)}: the stages only pass")
            return
        needs = [guard.needs for guard in shift.watched if guard.needs is not None]
        if needs and min(needs) > bake:
            self._warn(
                f"no alarm trips within {bake}: the quickest needs {Duration(min(needs))} of bad data; write "
                f"`--bake {Duration(min(needs))}` or longer"
            )

    def _bake(self, shift: Shift, stage: Stage, bake: Duration) -> None:
        """Watch until the bake is over."""
        since = self._clock.now()
        until = since + timedelta(seconds=bake)
        self._say(f"{_time(since)} {stage.title}: bakes until {_time(until)}")
        names = {guard.name for guard in shift.watched}
        while True:
            self._refuse_changes(shift, patiently(self.look, self._clock, what=f"look at {self._full}"), stage.weights)
            for guard in self._guards(shift.live, shift.variants):
                if guard.firing and guard.name in names:
                    raise Tripped(f"{_time(self._clock.now())} {stage.title}: {guard.name} is in ALARM: {guard.reason}")
            left = (until - self._clock.now()).total_seconds()
            if left <= 0:
                break
            self._clock.pause(min(LOOK, left))
        self._count(shift, stage, since)

    def _count(self, shift: Shift, stage: Stage, since: datetime) -> None:
        """Say how many requests there were: an alarm that saw none has seen nothing."""
        now = self._clock.now()
        share = shares(stage.weights)
        for variant in (one for one in shift.variants if share[one]):
            try:
                seen = requests_seen(self._cloudwatch, self._full, variant, self._mode, since, now)
            except (BotoCoreError, ClientError) as error:
                self._warn(explained(error, f"count the requests of {variant}"))
                continue
            if seen:
                self._say(f"{_time(now)} {stage.title}: {seen:,} request{'' if seen == 1 else 's'} to {variant}")
            else:
                self._warn(
                    f"{_time(now)} {stage.title}: no request to {variant} was seen, so its alarms could see nothing "
                    "either (metrics come a minute or two late)"
                )

    # -- weights

    def _set(self, shift: Shift, stage: Stage) -> None:
        self._own.append(stage.weights)
        self._apply(stage.weights, SETTLE)
        self._refuse_changes(shift, self._in_service(SETTLE), stage.weights)
        self._say(f"{_time(self._clock.now())} {stage.title}: {said(stage.weights)}")

    def _apply(self, weights: Weights, within: timedelta) -> None:
        """Set weights and nothing else: what is not given, such as the number of instances, stays."""
        wanted: list[DesiredWeightAndCapacityTypeDef] = [
            {"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()
        ]
        unhindered(
            lambda: self._sagemaker.update_endpoint_weights_and_capacities(
                EndpointName=self._full, DesiredWeightsAndCapacities=wanted
            ),
            self._sagemaker,
            self._full,
            self._clock,
            within=within,
        )

    def _in_service(self, within: timedelta) -> Live:
        live = settled(self._sagemaker, self._full, self._clock, within=within)
        if live.status != IN_SERVICE:
            raise OperationError(f"{live.name} is {live.status}{_because(live)}")
        return live

    def _refuse_changes(self, shift: Shift, live: Live, *expected: Weights) -> None:
        """Stop when somebody else sets weights or deploys."""
        if live.pending is not None or live.config != shift.live.config:
            config = live.pending.config if live.pending else live.config
            raise OperationError(
                f"{live.name}: an update to {config} has begun meanwhile, and its config sets the weights: stopped"
            )
        found = weights_of(live)
        if not any(same(found, weights) for weights in expected):
            raise OperationError(
                f"{live.name}: somebody else has set {typed(found)} meanwhile, where this had set "
                f"{typed(expected[-1])}: stopped"
            )

    def _restore(self, shift: Shift, check: Callable[[], None]) -> None:
        """Put the weights back, unless they are somebody else's by now; Ctrl-C has no effect meanwhile."""
        check()
        self._refuse_changes(shift, self.look(), *self._own)
        self._warn(f"putting the weights back: {said(shift.before)}")
        live = settled(self._sagemaker, self._full, self._clock, within=PUT_BACK)
        self._refuse_changes(shift, live, *self._own)
        if not same(weights_of(live), shift.before):
            self._apply(shift.before, PUT_BACK)
            self._refuse_changes(shift, self._in_service(PUT_BACK), shift.before)
        self._put_back = True


def _because(live: Live) -> str:
    return f" ({live.failure})" if live.failure else ""


def _time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"
