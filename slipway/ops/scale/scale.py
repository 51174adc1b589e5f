"""Temporary limits of autoscaling, ended by AWS itself; and another number of instances where nothing is scaled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from slipway.ops.aws_clock import AwsClock
from slipway.ops.lease import lease
from slipway.ops.live import IN_SERVICE, Live, describe
from slipway.ops.scale.limits import end, limits_wanted, refuse_count
from slipway.ops.scale.part import Part
from slipway.ops.scale.scalable import RESTORE, Limits, Scalable, Targets, declared, said
from slipway.ops.settling import LOOK, NotSettledError, patiently
from slipway.ops.trouble import BusyError, OperationError
from slipway.ops.unfinished import Unfinished
from slipway.spec.instances import is_burstable
from slipway.spec.units import Duration

if TYPE_CHECKING:
    from types_boto3_application_autoscaling import ApplicationAutoScalingClient
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

#: How long a command may take for its calls; nothing is waited for meanwhile.
_LEASE = timedelta(minutes=15)
_WORD = "scale"


@dataclass(frozen=True, slots=True)
class Scale:
    """A part of an endpoint as it is.

    Attributes
    ----------
    live
        The endpoint.
    busy
        What is under way, which keeps autoscaling from acting; empty when nothing is.
    count
        How many there are now; ``None`` where the service does not say.
    target
        What is scaled; ``None`` when it is not.
    now
        AWS's time of the look.
    """

    live: Live
    busy: str
    count: int | None
    target: Scalable | None
    now: datetime


class Scaler:
    """Changes how many instances or copies a part of an endpoint has.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.
    part
        Which part of it.
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
        part: Part,
        target: Target,
        *,
        again: str = "",
        clock: AwsClock | None = None,
        say: Callable[[str], object] = lambda line: print(line, flush=True),
        warn: Callable[[str], object] = lambda line: print(line, file=sys.stderr, flush=True),
    ) -> None:
        self._full = environment.names.endpoint(name)
        self._part = part
        endpoint = environment.endpoints[name]
        one = len(endpoint.components or endpoint.fleet) == 1
        which = "" if one else f" --{'component' if part.component else 'variant'} {part.name}"
        self._command = f"slipway scale {name}{which}"
        self._again = again
        self._clock = clock or AwsClock(target)
        self._sagemaker: SageMakerClient = target.client("sagemaker")
        scaling: ApplicationAutoScalingClient = target.client("application-autoscaling")
        self._clock.listen(self._sagemaker, scaling)
        self._targets = Targets(scaling, self._clock)
        self._say, self._warn = say, warn

    def look(self) -> Scale:
        """Ask how many there are, and between which limits.

        Raises
        ------
        slipway.ops.trouble.NoEndpointError
            When there is no such endpoint.
        OperationError
            When there is no such variant or component, or AWS refuses.
        """
        live = patiently(lambda: describe(self._sagemaker, self._full), self._clock, what=f"look at {self._full}")
        busy = f"{live.name} is {live.status}" if live.busy else ""
        if self._part.component:
            found = patiently(
                lambda: self._sagemaker.describe_inference_component(InferenceComponentName=self._part.full),
                self._clock,
                what=f"look at {self._part.full}",
            )
            status = found["InferenceComponentStatus"]
            if not busy and status not in (IN_SERVICE, "Failed"):
                busy = f"{self._part.full} is {status}"
            count = found["RuntimeConfig"].get("CurrentCopyCount")
        else:
            variant = live.variant(self._part.full)
            if variant is None:
                there = ", ".join(one.name for one in live.variants)
                raise OperationError(f"{live.name} has no variant {self._part.full} yet; it has {there}: deploy first")
            count = variant.count
        return Scale(live, busy, count, self._targets.find(self._part.resource), self._clock.now())

    def limit(self, lowest: int | None, highest: int | None, duration: Duration | None) -> None:
        """Set other limits, for a time or until somebody takes them back.

        Parameters
        ----------
        lowest, highest
            The new ones; ``None`` keeps the present one.
        duration
            For how long, 5 minutes or more; ``None`` for no end.

        Raises
        ------
        WrongOperation
            When there can be no such limits.
        BusyError
            When the endpoint is being changed, or another operator works on it.
        OperationError
            When it is not scaled, a schedule would end it at once, or AWS refuses.
        """
        found, target = self._scaled()
        wanted = limits_wanted(self._part, target.limits, lowest, highest)
        until = end(target, wanted, duration, found.now, self._warn)
        original, why = self._original(target, found.now)
        if until is not None and target.restore is None and original != target.limits:
            self._warn(f"the limits are {target.limits} now; what comes back is {original}, {why}")
        with (
            lease(self._sagemaker, found.live.arn, _WORD, _LEASE, clock=self._clock.now),
            Unfinished(say=self._warn) as unfinished,
        ):
            self._say(f"{self._full}, {self._part}: {target.limits} {self._part.unit}{_count(found)}")
            if until is not None:
                unfinished.begin(
                    f"the scheduled action {RESTORE}",
                    lambda: None,
                    lambda: self._undo_restore(target),
                    f"{self._command} --back{self._again}",
                )
                self._targets.put_restore(target, original, until)
            unfinished.begin(
                f"the limits: {target.limits}",
                lambda: None,
                lambda: self._undo_limits(target, wanted),
                f"{self._command} --min {target.limits.lowest} --max {target.limits.highest}{self._again}",
            )
            self._targets.set_limits(target, wanted)
            unfinished.done()
        self._tell(target, wanted, original, until or target.ends)

    def back(self) -> None:
        """End temporary limits at once.

        Raises
        ------
        OperationError
            When there is nothing to go back to, or AWS refuses.
        """
        found = self.look()
        target = found.target
        if target is None:
            raise OperationError(f"{self._full}, {self._part}: is not scaled, so it has no limits to go back to")
        limits, why = self._original(target, found.now)
        if not why:
            raise OperationError(
                f"{self._full}, {self._part}: there is no scheduled action {RESTORE} that knows the former limits, and "
                f"the config declares no `scaling`: say them with `{self._command} --min … --max …{self._again}`"
            )
        with lease(self._sagemaker, found.live.arn, _WORD, _LEASE, clock=self._clock.now):
            # The limits first: interrupted in between, the scheduled action sets the same ones once more.
            if limits != target.limits:
                self._targets.set_limits(target, limits)
            if target.restore is not None:
                self._targets.delete_restore(target)
        was = f", instead of {target.limits}" if limits != target.limits else " already"
        self._say(f"{self._full}, {self._part}: {limits} {self._part.unit}{was}, {why}")
        if found.busy:
            self._warn(f"{found.busy}: the number of {self._part.unit} follows when that is over")

    def count(self, wanted: int) -> None:
        """Set the number of instances of a variant that is not scaled.

        Parameters
        ----------
        wanted
            How many.

        Raises
        ------
        WrongOperation
            When it has no number of instances of its own, or this is none.
        BusyError
            When the endpoint is being changed, or another operator works on it.
        OperationError
            When it is scaled, or AWS refuses.
        """
        refuse_count(self._part, wanted)
        found = self.look()
        if found.target is not None:
            raise OperationError(
                f"{self._full}, {self._part}: is scaled between {found.target.limits}, so autoscaling would change the "
                f"number again: say `{self._command} --min {wanted} --max {max(wanted, found.target.limits.highest)}"
                f"{self._again}`"
            )
        self._refuse_busy(found)
        if found.count == wanted:
            self._say(f"{self._full}, {self._part}: {self._part.counted(wanted)} already")
            return
        with lease(self._sagemaker, found.live.arn, _WORD, _LEASE, clock=self._clock.now):
            patiently(
                lambda: self._sagemaker.update_endpoint_weights_and_capacities(
                    EndpointName=self._full,
                    DesiredWeightsAndCapacities=[{"VariantName": self._part.full, "DesiredInstanceCount": wanted}],
                ),
                self._clock,
                what=f"change {self._full}",
            )
        self._say(f"{self._full}, {self._part}: {self._part.counted(wanted)} asked for, instead of {found.count}")
        if self._part.declared != wanted:
            self._say(
                f"the config and the stack hold {self._part.declared}, which the next update sets again. "
                f"So that they agree: {self._part.key}: {wanted}"
            )
        self._say(f"back: {self._command} --instances {found.count}{self._again}")

    def wait(self, within: timedelta) -> None:
        """Wait until there are as many as the limits, or the number that was set, ask for.

        Parameters
        ----------
        within
            How long at most, of AWS's time.

        Raises
        ------
        NotSettledError
            When there are not.
        """
        until = self._clock.now() + within
        while True:
            found = self.look()
            variant = found.live.variant(self._part.full)
            least = found.target.limits.lowest if found.target else (variant.desired_count if variant else None) or 0
            if not found.busy and found.count is not None and found.count >= least:
                self._say(f"{self._full}, {self._part}: {self._part.counted(found.count)} serving")
                return
            if self._clock.now() >= until:
                raise NotSettledError(
                    f"{self._full}, {self._part}: {self._part.counted(found.count)} of {least} after "
                    f"{Duration(within.total_seconds())}"
                    f"{f', {found.busy}' if found.busy else ''}: it goes on by itself; look at it with `slipway status`"
                )
            self._clock.pause(LOOK)

    # -- what is refused

    def _scaled(self) -> tuple[Scale, Scalable]:
        found = self.look()
        if found.target is None:
            burst = [kind for kind in self._part.types if is_burstable(kind)]
            why = f"{', '.join(burst)} cannot be scaled automatically" if burst else "is not scaled automatically"
            other = (
                f"`{self._command} --instances N{self._again}` sets the number until the next update"
                if self._part.types and not self._part.managed
                else "declare `scaling` and deploy"
            )
            raise OperationError(f"{self._full}, {self._part}: {why}, so it has no limits: {other}")
        self._refuse_busy(found)
        return found, found.target

    def _refuse_busy(self, found: Scale) -> None:
        if found.busy:
            raise BusyError(
                f"{found.busy}, and the service scales nothing meanwhile: wait for its end with `slipway watch`; "
                "nothing was changed"
            )
        if found.live.status != IN_SERVICE:
            because = f" ({found.live.failure})" if found.live.failure else ""
            raise OperationError(f"{found.live.name} is {found.live.status}{because}: nothing was changed")

    def _tell(self, target: Scalable, wanted: Limits, original: Limits, until: datetime | None) -> None:
        unit = self._part.unit
        if until is not None:
            self._say(
                f"{wanted} {unit} until {said(until)}, then {original} again: the scheduled action {RESTORE} "
                "does it, whatever becomes of this machine"
            )
            self._say(f"back before that: {self._command} --back{self._again}")
            return
        self._say(f"{wanted} {unit} from now on; nothing ends this by itself")
        former = f"--min {target.limits.lowest} --max {target.limits.highest}"
        back = "--back" if self._part.scaling is not None else former
        self._say(f"back: {self._command} {back}{self._again}")

    # -- the ways back

    def _original(self, target: Scalable, now: datetime) -> tuple[Limits, str]:
        """The limits without what is temporary of them, and who says so: nobody, if it is empty.

        The scheduled action that ends them knows. Where there is none, somebody may have set others without an end, so
        that the config says it.
        """
        if target.restore is not None:
            return target.original, "as they were before"
        if self._part.scaling is None:
            return target.limits, ""
        return declared(self._part.scaling, target, now)

    def _undo_limits(self, target: Scalable, wanted: Limits) -> None:
        """Set the former limits again, unless they still hold, or somebody else has set others."""
        found = self._targets.find(target.resource)
        if found is None or found.limits == target.limits:
            return
        if found.limits != wanted:
            raise OperationError(f"somebody else has set {found.limits} meanwhile")
        self._targets.set_limits(target, target.limits)

    def _undo_restore(self, target: Scalable) -> None:
        found = self._targets.find(target.resource)
        if found is None or (found.restore, found.ends) == (target.restore, target.ends):
            return
        if found.limits != target.limits:
            raise OperationError(f"the limits are {found.limits}, so it is still needed")
        if target.restore is None or target.ends is None:
            self._targets.delete_restore(target)
        else:
            self._targets.put_restore(target, target.original, target.ends)


def _count(found: Scale) -> str:
    return f", {found.count} now" if found.count is not None else ""
