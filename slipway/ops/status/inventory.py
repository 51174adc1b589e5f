"""What an environment's endpoints are right now, asked of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.deploy.removed import Removal, Removals
from slipway.ops.invoke.invoke import InvokeError, Invoker
from slipway.ops.invoke.request import request_of, sample_of
from slipway.ops.live import live_of
from slipway.ops.status.hosted import capacity, mode, reserved, strategy, traffic, variants
from slipway.ops.status.standing import BROKEN, Standing, Standings
from slipway.ops.trouble import OperationError, explained, is_missing
from slipway.spec.endpoint import Endpoint
from slipway.spec.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_application_autoscaling import ApplicationAutoScalingClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.target import Target

MISSING = "missing"
#: How an answer begins that is none.
ERROR = "error:"
#: How one begins that none was asked for.
UNASKED = "not asked"
#: How many endpoints are looked at together.
_THREADS = 8


@dataclass(frozen=True)
class Row:
    """One variant or inference component of one endpoint.

    Attributes
    ----------
    endpoint, status, variant
        Names and the status; ``missing`` when it does not exist, or since when it was idle if the cleanup removed it.
    component
        Short name of the inference component; empty for a variant.
    version
        Of the model, by its tag.
    mode
        How it is hosted; empty for a single model on instances that answers at once.
    traffic
        A variant's share of the requests where there are several; how many of them a shadow gets a copy of.
    instances
        Live count and type; memory and concurrency; a component's copies.
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
    config, stack_config
        The endpoint config that serves, and the one that the stack holds.
    drift
        How they differ: ``rolled back``, or ``changed outside its stack``; empty when they are the same.
    update
        What is under way.
    failure
        Why it failed, in the service's words.
    drifted, notes
        The drift, and what else a person should know of the endpoint, in sentences; on its first row only.
    """

    endpoint: str
    status: str
    component: str = ""
    version: str = ""
    variant: str = ""
    mode: str = ""
    traffic: str = ""
    instances: str = ""
    strategy: str = ""
    alarms: str = ""
    scaling: str = ""
    dashboard: str = ""
    answer: str = ""
    declared: bool = True
    config: str = ""
    stack_config: str = ""
    drift: str = ""
    update: str = ""
    failure: str = ""
    drifted: str = ""
    notes: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether it is missing, failed, or answered with an error."""
        return self.status == MISSING or self.status in BROKEN or self.answer.startswith(ERROR)

    @property
    def standing(self) -> str:
        """The status, and whether that is as it should be."""
        return f"{self.status}, {self.drift}" if self.drift else self.status

    @property
    def name(self) -> str:
        """What answers: the endpoint, or a component of it."""
        return f"{self.endpoint}, {self.component}" if self.component else self.endpoint

    def as_dict(self) -> dict[str, Any]:
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
        self._standings = Standings(environment, self._sagemaker, target.client("cloudformation"))
        self._invoker = Invoker(environment, target)
        self._target = target

    @cached_property
    def _removed(self) -> Mapping[str, Removal]:
        return Removals(self._environment, self._target).read()

    def rows(self, *, ask: bool = False) -> Iterator[Row]:
        """Describe every declared endpoint.

        Parameters
        ----------
        ask
            Send each its sample.

        Yields
        ------
        Row
            One for each variant, and for each inference component; one for an endpoint that has none yet.

        Raises
        ------
        OperationError
            When AWS refuses to tell.
        """

        def look(item: tuple[str, Endpoint]) -> list[Row]:
            name, endpoint = item
            try:
                return list(self._endpoint(name, endpoint, ask=ask))
            except (BotoCoreError, ClientError) as error:
                raise OperationError(explained(error, f"look at {self._environment.names.endpoint(name)}")) from error

        with ThreadPoolExecutor(_THREADS) as pool:
            for rows in pool.map(look, self._environment.endpoints.items()):
                yield from rows

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
            if not is_missing(error):
                raise
            removal = self._removed.get(name)
            yield Row(endpoint=full, status=str(removal) if removal else MISSING)
            return
        standing = self._standings.of(name, live_of(found))
        first = _row(full, standing)
        config = standing.serving.described
        asked = ""
        if ask and endpoint.components is None:
            counts = [variant.get("CurrentInstanceCount") for variant in found.get("ProductionVariants", [])]
            asleep = counts == [0] and bool(config.get("AsyncInferenceConfig"))
            asked = self._asked(name, endpoint, asleep="instances" if asleep else "")
        any_variant = False
        for live, declared, shadow in variants(found, config):
            model = self._model(declared)
            any_variant = True
            yield replace(
                first,
                version=self._tag(model["ModelArn"], "Version") if model else "",
                variant=live["VariantName"],
                mode="shadow" if shadow else mode(config, declared, model),
                traffic=traffic(found, live, shadow=shadow),
                instances=capacity(live, declared),
                strategy=strategy(
                    # Guardrails are for models on instances: not for serverless variants, nor for fleets of components.
                    found.get("LastDeploymentConfig"),
                    guardable="ModelName" in declared and "ServerlessConfig" not in declared,
                ),
                alarms=self._alarms(full, {"EndpointName": full, "VariantName": live["VariantName"]}),
                scaling=self._variant_limits(full, live, declared),
                dashboard=self._dashboard(name),
                answer="" if shadow else asked,
            )
            first = replace(first, drifted="", notes=())
        if not any_variant:  # it is being created, or never was
            yield replace(first, answer=asked)
        for component in endpoint.components or {}:
            yield self._component(name, endpoint, component, ask=ask)

    def _component(self, name: str, endpoint: Endpoint, component: str, *, ask: bool) -> Row:
        full, own = self._environment.names.endpoint(name), self._environment.names.component(name, component)
        try:
            found = self._sagemaker.describe_inference_component(InferenceComponentName=own)
        except ClientError as error:
            if not is_missing(error):
                raise
            return Row(endpoint=full, component=component, status=MISSING)
        failure = found.get("FailureReason", "")
        copies = found["RuntimeConfig"].get("CurrentCopyCount", 0)
        asleep = "" if copies else "copies"
        return Row(
            endpoint=full,
            component=component,
            status=found["InferenceComponentStatus"],
            version=self._tag(found["InferenceComponentArn"], "Version"),
            variant=found["VariantName"],
            mode="component",
            instances=f"{copies} {'copy' if copies == 1 else 'copies'}{reserved(found)}",
            strategy=strategy(found.get("LastDeploymentConfig"), guardable=False),
            alarms=self._alarms(full, {"InferenceComponentName": own}),
            scaling=self._limits(f"inference-component/{own}"),
            dashboard=self._dashboard(name),
            answer=self._asked(name, endpoint, component, asleep=asleep) if ask else "",
            failure=failure,
            notes=(f"{found['InferenceComponentStatus']}: {failure}",) if failure else (),
        )

    def _model(self, variant: Mapping[str, Any]) -> Mapping[str, Any]:
        """Describe a variant's model; empty where inference components bring the models."""
        name = variant.get("ModelName")
        return self._sagemaker.describe_model(ModelName=name) if name else {}

    def _tag(self, arn: str, key: str) -> str:
        tags = self._sagemaker.list_tags(ResourceArn=arn)["Tags"]
        return next((tag["Value"] for tag in tags if tag["Key"] == key), "")

    def _alarms(self, full: str, own: Mapping[str, str]) -> str:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{full}-")
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"] if _watches(alarm, own)]
        firing = [a["AlarmName"].removeprefix(f"{full}-") for a in alarms if a["StateValue"] == "ALARM"]
        return f"{len(alarms)}, {'none in ALARM' if not firing else 'ALARM: ' + ', '.join(firing)}"

    def _variant_limits(self, full: str, live: Mapping[str, Any], declared: Mapping[str, Any]) -> str:
        managed = live.get("ManagedInstanceScaling") or declared.get("ManagedInstanceScaling") or {}
        if managed.get("Status") == "ENABLED":
            return f"{managed.get('MinInstanceCount', '?')}–{managed.get('MaxInstanceCount', '?')}, managed"
        return self._limits(f"endpoint/{full}/variant/{live['VariantName']}")

    def _limits(self, resource: str) -> str:
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

    def _asked(self, name: str, endpoint: Endpoint, component: str | None = None, *, asleep: str) -> str:
        """Send a sample, unless what would answer has scaled to nothing; answer what came, or why nothing did."""
        sample = sample_of(endpoint, component)
        if sample is None:
            return f"{UNASKED}, no sample is declared"
        if asleep:
            return f"{UNASKED}, it has no {asleep} now; a request starts one"
        try:
            answer = self._invoker.invoke(name, request_of(endpoint, sample, component))
        except InvokeError as error:
            return f"{ERROR} {error}"
        return answer.body.decode(errors="replace").strip()


def _row(full: str, standing: Standing) -> Row:
    """What all variants of an endpoint have in common."""
    return Row(
        endpoint=full,
        status=standing.status,
        config=standing.serving.name,
        stack_config=standing.held.name if standing.held else "",
        drift=standing.drift,
        update=standing.update,
        failure=standing.failure,
        drifted=standing.drifted,
        notes=tuple(standing.notes),
    )


def _watches(alarm: Mapping[str, Any], own: Mapping[str, str]) -> bool:
    """Whether an alarm has a row's dimensions, or those of the whole endpoint, which have no variant.

    Its name's prefix alone would also match those of a model whose name goes on, such as `iris-ep-next`.
    """
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", [])}
    first = next(iter(own))
    return first in dimensions and all(dimensions.get(name, value) == value for name, value in own.items())
