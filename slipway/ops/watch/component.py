"""Watch an update of an inference component: whether the specification that was wanted is live in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.live import IN_SERVICE, same_config
from slipway.ops.trouble import is_missing
from slipway.ops.watch import alarms as watch_alarms
from slipway.ops.watch import template as watch_template
from slipway.ops.watch.events import Outcome, Result
from slipway.ops.watch.gaps import Gaps
from slipway.ops.watch.judging import HEARTBEAT, Judgement
from slipway.ops.watch.looking import STACK, stack_seen
from slipway.ops.watch.outcomes import Ended, alarm_advice, gone, timed_out
from slipway.ops.watch.snapshot import AlarmSeen, ConfigSeen, Gap, StackSeen, Trip
from slipway.ops.watch.telling import alarm_events, event, finished, heartbeat, warning
from slipway.ops.watch.view import Fleet, View, lasting

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.target import Target
    from slipway.ops.watch.clock import WatchClock

_LOGS = "/aws/sagemaker/InferenceComponents"
Specifications = Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class ComponentSnapshot:
    """One look at an inference component.

    Attributes
    ----------
    at
        When, by AWS's clock.
    name
        Its full name.
    status
        InferenceComponentStatus; empty when there is no such component.
    failure
        FailureReason.
    live
        Its specifications: one, or one for each instance type.
    wanted
        Those that the stack declares; empty when it has none, or that cannot be seen.
    copies, desired
        Now, and as asked for.
    modified
        When it was last created or updated.
    stack, alarms, trips, gaps
        As of an endpoint.
    """

    at: datetime
    name: str
    status: str = ""
    failure: str = ""
    live: Specifications = ()
    wanted: Specifications = ()
    copies: int = 0
    desired: int = 0
    modified: datetime | None = None
    stack: StackSeen | None = None
    alarms: tuple[AlarmSeen, ...] | None = ()
    trips: tuple[Trip, ...] | None = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def there(self) -> bool:
        """Whether it exists."""
        return bool(self.status)


class ComponentLooker:
    """Looks at one inference component.

    Parameters
    ----------
    target
        Where it is.
    name
        Its full name.
    clock
        Is set by each answer.
    stack
        Name of its stack; empty when it has none.
    """

    def __init__(self, target: Target, name: str, clock: WatchClock, *, stack: str = "") -> None:
        self._target, self._name, self._clock, self._stack_name = target, name, clock, stack
        self._gaps = Gaps()
        self._stack: StackSeen | None = None
        self._wanted: Specifications | None = ()
        self._alarms: tuple[AlarmSeen, ...] | None = ()
        self._since: datetime | None = None
        self.renew()

    def renew(self) -> None:
        """Open new clients."""
        self._sagemaker: SageMakerClient = self._target.client("sagemaker")
        self._cloudformation: CloudFormationClient = self._target.client("cloudformation")
        self._cloudwatch: CloudWatchClient = self._target.client("cloudwatch")

    def look(self) -> ComponentSnapshot:
        """Look once.

        Raises
        ------
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            When the component cannot be described, or credentials have expired.
        """
        try:
            found = self._sagemaker.describe_inference_component(InferenceComponentName=self._name)
        except ClientError as error:
            if is_missing(error):
                return ComponentSnapshot(self._clock.answered(error.response), self._name)
            raise
        now, status = self._clock.answered(found), str(found["InferenceComponentStatus"])
        modified = found["LastModifiedTime"]
        if status in ("Creating", "Updating"):
            self._since = self._since or modified
        if self._stack_name:
            self._look_at_stack()
        names = watch_alarms.names_of(found.get("LastDeploymentConfig", {}))
        self._alarms = self._gaps.around(
            "the alarms", watch_alarms.STATES, lambda: watch_alarms.states(self._cloudwatch, names), self._alarms
        )
        single = found.get("Specification")
        runtime = found.get("RuntimeConfig", {})
        return ComponentSnapshot(
            now,
            self._name,
            status,
            found.get("FailureReason", ""),
            [single] if single else found.get("Specifications", []),
            self._wanted or (),
            runtime.get("CurrentCopyCount", 0),
            runtime.get("DesiredCopyCount", 0),
            modified,
            self._stack,
            self._alarms,
            self._trips(now) if status == IN_SERVICE else (),
            self._gaps.all(),
        )

    def _look_at_stack(self) -> None:
        name = self._stack_name
        self._stack = self._gaps.around("the stack", STACK, lambda: stack_seen(self._cloudformation, name), self._stack)
        if self._stack is not None:
            permission = " or ".join(watch_template.PERMISSIONS)
            self._wanted = self._gaps.around("the stack's template", permission, self._declared, self._wanted)

    def _declared(self) -> Specifications:
        kind = "AWS::SageMaker::InferenceComponent"
        for one in watch_template.declared(self._cloudformation, self._stack_name, kind):
            if one.get("InferenceComponentName") == self._name:
                several = one.get("Specifications")
                single = one.get("Specification")
                return several if isinstance(several, list) else [single] if isinstance(single, Mapping) else []
        return ()

    def _trips(self, now: datetime) -> tuple[Trip, ...] | None:
        since, alarms = self._since, self._alarms
        if since is None or not alarms:
            return () if alarms is not None else None
        return self._gaps.around(
            "the alarms' history",
            watch_alarms.HISTORY,
            lambda: watch_alarms.trips(self._cloudwatch, alarms, since, now),
            None,
        )


class ComponentJudge:
    """Judges looks at one inference component, in their order.

    Parameters
    ----------
    name
        Its full name.
    expect
        The model that it is to run; empty for what its stack declares.
    wait_start
        Seconds in which an update is still to begin.
    again
        The command that watches again.
    """

    def __init__(self, name: str, *, expect: str = "", wait_start: float = 0.0, again: str = "slipway watch") -> None:
        self._name, self._expect, self._again = name, expect, again
        self._wait_start = timedelta(seconds=wait_start)
        self._first: datetime | None = None
        self._began: datetime | None = None
        self._moved = False
        self._stage = ""
        self._alarms: dict[str, str] = {}
        self._said: set[str] = set()
        self._beat: datetime | None = None
        self.heartbeat = HEARTBEAT

    def see(self, snapshot: ComponentSnapshot) -> Judgement:
        """Judge a look.

        Parameters
        ----------
        snapshot
            The latest one.

        Returns
        -------
        Judgement
            What is new, and whether it is over.
        """
        self._first = self._first or snapshot.at
        events = [warning(snapshot.at, str(gap)) for gap in snapshot.gaps if str(gap) not in self._said]
        self._said |= {str(gap) for gap in snapshot.gaps}
        events += alarm_events(snapshot.at, snapshot.alarms or (), self._alarms)
        ended = self._ended(snapshot)
        if ended is not None:
            last = self._finished(ended, snapshot.at, _model(snapshot.live))
            return replace(last, events=(*events, *last.events))
        moving = snapshot.status in ("Creating", "Updating")
        headline = f"{self._name} is {snapshot.status}, from {_model(snapshot.live)}"
        if not moving:
            stack = f", and its stack {snapshot.stack.name} is {snapshot.stack.status}" if snapshot.stack else ""
            headline = f"nothing moves yet: {self._name} runs {_model(snapshot.live)}{stack}"
        if moving and not self._moved:
            self._moved, self._began = True, snapshot.modified or snapshot.at
            said = {"endpoint": self._name, "status": snapshot.status, "from": _model(snapshot.live)}
            events.append(event("started", snapshot.at, headline, **said, began=self._began))
        copies = f"{snapshot.copies} of {snapshot.desired} copies"
        stage = f"{snapshot.status}, {copies}" if moving else "waiting"
        if stage != self._stage:
            self._stage = stage
            data = {"stage": snapshot.status, "copies": snapshot.copies, "desired": snapshot.desired}
            events.append(event("stage", snapshot.at, stage if moving else headline, **data))
        fleet = Fleet("copies", ConfigSeen(_model(snapshot.live)), None, snapshot.copies, snapshot.desired, None)
        view = View(
            self._name,
            snapshot.at,
            snapshot.status,
            headline,
            stage,
            None,
            self._began or snapshot.at,
            (fleet,),
            snapshot.alarms,
        )
        self._beat = self._beat or snapshot.at
        if moving and snapshot.at - self._beat >= self.heartbeat:
            self._beat = snapshot.at
            events.append(heartbeat(view))
        return Judgement(tuple(events), view)

    def give_up(self, at: datetime) -> Judgement:
        """Say that the time is over."""
        after = lasting((at - (self._first or at)).total_seconds())
        return self._finished(timed_out(self._name, after, self._stage, self._again), at, "")

    def _ended(self, snapshot: ComponentSnapshot) -> Ended | None:
        if not snapshot.there or snapshot.status == "Deleting":
            return gone(self._name, deleting=snapshot.there)
        if snapshot.status not in (IN_SERVICE, "Failed"):
            return None
        soon = self._first is not None and snapshot.at - self._first < self._wait_start
        if not self._moved and (soon or (snapshot.stack is not None and snapshot.stack.moving)):
            return None
        if snapshot.status == "Failed":
            why = f"failed: {self._name} is Failed"
            why += f": {snapshot.failure}" if snapshot.failure else "; AWS gives no reason (FailureReason is empty)"
            logs = f"the log group {_LOGS}/{self._name} has what the containers wrote"
            return Ended(Result.FAILED, why, self._expect, (logs,), snapshot.trips or ())
        wanted: Specifications = [{"ModelName": self._expect}] if self._expect else snapshot.wanted
        differing = list(differences(wanted, snapshot.live))
        model = _model(snapshot.live)
        if differing:
            why = f"rolled back: {self._name} runs {model}, but {'; '.join(differing)}"
            why += f"; AWS says: {snapshot.failure}" if snapshot.failure else "; AWS gives no reason"
            advice = tuple(alarm_advice(snapshot.alarms, snapshot.trips, f"{_LOGS}/{self._name}"))
            return Ended(Result.ROLLED_BACK, why, _model(wanted), advice, snapshot.trips or ())
        if self._moved and self._began is not None:
            took = lasting((snapshot.at - self._began).total_seconds())
            return Ended(Result.DEPLOYED, f"deployed: {self._name} runs {model}, after {took}", _model(wanted))
        says = "as expected" if self._expect else "as its stack says" if wanted else "no stack says what it should run"
        return Ended(Result.DEPLOYED, f"nothing is under way: {self._name} runs {model}, {says}", _model(wanted))

    def _finished(self, ended: Ended, at: datetime, serves: str) -> Judgement:
        outcome = Outcome(
            ended.result,
            self._name,
            ended.expected or self._expect,
            serves,
            ended.why,
            at,
            ended.advice,
            self._moved,
            trips=ended.trips,
        )
        return Judgement((finished(outcome),), None, outcome)


def differences(wanted: Specifications, live: Specifications) -> Iterator[str]:
    """Say where a component differs from what was wanted of it.

    Parameters
    ----------
    wanted
        As a template has them; only what it says is compared.
    live
        As DescribeInferenceComponent has them.

    Yields
    ------
    str
        A difference, in words.
    """
    by_type = {one.get("InstanceType"): one for one in live}
    for one in wanted:
        is_now = by_type.get(one.get("InstanceType"), live[0] if len(live) == 1 else {})
        yield from _differing(one, is_now, "")


def _differing(wanted: Mapping[str, object], live: Mapping[str, object], at: str) -> Iterator[str]:
    for key, value in wanted.items():
        where, now = f"{at}{key}", live.get(key)
        if key == "Image" and now is None:  # it is described as what was deployed
            deployed = live.get("DeployedImage")
            now = deployed.get("SpecifiedImage") if isinstance(deployed, Mapping) else None
        if isinstance(value, Mapping):
            # What refers to another stack or a parameter is not known here.
            if not any(str(inner).startswith(("Fn::", "Ref")) for inner in value):
                yield from _differing(value, now if isinstance(now, Mapping) else {}, f"{where}.")
        elif not _same(value, now):
            yield f"{where} is to be {value}, not {now}"


def _same(wanted: object, live: object) -> bool:
    if isinstance(wanted, str) and isinstance(live, str):
        return same_config(wanted, live)
    try:
        return float(str(wanted)) == float(str(live))
    except ValueError:
        return wanted == live


def _model(specifications: Specifications) -> str:
    """What specifications run: the model's name, or the artifact of their container."""
    for one in specifications:
        container = one.get("Container")
        artifact = container.get("ArtifactUrl") if isinstance(container, Mapping) else None
        found = one.get("ModelName") or artifact or one.get("BaseInferenceComponentName")
        if found:
            return str(found)
    return ""
