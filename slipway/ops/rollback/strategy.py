"""How an endpoint goes back: by the strategy that its stack declares for updates, or all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from slipway.ops.trouble import is_denied, is_missing
from slipway.plan.documents import UnreadableError, checked, parse
from slipway.rollout.declared import DeclarationError
from slipway.rollout.policy import BlueGreen, Policy, Rolling, read
from slipway.spec.units import Duration

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

    from slipway.ops.live import Live

_ENDPOINT = "AWS::SageMaker::Endpoint"
_ALARMS = "AutoRollbackConfiguration"
#: Everything at once, no bake, no alarm. The API asks for a wait, although this routing has none.
AT_ONCE: Mapping[str, Any] = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        "TerminationWaitInSeconds": 0,
    }
}


@dataclass(frozen=True, slots=True)
class Strategy:
    """How updates of an endpoint run.

    Attributes
    ----------
    config
        The DeploymentConfig without its alarms; empty where none is declared, which is all at once without a bake.
    alarms
        Names of the alarms that end an update.
    keeps_weights
        Whether an update keeps the live weights; by default the new config's count.
    source
        Where this comes from, for people.
    stack_status
        Of the endpoint's stack; empty where it could not be read.
    """

    config: Mapping[str, Any]
    alarms: tuple[str, ...] = ()
    keeps_weights: bool = False
    source: str = ""
    stack_status: str = ""

    @property
    def policy(self) -> Policy:
        """The same as the simulation has it."""
        return read({**self.config, _ALARMS: {"Alarms": [{"AlarmName": name} for name in self.alarms]}})

    @property
    def words(self) -> str:
        """In the config's words, with its waits; as it stands where that cannot be read."""
        try:
            strategy = self.policy.strategy
        except DeclarationError:
            return "a DeploymentConfig that Slipway cannot read"
        return _rolling(strategy) if isinstance(strategy, Rolling) else _blue_green(strategy)

    @property
    def longest(self) -> int | None:
        """MaximumExecutionTimeoutInSeconds, if it is given."""
        try:
            return self.policy.strategy.timeout
        except DeclarationError:
            return None


def of_stack(cloudformation: CloudFormationClient, stack: str, endpoint: str) -> Strategy | None:
    """Read what a stack declares for updates of its endpoint.

    LastDeploymentConfig does not tell that: after a rollback it is the rollback's own.

    Parameters
    ----------
    cloudformation
        The client; takes cloudformation:DescribeStacks and GetTemplate.
    stack
        The stack's name.
    endpoint
        The endpoint's full name.

    Returns
    -------
    Strategy or None
        ``None`` when there is no such stack, it has no such endpoint, or nobody may read it.
    """
    try:
        (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        body: Any = cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
        where = f"the template of {stack}"
        template = parse(body, where) if isinstance(body, str) else checked(dict(body), where)
    except ClientError as error:
        if is_missing(error) or is_denied(error):
            return None
        raise
    except UnreadableError:
        return None
    resources = template["Resources"]
    for one in resources.values():
        properties = one.get("Properties") or {}
        if one["Type"] == _ENDPOINT and properties.get("EndpointName", endpoint) == endpoint:
            config = dict(properties.get("DeploymentConfig") or {})
            listed = (config.pop(_ALARMS, None) or {}).get("Alarms") or []
            return Strategy(
                _spelled_out(config),
                tuple(_names(listed, resources)),
                _keeps_weights(properties),
                f"as {stack} declares it",
                described["StackStatus"],
            )
    return None


def of_endpoint(live: Live) -> Strategy:
    """Read how the last update of an endpoint ran, for one whose stack cannot be read.

    Parameters
    ----------
    live
        The endpoint.

    Returns
    -------
    Strategy
        That of LastDeploymentConfig.
    """
    config = dict(live.deployment)
    listed = (config.pop(_ALARMS, None) or {}).get("Alarms") or []
    return Strategy(_spelled_out(config), tuple(_names(listed, {})), source="as the last update ran")


def _spelled_out(config: dict[str, Any]) -> Mapping[str, Any]:
    """Give the wait that the API requires and CloudFormation does not."""
    policy = config.get("BlueGreenUpdatePolicy")
    routing = (policy or {}).get("TrafficRoutingConfiguration")
    if not policy or not routing:
        return config
    routing = {"WaitIntervalInSeconds": 0, **routing}
    return {**config, "BlueGreenUpdatePolicy": {**policy, "TrafficRoutingConfiguration": routing}}


def _names(listed: list[Any], resources: Mapping[str, Any]) -> Iterator[str]:
    """The alarms' names, literal or by reference to an alarm of the same template."""
    for one in listed:
        name = one.get("AlarmName")
        if isinstance(name, dict):
            name = ((resources.get(str(name.get("Ref"))) or {}).get("Properties") or {}).get("AlarmName")
        if isinstance(name, str):
            yield name


def _keeps_weights(properties: Mapping[str, Any]) -> bool:
    if str(properties.get("RetainAllVariantProperties", False)).lower() != "true":
        return False
    excluded = properties.get("ExcludeRetainedVariantProperties") or []
    return not any(one.get("VariantPropertyType") == "DesiredWeight" for one in excluded)


def _rolling(strategy: Rolling) -> str:
    return f"rolling, {strategy.batch} a batch, {Duration(strategy.wait)} bake after each"


def _blue_green(strategy: BlueGreen) -> str:
    wait, end = Duration(strategy.wait), f"{Duration(strategy.termination_wait)} with both fleets at the end"
    if strategy.size is not None and strategy.routing == "CANARY":
        return f"canary, {strategy.size} first, {wait} bake, {end}"
    if strategy.size is not None and strategy.routing == "LINEAR":
        return f"linear, {strategy.size} a step, {wait} bake between steps, {end}"
    return f"all at once, {end}" if strategy.termination_wait else "all at once, no bake"
