from __future__ import annotations

from typing import Any

import pytest

from tests.synth.hosting import BASE, ENDPOINTS, NETWORK, Declared, hosted

MODEL, CONFIG, ENDPOINT = (
    "AWS::SageMaker::Model",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Endpoint",
)
BUCKET = "acme-sm-rc-project-a-staging-eu-west-1"
SKLEARN = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
OWN_IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/lmi:0.33"


def config(declared: Declared, kind: str) -> dict[str, Any]:
    return hosted(declared, kind).only("iris", CONFIG)


def variant(declared: Declared, kind: str) -> dict[str, Any]:
    (only,) = config(declared, kind)["ProductionVariants"]
    found: dict[str, Any] = only
    return found


def container(declared: Declared, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = hosted(declared, kind).only("iris", MODEL)["PrimaryContainer"]
    return found


def test_a_shadow_gets_its_share_beside_the_only_production_variant(declared: Declared) -> None:
    found = config(declared, "shadow")
    assert [(v["VariantName"], v["InitialVariantWeight"]) for v in found["ProductionVariants"]] == [("primary", 1)]
    assert [(v["VariantName"], v["InitialVariantWeight"]) for v in found["ShadowProductionVariants"]] == [
        ("shadow", 0.5)
    ]
    assert len(hosted(declared, "shadow").resources("iris", MODEL)) == 2


def test_a_shadow_is_not_scaled_and_no_alarm_watches_it(declared: Declared) -> None:
    assembly = hosted(declared, "shadow")
    assert len(assembly.resources("iris", "AWS::ApplicationAutoScaling::ScalableTarget")) == 1
    for alarm in assembly.resources("iris", "AWS::CloudWatch::Alarm"):
        assert {"Name": "VariantName", "Value": "shadow"} not in alarm["Properties"]["Dimensions"]


@pytest.mark.parametrize(
    ("kind", "cache", "prefix"),
    [("many", "Enabled", f"s3://{BUCKET}/models/many/"), ("uncached", "Disabled", "s3://acme-models/many/")],
)
def test_a_multi_model_container_gets_a_prefix_as_a_plain_url(
    declared: Declared, kind: str, cache: str, prefix: str
) -> None:
    found = container(declared, kind)
    assert (found["Mode"], found["ModelDataUrl"]) == ("MultiModel", prefix)
    assert found["MultiModelConfig"] == {"ModelCacheSetting": cache}
    assert "ModelDataSource" not in found


@pytest.mark.parametrize(("kind", "mode"), [("chain", "Serial"), ("direct", "Direct")])
def test_a_pipeline_has_its_containers_in_order_under_their_names(declared: Declared, kind: str, mode: str) -> None:
    model = hosted(declared, kind).only("iris", MODEL)
    assert "PrimaryContainer" not in model
    assert [c["ContainerHostname"] for c in model["Containers"]] == ["scale", "predict"]
    assert model["InferenceExecutionConfig"] == {"Mode": mode}


def test_each_container_of_a_pipeline_downloads_its_own_artifact_of_its_own_version(declared: Declared) -> None:
    model = hosted(declared, "chain").only("iris", MODEL)
    assert [c["ModelDataUrl"] for c in model["Containers"]] == [
        f"s3://{BUCKET}/models/iris-scale/v1/model.tar.gz",
        f"s3://{BUCKET}/models/iris-predict/v7/model.tar.gz",
    ]


def test_a_serverless_variant_has_memory_and_concurrency_and_no_instances(declared: Declared) -> None:
    found = variant(declared, "serverless")
    assert {k: v for k, v in found.items() if k != "ModelName"} == {
        "VariantName": "primary",
        "InitialVariantWeight": 1,
        "ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": 5},
    }
    assert "KmsKeyId" not in config(declared, "serverless")


def test_warm_capacity_is_said_in_the_config_from_which_scaling_starts(declared: Declared) -> None:
    assert variant(declared, "warm")["ServerlessConfig"] == {
        "MemorySizeInMB": 2048,
        "MaxConcurrency": 10,
        "ProvisionedConcurrency": 2,
    }


@pytest.mark.parametrize("kind", ["serverless", "warm", "components", "adapters", "pooled"])
def test_an_endpoint_without_guardrails_has_no_deployment_config(declared: Declared, kind: str) -> None:
    endpoint = hosted(declared, kind).only("iris", ENDPOINT)
    assert not {"DeploymentConfig", "RetainAllVariantProperties", "ExcludeRetainedVariantProperties"} & set(endpoint)


