"""The AWS services that the cleanup uses, in memory; requests and answers are held against botocore's shapes.

Faithful where it matters for safety: names in ARNs are in lower case and DescribeEndpoint echoes the name that it was
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.validate import ParamValidator

from idle_endpoint_cleanup.run import Clients, Run
from idle_endpoint_cleanup.settings import Settings

ACCOUNT, REGION = "111122223333", "eu-west-1"
START = datetime(2025, 6, 2, 3, 0, tzinfo=UTC)
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:rc-project-a-dev-alarms"
RECORDS = "/slipway/rc-project-a-dev/removed"
OURS = {"Environment": "dev", "slipway:disposable": "true"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/cdk-exec"
DAY = timedelta(days=1)
#: What a deletion takes.
DELETION = timedelta(seconds=25)

Json = dict[str, Any]
Series = tuple[str, tuple[tuple[str, str], ...]]


def settings(**changes: Any) -> Settings:
    return Settings(**{"delete": True, "topic": TOPIC, "records": RECORDS, **changes})


def arn(kind: str, name: str, service: str = "sagemaker") -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{kind}/{name.lower() if service == 'sagemaker' else name}"


class Crash(BaseException):
    """The process ends in the middle of a run."""


@dataclass
class Resource:
    """Anything with a name, tags and dates; ``about`` is what only its kind has."""

    kind: str
    name: str
    tags: dict[str, str]
    created: datetime
    modified: datetime
    about: Json = field(default_factory=dict)
    gone_at: datetime | None = None

    @property
    def arn(self) -> str:
        service = "application-autoscaling" if self.kind == "scalable-target" else "sagemaker"
        return arn(self.kind, self.name, service)


@dataclass
class Stack:
    name: str
    tags: dict[str, str]
    role: str | None = ROLE
    status: str = "CREATE_COMPLETE"
    protected: bool = False
    parent: str | None = None
    resources: list[tuple[str, str]] = field(default_factory=list)
    gone_at: datetime | None = None

    @property
    def id(self) -> str:
        return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{self.name}/1b2c"


@cache
def _clients() -> Clients:
    session = boto3.session.Session(region_name=REGION, aws_access_key_id="fake", aws_secret_access_key="fake")
    make: Any = session.client
    return Clients(
        **{
            name: make(service)
            for name, service in {
                "sagemaker": "sagemaker",
                "cloudwatch": "cloudwatch",
                "tagging": "resourcegroupstaggingapi",
                "cloudformation": "cloudformation",
                "scaling": "application-autoscaling",
                "ssm": "ssm",
                "sns": "sns",
            }.items()
        }
    )


def error(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class World:
    """One account and Region.

    Attributes
    ----------
    now
        The time; every call takes a twentieth of a second.
    calls
        Service and operation of each call.
    before
        Called with the number and name of each call, before it; may change the world, or raise.
    after
        Called after each call that succeeded, with its name, request and answer; may change the answer, or raise.
    """

    def __init__(self) -> None:
        self.now = START
        self.calls: list[str] = []
        self.before: Callable[[int, str, Json], None] = lambda *_: None
        self.after: Callable[[str, Json, Json], None] = lambda *_: None
        self.authorize: Callable[[str, str, Json], None] = lambda *_: None
        self.resources: dict[str, Resource] = {}
        self.stacks: dict[str, Stack] = {}
        self.data: dict[Series, list[tuple[datetime, float]]] = {}
        self.parameters: dict[str, str] = {}
        self.notices: list[tuple[datetime, str, str]] = []
        self.slept = timedelta()
        self._validator = ParamValidator()

    # -- the caller's side

    def run(self, limit: float = 900, **changes: Any) -> Run:
        """Make the cleanup's run, with a time limit in seconds."""
        clients = _clients()
        for client in vars(clients).values():
            client._make_api_call = self._caller(client)
        end = self.now + timedelta(seconds=limit)
        return Run(
            clients,
            settings(**changes),
            clock=lambda: self.now,
            remaining=lambda: (end - self.now).total_seconds(),
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        self.slept += timedelta(seconds=seconds)
        self.pass_time(timedelta(seconds=seconds))

    def _caller(self, client: Any) -> Callable[[str, Json], Json]:
        model = client.meta.service_model

        def call(operation: str, request: Json) -> Json:
            shapes = model.operation_model(operation)
            self._hold(request, shapes.input_shape, f"request of {operation}")
            name = f"{model.service_name}:{operation}"
            self.calls.append(name)
            self.pass_time(timedelta(seconds=0.05))
            self.before(len(self.calls), name, request)
            self.authorize(model.service_name, operation, request)
            answer: Json = getattr(self, f"_{operation}")(**request) or {}
            self._hold(answer, shapes.output_shape, f"answer of {operation}")
            self.after(name, request, answer)
            return answer

        return call

    def _hold(self, value: Json, shape: Any, what: str) -> None:
        if shape is not None:
            report = self._validator.validate(value, shape)
            if report.has_errors():
                raise AssertionError(f"{what}: {report.generate_report()}")

    # -- the user's side

    def pass_time(self, time: timedelta) -> None:
        self.now += time
        for key in [key for key, one in self.resources.items() if one.gone_at and one.gone_at <= self.now]:
            del self.resources[key]
        for name in [name for name, stack in self.stacks.items() if stack.gone_at and stack.gone_at <= self.now]:
            del self.stacks[name]

    def of(self, kind: str) -> list[Resource]:
        return [one for one in self.resources.values() if one.kind == kind]

    def make(self, kind: str, name: str, tags: Mapping[str, str] = OURS, **about: Any) -> Resource:
        made = Resource(kind, name, dict(tags), self.now, self.now, about)
        if made.arn in self.resources:
            raise error("Create", "ValidationException", f'Cannot create already existing {kind} "{made.arn}".')
        self.resources[made.arn] = made
        return made

    def revision(
        self, model: str, tags: Mapping[str, str], variants: Iterable[str] = ("primary",), *, components: bool = False
    ) -> Resource:
        """Make a config with a model for each variant, as a deployment does; none where components bring them."""
        number = len([key for key in self.resources if ":endpoint-config/" in key])
        named = (
            {}
            if components
            else {
                v: self.make("model", f"Model-{model}-{v}-{number}x{self.now:%d%H%M%S%f}", tags).name for v in variants
            }
        )
        served = [{"VariantName": v, **({"ModelName": named[v]} if v in named else {})} for v in variants]
        return self.make("endpoint-config", f"Config-{model}-{number}x{self.now:%d%H%M%S%f}", tags, variants=served)

    def endpoint(
        self,
        name: str,
        tags: Mapping[str, str] = OURS,
        variants: tuple[str, ...] = ("primary",),
        *,
        stack: str | None = None,
        asynchronous: bool = False,
        components: Iterable[str] = (),
        instances: int = 1,
        status: str = "InService",
    ) -> Resource:
        """Make an endpoint with its config, models and components, in a stack or by hand."""
        tags = {"Model": name.lower(), **tags, **({"slipway:stack": stack} if stack else {})}
        config = self.revision(name, tags, variants, components=bool(list(components)))
        made = self.make(
            "endpoint",
            name,
            tags,
            config=config.name,
            asynchronous=asynchronous,
            status=status,
            instances=instances,
        )
        for component in components:
            self.component(made, component, tags)
        if stack:
            ids = [("AWS::SageMaker::Endpoint", made.arn), ("AWS::SageMaker::EndpointConfig", config.arn)]
            ids += [("AWS::SageMaker::InferenceComponent", one.arn) for one in self.components_of(made)]
            ids += [
                ("AWS::SageMaker::Model", self._named("model", v["ModelName"]).arn)
                for v in config.about["variants"]
                if "ModelName" in v
            ]
            known = self.stacks.setdefault(stack, Stack(stack, {k: v for k, v in tags.items() if k != "Model"}))
            known.resources += ids
        return made

    def component(self, endpoint: Resource, name: str, tags: Mapping[str, str] = OURS, base: str = "") -> Resource:
        model = self.make("model", f"Model-{name}", tags)
        return self.make(
            "inference-component", name, tags, endpoint=endpoint.name, model=model.name, base=base, status="InService"
        )

    def components_of(self, endpoint: Resource) -> list[Resource]:
        return [one for one in self.of("inference-component") if one.about["endpoint"] == endpoint.name]

    def update(self, endpoint: Resource) -> None:
        """Deploy a new revision; the old one is retained."""
        old = self._named("endpoint-config", endpoint.about["config"])
        names = [variant["VariantName"] for variant in old.about["variants"]]
        model = endpoint.tags.get("Model", endpoint.name)
        tags = {k: v for k, v in old.tags.items() if k != "slipway:removal-marked"}
        hosted = not all("ModelName" in variant for variant in old.about["variants"])
        endpoint.about["config"] = self.revision(model, tags, names, components=hosted).name
        endpoint.modified = self.now

    def variants_of(self, endpoint: Resource) -> list[str]:
        config = self._named("endpoint-config", endpoint.about["config"])
        return [variant["VariantName"] for variant in config.about["variants"]]

    def series_of(self, endpoint: Resource) -> list[Series]:
        """Every series in which traffic of an endpoint shows."""
        own = ("EndpointName", endpoint.name)
        series: list[Series] = []
        for variant in self.variants_of(endpoint):
            dimensions = (own, ("VariantName", variant))
            if endpoint.about["asynchronous"]:
                series += [("InvocationsProcessed", dimensions), ("InvocationsProcesssed", dimensions)]
            else:
                series.append(("Invocations", dimensions))
        if endpoint.about["asynchronous"]:
            series.append(("ApproximateBacklogSize", (own,)))
        named = [("InferenceComponentName", one.name) for one in self.components_of(endpoint)]
        return series + [("Invocations", (one,)) for one in named]

    def emit(self, series: Series, value: float = 1.0, ago: timedelta = timedelta()) -> None:
        metric, dimensions = series
        self.data.setdefault((metric, tuple(sorted(dimensions))), []).append((self.now - ago, value))

    def invoke(self, endpoint: Resource, at: int = 0, ago: timedelta = timedelta()) -> None:
        """Send a request to one of the places where an endpoint takes them."""
        series = self.series_of(endpoint)
        self.emit(series[at % len(series)], ago=ago)

    def traffic(self, endpoint: Resource, start: datetime, end: datetime) -> bool:
        """Say whether there was traffic, in truth."""
        return any(
            start <= time <= end and value > 0
            for metric, dimensions in self.series_of(endpoint)
            for time, value in self.data.get((metric, tuple(sorted(dimensions))), ())
        )

    def age(self, time: timedelta) -> None:
        """Let time pass since everything was made."""
        self.pass_time(time)

    # -- lists

    def _named(self, kind: str, name: str) -> Resource:
        found = self.resources.get(arn(kind, name))
        if found is None:
            words = {"endpoint-config": "endpoint configuration", "inference-component": "inference component"}
            what = words.get(kind, kind.replace("-", " "))
            raise error("Describe", "ValidationException", f'Could not find {what} "{arn(kind, name)}".')
        return found

    @staticmethod
    def _page(items: list[Any], size: int, token: str | None) -> tuple[list[Any], Json]:
        start = int(token or 0)
        more = {"NextToken": str(start + size)} if start + size < len(items) else {}
        return items[start : start + size], more

    def _list(self, kind: str, key: str, write: Callable[[Resource], Json], request: Json) -> Json:
        def chosen(one: Resource) -> bool:
            return (
                request.get("NameContains", "") in one.name  # minds the case
                and one.created > request.get("CreationTimeAfter", datetime.min.replace(tzinfo=UTC))
                and one.modified > request.get("LastModifiedTimeAfter", datetime.min.replace(tzinfo=UTC))
                and request.get("EndpointNameEquals", one.about.get("endpoint")) == one.about.get("endpoint")
                and request.get("EndpointName", one.about.get("endpoint")) == one.about.get("endpoint")
            )

        found = sorted((one for one in self.of(kind) if chosen(one)), key=lambda one: one.created, reverse=True)
        page, more = self._page(found, request.get("MaxResults", 10), request.get("NextToken"))
        return {key: [write(one) for one in page], **more}

    @staticmethod
    def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    # -- tagging

    def _GetResources(self, **request: Any) -> Json:  # noqa: N802
        kinds = {kind.removeprefix("sagemaker:") for kind in request["ResourceTypeFilters"]}
        found = [
            one
            for one in self.resources.values()
            if one.kind in kinds
            and one.tags
            and all(one.tags.get(wanted["Key"]) in wanted["Values"] for wanted in request["TagFilters"])
        ]
        size = request.get("ResourcesPerPage", 50)
        page, more = self._page(found, size, request.get("PaginationToken") or None)
        entries = [{"ResourceARN": one.arn, "Tags": self._tag_list(one.tags)} for one in page]
        return {"ResourceTagMappingList": entries, "PaginationToken": more.get("NextToken", "")}

    def _tagged(self, where: str) -> Resource:
        if where not in self.resources:
            raise error("Tags", "ValidationException", f"Could not find resource {where}.")
        return self.resources[where]

    def _ListTags(self, ResourceArn: str, **_: Any) -> Json:  # noqa: N802, N803
        return {"Tags": self._tag_list(self._tagged(ResourceArn).tags)}

    def _AddTags(self, ResourceArn: str, Tags: list[dict[str, str]]) -> Json:  # noqa: N802, N803
        resource = self._tagged(ResourceArn)
        resource.tags |= {tag["Key"]: tag["Value"] for tag in Tags}
        return {"Tags": self._tag_list(resource.tags)}

    def _DeleteTags(self, ResourceArn: str, TagKeys: list[str]) -> Json:  # noqa: N802, N803
        resource = self._tagged(ResourceArn)
        resource.tags = {key: value for key, value in resource.tags.items() if key not in TagKeys}
        return {}

    # -- endpoints

    def _DescribeEndpoint(self, EndpointName: str) -> Json:  # noqa: N802, N803
        one = self._named("endpoint", EndpointName)
        variants = [
            {"VariantName": variant, "CurrentInstanceCount": one.about["instances"]}
            for variant in (self.variants_of(one) if one.about["status"] != "Failed" else ())
        ]
        return {
            "EndpointName": EndpointName,
            "EndpointArn": one.arn,
            "EndpointConfigName": one.about["config"],
            **({"ProductionVariants": variants} if variants else {}),
            **(
                {"PendingDeploymentSummary": {"EndpointConfigName": one.about["pending"]}}
                if "pending" in one.about
                else {}
            ),
            **({"AsyncInferenceConfig": {"OutputConfig": {}}} if one.about["asynchronous"] else {}),
            "EndpointStatus": one.about["status"],
            "CreationTime": one.created,
            "LastModifiedTime": one.modified,
        }

    def _ListEndpoints(self, **request: Any) -> Json:  # noqa: N802
        def write(one: Resource) -> Json:
            return {
                "EndpointName": one.name,
                "EndpointArn": one.arn,
                "CreationTime": one.created,
                "LastModifiedTime": one.modified,
                "EndpointStatus": one.about["status"],
            }

        return self._list("endpoint", "Endpoints", write, request)

    def _DeleteEndpoint(self, EndpointName: str) -> None:  # noqa: N802, N803
        one = self._named("endpoint", EndpointName)
        if one.about["status"] not in ("InService", "Failed", "OutOfService"):
            raise error("DeleteEndpoint", "ValidationException", f'Cannot delete in-progress endpoint "{one.arn}".')
        if self.components_of(one):
            raise error("DeleteEndpoint", "ValidationException", f'Endpoint "{one.arn}" has inference components.')
        self._end(one)

    def _end(self, one: Resource) -> None:
        if one.kind == "endpoint":  # the service deregisters its scalable targets itself
            for target in [target for target in self.of("scalable-target") if target.about["of"] == one.name]:
                del self.resources[target.arn]
        one.about["status"] = "Deleting"
        one.gone_at = self.now + DELETION

    # -- components, schedules, scalable targets

    def _ListInferenceComponents(self, **request: Any) -> Json:  # noqa: N802
        def write(one: Resource) -> Json:
            return {
                "InferenceComponentName": one.name,
                "InferenceComponentArn": one.arn,
                "EndpointName": one.about["endpoint"],
                "EndpointArn": arn("endpoint", one.about["endpoint"]),
                "VariantName": "primary",
                "InferenceComponentStatus": one.about["status"],
                "CreationTime": one.created,
                "LastModifiedTime": one.modified,
            }

        return self._list("inference-component", "InferenceComponents", write, request)

    def _DescribeInferenceComponent(self, InferenceComponentName: str) -> Json:  # noqa: N802, N803
        one = self._named("inference-component", InferenceComponentName)
        return {
            "InferenceComponentName": one.name,
            "InferenceComponentArn": one.arn,
            "EndpointName": one.about["endpoint"],
            "EndpointArn": arn("endpoint", one.about["endpoint"]),
            "CreationTime": one.created,
            "LastModifiedTime": one.modified,
            "Specification": {"ModelName": one.about["model"]},
        }

    def _DeleteInferenceComponent(self, InferenceComponentName: str) -> None:  # noqa: N802, N803
        one = self._named("inference-component", InferenceComponentName)
        if any(other.about["base"] == one.name for other in self.of("inference-component")):
            raise error("DeleteInferenceComponent", "ValidationException", f"{one.name} is the base of others.")
        self._end(one)

    def _ListMonitoringSchedules(self, **request: Any) -> Json:  # noqa: N802
        def write(one: Resource) -> Json:
            return {
                "MonitoringScheduleName": one.name,
                "MonitoringScheduleArn": one.arn,
                "CreationTime": one.created,
                "LastModifiedTime": one.modified,
                "MonitoringScheduleStatus": "Scheduled",
            }

        return self._list("monitoring-schedule", "MonitoringScheduleSummaries", write, request)

    def _DeleteMonitoringSchedule(self, MonitoringScheduleName: str) -> None:  # noqa: N802, N803
        del self.resources[self._named("monitoring-schedule", MonitoringScheduleName).arn]

    def _DescribeScalableTargets(self, **request: Any) -> Json:  # noqa: N802
        found = [one for one in self.of("scalable-target") if one.about["resource"] in request["ResourceIds"]]
        return {
            "ScalableTargets": [
                {
                    "ServiceNamespace": "sagemaker",
                    "ResourceId": one.about["resource"],
                    "ScalableDimension": one.about["dimension"],
                    "MinCapacity": 1,
                    "MaxCapacity": 2,
                    "RoleARN": ROLE,
                    "CreationTime": one.created,
                    "ScalableTargetARN": one.arn,
                }
                for one in found
            ]
        }

    def _ListTagsForResource(self, ResourceARN: str) -> Json:  # noqa: N802, N803
        return {"Tags": dict(self._tagged(ResourceARN).tags)}

    def _DeregisterScalableTarget(self, ResourceId: str, **_: Any) -> None:  # noqa: N802, N803
        for one in [one for one in self.of("scalable-target") if one.about["resource"] == ResourceId]:
            del self.resources[one.arn]

    # -- configs and models

    def _DescribeEndpointConfig(self, EndpointConfigName: str) -> Json:  # noqa: N802, N803
        one = self._named("endpoint-config", EndpointConfigName)
        return {
            "EndpointConfigName": one.name,
            "EndpointConfigArn": one.arn,
            "ProductionVariants": one.about["variants"],
            "CreationTime": one.created,
        }

    def _ListEndpointConfigs(self, **request: Any) -> Json:  # noqa: N802
        def write(one: Resource) -> Json:
            return {"EndpointConfigName": one.name, "EndpointConfigArn": one.arn, "CreationTime": one.created}

        return self._list("endpoint-config", "EndpointConfigs", write, request)

    def _ListModels(self, **request: Any) -> Json:  # noqa: N802
        def write(one: Resource) -> Json:
            return {"ModelName": one.name, "ModelArn": one.arn, "CreationTime": one.created}

        return self._list("model", "Models", write, request)

    def _DeleteEndpointConfig(self, EndpointConfigName: str) -> None:  # noqa: N802, N803
        del self.resources[self._named("endpoint-config", EndpointConfigName).arn]

    def _DeleteModel(self, ModelName: str) -> None:  # noqa: N802, N803
        del self.resources[self._named("model", ModelName).arn]

    # -- metrics

    def _ListMetrics(self, **request: Any) -> Json:  # noqa: N802
        def listed(times: list[tuple[datetime, float]]) -> bool:
            return any(self.now - 14 * DAY <= time <= self.now - timedelta(minutes=15) for time, _ in times)

        found = [series for series, times in self.data.items() if series[0] == request["MetricName"] and listed(times)]
        page, more = self._page(found, 500, request.get("NextToken"))
        metrics = [
            {
                "Namespace": request["Namespace"],
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
            }
            for metric, dimensions in page
        ]
        return {"Metrics": metrics, **more}

    def _GetMetricData(self, **request: Any) -> Json:  # noqa: N802
        start, end = request["StartTime"], request["EndTime"]
        queries = request["MetricDataQueries"]
        if len(queries) > 500:
            raise error("GetMetricData", "ValidationError", "more than 500 queries")
        points = len(queries) * (end - start).total_seconds() / queries[0]["MetricStat"]["Period"]
        if points > 100_800:
            raise error("GetMetricData", "ValidationError", "more than 100,800 points")
        return {"MetricDataResults": [self._result(query, start, end) for query in queries]}

    def _result(self, query: Json, start: datetime, end: datetime) -> Json:
        stat = query["MetricStat"]
        period, metric = stat["Period"], stat["Metric"]
        key = metric["MetricName"], tuple(sorted((one["Name"], one["Value"]) for one in metric["Dimensions"]))
        buckets: dict[datetime, list[float]] = {}
        for time, value in self.data.get(key, ()) if metric["Namespace"] == "AWS/SageMaker" else ():
            bucket = datetime.fromtimestamp(time.timestamp() // period * period, UTC)
            if start <= bucket < end and time <= self.now:
                buckets.setdefault(bucket, []).append(value)
        combine: Callable[[list[float]], float] = sum if stat["Stat"] == "Sum" else max
        assert stat["Stat"] in ("Sum", "Maximum")
        return {
            "Id": query["Id"],
            "Timestamps": list(buckets),
            "Values": [float(combine(values)) for values in buckets.values()],
            "StatusCode": "Complete",
        }

    # -- stacks

    def _DescribeStackResources(self, PhysicalResourceId: str) -> Json:  # noqa: N802, N803
        for stack in self.stacks.values():
            if PhysicalResourceId in {id for _, id in stack.resources}:
                return {
                    "StackResources": [
                        {
                            "StackName": stack.name,
                            "StackId": stack.id,
                            "LogicalResourceId": f"R{at}",
                            "PhysicalResourceId": id,
                            "ResourceType": type,
                            "Timestamp": self.now,
                            "ResourceStatus": "CREATE_COMPLETE",
                        }
                        for at, (type, id) in enumerate(stack.resources[:100])
                    ]
                }
        raise error("DescribeStackResources", "ValidationError", f"Stack for {PhysicalResourceId} does not exist")

    def _stack(self, name: str) -> Stack:
        found = next((stack for stack in self.stacks.values() if name in (stack.name, stack.id)), None)
        if found is None:
            raise error("Stack", "ValidationError", f"Stack with id {name} does not exist")
        return found

    def _DescribeStacks(self, StackName: str) -> Json:  # noqa: N802, N803
        stack = self._stack(StackName)
        return {
            "Stacks": [
                {
                    "StackId": stack.id,
                    "StackName": stack.name,
                    "CreationTime": START,
                    "StackStatus": stack.status,
                    "Tags": self._tag_list(stack.tags),
                    "EnableTerminationProtection": stack.protected,
                    **({"RoleARN": stack.role} if stack.role else {}),
                    **({"ParentId": stack.parent} if stack.parent else {}),
                }
            ]
        }

    def _DeleteStack(self, StackName: str) -> None:  # noqa: N802, N803
        stack = self._stack(StackName)
        stack.status, stack.gone_at = "DELETE_IN_PROGRESS", self.now + DELETION
        for _, id in stack.resources:
            if id in self.resources:
                self._end(self.resources[id])

    # -- records and notices

    def _PutParameter(self, Name: str, Value: str, **request: Any) -> Json:  # noqa: N802, N803
        if Name in self.parameters and not request.get("Overwrite"):
            raise error("PutParameter", "ParameterAlreadyExists", "The parameter already exists.")
        if Name not in self.parameters and "Type" not in request:
            raise error("PutParameter", "ValidationException", "A parameter type is required when you create one.")
        assert request.get("Type", "String") == "String"
        self.parameters[Name] = Value
        return {"Version": 1}

    def _Publish(self, TopicArn: str, Subject: str, Message: str) -> Json:  # noqa: N802, N803
        assert TopicArn == TOPIC
        assert len(Subject) <= 100
        self.notices.append((self.now, Subject, Message))
        return {"MessageId": "1"}


def throttled(operation: str) -> ClientError:
    return error(operation, "ThrottlingException", "Rate exceeded")


def cut_off() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url=f"https://api.sagemaker.{REGION}.amazonaws.com")
