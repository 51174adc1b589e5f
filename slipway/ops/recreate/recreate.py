"""Delete an endpoint and create it again: where there is no capacity for an update, or nobody minds the gap."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from slipway.local.control import DEFAULT_HOME
from slipway.ops.aws_clock import AwsClock
from slipway.ops.lease import OPERATION, lease
from slipway.ops.live import BUSY, IN_SERVICE, same_config, stack_config
from slipway.ops.recreate.checks import RecreateChecks
from slipway.ops.recreate.kept_scaling import KeptScaling
from slipway.ops.recreate.note import Note, note_path, read_note, write_note
from slipway.ops.settling import LOOK, NotSettledError, patiently
from slipway.ops.shift.weights import divided_alike, said, typed
from slipway.ops.trouble import NoEndpointError, OperationError, WrongOperation, explained, is_missing
from slipway.ops.unfinished import uninterrupted
from slipway.spec.units import Duration

if TYPE_CHECKING:
    from types_boto3_application_autoscaling import ApplicationAutoScalingClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.target import Target
    from slipway.spec.environment import Environment

#: How long a deletion may take, of AWS's time.
DELETION = timedelta(hours=1)
_WORD = "recreate"


class Recreator:
    """Deletes one endpoint and creates it again.

    Before it deletes anything it writes down what creation takes. Whatever ends it early, the file is there, and
    ``resume`` goes on from wherever the endpoint is by then.

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
    home
        The folder of the note.
    clock
        AWS's; its own by default.
    say, warn
        Where to say what happens, and what is left.
    """

    def __init__(
        self,
        environment: Environment,
        name: str,
        target: Target,
        *,
        again: str = "",
        home: Path = DEFAULT_HOME,
        clock: AwsClock | None = None,
        say: Callable[[str], object] = lambda line: print(line, flush=True),
        warn: Callable[[str], object] = lambda line: print(line, file=sys.stderr, flush=True),
    ) -> None:
        self._name, self._full = name, environment.names.endpoint(name)
        self._stack = environment.names.stack(name)
        self._place = f"{target.kind} {target.account} {target.region}"
        self._path = note_path(self._full, home)
        self._resume = f"slipway recreate {name} --resume{again}"
        self._again = again
        self._clock = clock or AwsClock(target)
        self._sagemaker: SageMakerClient = target.client("sagemaker")
        self._cloudformation: CloudFormationClient = target.client("cloudformation")
        scaling: ApplicationAutoScalingClient = target.client("application-autoscaling")
        cloudwatch: CloudWatchClient = target.client("cloudwatch")
        self._clock.listen(self._sagemaker, self._cloudformation, scaling, cloudwatch)
        self._scaling = KeptScaling(scaling, cloudwatch, self._clock)
        self._checks = RecreateChecks(self._sagemaker, self._clock, self._stack, warn)
        self._say, self._warn = say, warn
        # Where the endpoint stands, for whoever interrupts; empty while it is as it was.
        self._stands = ""

    # -- what is done

    def begin(self, config: str | None, within: timedelta) -> None:
        """Delete the endpoint and create it again.

        Parameters
        ----------
        config
            Another endpoint config that it is to serve; the same one by default.
        within
            How long the creation may take, of AWS's time.

        Raises
        ------
        WrongOperation
            When it cannot be created again as it is.
        NoEndpointError, BusyError
            When there is no endpoint, or it is being changed, or another operator works on it.
        NotSettledError
            When the deletion or the creation is not over in time.
        OperationError
            When AWS refuses, or an earlier run is not finished.
        """
        found = self._found()
        unfinished = read_note(self._path)
        if unfinished is not None and (found is None or _created(found) != unfinished.created):
            raise OperationError(
                f"{self._path}: an earlier `slipway recreate {self._name}` is not finished: `{self._resume}`, or "
                "remove the file if the endpoint is as it should be; nothing was changed"
            )
        if found is None:
            raise NoEndpointError(f"there is no endpoint {self._full}: {self._by_hand()}")
        note = self._noted(found, config or found["EndpointConfigName"])
        self._checks.refuse(found, note)
        with uninterrupted():
            write_note(note, self._path)
            self._stands = ""
        self._say(f"{self._path} holds what it takes to create {self._full} again")
        self._finish(note, within)

    def resume(self, within: timedelta) -> None:
        """Go on where an earlier run was interrupted, from wherever the endpoint is.

        Parameters
        ----------
        within
            How long the creation may take, of AWS's time.

        Raises
        ------
        WrongOperation
            When there is no earlier run, or it was about something else.
        BusyError, NotSettledError, OperationError
            As ``begin`` raises them.
        """
        note = read_note(self._path)
        if note is None:
            hint = "" if self._found() else f"; there is no endpoint: {self._by_hand()}"
            raise WrongOperation(f"{self._path}: is not there, so there is nothing to go on with{hint}")
        if (note.place, note.endpoint) != (self._place, self._full):
            raise WrongOperation(
                f"{self._path}: is about {note.endpoint} at {note.place}, not about {self._full} at {self._place}"
            )
        found = self._found()
        self._stands = f"{self._full} is {found['EndpointStatus']}" if found else f"there is no endpoint {self._full}"
        if found is not None and _created(found) == note.created and found["EndpointStatus"] != "Deleting":
            self._checks.refuse(found, note)
        self._finish(note, within)

    # -- before

    def _noted(self, found: Mapping[str, Any], config: str) -> Note:
        arn, variants = found["EndpointArn"], found.get("ProductionVariants", ())
        listed = self._ask(
            f"read the tags of {self._full}",
            lambda: list(self._sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)),
        )
        tags = {tag["Key"]: tag["Value"] for page in listed for tag in page["Tags"]}
        return Note(
            self._place,
            self._full,
            _created(found),
            config,
            found["EndpointConfigName"],
            # Tags of AWS's own cannot be given, and the lease is not the new endpoint's.
            {key: value for key, value in tags.items() if not key.startswith("aws:") and key != OPERATION},
            found.get("LastDeploymentConfig") or {},
            self._scaling.read(self._full, [one["VariantName"] for one in variants]),
            {one["VariantName"]: one.get("CurrentWeight", 1.0) for one in variants},
        )

    # -- the way

    def _finish(self, note: Note, within: timedelta) -> None:
        try:
            found = self._found()
            if found is not None and found["EndpointStatus"] == "Deleting":
                self._gone()
                found = None
            elif found is not None and (_created(found) == note.created or found["EndpointStatus"] == "Failed"):
                self._delete(found)
                found = None
            if found is None:
                self._create(note)
            self._serves(note, within)
            self._scale(note)
        except BaseException:
            self._leave()
            raise
        with uninterrupted():
            self._path.unlink()
        self._agree(note)

    def _leave(self) -> None:
        """Say what is left when it ends early; nothing, if nothing was begun."""
        if self._stands:
            self._warn(f"{self._stands}. `{self._resume}` goes on; {self._path} holds what it takes")
        else:
            self._path.unlink()
            self._warn(f"{self._full}: nothing was changed")

    def _delete(self, found: Mapping[str, Any]) -> None:
        if found["EndpointStatus"] == "Failed":
            self._say(f"{self._full} is Failed{_because(found)}, so that it can only be deleted")
        with lease(self._sagemaker, found["EndpointArn"], _WORD, DELETION, clock=self._clock.now) as check:
            check()
            self._stands = f"{self._full} is being deleted, or is as it was"
            try:
                self._ask(f"delete {self._full}", lambda: self._sagemaker.delete_endpoint(EndpointName=self._full))
            except OperationError:
                # An answer may be lost, and the call be repeated, which the service refuses then.
                after = self._found()
                if after is not None and after["EndpointStatus"] != "Deleting":
                    raise
            self._stands = f"{self._full} is being deleted"
            self._say(f"{self._full}: being deleted")
            self._gone()

    def _gone(self) -> None:
        begun = self._clock.now()
        while True:
            found = self._found()
            if found is None:
                break
            if found["EndpointStatus"] != "Deleting":
                raise OperationError(f"{self._full} is {found['EndpointStatus']}{_because(found)}, not deleted")
            if self._clock.now() >= begun + DELETION:
                raise NotSettledError(f"{self._full} is still Deleting after {_said(DELETION)}")
            self._clock.pause(LOOK)
        self._stands = f"there is no endpoint {self._full} now"
        self._say(f"{self._full}: gone after {_said(self._clock.now() - begun)}")

    def _create(self, note: Note) -> None:
        self._stands = f"there is no endpoint {self._full} now, unless it is just being created"
        deployment: dict[str, Any] = {"DeploymentConfig": note.deployment} if note.deployment else {}
        tags = [{"Key": key, "Value": value} for key, value in note.tags.items()]
        create = partial(
            self._sagemaker.create_endpoint,
            EndpointName=self._full,
            EndpointConfigName=note.config,
            Tags=cast("Any", tags),
            **deployment,
        )
        try:
            self._ask(f"create {self._full}", create)
        except OperationError:
            if self._found() is None:  # else an answer was lost, or somebody else has created it: its config will tell
                raise
        self._say(f"{self._full}: being created with {note.config}")

    def _serves(self, note: Note, within: timedelta) -> None:
        """Wait until the new endpoint serves."""
        begun = self._clock.now()
        while True:
            found = self._found()
            if found is None:
                raise OperationError(f"{self._full}: somebody has deleted it while it was being created")
            status = found["EndpointStatus"]
            self._stands = f"{self._full} is {status}"
            if not same_config(found["EndpointConfigName"], note.config):
                raise OperationError(
                    f"{self._full}: somebody has created it with {found['EndpointConfigName']} meanwhile, not with "
                    f"{note.config}: nothing more was changed. Remove {self._path} if it is as it should be"
                )
            if status == IN_SERVICE:
                break
            if status not in BUSY:
                raise OperationError(f"{self._full} is {status}{_because(found)}")
            if self._clock.now() >= begun + within:
                raise NotSettledError(
                    f"{self._full} is still {status} after {_said(within)}; a creation can take over an hour"
                )
            self._clock.pause(LOOK)
        self._stands = f"{self._full} serves, but what scales it is not all there again"
        self._say(f"{self._full}: InService after {_said(self._clock.now() - begun)}")

    def _scale(self, note: Note) -> None:
        if not note.targets:
            return
        found = self._found() or {}
        moved: dict[str, str] = {}
        with lease(self._sagemaker, found["EndpointArn"], _WORD, DELETION, clock=self._clock.now) as check:
            for target in note.targets:
                check()
                moved |= self._scaling.again(target)
                limits = target.target
                self._say(f"{limits['ResourceId']}: scaled again, {limits['MinCapacity']} to {limits['MaxCapacity']}")
        if moved:
            self._warn(
                f"the stack {self._stack} knows scaling policies by former ARNs ({', '.join(moved)}): if a change of "
                f"`scaling` fails because of that, deploy once without it (endpoints.{self._name}.scaling: null), then "
                "with it"
            )

    # -- after

    def _agree(self, note: Note) -> None:
        """Say where the endpoint is not what its stack believes, or not what it was."""
        try:
            believed = stack_config(self._cloudformation, self._stack)
        except (BotoCoreError, ClientError) as error:
            self._warn(explained(error, f"look at the stack {self._stack}"))
            believed = ""
        if believed and not same_config(believed, note.config):
            self._say(
                f"the stack {self._stack} holds {believed}, not {note.config}: its next update brings that back, "
                "unless the config declares what this one serves"
            )
        found = self._found() or {}
        weights = {one["VariantName"]: one.get("CurrentWeight", 1.0) for one in found.get("ProductionVariants", ())}
        if not divided_alike(note.weights, weights):
            self._say(
                f"traffic: {said(weights)}, as {note.config} has it; before {said(note.weights)}: `slipway shift "
                f"{self._name} --to {typed(note.weights)}{self._again}`"
            )

    def _by_hand(self) -> str:
        """How to create an endpoint of which nobody wrote down how it was."""
        config = stack_config(self._cloudformation, self._stack)
        if not config:
            return f"`slipway deploy{self._again}` makes it"
        return (
            f"its stack {self._stack} believes that there is, so deploying changes nothing. Delete the stack with `aws "
            f"cloudformation delete-stack --stack-name {self._stack}` and run `slipway deploy{self._again}`"
        )

    def _found(self) -> dict[str, Any] | None:
        """The endpoint, as it is described; ``None`` when there is none."""
        try:
            return dict(
                self._ask(f"look at {self._full}", lambda: self._sagemaker.describe_endpoint(EndpointName=self._full))
            )
        except OperationError as error:
            if error.__cause__ is not None and is_missing(error.__cause__):
                return None
            raise

    def _ask(self, what: str, do: Callable[[], Any]) -> Any:  # noqa: ANN401  (the caller knows)
        return patiently(do, self._clock, what=what)


def _created(found: Mapping[str, Any]) -> str:
    return str(found["CreationTime"].isoformat())


def _because(found: Mapping[str, Any]) -> str:
    return f" ({found['FailureReason']})" if found.get("FailureReason") else ""


def _said(span: timedelta) -> str:
    return str(Duration(round(span.total_seconds())))