def test_asynchronous_answers_go_under_prefixes_of_the_bucket_and_to_topics(declared: Declared) -> None:
    assert config(declared, "asynchronous")["AsyncInferenceConfig"] == {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
        "OutputConfig": {
            "S3OutputPath": f"s3://{BUCKET}/async/iris/out/",
            "S3FailurePath": f"s3://{BUCKET}/async/iris/failed/",
            "KmsKeyId": "alias/answers",
            "NotificationConfig": {
                "SuccessTopic": "arn:aws:sns:eu-west-1:111122223333:rc-project-a-staging-results",
                "ErrorTopic": "arn:aws:sns:eu-west-1:111122223333:elsewhere",
                "IncludeInferenceResponseIn": ["ERROR_NOTIFICATION_TOPIC"],
            },
        },
    }


def test_asynchronous_answers_can_go_elsewhere_and_to_nobody(declared: Declared) -> None:
    assert config(declared, "sleeping")["AsyncInferenceConfig"] == {
        "OutputConfig": {"S3OutputPath": "s3://acme-answers/iris/", "S3FailurePath": f"s3://{BUCKET}/failures/iris/"}
    }


def test_data_capture_says_how_much_of_what_goes_where(declared: Declared) -> None:
    assert config(declared, "observed")["DataCaptureConfig"] == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": f"s3://{BUCKET}/capture",
        "KmsKeyId": "alias/captured",
        "CaptureOptions": [{"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (
            "observed",
            {
                "EnableEnhancedMetrics": True,
                "EnableDetailedObservability": False,
                "MetricPublishFrequencyInSeconds": 10,
            },
        ),
        (
            "adapters",
            {
                "EnableEnhancedMetrics": False,
                "EnableDetailedObservability": True,
                "MetricPublishFrequencyInSeconds": 30,
            },
        ),
    ],
)
def test_enhanced_metrics_say_every_setting_since_a_default_has_changed(
    declared: Declared, kind: str, wanted: dict[str, Any]
) -> None:
    assert config(declared, kind)["MetricsConfig"] == wanted


def test_an_explainer_has_a_baseline_and_reads_the_features(declared: Declared) -> None:
    assert config(declared, "explained")["ExplainerConfig"] == {
        "ClarifyExplainerConfig": {
            "EnableExplanations": "`true`",
            "InferenceConfig": {"FeatureHeaders": ["a", "b", "c", "d"], "ProbabilityIndex": 0, "MaxRecordCount": 10},
            "ShapConfig": {
                "ShapBaselineConfig": {"MimeType": "text/csv", "ShapBaseline": "1,2,3,4"},
                "NumberOfSamples": 100,
                "Seed": 7,
                "UseLogit": True,
            },
        }
    }


@pytest.mark.parametrize("kind", sorted(set(ENDPOINTS) - {"observed", "explained", "adapters"}))
def test_what_is_not_declared_is_not_in_the_config(declared: Declared, kind: str) -> None:
    assert not {"DataCaptureConfig", "ExplainerConfig", "MetricsConfig"} & set(config(declared, kind))


def test_a_fleet_of_several_types_has_them_by_priority_and_no_single_one(declared: Declared) -> None:
    found = variant(declared, "options")
    assert "InstanceType" not in found
    assert found["InstancePools"] == [
        {"InstanceType": "ml.m5.xlarge", "Priority": 2},
        {"InstanceType": "ml.m5.large", "Priority": 1},
    ]


def test_options_of_a_fleet_reach_its_variant(declared: Declared) -> None:
    found = variant(declared, "options")
    assert found["VariantInstanceProvisionTimeoutInSeconds"] == 1200
    assert found["CoreDumpConfig"] == {"DestinationS3Uri": f"s3://{BUCKET}/dumps/", "KmsKeyId": "alias/dumps"}
    assert found["EnableSSMAccess"] is True
    assert found["RoutingConfig"] == {
        "RoutingStrategy": "PREFIX_AWARE",
        "PrefixAwareRoutingConfig": {"ConcurrencyThreshold": 64, "PrefixLength": 4096},
    }


def test_reserved_capacity_is_the_only_one_that_is_used(declared: Declared) -> None:
    found = variant(declared, "reserved")
    assert found["CapacityReservationConfig"] == {
        "CapacityReservationPreference": "capacity-reservations-only",
        "MlReservationArn": "arn:aws:sagemaker:eu-west-1:111122223333:training-plan/mine",
    }
    assert found["InferenceAmiVersion"] == "al2-ami-sagemaker-inference-gpu-2"
    assert "KmsKeyId" not in config(declared, "reserved")


