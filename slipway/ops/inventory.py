"""What an environment's endpoints are right now, asked of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from slipway.spec.endpoint import Endpoint
from slipway.spec.environment import Environment

if TYPE_CHECKING:
    from types_boto3_application_autoscaling import ApplicationAutoScalingClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_sagemaker import SageMakerClient
    from types_boto3_sagemaker.type_defs import DeploymentConfigOutputTypeDef
    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient

    from slipway.ops.target import Target

MISSING = "missing"


@dataclass(frozen=True)
class Row:
    """One variant of one endpoint.

    Attributes
    ----------
    endpoint, status, variant
        Names and the endpoint's status; ``missing`` when it does not exist.
    version
        Of the model, by its tag.
    instances
        Live count and type.
    strategy
        How it is updated.
    alarms
        How many there are, and which are in ALARM.
    scaling
        Limits, or ``off``.
    dashboard
        Its name.
    answer
        What it answered to the sample, if it was asked.
    declared
        False for an endpoint that exists although the config does not declare it; it has no more than a name and a
        status then.
    """

    endpoint: str
    status: str
    version: str = ""
    variant: str = ""
    instances: str = ""
    strategy: str = ""
    alarms: str = ""
    scaling: str = ""
    dashboard: str = ""
    answer: str = ""
    declared: bool = True

    def as_dict(self) -> dict[str, str | bool]:
        """Plain data, for programs."""
        return asdict(self)


class Inventory:
    """Looks at the endpoints of an environment.

    Parameters
    ----------
    environment
        The environment.
    target
        Where it is.
    """

    def __init__(self, environment: Environment, target: Target) -> None:
        self._environment = environment
        self._sagemaker: SageMakerClient = target.client("sagemaker")
        self._scaling: ApplicationAutoScalingClient = target.client("application-autoscaling")
        self._cloudwatch: CloudWatchClient = target.client("cloudwatch")
        self._runtime: SageMakerRuntimeClient = target.client("sagemaker-runtime")

    def rows(self, *, ask: bool = False) -> Iterator[Row]:
        """Describe every declared endpoint.

        Parameters
        ----------
        ask
            Send each its sample.

        Yields
        ------
        Row
            One for each variant.
        """
        for name, endpoint in self._environment.endpoints.items():
            yield from self._endpoint(name, endpoint, ask=ask)

    def undeclared(self) -> Iterator[Row]:
        """Find the endpoints of this environment that the config does not declare: their stacks go on, and cost.

        Yields
        ------
        Row
            One for each endpoint, in the order of their names.
        """
        names = self._environment.names
        own = f"{names.prefix}-"
        declared = {names.endpoint(name) for name in self._environment.endpoints}
        pages = self._sagemaker.get_paginator("list_endpoints").paginate(NameContains=own)
        found = {e["EndpointName"]: e["EndpointStatus"] for page in pages for e in page["Endpoints"]}
        for name in sorted(found):
            if name.startswith(own) and name not in declared:
                yield Row(endpoint=name, status=found[name], declared=False)

    def remedy(self, undeclared: Row) -> str:
        """Say how to be rid of an endpoint that is not declared.

        Parameters
        ----------
        undeclared
            From `undeclared`.

        Returns
        -------
        str
            A line for a person.
        """
        names = self._environment.names
        model = undeclared.endpoint.removeprefix(f"{names.prefix}-").removesuffix("-ep")
        if undeclared.endpoint != names.endpoint(model):
            how = "it is no endpoint of Slipway's, by its name: delete it where it was made"
        else:
            how = (
                "destroy its stack with `aws cloudformation delete-stack "
                f"--stack-name {names.stack(model)} --region {names.region}`, or declare it again"
            )
        return f"{undeclared.endpoint} ({undeclared.status}) is there but not declared: {how}"

    def _endpoint(self, name: str, endpoint: Endpoint, *, ask: bool) -> Iterator[Row]:
        full = self._environment.names.endpoint(name)
        try:
            found = self._sagemaker.describe_endpoint(EndpointName=full)
        except ClientError as error:
            if "Could not find" not in str(error):
                raise
            yield Row(endpoint=full, status=MISSING)
            return
        config = self._sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
        models = {v["VariantName"]: v for v in config["ProductionVariants"]}
        answer = self.ask(name, endpoint) if ask else ""
        for variant in found.get("ProductionVariants", []):
            declared = models[variant["VariantName"]]
            model = self._sagemaker.describe_model(ModelName=declared["ModelName"])
            yield Row(
                endpoint=full,
                status=found["EndpointStatus"],
                version=self._tag(model["ModelArn"], "Version"),
                variant=variant["VariantName"],
                instances=f"{variant.get('CurrentInstanceCount', '?')} × {declared.get('InstanceType', '?')}",
                strategy=_strategy(found.get("LastDeploymentConfig")),
                alarms=self._alarms(full),
                scaling=self._limits(full, variant["VariantName"]),
                dashboard=self._dashboard(name),
                answer=answer,
            )

    def _tag(self, arn: str, key: str) -> str:
        tags = self._sagemaker.list_tags(ResourceArn=arn)["Tags"]
        return next((tag["Value"] for tag in tags if tag["Key"] == key), "")

    def _alarms(self, full: str) -> str:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{full}-")
        # The prefix alone would also match those of a model whose name goes on, such as `iris-ep-next`.
        own = {"Name": "EndpointName", "Value": full}
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"] if own in alarm.get("Dimensions", [])]
        firing = [a["AlarmName"].removeprefix(f"{full}-") for a in alarms if a["StateValue"] == "ALARM"]
        return f"{len(alarms)}, {'none in ALARM' if not firing else 'ALARM: ' + ', '.join(firing)}"

    def _limits(self, full: str, variant: str) -> str:
        resource = f"endpoint/{full}/variant/{variant}"
        found = self._scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource])
        limits = [f"{t['MinCapacity']}–{t['MaxCapacity']}" for t in found["ScalableTargets"]]
        return limits[0] if limits else "off"

    def _dashboard(self, name: str) -> str:
        wanted = self._environment.names.dashboard(name)
        found = self._cloudwatch.list_dashboards(DashboardNamePrefix=wanted)["DashboardEntries"]
        return next(
            (entry["DashboardName"] for entry in found if entry.get("DashboardName") == wanted),
            "none",
        )

    def ask(self, name: str, endpoint: Endpoint) -> str:
        """Send an endpoint its sample.

        Parameters
        ----------
        name
            The endpoint's short name.
        endpoint
            The endpoint.

        Returns
        -------
        str
            What it answered, or why it did not.
        """
        if endpoint.sample is None:
            return "no sample declared"
        try:
            answer = self._runtime.invoke_endpoint(
                EndpointName=self._environment.names.endpoint(name),
                Body=endpoint.sample.body.encode(),
                ContentType=endpoint.sample.content_type,
            )
        except ClientError as error:
            return f"error: {error.response['Error'].get('Message', error)}"
        return answer["Body"].read().decode(errors="replace").strip()


def _strategy(config: DeploymentConfigOutputTypeDef | None) -> str:
    """Name the strategy of the last update, in the config's words."""
    if not config:
        return "all_at_once"
    if "RollingUpdatePolicy" in config:
        size: Any = config["RollingUpdatePolicy"]["MaximumBatchSize"]
        return f"rolling, {_size(size)} a batch"
    policy = config.get("BlueGreenUpdatePolicy")
    if policy is None:
        return "all_at_once"
    routing = policy["TrafficRoutingConfiguration"]
    kind = routing["Type"]
    if kind == "CANARY":
        return f"canary, {_size(routing.get('CanarySize'))}"
    if kind == "LINEAR":
        return f"linear, {_size(routing.get('LinearStepSize'))} a step"
    return "all_at_once"


def _size(size: Any) -> str:  # noqa: ANN401  (three services' shapes of one thing)
    if not size:
        return "?"
    return f"{size['Value']}%" if size["Type"] == "CAPACITY_PERCENT" else f"{size['Value']}"
