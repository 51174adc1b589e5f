"""A DeploymentConfig, read as CloudFormation and the API spell it, from whatever tool it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from slipway.rollout.capacity import SIZE_TYPES, Size
from slipway.rollout.declared import Reader
from slipway.spec.deployment import LONGEST_TIMEOUT, LONGEST_WAIT, MOST_ALARMS, SHORTEST_TIMEOUT
from slipway.spec.errors import Path

Routing = Literal["ALL_AT_ONCE", "CANARY", "LINEAR"]
ROUTINGS: tuple[Routing, ...] = get_args(Routing)
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class BlueGreen:
    """A second fleet takes the traffic; then the first goes.

    Attributes
    ----------
    routing
        All at once, a canary first, or in equal steps.
    size
        The canary or the step; none for all at once.
    wait
        Seconds of the bake after the canary, or between two steps.
    termination_wait
        Seconds of the final bake.
    timeout
        MaximumExecutionTimeoutInSeconds; ``None`` when not given.
    """

    routing: Routing = "ALL_AT_ONCE"
    size: Size | None = None
    wait: int = 0
    termination_wait: int = 0
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Rolling:
    """Batch by batch: new instances come, as many old ones go.

    Attributes
    ----------
    batch
        Instances, copies or percent at a time.
    wait
        Seconds of the bake after each batch.
    rollback_batch
        Of a rollback; ``None`` for the whole fleet at once, as the service has it by default.
    timeout
        MaximumExecutionTimeoutInSeconds; ``None`` when not given.
    """

    batch: Size
    wait: int = 0
    rollback_batch: Size | None = None
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How an update runs, and what ends it.

    Attributes
    ----------
    strategy
        The update policy.
    alarms
        Names of the alarms that end the update while it bakes.
    """

    strategy: BlueGreen | Rolling = BlueGreen()
    alarms: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``rolling``, ``canary``, ``linear`` or ``all_at_once``."""
        return "rolling" if isinstance(self.strategy, Rolling) else self.strategy.routing.lower()


def read(config: object) -> Policy:
    """Read a DeploymentConfig.

    Parameters
    ----------
    config
        Of AWS::SageMaker::Endpoint, AWS::SageMaker::InferenceComponent or UpdateEndpoint, with references resolved;
        ``None`` when there is none. Numbers may be written as text, as CloudFormation allows.

    Returns
    -------
    Policy
        Without any update policy it is blue/green, all at once, with no final bake.

    Raises
    ------
    DeclarationError
        With all problems at once.
    """
    reader = _PolicyReader()
    policy = reader.policy({} if config is None else config)
    reader.check()
    return policy


class _PolicyReader(Reader):
    def policy(self, config: object) -> Policy:
        top = self.mapping((), config)
        blue_green, rolling = top.get("BlueGreenUpdatePolicy"), top.get("RollingUpdatePolicy")
        if blue_green is not None and rolling is not None:
            self.wrong((), "both BlueGreenUpdatePolicy and RollingUpdatePolicy are given: write one of them")
        strategy: BlueGreen | Rolling = BlueGreen()
        if rolling is not None:
            strategy = self.rolling(("RollingUpdatePolicy",), rolling)
        if blue_green is not None:
            strategy = self.blue_green(("BlueGreenUpdatePolicy",), blue_green)
        return Policy(strategy, self.alarms(("AutoRollbackConfiguration",), top.get("AutoRollbackConfiguration")))

    def blue_green(self, path: Path, given: object) -> BlueGreen:
        known = self.mapping(path, given)
        where = (*path, "TrafficRoutingConfiguration")
        if known.get("TrafficRoutingConfiguration") is None:
            self.wrong(where, "is required: write Type ALL_AT_ONCE, CANARY or LINEAR")
        traffic = self.mapping(where, known.get("TrafficRoutingConfiguration") or {})
        routing = self.routing((*where, "Type"), traffic.get("Type")) if traffic else "ALL_AT_ONCE"
        key = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}.get(routing, "")
        # The API requires the wait of every type; for all at once it means nothing.
        wait = self.seconds(where, "WaitIntervalInSeconds", traffic, required=bool(key))
        return BlueGreen(
            routing=routing,
            size=self.size((*where, key), traffic.get(key), required=True) if key else None,
            wait=wait or 0,
            termination_wait=self.seconds(path, "TerminationWaitInSeconds", known) or 0,
            timeout=self.timeout(path, known),
        )

    def rolling(self, path: Path, given: object) -> Rolling:
        known = self.mapping(path, given)
        batch = self.size((*path, "MaximumBatchSize"), known.get("MaximumBatchSize"), required=True)
        return Rolling(
            batch=batch or Size("INSTANCE_COUNT", 1),
            wait=self.seconds(path, "WaitIntervalInSeconds", known, required=True) or 0,
            rollback_batch=self.size((*path, "RollbackMaximumBatchSize"), known.get("RollbackMaximumBatchSize")),
            timeout=self.timeout(path, known),
        )

    def routing(self, path: Path, given: object) -> Routing:
        for name in ROUTINGS:
            if given == name:
                return name
        self.wrong(path, f"{given!r} is no way to route traffic: write ALL_AT_ONCE, CANARY or LINEAR")
        return "ALL_AT_ONCE"

    def size(self, path: Path, given: object, *, required: bool = False) -> Size | None:
        if given is None:
            if required:
                self.wrong(path, "is required: write Type INSTANCE_COUNT or CAPACITY_PERCENT, and Value")
            return None
        known = self.mapping(path, given)
        most = 100 if known.get("Type") == "CAPACITY_PERCENT" else None
        value = self.number((*path, "Value"), known.get("Value"), 1, most)
        for name in SIZE_TYPES:
            if known.get("Type") == name:
                return Size(name, value or 1)
        misled = known.get("Type") == "CAPACITY_PERCENTAGE"
        hint = " (CAPACITY_PERCENTAGE is a mistake of the documentation)" if misled else ""
        self.wrong((*path, "Type"), f"{known.get('Type')!r} is no type: write one of {', '.join(SIZE_TYPES)}{hint}")
        return None

    def seconds(self, path: Path, key: str, known: Mapping[str, object], *, required: bool = False) -> int | None:
        if known.get(key) is None:
            if required:
                self.wrong((*path, key), f"is required: write 0 to {LONGEST_WAIT.seconds} seconds")
            return None
        return self.number((*path, key), known[key], 0, LONGEST_WAIT.seconds)

    def timeout(self, path: Path, known: Mapping[str, object]) -> int | None:
        key = "MaximumExecutionTimeoutInSeconds"
        if known.get(key) is None:
            return None
        return self.number((*path, key), known[key], SHORTEST_TIMEOUT.seconds, LONGEST_TIMEOUT.seconds)

    def alarms(self, path: Path, given: object) -> tuple[str, ...]:
        if given is None:
            return ()
        listed = self.mapping(path, given).get("Alarms")
        path = (*path, "Alarms")
        names: list[str] = []
        for number, one in enumerate(self.items(path, listed)):
            name = self.mapping((*path, number), one).get("AlarmName")
            if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_NAME:
                where = (*path, number, "AlarmName")
                self.wrong(where, f"{name!r} is no alarm's name: write 1 to {_LONGEST_NAME} characters")
            elif name in names:
                self.wrong((*path, number, "AlarmName"), f"{name!r} is listed twice: leave one out")
            else:
                names.append(name)
        if len(names) > MOST_ALARMS:
            self.wrong(path, f"{len(names)} alarms are too many: write 1 to {MOST_ALARMS}")
        return tuple(names)
