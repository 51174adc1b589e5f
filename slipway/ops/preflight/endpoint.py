"""The checks of one endpoint, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.ops.lease import refuse_others
from slipway.ops.live import Revision
from slipway.ops.preflight import service, stacks
from slipway.ops.preflight.facts import EndpointFacts
from slipway.ops.preflight.report import Finding, failed, ok, options, warning
from slipway.ops.preflight.update import Update, ending_alarms, update_of
from slipway.ops.rollback.contents import Models
from slipway.ops.rollback.intact import Inspector
from slipway.ops.trouble import BusyError
from slipway.rollout.fleets import Pace

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

    from slipway.ops.aws_clock import AwsClock
    from slipway.ops.preflight.clients import Clients
    from slipway.ops.preflight.container_images import ImageCheck
    from slipway.ops.preflight.model_artifacts import ArtifactCheck
    from slipway.ops.preflight.quotas import Quotas
    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

#: DescribeAlarms takes a hundred names.
_NAMES = 100
#: On the local AWS no instances have to start.
_NO_WAIT = Pace(provision=0.0)
#: A check: its name, and what makes it.
Named = tuple[str, Callable[[], Iterable[Finding]]]


@dataclass(frozen=True)
class Common:
    """What the checks of all endpoints share.

    Attributes
    ----------
    environment, target, clients
        What is checked, where, and with what.
    artifacts, images
        Look at what models are made of.
    quotas
        What the account may run; ``None`` on the local AWS, which limits nothing.
    clock
        The time that AWS has.
    """

    environment: Environment
    target: Target
    clients: Clients
    artifacts: ArtifactCheck
    images: ImageCheck
    quotas: Quotas | None
    clock: AwsClock


class EndpointChecks:
    """Checks one endpoint.

    Parameters
    ----------
    common
        What all checks share.
    pool
        Where questions go.
    facts
        What AWS says of the endpoint.
    """

    def __init__(self, common: Common, pool: Executor, facts: EndpointFacts) -> None:
        self._common, self._facts = common, facts
        self._declared = common.environment.endpoints[facts.name]
        self._at = f"{facts.name}{options(common.environment, common.target)}"
        self._update: Future[Update] = pool.submit(self._find_update)

    @property
    def seconds(self) -> float | None:
        """How long its update takes by the rollout's model; ``None`` where nothing seems to change, or nobody knows."""
        if self._update.exception() is not None:
            return None
        update, serving = self._update.result(), self._facts.serving.result()
        course = update.course(_NO_WAIT if self._common.target.kind == "local" else None)
        if course is None or serving is None:
            return None
        same = [(one.name, one.type) for one in update.new.variants]
        was = [(one.name, one.type) for one in update.old.variants] if update.old else []
        if str(self._declared.version) == serving.version and same == was:
            return None
        return (course.live or course.highest).duration

    def all(self) -> Iterator[Named]:
        """Name each check.

        Yields
        ------
        tuple
            The name, and what makes the check.
        """
        yield "stack", self._stack
        yield "endpoint", self._endpoint
        yield "live config", self._agreement
        yield "alarms", self._alarms
        yield "update", lambda: service.accepted(self._update.result())
        yield "artifacts", lambda: self._common.artifacts.findings(self._facts.name)
        yield "images", lambda: self._common.images.findings(self._facts.name)
        yield "quota", self._quota
        yield "previous revision", self._intact

    def _find_update(self) -> Update:
        facts = self._facts
        serving = facts.serving.result()
        return update_of(
            self._common.environment,
            facts.name,
            facts.live.result(),
            serving.described if serving else None,
            facts.limits.result(),
        )

    def _stack(self) -> Iterator[Finding]:
        stack = self._common.environment.names.stack(self._facts.name)
        return stacks.endpoint_stack(self._facts.stack.result(), self._facts.live.result(), stack)

    def _endpoint(self) -> Iterator[Finding]:
        live = self._facts.live.result()
        found = list(service.status(self._at, live, declared=self._facts.held.result() is not None))
        if live is not None:
            try:
                refuse_others(self._common.clients.sagemaker, live.arn, clock=self._common.clock.now)
            except BusyError as error:
                what, _, do = str(error).partition("): ")
                found.append(failed(f"{what})", do))
        yield from found
        if not found:
            yield ok(f"{live.status}, and nobody else works on it" if live else "there is none yet")

    def _agreement(self) -> Iterator[Finding]:
        facts = self._facts
        version = str(self._declared.version)
        yield service.agreement(self._at, version, facts.live.result(), facts.serving.result(), facts.held.result())

    def _alarms(self) -> Iterator[Finding]:
        ending = ending_alarms(self._common.environment, self._facts.name)
        states = _states(self._common.clients.cloudwatch, ending.names)
        yield from service.quiet(ending, self._facts.alarms, states)

    def _quota(self) -> Iterator[Finding]:
        peak = self._update.result().grows
        if self._common.quotas is not None:
            yield from self._common.quotas.findings(self._common.environment.names.endpoint(self._facts.name), peak)
        elif peak:
            most = " and ".join(f"{count.highest} × {type}" for type, count in peak.items())
            yield ok(f"at most {most} at one time; the local AWS limits nothing")
        else:
            yield ok("it has no instances of its own")

    def _intact(self) -> Iterator[Finding]:
        live, serving = self._facts.live.result(), self._facts.serving.result()
        if live is None or serving is None:
            yield ok("there is none yet")
            return
        if serving.described is None:
            yield warning(
                f"the config that serves, {serving.name}, was deleted: there is no way back to it, and AWS cannot "
                "patch the endpoint",
                "none is left but to go forward; make sure of the update with a rehearsal: slipway rehearse",
            )
            return
        clients = self._common.clients
        revision = Revision(serving.name, serving.version, serving.described["CreationTime"], serving.described)
        sound = Inspector(self._common.target, Models(clients.sagemaker)).inspect(revision)
        for what in sound.missing:
            yield warning(
                f"{what}, which {serving} needs: instances that start cannot load it, and a rollback may fail",
                "restore it (the model bucket keeps old versions of objects), or be sure of the update",
            )
        for what in sound.doubtful:
            yield warning(f"{what}, which {serving} needs", "see that it is there")
        if not sound.missing and not sound.doubtful:
            yield ok(f"{serving}: config, models, artifacts and images are there")


def _states(cloudwatch: CloudWatchClient, names: tuple[str, ...]) -> Mapping[str, tuple[str, str]]:
    """State and reason of alarms by name, of those that exist."""
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(names), _NAMES):
        some = list(names[start : start + _NAMES])
        answer = cloudwatch.describe_alarms(AlarmNames=some)
        found |= {one["AlarmName"]: (one["StateValue"], one.get("StateReason", "")) for one in answer["MetricAlarms"]}
    # Composite alarms are asked for by themselves, since that takes more rights.
    others = [name for name in names if name not in found]
    if others:
        answer = cloudwatch.describe_alarms(AlarmNames=others[:_NAMES], AlarmTypes=["CompositeAlarm"])
        found |= {
            one["AlarmName"]: (one["StateValue"], one.get("StateReason", "")) for one in answer["CompositeAlarms"]
        }
    return found
