"""What a model's containers may name, and what of it the local AWS runs."""

from typing import Any

import pytest

from tests.local import hosting as shared
from tests.local.conftest import Client, Stack
from tests.local.hosting import BUCKET, ECHO, ROLE, Hosting, failing

# fixtures
bucket, hosting, name = shared.bucket, shared.hosting, shared.name

IMAGE_CONFIG = {
    "RepositoryAccessMode": "Vpc",
    "RepositoryAuthConfig": {"RepositoryCredentialsProviderArn": "arn:aws:lambda:eu-west-1:111122223333:function:f"},
}


def source(uri: str, kind: str, compression: str, **members: Any) -> dict[str, Any]:
    return {"S3DataSource": {"S3Uri": uri, "S3DataType": kind, "CompressionType": compression, **members}}


def resources(hosting: Hosting, container: dict[str, Any]) -> dict[str, Any]:
    variant = {
        "VariantName": "main",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    return {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"ExecutionRoleArn": ROLE, "PrimaryContainer": container},
        },
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}},
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": hosting.name,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
    }


def test_an_archive_named_as_a_data_source_runs(stack: Stack, hosting: Hosting) -> None:
    uri = hosting.upload({"code/inference.py": ECHO, "name.txt": "archive"})
    container = {
        "Image": "image",
        "ImageConfig": IMAGE_CONFIG,
        "ContainerHostname": "only",
        "ModelDataSource": source(uri, "S3Object", "Gzip", ModelAccessConfig={"AcceptEula": True}),
        "Environment": {"MODE": "source"},
    }
    assert stack.deploy(resources(hosting, container)) == "CREATE_COMPLETE", stack.reasons()
    found = hosting.ask(1)
    assert (found["model"], found["mode"]) == ("archive", "source")


def test_files_under_a_prefix_run(stack: Stack, hosting: Hosting, bucket: Client) -> None:
    for key, text in {"code/inference.py": ECHO, "name.txt": "prefix"}.items():
        bucket.put_object(Bucket=BUCKET, Key=f"{hosting.name}/{key}", Body=text)
    hub = {"HubContentArn": "arn:aws:sagemaker:eu-west-1:aws:hub-content/any/Model/any/1.0.0"}
    uri = f"s3://{BUCKET}/{hosting.name}/"
    container = {"Image": "image", "ModelDataSource": source(uri, "S3Prefix", "None", HubAccessConfig=hub)}
    assert stack.deploy(resources(hosting, container)) == "CREATE_COMPLETE", stack.reasons()
    assert hosting.ask(1)["model"] == "prefix"
    bucket.put_object(Bucket=BUCKET, Key=f"{hosting.name}/name.txt", Body="changed")
    assert hosting.ask(1)["model"] == "changed"


def test_a_single_file_is_a_model_with_a_script_of_its_own(hosting: Hosting, bucket: Client) -> None:
    bucket.put_object(Bucket=BUCKET, Key=f"{hosting.name}/name.txt", Body="alone")
    script = hosting.upload({"inference.py": ECHO}, f"{hosting.name}-script.tar.gz")
    model = hosting.model(
        None,
        ModelDataSource=source(f"s3://{BUCKET}/{hosting.name}/name.txt", "S3Object", "None"),
        Environment={"SAGEMAKER_SUBMIT_DIRECTORY": script},
    )
    hosting.serve({"ModelName": model})
    assert hosting.ask(1)["model"] == "alone"


def test_data_that_went_since_says_so(hosting: Hosting, bucket: Client) -> None:
    uri = hosting.upload({"inference.py": ECHO, "name.txt": ""})
    hosting.serve({"ModelName": hosting.model(uri)})
    bucket.delete_object(Bucket=BUCKET, Key=f"{hosting.name}.tar.gz")
    assert failing(lambda: hosting.ask(1))["OriginalMessage"] == f"Could not find model data at {uri}."


def test_a_script_that_is_not_there_says_so(hosting: Hosting) -> None:
    uri = hosting.upload({"name.txt": ""})
    nowhere = f"s3://{BUCKET}/nowhere.tar.gz"
    hosting.serve({"ModelName": hosting.model(uri, Environment={"SAGEMAKER_SUBMIT_DIRECTORY": nowhere})})
    message = failing(lambda: hosting.ask(1))["OriginalMessage"]
    assert message == f"Could not find the script's archive at {nowhere} (SAGEMAKER_SUBMIT_DIRECTORY)."


