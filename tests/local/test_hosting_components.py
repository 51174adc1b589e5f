"""Inference components on the local AWS: deployed by a stack, invoked, measured, refused."""

import json
from typing import Any

import pytest

from tests.local import hosting as shared
from tests.local.conftest import ACCOUNT, REGION, LocalAws, Stack
from tests.local.hosting import ECHO, ROLE, Hosting, eventually, failing, metric, metrics, unchecked, unit

# fixtures
bucket, hosting, name = shared.bucket, shared.hosting, shared.name

MEMORY = {"MinMemoryRequiredInMb": 256, "NumberOfCpuCoresRequired": 0.5}
ROLLING = {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1}, "WaitIntervalInSeconds": 0}}


@pytest.fixture
def fleet(hosting: Hosting) -> Hosting:
    """An endpoint whose variant has no model."""
    hosting.serve({}, ExecutionRoleArn=ROLE)
    return hosting


def make(hosting: Hosting, suffix: str = "", copies: int = 1, **members: Any) -> str:
    """Make an inference component that echoes, unless told otherwise."""
    name = f"{hosting.name}-part{suffix}"
    if "Specification" not in members and "Specifications" not in members:
        url = hosting.upload({"code/inference.py": ECHO, "name.txt": name}, f"{name}.tar.gz")
        container = {"Image": "image", "ArtifactUrl": url, "Environment": {"MODE": "inline"}}
        members["Specification"] = {"Container": container, "ComputeResourceRequirements": MEMORY}
    hosting.api.create_inference_component(
        **{
            "InferenceComponentName": name,
            "EndpointName": hosting.name,
            "VariantName": "main",
            "RuntimeConfig": {"CopyCount": copies},
            **members,
        }
    )
    return name


def test_a_component_answers_from_its_own_container(fleet: Hosting) -> None:
    first, second = make(fleet), make(fleet, "-2")
    for name in (first, second):
        found = fleet.ask([1], InferenceComponentName=name)
        assert (found["asked"], found["model"], found["mode"]) == ([1], name, "inline")


def test_a_component_answers_from_a_model(fleet: Hosting) -> None:
    model = fleet.model(fleet.upload({"inference.py": ECHO, "name.txt": "registered"}), Environment={"MODE": "model"})
    name = make(fleet, Specification={"ModelName": model, "ComputeResourceRequirements": MEMORY})
    fleet.api.delete_model(ModelName=model)  # what is deployed goes on
    found = fleet.ask(1, InferenceComponentName=name)
    assert (found["model"], found["mode"]) == ("registered", "model")


def test_the_type_of_the_fleet_chooses_the_specification(fleet: Hosting) -> None:
    def of(instance_type: str) -> dict[str, Any]:
        url = fleet.upload({"inference.py": ECHO, "name.txt": instance_type}, f"{fleet.name}/{instance_type}.tar.gz")
        container = {"Image": "image", "ArtifactUrl": url}
        return {"InstanceType": instance_type, "Container": container, "ComputeResourceRequirements": MEMORY}

    name = make(fleet, Specifications=[of("ml.m5.xlarge"), of("ml.m5.large")])
    assert fleet.ask(1, InferenceComponentName=name)["model"] == "ml.m5.large"
    found = fleet.api.describe_inference_component(InferenceComponentName=name)
    assert [s["InstanceType"] for s in found["Specifications"]] == ["ml.m5.xlarge", "ml.m5.large"]
    error = failing(lambda: make(fleet, "-2", Specifications=[of("ml.c5.large")]))["Error"]
    assert "No specification is for the instance type ml.m5.large" in error["Message"]


def test_the_first_choice_of_a_fleet_of_pools_chooses_the_specification(hosting: Hosting) -> None:
    pools = [
        {"InstanceType": "ml.g6.12xlarge", "Priority": 2},
        {"InstanceType": "ml.g5.12xlarge", "Priority": 1},
    ]
    variant = {"VariantName": "main", "InitialInstanceCount": 1, "InstancePools": pools}
    hosting.api.create_endpoint_config(
        EndpointConfigName=hosting.name, ProductionVariants=[variant], ExecutionRoleArn=ROLE
    )
    hosting.endpoint(hosting.name)
    specifications = []
    for pool in pools:
        kind = str(pool["InstanceType"])
        url = hosting.upload({"inference.py": ECHO, "name.txt": kind}, f"{hosting.name}/{kind}.tar.gz")
        container = {"Image": "image", "ArtifactUrl": url}
        specifications.append({"InstanceType": kind, "Container": container, "ComputeResourceRequirements": MEMORY})
    name = make(hosting, Specifications=specifications)
    assert hosting.ask(1, InferenceComponentName=name)["model"] == "ml.g5.12xlarge"


