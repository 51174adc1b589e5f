"""Go back to an earlier revision of an endpoint: what is checked, what is brought along, and what may be left."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.lease import lease
from slipway.ops.live import Live, Revision, describe, same_config, stack_config
from slipway.ops.rollback.alarms import copies, create, described, leftovers, remove, unguarded
from slipway.ops.rollback.checks import Checks
from slipway.ops.rollback.choice import choose
from slipway.ops.rollback.contents import Models
from slipway.ops.rollback.intact import Inspector
from slipway.ops.rollback.revisions import Standing, exact, known_revisions, named, standing, standings
from slipway.ops.rollback.strategy import AT_ONCE, of_endpoint, of_stack
from slipway.ops.rollback.way import Ended, Way
from slipway.ops.trouble import (
    BusyError,
    OperationError,
    code,
    explained,
    is_busy,
    is_denied,
    is_passing,
    is_throttled,
    message,
)
from slipway.ops.unfinished import Unfinished, uninterrupted
from slipway.ops.watch.events import Outcome, Result
from slipway.ops.watch.following import follow

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.aws_clock import AwsClock
    from slipway.ops.target import Target
    from slipway.ops.watch.following import Show
    from slipway.spec.environment import Environment

#: How long the preparation may take, for other operators; the service itself guards the update.
_PREPARATION = timedelta(minutes=10)


@dataclass
class _Begun:
    """How far a rollback came, for whoever cleans up after it."""

    asked: bool = False
    over: bool = False


class Rollback:
    """Takes one endpoint back.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.
    target
        Where it is.
    again
        What another command ends with to go to the same place, such as `` --env prod``.
    say
        Where to say what is left, and what goes on; standard error by default.
    """

    def __init__(
        self,
        environment: Environment,
        name: str,
        target: Target,
        *,
        again: str = "",
        say: Callable[[str], object] = lambda line: print(line, file=sys.stderr, flush=True),
    ) -> None:
        self._environment = environment
        self._name = name
        self._target = target
        self._full = environment.names.endpoint(name)
        self._stack = environment.names.stack(name)
        self._again = again
        self._say = say
        self._sagemaker: SageMakerClient = target.client("sagemaker")
        self._cloudwatch: CloudWatchClient = target.client("cloudwatch")
        self._cloudformation: CloudFormationClient = target.client("cloudformation")
        self._tagging: ResourceGroupsTaggingAPIClient = target.client("resourcegroupstaggingapi")
        self._checks = Checks(self._full, target, self.command, self.watching)
        self.models = Models(self._sagemaker)

    def command(self, options: str = "", verb: str = "rollback", *, endpoint: bool = True) -> str:
        """Write a command of Slipway's about this endpoint, or about all of them, as it is typed here."""
        words = ["slipway", verb, self._name if endpoint else "", options]
        return " ".join(word for word in words if word) + self._again

    def watching(self, config: str) -> str:
        """The command that watches an update to a config, which may be another one than the stack holds."""
        return self.command(f"--expect {config}" if config else "", "watch")

    def listing(self) -> list[Standing]:
        """List the revisions, the newest first; it only reads.

        Raises
        ------
        OperationError
            When AWS refuses.
        """
        with _told(f"list the revisions of {self._full}"):
            live = describe(self._sagemaker, self._full)
            held, _ = self._held()
            return standings(self._known(live, held), live, held, self.models)

    def prepare(self, to: str | None = None, *, now: bool = False) -> Way:
        """Find the revision to go to, and check what can be checked; it only reads.

        Parameters
        ----------
        to
            A version or a config; by default the previous revision.
        now
            All at once, without alarms.

        Returns
        -------
        Way
            Nothing was refused.

        Raises
        ------
        BusyError
            When the endpoint is being changed.
        OperationError
            When there is nothing to go back to, or the service would refuse it; ``WrongOperation`` when ``to`` names
            nothing.
        """
        with _told(f"roll back {self._full}"):
            live = describe(self._sagemaker, self._full)
            strategy = of_stack(self._cloudformation, self._stack, self._full)
            if live.busy:
                own: list[str] = []
                with suppress(ClientError):  # that it is busy matters more
                    # Of a rollback that runs already, those are the alarms that end it.
                    own = leftovers(self._cloudwatch, self._full)
                self._checks.busy(live, own or (strategy.alarms if strategy else ()))
            self._checks.dead(live)
            held, notes = self._held()
            known = self._known(live, held)
            self._checks.models(live, known)
            chosen = choose(known, live, held, self.models, to, list_command=self.command("--list"))
            notes += chosen.notes
            found = standing(chosen.revision, known, live, held, self.models)
            revision = exact(self._sagemaker, chosen.revision)
            serving = next((one for one in known if same_config(one.config, live.config)), None)
            way = Way(
                live,
                serving,
                revision,
                found.differs,
                self._stack,
                serving.config if serving and same_config(serving.config, held) else held,
                next((one.version for one in known if held and same_config(one.config, held)), ""),
                strategy or of_endpoint(live),
                now=now,
                notes=tuple(notes),
            )
            return way if way.there else self._checked(way, from_stack=strategy is not None)

    def go(
        self, way: Way, *, timeout: float | None = None, show: Show | None = None, clock: AwsClock | None = None
    ) -> Ended:
        """Go back, and watch it to the end.

        The temporary alarms are removed in any case, but for one: while the update that names them runs. Then it is
        said which are left and which command removes them.

        Parameters
        ----------
        way
            From ``prepare``.
        timeout
            Seconds to watch; by default what the update may take.
        show
            Shows it meanwhile.
        clock
            AWS's time; by default the target's.

        Returns
        -------
        Ended
            With its exit code.

        Raises
        ------
        BusyError
            When somebody else was faster; nothing was changed.
        OperationError
            When AWS refuses; the message says what.
        """
        begun = _Begun()
        with Unfinished(say=self._say) as unfinished:
            if way.alarms:
                unfinished.always(
                    way.counted_alarms,
                    lambda: None,  # noted before the first one is made: making them may end halfway
                    partial(self._remove, way, begun),
                    f"{self.command('--clean')}, when the update is over",
                )
            try:
                with _told(f"roll back {self._full}"), self._alone(way.live.arn) as check:
                    tags = self._environment.tags_of(self._name)
                    if not create(self._cloudwatch, way.alarms, tags):
                        self._say("note: the temporary alarms have no tags: that takes cloudwatch:TagResource")
                    check()
                    self._update(way, begun)
                outcome = follow(
                    self._target,
                    self._full,
                    stack=self._stack,
                    expect=way.to.config,
                    begun=True,
                    timeout=way.longest if timeout is None else timeout,
                    show=show,
                    again=self.watching(way.to.config),
                    clock=clock,
                )
            except BaseException:
                if begun.asked:
                    self._say(
                        f"{self._full}: the update to {named(way.to)} goes on without this command; "
                        f"`{self.watching(way.to.config)}` watches it"
                    )
                raise
            begun.over = outcome.kind is not Result.TIMED_OUT
            return Ended(outcome, self._tripped(way, outcome))

    def clean(self) -> list[str]:
        """Remove the temporary alarms that an interrupted rollback left.

        Returns
        -------
        list of str
            The names of those that there were.

        Raises
        ------
        BusyError
            While an update runs, which may name them.
        OperationError
            When AWS refuses.
        """
        with _told(f"clean up after a rollback of {self._full}"):
            live = describe(self._sagemaker, self._full)
            if live.busy:
                watch = self.watching(live.pending.config if live.pending else "")
                raise BusyError(
                    f"{self._full} is {live.status}: the update may name these alarms, so they stay until it is over. "
                    f"Wait for its end with `{watch}`, then repeat this"
                )
            return remove(self._cloudwatch, leftovers(self._cloudwatch, self._full))

    # -- what is there

    def _held(self) -> tuple[str, list[str]]:
        """The config that the stack holds, and what is doubtful about it."""
        try:
            held = stack_config(self._cloudformation, self._stack)
        except ClientError as error:
            if not is_denied(error):
                raise
            return "", [f"what {self._stack} holds is not known: {message(error)}"]
        return held, []

    def _known(self, live: Live, held: str) -> list[Revision]:
        return known_revisions(self._environment, self._name, live, held, self._sagemaker, self._tagging)

    # -- what is refused

    def _checked(self, way: Way, *, from_stack: bool) -> Way:
        """Refuse what cannot work, and bring the alarms along."""
        soundness = Inspector(self._target, self.models).inspect(way.to)
        if soundness.missing:
            raise OperationError(
                f"{named(way.to)} cannot serve any more: {'; '.join(soundness.missing)}. `{self.command('--list')}` "
                "shows the others; nothing was changed"
            )
        self._checks.variants(way)
        notes = [*way.notes, *soundness.doubtful]
        if way.strategy.stack_status.endswith("_IN_PROGRESS"):
            notes.append(f"{self._stack} is {way.strategy.stack_status}: its deployment may update the endpoint again")
        if not from_stack and way.guardable and not way.now:
            notes.append(f"{self._stack} could not be read, so this runs as the last update did")
        way = replace(way, notes=tuple(notes))
        if way.now:
            return replace(way, strategy=replace(way.strategy, config=AT_ONCE, alarms=()))
        return self._guarded(way) if way.guardable else way

    def _guarded(self, way: Way) -> Way:
        names = way.strategy.alarms
        originals = described(self._cloudwatch, names) if names else []
        alarms = copies(
            originals, self._full, way.to.config, secrets.token_hex(4), remedy=f"`{self.command('--clean')}`"
        )
        return replace(way, alarms=tuple(alarms), notes=(*way.notes, *unguarded(names, originals, alarms)))

    # -- what is done

    @contextmanager
    def _alone(self, arn: str) -> Iterator[Callable[[], None]]:
        """Keep other operators away; whoever may not tag goes without, since the service guards updates itself."""
        with ExitStack() as stack:
            try:
                check = stack.enter_context(lease(self._sagemaker, arn, "rollback", _PREPARATION))
            except ClientError as error:
                if not is_denied(error):
                    raise
                self._say(f"note: other operators are not told of this: {message(error)}")
                yield lambda: None
            else:
                yield check

    def _update(self, way: Way, begun: _Begun) -> None:
        begun.asked = True
        with uninterrupted():
            try:
                self._sagemaker.update_endpoint(**way.request())
            except ClientError as error:
                # It said no; of an error of its own or a lost connection nobody knows whether it began.
                begun.asked = is_passing(error) and not is_throttled(error)
                if is_busy(error):
                    raise BusyError(
                        f"{explained(error, f'roll back {self._full}')}; somebody else was faster, nothing was changed"
                    ) from None
                raise OperationError(self._refused(error, way)) from None

    def _refused(self, error: ClientError, way: Way) -> str:
        words = explained(error, f"roll back {self._full}")
        if code(error) == "ValidationException" and not way.now and way.guardable:
            words += f". If it is the strategy that is refused, `{self.command('--now')}` goes without one"
        return words

    def _remove(self, way: Way, begun: _Begun) -> None:
        if begun.asked and not begun.over:
            live = describe(self._sagemaker, self._full)
            # Just after it was asked for, an update may not show yet.
            if live.busy or not same_config(live.config, way.to.config):
                raise OperationError(f"{self._full} is {live.status}, and its update names them")
        remove(self._cloudwatch, [alarm.name for alarm in way.alarms])

    def _tripped(self, way: Way, outcome: Outcome) -> tuple[str, ...]:
        """The alarms behind the copies that ended it: those that a watch saw, or that still are in ALARM."""
        like = {alarm.name: alarm.like for alarm in way.alarms}
        seen = {trip.name for trip in outcome.trips}
        if like and outcome.kind is Result.ROLLED_BACK:
            with suppress(ClientError, BotoCoreError):  # only words are lost
                found = described(self._cloudwatch, list(like))
                seen |= {one["AlarmName"] for one in found if one["StateValue"] == "ALARM"}
        return tuple(original for name, original in like.items() if name in seen)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn what AWS refuses into words."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise OperationError(explained(error, what)) from None
