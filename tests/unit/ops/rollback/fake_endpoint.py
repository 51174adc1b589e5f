"""One endpoint with its revisions, stack and alarms in memory; requests and answers are held against botocore's shapes.

Names in the ARNs of SageMaker are in lower case, as on AWS, so that whoever takes a name from one is found out.
"""

# ruff: noqa: N802, N803 - operations and their members are called as AWS calls them

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from slipway.ops.target import Target

Json = dict[str, Any]

ACCOUNT, REGION, ENDPOINT, STACK = "123456789012", "eu-west-1", "rc-project-a-dev-iris-ep", "rc-project-a-dev-iris"
START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
BUCKET = "acme-sm-rc-project-a-dev-eu-west-1"
IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
TAGS = {"Team": "rc", "Project": "project-a", "Environment": "dev", "Model": "iris"}
CANARY: Json = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 600,
        },
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 2700,
    }
}
IN_PROGRESS = 'Cannot update in-progress endpoint "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/x".'


def error(operation: str, message: str, code: str = "ValidationException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name.lower()}"


@cache
def _clients() -> dict[str, Any]:
    session = boto3.session.Session(region_name=REGION, aws_access_key_id="fake", aws_secret_access_key="fake")
    make: Any = session.client
    services = ("sagemaker", "cloudwatch", "cloudformation", "resourcegroupstaggingapi", "application-autoscaling")
    return {service: make(service) for service in (*services, "s3", "ecr")}


@dataclass
class World:
    """What there is.

    Attributes
    ----------
    refuse
        What an operation raises, by its name; a callable is asked first.
    calls
        Operation and request of each call, in their order.
    """

    status: str = "InService"
    live: str = ""
    pending: str | None = None
    deployment: Json = field(default_factory=dict)
    configs: dict[str, Json] = field(default_factory=dict)
    models: dict[str, Json] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    alarms: dict[str, Json] = field(default_factory=dict)
    held: str = ""
    template: Json | None = None
    stack_status: str = "UPDATE_COMPLETE"
    scaled: tuple[str, ...] = ()
    objects: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    refuse: dict[str, Exception | Callable[[Json], Exception | None]] = field(default_factory=dict)
    calls: list[tuple[str, Json]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._validator = ParamValidator()

    # -- what tests make

    def revision(
        self,
        version: str,
        *,
        image: str = IMAGE,
        variants: Mapping[str, float] | None = None,
        environment: Mapping[str, str] | None = None,
        url: str | None = None,
        config: Json | None = None,
        **variant: Any,
    ) -> str:
        """Make a revision as a deployment does, an hour after the one before; return its config's name."""
        number = len(self.configs) + 1
        url = f"s3://{BUCKET}/models/iris/v{version}/model.tar.gz" if url is None else url
        made = []
        for name, weight in (variants or {"primary": 1.0}).items():
            model = f"Model-{name}-{number}Xy"
            container = {"Image": image, "ModelDataUrl": url, "Environment": dict(environment or {})}
            self.models[model] = {
                "ModelName": model,
                "ModelArn": arn("model", model),
                "PrimaryContainer": container,
                "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/any",
                "CreationTime": START + timedelta(hours=number),
            }
            self.tags[arn("model", model)] = {**TAGS, "Version": version}
            made.append(
                {
                    "VariantName": name,
                    "ModelName": model,
                    "InitialVariantWeight": weight,
                    **({} if "ServerlessConfig" in variant else {"InstanceType": "ml.m5.large"}),
                    **({} if "ServerlessConfig" in variant else {"InitialInstanceCount": 2}),
                    **variant,
                }
            )
        self.objects.add(url.removeprefix("s3://"))
        name = f"Config-{number}Xy"
        self.configs[name.lower()] = {
            "EndpointConfigName": name,
            "EndpointConfigArn": arn("endpoint-config", name),
            "ProductionVariants": made,
            "CreationTime": START + timedelta(hours=number),
            **(config or {}),
        }
        self.tags[arn("endpoint-config", name)] = {**TAGS, "Version": version}
        self.live = self.held = name
        self.tags.setdefault(arn("endpoint", ENDPOINT), dict(TAGS))
        return name

    def declare(self, *alarms: str, deployment: Json = CANARY, literal: tuple[str, ...] = (), **endpoint: Any) -> None:
        """Give the endpoint a stack with rollback alarms of these signals, and with others by their whole names."""
        resources: Json = {}
        for signal in alarms:
            name = f"{ENDPOINT}-rollback-{signal}"
            resources[f"Alarm{signal}"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": name}}
            self.alarm(name, config=self.live)
        listed: list[Json] = [{"AlarmName": {"Ref": f"Alarm{signal}"}} for signal in alarms]
        listed += [{"AlarmName": name} for name in literal]
        properties: Json = {"EndpointName": ENDPOINT, **endpoint}
        properties["DeploymentConfig"] = {**deployment, "AutoRollbackConfiguration": {"Alarms": listed}}
        resources["Endpoint"] = {"Type": "AWS::SageMaker::Endpoint", "Properties": properties}
        self.template = {"Resources": resources}

    def alarm(self, name: str, *, config: str | None, state: str = "OK") -> None:
        """Make an alarm, of the new fleet only when a config is given."""
        dimensions = {"EndpointName": ENDPOINT, "VariantName": "primary"}
        dimensions |= {"EndpointConfigName": config} if config else {}
        self.alarms[name] = {
            "AlarmName": name,
            "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}",
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocation5XXErrors",
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 2,
            "Threshold": 0.001,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [f"arn:aws:sns:{REGION}:{ACCOUNT}:rc-project-a-dev-alarms"],
            "ActionsEnabled": True,
            "StateValue": state,
        }

    def lose_model(self, config: str) -> None:
        """Delete the models of a config."""
        for variant in self.configs[config.lower()]["ProductionVariants"]:
            del self.models[variant["ModelName"]]

    def finish(self, *, served: bool = True) -> None:
        """End the update under way."""
        assert self.pending
        self.live = self.pending if served else self.live
        self.pending, self.status = None, "InService"

    # -- what code sees

    def target(self) -> Target:
        """A target whose clients come here."""
        world = self

        class Here(Target):
            def client(self, service: str) -> Any:
                made = _clients()[service]
                made._make_api_call = world._caller(made)
                return made

        return Here("aws", ACCOUNT, REGION, {}, "here")

    def asked(self, operation: str) -> list[Json]:
        """Requests of an operation."""
        return [request for name, request in self.calls if name == operation]

    @property
    def temporary(self) -> list[str]:
        """Names of the alarms that no stack has."""
        declared = {
            one["Properties"].get("AlarmName") for one in (self.template or {"Resources": {}})["Resources"].values()
        }
        return sorted(name for name in self.alarms if name not in declared and "-rollback-" in name)

    @property
    def operation(self) -> str | None:
        """The tag that says who works on the endpoint."""
        return self.tags[arn("endpoint", ENDPOINT)].get("slipway:operation")

    def _caller(self, client: Any) -> Callable[[str, Json], Json]:
        model = client.meta.service_model

        def call(operation: str, request: Json) -> Json:
            shapes = model.operation_model(operation)
            self._hold(request, shapes.input_shape, f"request of {operation}")
            self.calls.append((operation, request))
            refusal = self.refuse.get(operation)
            raised = refusal(request) if callable(refusal) else refusal
            if raised is not None:
                raise raised
            answer: Json = getattr(self, f"_{operation}")(**request) or {}
            self._hold(answer, shapes.output_shape, f"answer of {operation}")
            return answer

        return call

    def _hold(self, value: Json, shape: Any, what: str) -> None:
        if shape is not None:
            report = self._validator.validate(value, shape)
            assert not report.has_errors(), f"{what}: {report.generate_report()}"

    def _DescribeEndpoint(self, EndpointName: str) -> Json:
        if not self.live:
            raise error("DescribeEndpoint", f'Could not find endpoint "{arn("endpoint", EndpointName)}".')
        config = self.configs.get(self.live.lower(), {"ProductionVariants": []})
        variants = [
            {
                "VariantName": one["VariantName"],
                "CurrentWeight": one["InitialVariantWeight"],
                "DesiredWeight": one["InitialVariantWeight"],
                **({"CurrentInstanceCount": 2, "DesiredInstanceCount": 2} if "InstanceType" in one else {}),
            }
            for one in config["ProductionVariants"]
        ]
        return {
            "EndpointName": EndpointName,
            "EndpointArn": arn("endpoint", EndpointName),
            "EndpointConfigName": self.live,
            "EndpointStatus": self.status,
            **({"ProductionVariants": variants} if variants else {}),
            **({"LastDeploymentConfig": self.deployment} if self.deployment else {}),
            **({"PendingDeploymentSummary": self._summary()} if self.pending else {}),
            "CreationTime": START,
            "LastModifiedTime": START,
        }

    def _summary(self) -> Json:
        return {"EndpointConfigName": self.pending, "StartTime": START + timedelta(days=1)}

    def _UpdateEndpoint(self, EndpointName: str, EndpointConfigName: str, **request: Any) -> Json:
        if self.status in ("Updating", "RollingBack", "SystemUpdating"):
            raise error("UpdateEndpoint", IN_PROGRESS)
        missing = [
            one["AlarmName"]
            for one in request.get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {}).get("Alarms", [])
            if one["AlarmName"] not in self.alarms
        ]
        assert not missing, f"the update names alarms that do not exist: {missing}"
        self.pending, self.status = EndpointConfigName, "Updating"
        self.deployment = request.get("DeploymentConfig", {})
        return {"EndpointArn": arn("endpoint", EndpointName)}

    def _DescribeEndpointConfig(self, EndpointConfigName: str) -> Json:
        found = self.configs.get(EndpointConfigName.lower())
        if found is None:
            where = arn("endpoint-config", EndpointConfigName)
            raise error("DescribeEndpointConfig", f'Could not find endpoint configuration "{where}".')
        return {**found, "EndpointConfigName": EndpointConfigName}  # as it was asked

    def _ListEndpointConfigs(
        self,
        CreationTimeAfter: datetime = START,
        CreationTimeBefore: datetime = START + timedelta(days=9),
        NameContains: str = "",
    ) -> Json:
        return {
            "EndpointConfigs": [
                {key: one[key] for key in ("EndpointConfigName", "EndpointConfigArn", "CreationTime")}
                for one in self.configs.values()
                if CreationTimeAfter < one["CreationTime"] < CreationTimeBefore
                and NameContains in one["EndpointConfigName"]
            ]
        }

    def _DescribeModel(self, ModelName: str) -> Json:
        if ModelName not in self.models:
            raise error("DescribeModel", f'Could not find model "{arn("model", ModelName)}".')
        return self.models[ModelName]

    def _ListTags(self, ResourceArn: str, **_: Any) -> Json:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags[ResourceArn].items()]}

    def _AddTags(self, ResourceArn: str, Tags: list[Json]) -> Json:
        self.tags[ResourceArn] |= {tag["Key"]: tag["Value"] for tag in Tags}
        return {"Tags": Tags}

    def _DeleteTags(self, ResourceArn: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self.tags[ResourceArn].pop(key, None)

    def _GetResources(self, TagFilters: list[Json], ResourceTypeFilters: list[str], **_: Any) -> Json:
        (kind,) = (one.removeprefix("sagemaker:") for one in ResourceTypeFilters)
        wanted = {one["Key"]: one["Values"][0] for one in TagFilters}
        return {
            "ResourceTagMappingList": [
                {"ResourceARN": key, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
                for key, tags in self.tags.items()
                if f":{kind}/" in key and wanted.items() <= tags.items()
            ]
        }

    def _DescribeStacks(self, StackName: str) -> Json:
        self._stack("DescribeStacks", StackName)
        return {"Stacks": [{"StackName": StackName, "StackStatus": self.stack_status, "CreationTime": START}]}

    def _stack(self, operation: str, name: str) -> None:
        if self.template is None:
            raise error(operation, f"Stack with id {name} does not exist", "ValidationError")

    def _GetTemplate(self, StackName: str, **_: Any) -> Json:
        self._stack("GetTemplate", StackName)
        return {"TemplateBody": json.dumps(self.template)}

    def _DescribeStackResources(self, StackName: str) -> Json:
        self._stack("DescribeStackResources", StackName)
        return {
            "StackResources": [
                {
                    "LogicalResourceId": "Config",
                    "PhysicalResourceId": arn("endpoint-config", self.held),
                    "ResourceType": "AWS::SageMaker::EndpointConfig",
                    "Timestamp": START,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
            ]
        }

    def _DescribeAlarms(self, AlarmNames: list[str] | None = None, AlarmNamePrefix: str = "", **_: Any) -> Json:
        found = [
            alarm
            for name, alarm in self.alarms.items()
            if (name in AlarmNames if AlarmNames is not None else name.startswith(AlarmNamePrefix))
        ]
        return {"MetricAlarms": found}

    def _PutMetricAlarm(self, AlarmName: str, Tags: list[Json] | None = None, **settings: Any) -> None:
        self.alarms[AlarmName] = {"AlarmName": AlarmName, "StateValue": "INSUFFICIENT_DATA", **settings}
        self.tags[f"alarm:{AlarmName}"] = {tag["Key"]: tag["Value"] for tag in Tags or ()}

    def _DeleteAlarms(self, AlarmNames: list[str]) -> None:
        for name in AlarmNames:
            if name not in self.alarms:
                raise error("DeleteAlarms", f"{name} does not exist", "ResourceNotFound")
            del self.alarms[name]

    def _DescribeScalableTargets(self, ResourceIds: list[str], **_: Any) -> Json:
        return {
            "ScalableTargets": [
                {
                    "ServiceNamespace": "sagemaker",
                    "ResourceId": one,
                    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                    "MinCapacity": 1,
                    "MaxCapacity": 4,
                    "RoleARN": "role",
                    "CreationTime": START,
                }
                for one in ResourceIds
                if one.rpartition("/")[2] in self.scaled
            ]
        }

    def _HeadObject(self, Bucket: str, Key: str) -> Json:
        if f"{Bucket}/{Key}" not in self.objects:
            raise error("HeadObject", "Not Found", "404")
        return {"ContentLength": 1}

    def _ListObjectsV2(self, Bucket: str, Prefix: str, MaxKeys: int) -> Json:
        keys = sorted(one.removeprefix(f"{Bucket}/") for one in self.objects if one.startswith(f"{Bucket}/{Prefix}"))
        return {"Contents": [{"Key": key} for key in keys[:MaxKeys]]}

    def _DescribeImages(self, repositoryName: str, imageIds: list[Json], registryId: str) -> Json:
        (image,) = imageIds
        assert registryId == ACCOUNT
        if f"{repositoryName}:{image.get('imageTag') or image['imageDigest']}" not in self.images:
            words = f"The image with imageId {image} does not exist within the repository '{repositoryName}'"
            raise error("DescribeImages", words, "ImageNotFoundException")
        return {"imageDetails": [{"registryId": registryId}]}