def test_metrics_have_the_components_name_and_nothing_else(local_aws: LocalAws, fleet: Hosting) -> None:
    name = make(fleet, copies=2)
    fleet.ask(1, InferenceComponentName=name)
    failing(lambda: fleet.ask("fail", InferenceComponentName=name))
    failing(lambda: fleet.ask(1, InferenceComponentName=name, ContentType="image/png"))
    where = {"InferenceComponentName": name}
    assert metrics(local_aws, **where) == {
        *("Invocations", "InvocationsPerCopy", "ConcurrentRequestsPerCopy", "ModelLatency", "OverheadLatency"),
        *("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors"),
    }
    assert metric(local_aws, "Invocations", "Sum", **where) == [3.0]
    assert metric(local_aws, "InvocationsPerCopy", "Sum", **where) == [1.5]
    assert metric(local_aws, "ConcurrentRequestsPerCopy", "Maximum", **where) == [0.5]
    assert metric(local_aws, "Invocation5XXErrors", "Sum", **where) == [1.0]
    assert metric(local_aws, "Invocation4XXErrors", "Sum", **where) == [1.0]
    assert metric(local_aws, "InvocationModelErrors", "Sum", **where) == [2.0]
    assert metric(local_aws, "ModelLatency", "SampleCount", **where) == [3.0]
    assert unit(local_aws, "ModelLatency", **where) == "Microseconds"
    assert metrics(local_aws, EndpointName=fleet.name, VariantName="main") == set()


def test_without_a_copy_there_is_no_capacity(local_aws: LocalAws, fleet: Hosting) -> None:
    name = make(fleet)
    api = fleet.api
    api.update_inference_component_runtime_config(InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": 0})
    response = failing(lambda: fleet.ask(1, InferenceComponentName=name))
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"]["Code"] == "ValidationError"
    assert response["Error"]["Message"].startswith("Inference Component has no capacity to process this request.")
    where = {"InferenceComponentName": name}
    assert metrics(local_aws, **where) == {"NoCapacityInvocationFailures"}
    assert metric(local_aws, "NoCapacityInvocationFailures", "Sum", **where) == [1.0]
    api.update_inference_component_runtime_config(InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": 1})
    assert fleet.ask(1, InferenceComponentName=name)["asked"] == 1


def test_requests_that_no_component_can_answer_are_refused(fleet: Hosting) -> None:
    def refused(**options: Any) -> str:
        error = failing(lambda: fleet.ask(1, **options))["Error"]
        assert error["Code"] == "ValidationError"
        return str(error["Message"])

    assert refused().startswith("Inference Component Name header is required for endpoints")
    assert refused(InferenceComponentName="other") == f"Inference Component other not found for endpoint {fleet.name}."


def test_an_endpoint_with_models_takes_no_component(hosting: Hosting) -> None:
    hosting.endpoint(hosting.config(main=hosting.model(hosting.upload({"inference.py": ECHO, "name.txt": ""}))))
    message = failing(lambda: make(hosting))["Error"]["Message"]
    assert message.startswith("Inference Components are not supported in this Endpoint.")
    message = failing(lambda: hosting.ask(1, InferenceComponentName="any"))["Error"]["Message"]
    assert message.startswith(f"Endpoint {hosting.name} does not host inference components")


def test_an_adapter_is_stored_and_says_that_it_does_not_run(fleet: Hosting) -> None:
    base = make(fleet)
    fleet.api.create_inference_component(
        InferenceComponentName=f"{base}-adapter",
        EndpointName=fleet.name,
        Specification={"BaseInferenceComponentName": base, "Container": {"ArtifactUrl": "s3://any/adapter.tar.gz"}},
    )
    found = fleet.api.describe_inference_component(InferenceComponentName=f"{base}-adapter")
    assert (found["VariantName"], found["Specification"]["BaseInferenceComponentName"]) == ("main", base)
    message = failing(lambda: fleet.ask(1, InferenceComponentName=f"{base}-adapter"))["Error"]["Message"]
    assert "has no capacity" in message or "stores adapters and does not run them" in message
    message = failing(lambda: fleet.api.delete_inference_component(InferenceComponentName=base))["Error"]["Message"]
    assert f"it is the base of {base}-adapter" in message


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"EndpointName": "gone"}, f'Could not find endpoint "arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/gone".'),
        ({"VariantName": "gone"}, 'Could not find variant "gone" in endpoint'),
        ({"Specification": {"ModelName": "gone", "ComputeResourceRequirements": MEMORY}}, "Could not find model"),
        ({"Specification": {"Container": {"Image": "i"}}}, "minMemoryRequiredInMb' failed to satisfy constraint"),
        (
            {"Specification": {"Container": {"Image": "i"}, "ComputeResourceRequirements": {}}},
            "minMemoryRequiredInMb' failed to satisfy constraint",
        ),
        (
            {
                "Specification": {
                    "Container": {"Image": "i"},
                    "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 127},
                }
            },
            "greater than or equal to 128",
        ),
        ({"Specification": {"ComputeResourceRequirements": MEMORY}}, "needs a ModelName, or a Container"),
        ({"Specification": {"BaseInferenceComponentName": "gone"}}, "Could not find base inference component"),
    ],
)
def test_what_cannot_be_deployed_is_refused(
    local_aws: LocalAws, fleet: Hosting, members: dict[str, Any], expected: str
) -> None:
    fleet.api = unchecked(local_aws)
    error = failing(lambda: make(fleet, **members))["Error"]
    assert error["Code"] == "ValidationException"
    assert expected in error["Message"]


