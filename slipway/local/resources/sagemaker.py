"""SageMaker: models, endpoint configs, endpoints, inference components, model package groups."""

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


class Stabilizing(SageMakerType):
    """A type that is made when it is in service.

    Attributes
    ----------
    describe_operation, status
        What to ask, and the member of the answer that says how far it is.
    failed
        The statuses from which it does not recover.
    """

    describe_operation = ""
    status = ""
    failed: tuple[str, ...] = ("Failed",)

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        super().configure(scope, physical_id, old, new)
        self._wait(scope, self.name_of(physical_id))

    def update(self, scope: Scope, physical_id: str, old: Document, new: Document) -> Mapping[str, Json]:
        # A change of tags alone is no deployment.
        if {k: v for k, v in old.items() if k != "Tags"} != {k: v for k, v in new.items() if k != "Tags"}:
            named = {**new, self.name_property or "": self.name_of(physical_id)}
            self.calls.call(scope, self.service, self.update_operation or "", named)
        self.configure(scope, physical_id, old, new)
        return {}

    def described(self, scope: Scope, name: str) -> Document:
        """Return what the API says of a resource."""
        return self.calls.call(scope, self.service, self.describe_operation, {self.name_property or "": name})

    def _wait(self, scope: Scope, name: str) -> None:
        deadline = time.monotonic() + _STABLE_SECONDS
        while time.monotonic() < deadline:
            found = self.described(scope, name)
            status = found[self.status]
            if status == "InService":
                return
            if status in self.failed:
                raise ResourceError(found.get("FailureReason") or f"{self.kind} {name} is {status}.")
            time.sleep(_POLL_SECONDS)
        raise ResourceError(f"{self.kind} {name} did not stabilize.")


class Endpoint(Stabilizing):
    """AWS::SageMaker::Endpoint."""

    name_property, kind = "EndpointName", "Endpoint"
    create_operation, delete_operation = "CreateEndpoint", "DeleteEndpoint"
    update_operation, describe_operation, status = "UpdateEndpoint", "DescribeEndpoint", "EndpointStatus"
    failed = ("Failed", "UpdateRollbackFailed", "OutOfService")


class InferenceComponent(Stabilizing):
    """AWS::SageMaker::InferenceComponent; its schema lets every property change in place, the API not all."""

    name_property, kind = "InferenceComponentName", "InferenceComponent"
    create_operation, delete_operation = "CreateInferenceComponent", "DeleteInferenceComponent"
    update_operation, describe_operation = "UpdateInferenceComponent", "DescribeInferenceComponent"
    status = "InferenceComponentStatus"

    def create(self, scope: Scope, logical_id: str, properties: Document) -> Created:
        made = super().create(scope, logical_id, properties)
        return Created(made.physical_id, {**made.attributes, **self._attributes(scope, made.physical_id)})

    def update(self, scope: Scope, physical_id: str, old: Document, new: Document) -> Mapping[str, Json]:
        present = self.described(scope, self.name_of(physical_id))
        members = ("InferenceComponentName", "EndpointName", "VariantName")
        fixed = [key for key in members if new.get(key, present[key]) != present[key]]
        if fixed:
            raise ResourceError(
                f"{', '.join(fixed)} of inference component {self.name_of(physical_id)} cannot be changed: "
                "UpdateInferenceComponent has no such member. Declare it under another logical id instead."
            )
        super().update(scope, physical_id, old, new)
        return self._attributes(scope, physical_id)

    def _attributes(self, scope: Scope, physical_id: str) -> Document:
        """Return what Fn::GetAtt answers: the schema's read-only properties, and those that never change."""
        found = self.described(scope, self.name_of(physical_id))
        plain = ("EndpointArn", "EndpointName", "VariantName", "InferenceComponentStatus", "FailureReason")
        runtime = found["RuntimeConfig"]
        return {
            **{key: found[key] for key in plain if key in found},
            **{key: f"{found[key]:%Y-%m-%dT%H:%M:%S.%fZ}" for key in ("CreationTime", "LastModifiedTime")},
            **{f"RuntimeConfig.{key}": runtime[key] for key in ("DesiredCopyCount", "CurrentCopyCount")},
        }


TYPES = {
    "AWS::SageMaker::Model": Model,
    "AWS::SageMaker::EndpointConfig": EndpointConfig,
    "AWS::SageMaker::Endpoint": Endpoint,
    "AWS::SageMaker::InferenceComponent": InferenceComponent,
    "AWS::SageMaker::ModelPackageGroup": ModelPackageGroup,
}
