"""Lambda: functions, versions, aliases, layers, permissions, what becomes of events."""

# ruff: noqa: ARG002, D102 - hooks, described where engine.resource_type and base define them

import io
import zipfile
from collections.abc import Mapping

from botocore.exceptions import ClientError

from slipway.local.engine.documents import Document, Json
from slipway.local.engine.errors import ResourceError
from slipway.local.engine.resource_type import Created, ResourceType, Scope
from slipway.local.resources.base import ApiType, generated_name
from slipway.local.resources.calls import Calls, is_missing, tag_changes, tags_as_map
from slipway.local.resources.monitoring import arn

# What a setting goes back to when it leaves the template.
_DEFAULTS: dict[str, Json] = {
    "DeadLetterConfig": {},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "KmsKeyArn": "",
    "Layers": [],
    "LoggingConfig": {},
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
}


class Function(ApiType):
    """AWS::Lambda::Function."""

    service, name_property = "lambda", "FunctionName"
    create_operation, delete_operation = "CreateFunction", "DeleteFunction"

    def parameters(self, scope: Scope, properties: Document) -> Document:
        tags = tags_as_map(properties.get("Tags"))
        return {**properties, "Code": _code(properties), "Tags": tags}

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        return Created(properties["FunctionName"], {"Arn": answer["FunctionArn"]})

    def update(self, scope: Scope, physical_id: str, old: Document, new: Document) -> Mapping[str, Json]:
        name = {"FunctionName": physical_id}
        if any(old.get(key) != new.get(key) for key in ("Code", "Architectures")):
            architectures = new.get("Architectures") or ["x86_64"]
            code = {**_code(new), **name, "Architectures": architectures}
            self.calls.call(scope, "lambda", "UpdateFunctionCode", code)
        settings = {k: v for k, v in new.items() if k not in ("Code", "Tags")}
        left = {key: default for key, default in _DEFAULTS.items() if key in old and key not in new}
        self.calls.call(scope, "lambda", "UpdateFunctionConfiguration", {**left, **settings, **name})
        changed, gone = tag_changes(old.get("Tags"), new.get("Tags"))
        where = arn(scope, "lambda", f"function:{physical_id}")
        if changed:
            self.client(scope).tag_resource(Resource=where, Tags=changed)
        if gone:
            self.client(scope).untag_resource(Resource=where, TagKeys=gone)
        self.configure(scope, physical_id, old, new)
        return {}

    def configure(self, scope: Scope, physical_id: str, old: Document, new: Document) -> None:
        reserved = "ReservedConcurrentExecutions"
        if reserved in new:
            self.client(scope).put_function_concurrency(
                FunctionName=physical_id, ReservedConcurrentExecutions=int(new[reserved])
            )
        elif reserved in old:
            self.client(scope).delete_function_concurrency(FunctionName=physical_id)


def _code(properties: Document) -> Document:
    """Return a function's code; CloudFormation puts inline code into a file called index."""
    code = dict(properties["Code"])
    if "ZipFile" in code:
        packed = io.BytesIO()
        ending = "py" if "python" in properties.get("Runtime", "") else "js"
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(f"index.{ending}", code["ZipFile"])
        code["ZipFile"] = packed.getvalue()
    return code


class Version(ApiType):
    """AWS::Lambda::Version; every change replaces it."""

    service = "lambda"
    create_operation, delete_operation = "PublishVersion", "DeleteFunction"

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        version = answer["FunctionArn"]
        return Created(version, {"FunctionArn": version, "Version": answer["Version"]})

    def key(self, physical_id: str, properties: Document) -> Document:
        function, _, version = physical_id.rpartition(":")
        return {"FunctionName": function, "Qualifier": version}


class Alias(ApiType):
    """AWS::Lambda::Alias."""

    service = "lambda"
    create_operation, update_operation, delete_operation = "CreateAlias", "UpdateAlias", "DeleteAlias"

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        return Created(answer["AliasArn"], {"AliasArn": answer["AliasArn"]})

    def key(self, physical_id: str, properties: Document) -> Document:
        function, _, name = physical_id.rpartition(":")
        return {"FunctionName": function, "Name": name}


class LayerVersion(ApiType):
    """AWS::Lambda::LayerVersion; every change replaces it."""

    service, name_property, longest_name = "lambda", "LayerName", 140
    create_operation, delete_operation = "PublishLayerVersion", "DeleteLayerVersion"

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        layer = answer["LayerVersionArn"]
        return Created(layer, {"LayerVersionArn": layer})

    def key(self, physical_id: str, properties: Document) -> Document:
        _, name, version = physical_id.rsplit(":", 2)
        return {"LayerName": name, "VersionNumber": version}


class EventInvokeConfig(ApiType):
    """AWS::Lambda::EventInvokeConfig."""

    service = "lambda"
    create_operation = update_operation = "PutFunctionEventInvokeConfig"
    delete_operation = "DeleteFunctionEventInvokeConfig"

    def parameters(self, scope: Scope, properties: Document) -> Document:
        if properties["Qualifier"] != "$LATEST":
            raise ResourceError(
                f"The local AWS has one configuration of events for each function, that of $LATEST, none for "
                f"{properties['Qualifier']}."
            )
        return {key: item for key, item in properties.items() if key != "Qualifier"}

    def identify(self, scope: Scope, properties: Document, answer: Document) -> Created:
        return Created(f"{properties['FunctionName']}|$LATEST", {})

    def key(self, physical_id: str, properties: Document) -> Document:
        return {"FunctionName": properties["FunctionName"]}


class Permission(ResourceType):
    """AWS::Lambda::Permission; every change replaces it."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def create(self, scope: Scope, logical_id: str, properties: Document) -> Created:
        statement = generated_name(scope, logical_id, 100)
        self.calls.call(scope, "lambda", "AddPermission", {**properties, "StatementId": statement})
        return Created(statement, {"Id": statement})

    def update(self, scope: Scope, physical_id: str, old: Document, new: Document) -> Mapping[str, Json]:
        self.delete(scope, physical_id, old)
        self.calls.call(scope, "lambda", "AddPermission", {**new, "StatementId": physical_id})
        return {}

    def delete(self, scope: Scope, physical_id: str, properties: Document) -> None:
        try:
            self.calls.client(scope, "lambda").remove_permission(
                FunctionName=properties["FunctionName"], StatementId=physical_id
            )
        except ClientError as error:
            if not is_missing(error):
                raise


TYPES = {
    "AWS::Lambda::Function": Function,
    "AWS::Lambda::Version": Version,
    "AWS::Lambda::Alias": Alias,
    "AWS::Lambda::LayerVersion": LayerVersion,
    "AWS::Lambda::EventInvokeConfig": EventInvokeConfig,
    "AWS::Lambda::Permission": Permission,
}