def test_names_are_taken_once(fleet: Hosting) -> None:
    name = make(fleet)
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:inference-component/{name}"
    message = failing(lambda: make(fleet))["Error"]["Message"]
    assert message == f'Cannot create already existing inference component "{arn}".'
    for call in (fleet.api.describe_inference_component, fleet.api.delete_inference_component):
        message = failing(lambda call=call: call(InferenceComponentName="gone"))["Error"]["Message"]  # type: ignore[misc]
        assert message.startswith('Could not find inference component "')


def test_an_endpoint_with_components_stays(fleet: Hosting) -> None:
    name = make(fleet)
    message = failing(lambda: fleet.api.delete_endpoint(EndpointName=fleet.name))["Error"]["Message"]
    assert message.endswith(f"while it has inference components: {name}.")
    other = fleet.config("-other", main=fleet.model(None))
    message = failing(lambda: fleet.api.update_endpoint(EndpointName=fleet.name, EndpointConfigName=other))["Error"][
        "Message"
    ]
    assert f'has no variant without a model for the inference component(s) "[{name}]"' in message
    fleet.api.delete_inference_component(InferenceComponentName=name)
    fleet.api.delete_endpoint(EndpointName=fleet.name)


def test_a_config_without_models_needs_a_role(hosting: Hosting) -> None:
    message = failing(lambda: hosting.serve({}))["Error"]["Message"]
    assert "ExecutionRoleArn is required" in message


def test_an_update_changes_what_it_names_and_keeps_the_rest(fleet: Hosting) -> None:
    name = make(fleet, copies=3)
    url = fleet.upload({"inference.py": ECHO, "name.txt": "second"}, f"{name}-second.tar.gz")
    specification = {"Container": {"Image": "image:2", "ArtifactUrl": url}, "ComputeResourceRequirements": MEMORY}
    fleet.ask(1, InferenceComponentName=name)
    fleet.api.update_inference_component(
        InferenceComponentName=name, Specification=specification, DeploymentConfig=ROLLING
    )
    assert fleet.ask(1, InferenceComponentName=name)["model"] == "second"
    found = fleet.api.describe_inference_component(InferenceComponentName=name)
    assert found["RuntimeConfig"] == {"DesiredCopyCount": 3, "CurrentCopyCount": 3}
    assert found["LastDeploymentConfig"] == ROLLING
    assert found["Specification"]["Container"]["DeployedImage"]["SpecifiedImage"] == "image:2"
    assert found["InferenceComponentStatus"] == "InService"


def test_components_are_listed_by_endpoint_name_and_page(fleet: Hosting) -> None:
    names = [make(fleet, f"-{number}") for number in range(3)]
    listing = fleet.api.get_paginator("list_inference_components")

    def listed(**options: Any) -> list[str]:
        pages = listing.paginate(**{"EndpointNameEquals": fleet.name, **options})
        return [component["InferenceComponentName"] for page in pages for component in page["InferenceComponents"]]

    assert listed() == names[::-1]
    assert listed(SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}) == names
    assert listed(NameContains="part-1") == [names[1]]
    assert listed(StatusEquals="InService", VariantNameEquals="main") == names[::-1]
    assert listed(StatusEquals="Failed") == listed(VariantNameEquals="other") == []
    assert listed(EndpointNameEquals="other") == []


