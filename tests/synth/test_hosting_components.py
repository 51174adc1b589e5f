from __future__ import annotations

from typing import Any

from tests.synth.hosting import BASE, SHARED, Declared, hosted

COMPONENT, MODEL, CONFIG, ENDPOINT = (
    "AWS::SageMaker::InferenceComponent",
    "AWS::SageMaker::Model",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Endpoint",
)
OWN_IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/lmi:0.33"


def component(declared: Declared, kind: str, name: str) -> dict[str, Any]:
    """A component, with its properties and what it depends on."""
    found = hosted(declared, kind).resources("iris", COMPONENT)
    (only,) = [one for one in found if one["Properties"]["InferenceComponentName"] == SHARED + name]
    return only


def properties(declared: Declared, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = component(declared, kind, name)["Properties"]
    return found


def test_the_fleet_of_components_serves_no_model_and_the_config_has_the_role(declared: Declared) -> None:
    config = hosted(declared, "components").only("iris", CONFIG)
    assert config["ExecutionRoleArn"].endswith(":role/SageMaker-rc-project-a-staging-eu-west-1-ExecutionRole")
    assert config["ProductionVariants"] == [
        {
            "VariantName": "primary",
            "InstanceType": "ml.m5.xlarge",
            "InitialInstanceCount": 2,
            "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4},
        }
    ]


def test_the_fleet_gives_instances_back_as_it_is_told(declared: Declared) -> None:
    (variant,) = hosted(declared, "adapters").only("iris", CONFIG)["ProductionVariants"]
    assert variant["ManagedInstanceScaling"]["ScaleInPolicy"] == {
        "Strategy": "CONSOLIDATION",
        "MaximumStepSize": 2,
        "CooldownInMinutes": 30,
    }


def test_a_component_names_its_endpoint_by_reference_and_its_variant(declared: Declared) -> None:
    resources = hosted(declared, "components").template("iris")["Resources"]
    endpoint = next(key for key, r in resources.items() if r["Type"] == ENDPOINT)
    found = properties(declared, "components", "prices")
    assert found["EndpointName"] == {"Fn::GetAtt": [endpoint, "EndpointName"]}
    assert found["VariantName"] == "primary"


def test_each_component_serves_a_model_of_its_own_version(declared: Declared) -> None:
    assembly = hosted(declared, "components")
    resources = assembly.template("iris")["Resources"]
    seen = {}
    for name in ("primary", "memory-primary", "prices"):
        model, _ = properties(declared, "components", name)["Specification"]["ModelName"]["Fn::GetAtt"]
        seen[name] = resources[model]["Properties"]["PrimaryContainer"]["ModelDataUrl"].split("/models/")[1]
    assert seen == {
        "primary": "iris-primary/v1/model.tar.gz",
        "memory-primary": "iris-memory-primary/v3/model.tar.gz",
        "prices": "iris-prices/v1/model.tar.gz",
    }
    tags = {t["Key"]: t["Value"] for t in properties(declared, "components", "memory-primary")["Tags"]}
    assert tags["Version"] == "3"


def test_what_a_copy_takes_and_where_it_goes_is_said(declared: Declared) -> None:
    specification = properties(declared, "components", "prices")["Specification"]
    assert {k: v for k, v in specification.items() if k != "ModelName"} == {
        "ComputeResourceRequirements": {
            "MinMemoryRequiredInMb": 1024,
            "MaxMemoryRequiredInMb": 2048,
            "NumberOfCpuCoresRequired": 1,
        },
        "StartupParameters": {
            "ModelDataDownloadTimeoutInSeconds": 600,
            "ContainerStartupHealthCheckTimeoutInSeconds": 300,
        },
        "DataCacheConfig": {"EnableCaching": True},
        "SchedulingConfig": {
            "PlacementStrategy": "SPREAD",
            "AvailabilityZoneBalance": {"EnforcementMode": "PERMISSIVE", "MaxImbalance": 1},
        },
    }


def test_copies_are_replaced_batch_by_batch_behind_alarms_of_their_own(declared: Declared) -> None:
    found = properties(declared, "components", "primary")
    assert found["RuntimeConfig"] == {"CopyCount": 2}
    assert found["DeploymentConfig"]["RollingUpdatePolicy"] == {
        "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 8400,
        "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
    }
    resources = hosted(declared, "components").template("iris")["Resources"]
    references = [a["AlarmName"]["Ref"] for a in found["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]]
    assert [resources[key]["Properties"]["AlarmName"] for key in references] == [
        f"{BASE}-rollback-{what}--primary" for what in ("latency", "errors-5xx", "model-errors")
    ]


def test_an_update_all_at_once_has_no_deployment_config(declared: Declared) -> None:
    assert "DeploymentConfig" not in properties(declared, "components", "prices")


def test_an_adapter_only_has_its_artifact_and_comes_after_its_base(declared: Declared) -> None:
    resources = hosted(declared, "adapters").template("iris")["Resources"]
    adapter = component(declared, "adapters", "german")
    assert adapter["Properties"]["Specification"] == {
        "BaseInferenceComponentName": f"{SHARED}llm",
        "Container": {"ArtifactUrl": "s3://acme-models/german/adapter.tar.gz"},
    }
    bases = [resources[key]["Properties"].get("InferenceComponentName") for key in adapter["DependsOn"]]
    assert f"{SHARED}llm" in bases


def test_a_container_whose_metrics_are_scraped_stands_in_the_component(declared: Declared) -> None:
    specification = properties(declared, "adapters", "llm")["Specification"]
    assert "ModelName" not in specification
    assert specification["Container"] == {
        "Image": OWN_IMAGE,
        "ArtifactUrl": "s3://acme-models/llm/model.tar.gz",
        "ContainerMetricsConfig": {
            "MetricsEndpoints": [{"MetricsEndpointPath": "/metrics", "MetricPublishFrequencyInSeconds": 30}]
        },
    }
    assert hosted(declared, "adapters").resources("iris", MODEL) == []


def test_a_component_takes_something_else_on_each_instance_type(declared: Declared) -> None:
    found = properties(declared, "pooled", "llm")
    resources = hosted(declared, "pooled").template("iris")["Resources"]
    assert "Specification" not in found
    seen = []
    for one in found["Specifications"]:
        model = resources[one["ModelName"]["Fn::GetAtt"][0]]["Properties"]
        url = model["PrimaryContainer"]["ModelDataUrl"]
        seen.append((one["InstanceType"], one["ComputeResourceRequirements"]["MinMemoryRequiredInMb"], url))
    assert seen == [
        ("ml.g5.2xlarge", 8192, "s3://acme-models/llm/model.tar.gz"),
        ("ml.g6.2xlarge", 12288, "s3://acme-models/llm-fp8/model.tar.gz"),
    ]


def test_scraping_is_not_lost_where_instance_types_share_a_model(declared: Declared) -> None:
    scraped = {"memory": "8GB", "accelerators": 1, "scrape": {"path": "/metrics"}}
    types = ("ml.g5.2xlarge", "ml.g6.2xlarge")
    model = {"image": {"uri": OWN_IMAGE}, "artifact": "s3://acme-models/llm/model.tar.gz"}
    pools = [{"instance_type": kind, "priority": i + 1} for i, kind in enumerate(types)]
    endpoint = {
        "model": None,
        "hosting": {"instance_type": None, "pools": pools, "managed_scaling": {"min": 2, "max": 4}},
        "components": {"llm": {"model": model, "on": dict.fromkeys(types, scraped)}},
        "metrics": {"detailed": True},
    }
    found = declared(endpoint).only("iris", COMPONENT)
    assert [s["Container"]["ContainerMetricsConfig"]["MetricsEndpoints"] for s in found["Specifications"]] == [
        [{"MetricsEndpointPath": "/metrics"}],
        [{"MetricsEndpointPath": "/metrics"}],
    ]


def test_overrides_reach_a_component(declared: Declared) -> None:
    endpoint = {
        "model": None,
        "hosting": {"instance_type": "ml.m5.xlarge"},
        "components": {
            "a": {"model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}, "memory": "1GB", "cpus": 1}
        },
        "overrides": {
            "components": {"a": {"Specification": {"StartupParameters": {"ModelDataDownloadTimeoutInSeconds": 99}}}}
        },
    }
    specification = declared(endpoint).only("iris", COMPONENT)["Specification"]
    assert specification["StartupParameters"] == {"ModelDataDownloadTimeoutInSeconds": 99}
    assert specification["ComputeResourceRequirements"]["MinMemoryRequiredInMb"] == 1024


def test_in_development_each_component_has_a_log_group_that_goes_with_it(declared: Declared) -> None:
    endpoint = {
        "model": None,
        "hosting": {"instance_type": "ml.m5.xlarge"},
        "components": {
            "a": {"model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}, "memory": "1GB", "cpus": 1}
        },
    }
    assembly = declared(endpoint, environment="dev")
    logs = {r["Properties"]["LogGroupName"]: r for r in assembly.resources("iris", "AWS::Logs::LogGroup")}
    name = "/aws/sagemaker/InferenceComponents/rc-project-a-dev-iris--a"
    assert set(logs) == {"/aws/sagemaker/Endpoints/rc-project-a-dev-iris-ep", name}
    assert (logs[name]["Properties"]["RetentionInDays"], logs[name]["DeletionPolicy"]) == (14, "Delete")
    (only,) = assembly.resources("iris", COMPONENT)
    resources = assembly.template("iris")["Resources"]
    assert name in [resources[key]["Properties"].get("LogGroupName") for key in only["DependsOn"]]


def test_where_guarded_log_groups_are_not_the_endpoints(declared: Declared) -> None:
    assert hosted(declared, "components").resources("iris", "AWS::Logs::LogGroup") == []
