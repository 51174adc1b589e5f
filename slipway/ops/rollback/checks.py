"""What is refused before a rollback changes anything, because the service would refuse it, or worse, would not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from slipway.ops.live import Live, Revision, same_config
from slipway.ops.rollback.contents import instance_types, variants
from slipway.ops.rollback.revisions import named
from slipway.ops.trouble import BusyError, OperationError, WrongOperation, is_denied

if TYPE_CHECKING:
    from types_boto3_application_autoscaling import ApplicationAutoScalingClient

    from slipway.ops.rollback.way import Way
    from slipway.ops.target import Target

_COUNT: Final = "sagemaker:variant:DesiredInstanceCount"


class Checks:
    """Refuses what cannot work; it only reads.

    Parameters
    ----------
    endpoint
        The endpoint's full name.
    target
        Where it is.
    command
        Writes a command about it: its options, and the verb unless it is ``rollback``.
    watching
        Writes the command that watches an update to a config.
    """

    def __init__(
        self, endpoint: str, target: Target, command: Callable[..., str], watching: Callable[[str], str]
    ) -> None:
        self._endpoint = endpoint
        self._command = command
        self._watching = watching
        self._scaling: ApplicationAutoScalingClient = target.client("application-autoscaling")

    def busy(self, live: Live, alarms: Sequence[str]) -> None:
        """Say why an endpoint that is being changed cannot be rolled back, and what can be done.

        Parameters
        ----------
        live
            The endpoint.
        alarms
            Those that end the update under way.

        Raises
        ------
        BusyError
            Always.
        """
        pending = live.pending
        watch = f"wait for its end with `{self._watching(pending.config if pending else '')}`"
        if live.status != "Updating":
            raise BusyError(f"{self._endpoint} is {live.status}, so the service refuses a rollback: {watch}")
        since = f" since {pending.started.astimezone(UTC):%H:%M:%S} UTC" if pending and pending.started else ""
        what = f"an update to {pending.config}" if pending else "an update"
        ways = f"No call stops it: {watch}"
        if alarms:
            ways += (
                ", or let an alarm end it: `aws cloudwatch set-alarm-state --state-value ALARM --state-reason by-hand "
                f"--alarm-name {alarms[0]}`"
            )
        raise BusyError(f"{self._endpoint} is Updating: {what} is under way{since}. {ways} (see docs/runbook.md)")

    def dead(self, live: Live) -> None:
        """Refuse an endpoint that can only be deleted.

        Raises
        ------
        OperationError
            When it is Failed.
        """
        if live.status == "Failed":
            why = f" ({live.failure})" if live.failure else ""
            raise OperationError(
                f"{self._endpoint} is Failed{why}: the service lets such an endpoint only be deleted. Delete it and "
                f"deploy again, in dev with `{self._command(verb='recreate')}`"
            )

    def models(self, live: Live, known: Sequence[Revision]) -> None:
        """Refuse an endpoint whose revisions hold no models.

        Raises
        ------
        WrongOperation
            For a fleet of inference components.
        """
        serving = next((one for one in known if same_config(one.config, live.config)), None)
        if serving is not None and not serving.models:
            raise WrongOperation(
                f"{self._endpoint} hosts inference components: its revisions hold no models, each component is updated "
                "by itself. Set the component's version back in the config and deploy; nothing was changed"
            )

    def variants(self, way: Way) -> None:
        """Refuse other variants, and another instance type of one that is scaled.

        Raises
        ------
        OperationError
            When the revision has either.
        """
        wanted = {one["VariantName"]: one for one in way.to.described["ProductionVariants"]}
        present = [variant.name for variant in way.live.variants]
        if present and set(present) != set(wanted):
            raise OperationError(
                f"{named(way.to)} has the variants {', '.join(wanted)}, but {self._endpoint} has {', '.join(present)}, "
                f"and no update changes that: go to another revision (`{self._command('--list')}`); nothing was changed"
            )
        serving = variants(way.serving.described) if way.serving else {}
        changed = [
            name
            for name, one in wanted.items()
            if name in serving and instance_types(one) != instance_types(serving[name])
        ]
        for name in self._scaled(changed) if changed else ():
            was, now = " or ".join(instance_types(serving[name])), " or ".join(instance_types(wanted[name]))
            raise OperationError(
                f"{named(way.to)} runs {name} on {now} instead of {was}, and the service refuses another instance type "
                f"while the variant is scaled. Go to another revision (`{self._command('--list')}`), or take `scaling` "
                "out of the config, deploy, and repeat this; nothing was changed"
            )

    def _scaled(self, names: Sequence[str]) -> list[str]:
        ids = {f"endpoint/{self._endpoint}/variant/{name}": name for name in names}
        try:
            found = self._scaling.describe_scalable_targets(
                ServiceNamespace="sagemaker", ResourceIds=list(ids), ScalableDimension=_COUNT
            )
        except ClientError as error:
            if not is_denied(error):
                raise
            return []  # the service refuses then, before anything moves
        return [ids[one["ResourceId"]] for one in found["ScalableTargets"] if one["ResourceId"] in ids]