def test_a_component_is_found_by_its_tags(local_aws: LocalAws, fleet: Hosting) -> None:
    name = make(fleet, Tags=[{"Key": "Part", "Value": fleet.name}])
    arn = fleet.api.describe_inference_component(InferenceComponentName=name)["InferenceComponentArn"]
    fleet.api.add_tags(ResourceArn=arn, Tags=[{"Key": "More", "Value": "1"}])
    fleet.api.delete_tags(ResourceArn=arn, TagKeys=["none"])
    tags = {tag["Key"]: tag["Value"] for tag in fleet.api.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {"Part": fleet.name, "More": "1"}
    found = local_aws.client("resourcegroupstaggingapi").get_resources(
        ResourceTypeFilters=["sagemaker:inference-component"],
        TagFilters=[{"Key": "Part", "Values": [fleet.name]}],
    )["ResourceTagMappingList"]
    assert [resource["ResourceARN"] for resource in found] == [arn]


def test_what_a_component_prints_is_in_a_log_group_of_its_own(local_aws: LocalAws, fleet: Hosting) -> None:
    name, logs = make(fleet), local_aws.client("logs")
    group = f"/aws/sagemaker/InferenceComponents/{name}"
    logs.create_log_group(logGroupName=group)
    fleet.ask(1, InferenceComponentName=name)
    events = eventually(lambda: logs.filter_log_events(logGroupName=group)["events"])  # written by another thread
    assert "loaded" in [event["message"] for event in events]


# -- by a stack


def resources(hosting: Hosting, version: str, copies: int, **members: Any) -> dict[str, Any]:
    url = hosting.upload({"code/inference.py": ECHO, "name.txt": version}, f"{hosting.name}/{version}.tar.gz")
    managed = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 4}
    variant = {
        "VariantName": "primary",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 1,
        "ManagedInstanceScaling": managed,
    }
    return {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "image", "ModelDataUrl": url}},
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {"ProductionVariants": [variant], "ExecutionRoleArn": ROLE},
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": hosting.name,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
        "Component": {
            "Type": "AWS::SageMaker::InferenceComponent",
            "DependsOn": "Endpoint",
            "Properties": {
                "InferenceComponentName": f"{hosting.name}--part",
                "EndpointName": hosting.name,
                "VariantName": "primary",
                "Specification": {
                    "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                    "ComputeResourceRequirements": MEMORY,
                },
                "RuntimeConfig": {"CopyCount": copies},
                "DeploymentConfig": ROLLING,
                "Tags": [{"Key": "Version", "Value": version}],
                **members,
            },
        },
    }


OUTPUTS = {
    "Ref": {"Value": {"Ref": "Component"}},
    "Name": {"Value": {"Fn::GetAtt": ["Component", "InferenceComponentName"]}},
    "Status": {"Value": {"Fn::GetAtt": ["Component", "InferenceComponentStatus"]}},
    "Copies": {"Value": {"Fn::GetAtt": ["Component", "RuntimeConfig.DesiredCopyCount"]}},
}


def test_a_stack_deploys_updates_and_deletes_a_component(stack: Stack, hosting: Hosting) -> None:
    name = f"{hosting.name}--part"

    def outputs() -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in stack.described()["Outputs"]}

    assert stack.deploy(resources(hosting, "v1", 1), Outputs=OUTPUTS) == "CREATE_COMPLETE", stack.reasons()
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:inference-component/{name}"
    assert outputs() == {"Ref": arn, "Name": name, "Status": "InService", "Copies": "1"}
    assert hosting.ask(1, InferenceComponentName=name)["model"] == "v1"
    assert stack.deploy(resources(hosting, "v2", 3), Outputs=OUTPUTS) == "UPDATE_COMPLETE", stack.reasons()
    assert outputs()["Copies"] == "3"
    assert stack.physical_id("Component") == arn
    assert hosting.ask(1, InferenceComponentName=name)["model"] == "v2"
    assert hosting.api.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "Version", "Value": "v2"}]
    stack.delete()
    assert stack.cloudformation.describe_stacks()["Stacks"] is not None
    assert hosting.api.list_inference_components(NameContains=name)["InferenceComponents"] == []
    assert hosting.api.list_endpoints(NameContains=hosting.name)["Endpoints"] == []


def test_a_stack_cannot_move_a_component_to_another_endpoint(stack: Stack, hosting: Hosting) -> None:
    assert stack.deploy(resources(hosting, "v1", 1)) == "CREATE_COMPLETE", stack.reasons()
    assert stack.deploy(resources(hosting, "v1", 1, VariantName="other")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "VariantName of inference component" in stack.reasons()
    assert hosting.ask(1, InferenceComponentName=f"{hosting.name}--part")["model"] == "v1"


def test_a_stack_with_a_component_without_memory_rolls_back(stack: Stack, hosting: Hosting) -> None:
    wrong = {"ModelName": {"Fn::GetAtt": ["Model", "ModelName"]}}
    assert stack.deploy(resources(hosting, "v1", 1, Specification=wrong)) == "ROLLBACK_COMPLETE"
    assert json.dumps(stack.reasons()).count("minMemoryRequiredInMb")
