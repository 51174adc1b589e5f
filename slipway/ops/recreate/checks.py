"""What keeps an endpoint from being created again as it is, found out before it is deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from slipway.ops.live import BUSY
from slipway.ops.settling import patiently
from slipway.ops.trouble import BusyError, OperationError, WrongOperation, is_denied, is_missing

if TYPE_CHECKING:
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.aws_clock import AwsClock
    from slipway.ops.recreate.note import Note


class RecreateChecks:
    """Looks at what an endpoint is made of, and at what hangs on it.

    Parameters
    ----------
    sagemaker
        The client.
    clock
        AWS's.
    stack
        Name of the endpoint's stack.
    warn
        Where to say what is doubtful.
    """

    def __init__(self, sagemaker: SageMakerClient, clock: AwsClock, stack: str, warn: Callable[[str], object]) -> None:
        self._sagemaker = sagemaker
        self._clock = clock
        self._stack = stack
        self._warn = warn

    def refuse(self, found: Mapping[str, Any], note: Note) -> None:
        """Refuse what could not be created again, or not as it was.

        Parameters
        ----------
        found
            The endpoint as it is described.
        note
            As it is to be created.

        Raises
        ------
        BusyError
            When it is being changed.
        WrongOperation
            When it has inference components, monitoring schedules watch it, or its config or models are gone.
        OperationError
            When AWS refuses.
        """
        name, status = note.endpoint, found["EndpointStatus"]
        if status in BUSY:
            raise BusyError(f"{name} is {status}: wait for its end with `slipway watch`; nothing was changed")
        schedules = self._schedules(name)
        if schedules:
            raise WrongOperation(
                f"{name}: monitoring schedules watch it ({_listed(schedules, 'MonitoringScheduleName')}) and have to "
                "go before it: delete them, and make them again afterwards; nothing was changed"
            )
        self._refuse_config(note)

    def _schedules(self, name: str) -> list[Mapping[str, Any]]:
        """The monitoring schedules of an endpoint, as far as somebody may look."""
        try:
            found = self._ask(
                f"list the monitoring schedules of {name}",
                lambda: self._sagemaker.list_monitoring_schedules(EndpointName=name)["MonitoringScheduleSummaries"],
            )
        except OperationError as error:
            if error.__cause__ is None or not is_denied(error.__cause__):
                raise
            self._warn(f"{error}; one that watches {name} would have to go before it")
            return []
        return list(found)

    def _refuse_config(self, note: Note) -> None:
        described = self._existing(
            f"the endpoint config {note.config}",
            lambda: self._sagemaker.describe_endpoint_config(EndpointConfigName=note.config),
            note,
        )
        variants = [*described["ProductionVariants"], *described.get("ShadowProductionVariants", ())]
        if not all(_models(one) for one in variants):
            raise WrongOperation(
                f"{note.endpoint} is a fleet for inference components, which belong to its stack and would have to go "
                f"first: delete the stack (`aws cloudformation delete-stack --stack-name {self._stack}`), then "
                "`slipway deploy`; nothing was changed"
            )
        for model in dict.fromkeys(model for one in variants for model in _models(one)):
            describe = partial(self._sagemaker.describe_model, ModelName=model)
            self._existing(f"the model {model}", describe, note)
        names = {one["VariantName"] for one in variants}
        for target in note.targets:
            variant = target.target["ResourceId"].rsplit("/", 1)[-1]
            if variant not in names:
                raise WrongOperation(
                    f"the endpoint config {note.config} has no variant {variant}, which is scaled: with other variants "
                    f"it takes another stack; delete {self._stack} and deploy; nothing was changed"
                )

    def _existing(self, what: str, describe: Callable[[], Any], note: Note) -> Any:  # noqa: ANN401  (the caller knows)
        try:
            return self._ask(f"look at {what}", describe)
        except OperationError as error:
            if error.__cause__ is None or not is_missing(error.__cause__):
                raise
            raise WrongOperation(
                f"{what} is not there, so {note.endpoint} could not be created with it; nothing was changed"
            ) from None

    def _ask(self, what: str, do: Callable[[], Any]) -> Any:  # noqa: ANN401  (the caller knows)
        return patiently(do, self._clock, what=what)


def _models(variant: Mapping[str, Any]) -> list[str]:
    """The models that a variant may run; none where inference components bring them."""
    pools = (pool.get("ModelNameOverride") for pool in variant.get("InstancePools", ()))
    return [model for model in (variant.get("ModelName"), *pools) if model]


def _listed(found: list[Mapping[str, Any]], member: str) -> str:
    return ", ".join(sorted(one[member] for one in found))