def test_a_pool_may_serve_a_model_of_its_own(hosting: Hosting) -> None:
    models = {}
    for text in ("general", "special"):
        url = hosting.upload({"inference.py": ECHO, "name.txt": text}, f"{hosting.name}-{text}.tar.gz")
        models[text] = hosting.model(url, f"-{text}")
    pools = [
        {"InstanceType": "ml.g6.xlarge", "Priority": 2},
        {"InstanceType": "ml.g5.xlarge", "Priority": 1, "ModelNameOverride": models["special"]},
    ]
    variant = {
        "VariantName": "main",
        "ModelName": models["general"],
        "InitialInstanceCount": 1,
        "InstancePools": pools,
    }
    hosting.api.create_endpoint_config(EndpointConfigName=hosting.name, ProductionVariants=[variant])
    hosting.endpoint(hosting.name)
    assert hosting.ask(1)["model"] == "special"
    gone = {**variant, "InstancePools": [{**pools[0], "ModelNameOverride": "gone"}]}
    message = failing(
        lambda: hosting.api.create_endpoint_config(EndpointConfigName=f"{hosting.name}-2", ProductionVariants=[gone])
    )["Error"]["Message"]
    assert message.startswith("Could not find model")


# -- model packages


def package(hosting: Hosting, **specification: Any) -> str:
    """Register a version of a model; return its ARN."""
    hosting.api.create_model_package_group(ModelPackageGroupName=hosting.name)
    made = hosting.api.create_model_package(ModelPackageGroupName=hosting.name, **specification)
    return str(made["ModelPackageArn"])


def specification(hosting: Hosting, text: str) -> dict[str, Any]:
    url = hosting.upload({"inference.py": ECHO, "name.txt": text}, f"{hosting.name}-{text}.tar.gz")
    container = {"Image": "image", "ModelDataUrl": url, "Environment": {"MODE": "package"}}
    return {"Containers": [container], "SupportedContentTypes": ["*/*"], "SupportedResponseMIMETypes": ["*/*"]}


def test_a_model_package_runs_its_own_artifact(stack: Stack, hosting: Hosting) -> None:
    arn = package(hosting, InferenceSpecification=specification(hosting, "packaged"))
    assert stack.deploy(resources(hosting, {"ModelPackageName": arn})) == "CREATE_COMPLETE", stack.reasons()
    found = hosting.ask(1)
    assert (found["model"], found["mode"]) == ("packaged", "package")


def test_a_model_may_change_a_packages_environment_and_choose_its_specification(hosting: Hosting) -> None:
    extra = {"Name": "other", **specification(hosting, "additional")}
    arn = package(
        hosting,
        InferenceSpecification=specification(hosting, "packaged"),
        AdditionalInferenceSpecifications=[extra],
    )
    container = {"ModelPackageName": arn, "InferenceSpecificationName": "other", "Environment": {"MODE": "own"}}
    hosting.api.create_model(ModelName=hosting.name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    hosting.serve({"ModelName": hosting.name})
    found = hosting.ask(1)
    assert (found["model"], found["mode"]) == ("additional", "own")


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"ModelPackageName": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/gone/1"}, "is not on the local"),
        ({"InferenceSpecificationName": "gone"}, "has no inference specification gone."),
    ],
)
def test_a_package_that_cannot_run_deploys_and_says_so_when_it_is_asked(
    stack: Stack, hosting: Hosting, container: dict[str, Any], expected: str
) -> None:
    if "ModelPackageName" not in container:
        arn = package(hosting, InferenceSpecification=specification(hosting, "packaged"))
        container = {**container, "ModelPackageName": arn}
    assert stack.deploy(resources(hosting, container)) == "CREATE_COMPLETE", stack.reasons()
    assert expected in failing(lambda: hosting.ask(1))["OriginalMessage"]


def test_an_image_without_an_artifact_deploys_and_says_that_images_do_not_run(stack: Stack, hosting: Hosting) -> None:
    assert stack.deploy(resources(hosting, {"Image": "image:1"})) == "CREATE_COMPLETE", stack.reasons()
    assert "images (image:1) are not run" in failing(lambda: hosting.ask(1))["OriginalMessage"]