def test_an_image_of_a_private_registry_is_pulled_through_the_network_with_its_login(declared: Declared) -> None:
    model = hosted(declared, "private").only("iris", MODEL)
    assert model["PrimaryContainer"] == {
        "Image": "registry.example.com/mine:3",
        "ImageConfig": {
            "RepositoryAccessMode": "Vpc",
            "RepositoryAuthConfig": {
                "RepositoryCredentialsProviderArn": "arn:aws:lambda:eu-west-1:111122223333:function:login"
            },
        },
    }
    assert model["VpcConfig"] == {"SecurityGroupIds": NETWORK["security_groups"], "Subnets": NETWORK["subnets"]}


def test_a_model_package_brings_image_and_artifact(declared: Declared) -> None:
    assert container(declared, "package") == {
        "ModelPackageName": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/4",
        "InferenceSpecificationName": "cpu",
    }


def test_content_of_a_hub_names_itself_and_the_accepted_agreement(declared: Declared) -> None:
    assert container(declared, "hub") == {
        "Image": OWN_IMAGE,
        "ModelDataSource": {
            "S3DataSource": {
                "CompressionType": "None",
                "S3DataType": "S3Prefix",
                "S3Uri": "s3://jumpstart-private-cache-prod-eu-west-1/meta/llama/",
                "HubAccessConfig": {
                    "HubContentArn": "arn:aws:sagemaker:eu-west-1:aws:hub-content/SageMakerPublicHub/Model/llama/1.0.0"
                },
                "ModelAccessConfig": {"AcceptEula": True},
            }
        },
    }


def test_overrides_are_merged_and_an_item_of_a_list_goes_by_its_position(declared: Declared) -> None:
    found = variant(declared, "overridden")
    assert (found["VolumeSizeInGB"], found["RoutingConfig"]) == (99, {"RoutingStrategy": "RANDOM"})
    assert (found["VariantName"], found["InstanceType"], found["InitialInstanceCount"]) == ("primary", "ml.m5.large", 2)
    model = container(declared, "overridden")
    assert (model["Image"], model["ContainerHostname"]) == (SKLEARN, "mine")
    assert model["Environment"] == {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "A": "b",
    }


def test_overrides_change_one_setting_of_the_endpoint_and_leave_the_others(declared: Declared) -> None:
    policy = hosted(declared, "overridden").only("iris", ENDPOINT)["DeploymentConfig"]["RollingUpdatePolicy"]
    assert policy == {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 900,
        "MaximumExecutionTimeoutInSeconds": 8400,
        "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
    }


ALL = {"DesiredInstanceCount", "DesiredWeight"}
CANARY = {"strategy": "canary"}


@pytest.mark.parametrize(
    ("kind", "deployment", "kept"),
    [
        ("instances", {}, ALL),
        ("instances", {"apply_capacity": True}, set()),
        ("instances", {"apply_capacity": True, "apply_weights": False}, set()),
        ("variants", {}, {"DesiredInstanceCount"}),
        ("variants", {"apply_weights": False}, ALL),
        ("variants", {"apply_capacity": True}, set()),
        ("variants", {"apply_capacity": True, "apply_weights": False}, {"DesiredWeight"}),
        ("shadow", {}, {"DesiredInstanceCount"}),
        ("shadow", {"apply_weights": False}, ALL),
    ],
)
def test_an_update_keeps_live_counts_and_applies_declared_weights_unless_told_otherwise(
    declared: Declared, kind: str, deployment: dict[str, Any], kept: set[str]
) -> None:
    given = {**ENDPOINTS[kind], "deployment": {**CANARY, **deployment}}
    endpoint = declared(given).only("iris", ENDPOINT)
    excluded = {one["VariantPropertyType"] for one in endpoint.get("ExcludeRetainedVariantProperties", [])}
    assert (ALL - excluded if endpoint.get("RetainAllVariantProperties") else set()) == kept
    # An empty list, or one without the flag, is refused by the API.
    assert ("ExcludeRetainedVariantProperties" in endpoint) == bool(excluded)


def test_without_autoscaling_every_update_sets_the_declared_counts(declared: Declared) -> None:
    endpoint = declared({**ENDPOINTS["variants"], "scaling": None}).only("iris", ENDPOINT)
    assert "RetainAllVariantProperties" not in endpoint


def test_the_endpoint_is_called_alike_in_every_mode(declared: Declared) -> None:
    assert {hosted(declared, kind).only("iris", ENDPOINT)["EndpointName"] for kind in ENDPOINTS} == {BASE}
