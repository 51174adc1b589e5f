"""What is deployed: the templates that CloudFormation has, and the endpoints as they are. It only reads.

A plan needs cloudformation:DescribeStacks, GetTemplate and DescribeStackResource, sagemaker:DescribeEndpoint, and
application-autoscaling:DescribeScalableTargets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from slipway.plan.assembly import Assembly, Stack
from slipway.plan.changes import resources
from slipway.plan.documents import UnreadableError, checked, parse
from slipway.plan.endpoints import Declared, declared
from slipway.plan.live import MISSING, LiveEndpoint
from slipway.plan.resolution import unknown
from slipway.spec.deployment import Fleet

if TYPE_CHECKING:
    from types_boto3_application_autoscaling import ApplicationAutoScalingClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_sagemaker import SageMakerClient

#: Statuses of a stack that holds nothing.
_EMPTY = ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE")


class Place(Protocol):
    """Where a command goes, as ``slipway.ops.target`` has it."""

    @property
    def account(self) -> str:
        """The account."""

    @property
    def region(self) -> str:
        """The Region."""

    @property
    def where(self) -> str:
        """In words."""

    def client(self, service: str, /) -> Any:  # noqa: ANN401  (the caller names the type)
        """Open a boto3 client."""


class Deployed:
    """Looks at what is deployed of an assembly's stacks.

    Parameters
    ----------
    place
        Where.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._cloudformation: CloudFormationClient = place.client("cloudformation")
        self._sagemaker: SageMakerClient = place.client("sagemaker")
        self._scaling: ApplicationAutoScalingClient = place.client("application-autoscaling")

    def assembly(self, wanted: Assembly) -> Assembly:
        """Fetch the templates of the stacks that an assembly declares.

        Parameters
        ----------
        wanted
            The assembly that is to be deployed.

        Returns
        -------
        Assembly
            Those of its stacks that exist.

        Raises
        ------
        UnreadableError
            When a stack lives elsewhere than this command looks.
        """
        found = {}
        for name, stack in wanted.stacks.items():
            for what, is_there, given in (
                ("account", self._place.account, stack.account),
                ("Region", self._place.region, stack.region),
            ):
                if given and given != is_there:
                    raise UnreadableError(f"{name}: lives in {what} {given}, but this looks at {is_there}: see --env")
            present = self._stack(name, stack)
            if present is not None:
                found[name] = present
        return Assembly(f"what is deployed ({self._place.where})", found)

    def _stack(self, name: str, wanted: Stack) -> Stack | None:
        try:
            (described,) = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        if described["StackStatus"] in _EMPTY:
            return None
        body: Any = self._cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        where = f"the deployed template of {name}"
        return Stack(
            name,
            parse(body, where) if isinstance(body, str) else checked(dict(body), where),
            wanted.account or self._place.account,
            wanted.region or self._place.region,
            {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])},
            {
                one["ParameterKey"]: one.get("ResolvedValue") or one.get("ParameterValue", "")
                for one in described.get("Parameters", [])
            },
        )

    def live(self, present: Assembly) -> Mapping[str, LiveEndpoint]:
        """Describe the endpoints of what is deployed.

        Parameters
        ----------
        present
            From ``assembly``.

        Returns
        -------
        dict
            By the names that the templates have for them.
        """
        return {
            one.name: self._endpoint(stack, one)
            for stack in present.stacks.values()
            for one in declared(resources(stack))
        }

    def _endpoint(self, stack: Stack, one: Declared) -> LiveEndpoint:
        name = self._physical(stack, one.logical_id) if unknown(one.name) else one.name
        try:
            found = self._sagemaker.describe_endpoint(EndpointName=name)
        except ClientError as error:
            if "Could not find" not in str(error):
                raise
            return LiveEndpoint(one.name, MISSING, "")
        variants = found.get("ProductionVariants", [])
        return LiveEndpoint(
            name,
            found["EndpointStatus"],
            found["EndpointConfigName"],
            self._physical(stack, one.config) if one.config else "",
            {v["VariantName"]: v["CurrentInstanceCount"] for v in variants if "CurrentInstanceCount" in v},
            {v["VariantName"]: v["CurrentWeight"] for v in variants if "CurrentWeight" in v},
            dict(self._limits(name, [v["VariantName"] for v in variants])),
        )

    def _physical(self, stack: Stack, logical_id: str) -> str:
        """The name of a resource, whose identity is an ARN."""
        found = self._cloudformation.describe_stack_resource(StackName=stack.name, LogicalResourceId=logical_id)
        return found["StackResourceDetail"].get("PhysicalResourceId", "").rsplit("/", 1)[-1]

    def _limits(self, endpoint: str, variants: list[str]) -> Iterator[tuple[str, Fleet]]:
        if not variants:
            return
        found = self._scaling.describe_scalable_targets(
            ServiceNamespace="sagemaker",
            ResourceIds=[f"endpoint/{endpoint}/variant/{variant}" for variant in variants],
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        )
        for target in found["ScalableTargets"]:
            yield target["ResourceId"].rsplit("/", 1)[-1], Fleet(target["MinCapacity"], target["MaxCapacity"])
