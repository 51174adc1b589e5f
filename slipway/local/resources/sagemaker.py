"""SageMaker: models, endpoint configs, endpoints, model package groups."""

# ruff: noqa: ARG002, D102 - hooks, described where engine.resource_type and base define them

import time
from collections.abc import Mapping

from botocore.exceptions import ClientError

from slipway.local.engine.documents import Document, Json
from slipway.local.engine.errors import ResourceError
from slipway.local.engine.resource_type import Created, Scope
from slipway.local.resources.base import ApiType
from slipway.local.resources.calls import tag_changes, tag_list

# CloudFormation gives up on an endpoint after a day and a half; a local rollout with its real
# waits takes hours, so the limit only has to end what is stuck.
_STABLE_SECONDS = 36 * 3600
_POLL_SECONDS = 0.1


class SageMakerType(ApiType):
    """What the SageMaker types share: Ref is the ARN, tags have operations of their own."""

    service = "sagemaker"
    longest_name = 63
    kind = ""

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        arn = answer[f"{self.kind}Arn"]
        name = self.name_property or ""
        return Created(arn, {name: properties[name], f"{self.kind}Arn": arn})

    def name_of(self, physical_id: str) -> str:
        return physical_id.rsplit("/", 1)[-1]

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        if not old:
            return
        changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
        client = self.client(scope)
        if gone:
            client.delete_tags(ResourceArn=physical_id, TagKeys=gone)
        if changed:
            client.add_tags(ResourceArn=physical_id, Tags=tag_list(changed))


class Model(SageMakerType):
    """AWS::SageMaker::Model."""

    name_property, kind = "ModelName", "Model"
    create_operation, delete_operation = "CreateModel", "DeleteModel"


class EndpointConfig(SageMakerType):
    """AWS::SageMaker::EndpointConfig."""

    name_property, kind = "EndpointConfigName", "EndpointConfig"
    create_operation, delete_operation = "CreateEndpointConfig", "DeleteEndpointConfig"


class ModelPackageGroup(SageMakerType):
    """AWS::SageMaker::ModelPackageGroup."""

    name_property, kind = "ModelPackageGroupName", "ModelPackageGroup"
    create_operation, delete_operation = "CreateModelPackageGroup", "DeleteModelPackageGroup"

    def existing(self, scope: Scope, properties: Document) -> Created | None:
        name = properties["ModelPackageGroupName"]
        try:
            there = self.client(scope).describe_model_package_group(ModelPackageGroupName=name)
        except ClientError:
            return None
        return self.identify(scope, properties, there)


class Endpoint(SageMakerType):
    """AWS::SageMaker::Endpoint; done when the endpoint is in service."""

    name_property, kind = "EndpointName", "Endpoint"
    create_operation, delete_operation = "CreateEndpoint", "DeleteEndpoint"

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        super().configure(scope, physical_id, old, new)
        self._wait(scope, self.name_of(physical_id))

    def update(self, scope: Scope, physical_id: str, old: Document, new: Document) -> Mapping[str, Json]:
        # A change of tags alone is no deployment.
        if {k: v for k, v in old.items() if k != "Tags"} != {k: v for k, v in new.items() if k != "Tags"}:
            name = self.name_of(physical_id)
            self.calls.call(scope, self.service, "UpdateEndpoint", {**new, "EndpointName": name})
        self.configure(scope, physical_id, old, new)
        return {}

    def _wait(self, scope: Scope, name: str) -> None:
        client = self.client(scope)
        deadline = time.monotonic() + _STABLE_SECONDS
        while time.monotonic() < deadline:
            found = client.describe_endpoint(EndpointName=name)
            status = found["EndpointStatus"]
            if status == "InService":
                return
            if status in ("Failed", "UpdateRollbackFailed", "OutOfService"):
                raise ResourceError(found.get("FailureReason") or f"Endpoint {name} is {status}.")
            time.sleep(_POLL_SECONDS)
        raise ResourceError(f"Endpoint {name} did not stabilize.")


TYPES = {
    "AWS::SageMaker::Model": Model,
    "AWS::SageMaker::EndpointConfig": EndpointConfig,
    "AWS::SageMaker::Endpoint": Endpoint,
    "AWS::SageMaker::ModelPackageGroup": ModelPackageGroup,
}
