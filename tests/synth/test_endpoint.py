from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Synthesized = Callable[[str], Any]
Declared = Callable[..., Any]

MODEL, CONFIG, ENDPOINT = (
    "AWS::SageMaker::Model",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Endpoint",
)
ALARM = "AWS::CloudWatch::Alarm"
TARGET, POLICY = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
)


def deployment(assembly: Any) -> dict[str, Any]:
    config: dict[str, Any] = assembly.only("iris", ENDPOINT)["DeploymentConfig"]
    return config


def alarms(assembly: Any, *, rollback: bool) -> dict[str, dict[str, Any]]:
    found = {}
    for resource in assembly.resources("iris", ALARM):
        name = resource["Properties"]["AlarmName"].removeprefix(assembly.environment.names.endpoint("iris") + "-")
        if name.startswith("rollback-") == rollback:
            found[name.removeprefix("rollback-")] = resource["Properties"]
    return found


def dimensions(alarm: dict[str, Any]) -> dict[str, Any]:
    return {d["Name"]: d["Value"] for d in alarm["Dimensions"]}


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_models_and_configs_have_no_names_of_their_own_and_stay_when_replaced(
    synthesized: Synthesized, name: str
) -> None:
    for kind, key in ((MODEL, "ModelName"), (CONFIG, "EndpointConfigName")):
        for resource in synthesized(name).resources("iris", kind):
            assert key not in resource["Properties"]
            assert resource["UpdateReplacePolicy"] == "Retain"
            assert resource["DeletionPolicy"] == ("Delete" if name == "dev" else "RetainExceptOnCreate")


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_the_version_is_a_tag_of_what_belongs_to_it(synthesized: Synthesized, name: str) -> None:
    assembly = synthesized(name)
    for resource in assembly.template("iris")["Resources"].values():
        tags = {t["Key"]: t["Value"] for t in resource["Properties"].get("Tags", [])}
        if resource["Type"] in (MODEL, CONFIG, ENDPOINT):
            assert tags["Version"] == "1"
        else:
            assert "Version" not in tags
        if tags:
            expected = {"Team": "rc", "Project": "project-a", "Environment": name, "Model": "iris"}
            assert expected.items() <= tags.items()


def test_every_taggable_resource_of_an_endpoint_is_tagged(synthesized: Synthesized) -> None:
    untagged = {
        r["Type"] for r in synthesized("prod").template("iris")["Resources"].values() if "Tags" not in r["Properties"]
    }
    assert untagged == {POLICY, "AWS::CloudWatch::Dashboard"}


def test_the_stack_carries_the_tags_as_well(synthesized: Synthesized) -> None:
    assembly = synthesized("prod")
    manifest = json.loads((assembly.folder / "manifest.json").read_text())
    tags = manifest["artifacts"][assembly.environment.names.stack("iris")]["properties"]["tags"]
    assert tags == {"Team": "rc", "Project": "project-a", "Environment": "prod", "Model": "iris"}


def test_the_endpoint_has_its_conventional_name_and_keeps_what_autoscaling_set(
    synthesized: Synthesized,
) -> None:
    endpoint = synthesized("prod").only("iris", ENDPOINT)
    assert endpoint["EndpointName"] == "rc-project-a-prod-iris-ep"
    assert endpoint["RetainAllVariantProperties"] is True


def test_apply_capacity_lets_an_update_reset_the_counts(declared: Declared) -> None:
    endpoint = declared({"deployment": {"strategy": "rolling", "apply_capacity": True}}).only("iris", ENDPOINT)
    assert "RetainAllVariantProperties" not in endpoint


def test_a_canary_takes_the_declared_size_and_waits(synthesized: Synthesized) -> None:
    assert deployment(synthesized("prod"))["BlueGreenUpdatePolicy"] == {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 600,
        },
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 2700,
    }


def test_rolling_is_the_default_where_guarded(declared: Declared) -> None:
    config = deployment(declared({}))
    assert config["RollingUpdatePolicy"] == {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 8400,
        "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
    }
    assert "BlueGreenUpdatePolicy" not in config


def test_linear_steps_where_no_count_fits_every_fleet_become_a_percentage(
    declared: Declared,
) -> None:
    fleet = {"deployment": {"strategy": "linear"}, "scaling": {"min": 2, "max": 40}}
    routing = deployment(declared(fleet))["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing == {
        "Type": "LINEAR",
        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        "WaitIntervalInSeconds": 300,
    }


def test_all_at_once_has_no_step_but_the_interval_that_the_api_asks_for(
    synthesized: Synthesized,
) -> None:
    config = deployment(synthesized("dev"))
    assert config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"] == {
        "Type": "ALL_AT_ONCE",
        "WaitIntervalInSeconds": 0,
    }
    assert "AutoRollbackConfiguration" not in config


def test_rollback_alarms_see_the_new_fleet_only(synthesized: Synthesized) -> None:
    assembly = synthesized("prod")
    config = next(key for key, r in assembly.template("iris")["Resources"].items() if r["Type"] == CONFIG)
    found = alarms(assembly, rollback=True)
    assert set(found) == {"latency", "errors-5xx", "model-errors"}
    for alarm in found.values():
        assert dimensions(alarm) == {
            "EndpointName": "rc-project-a-prod-iris-ep",
            "VariantName": "primary",
            "EndpointConfigName": {"Fn::GetAtt": [config, "EndpointConfigName"]},
        }
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 600


def test_the_endpoint_names_its_rollback_alarms_by_reference(synthesized: Synthesized) -> None:
    assembly = synthesized("prod")
    resources = assembly.template("iris")["Resources"]
    named = [a["AlarmName"]["Ref"] for a in deployment(assembly)["AutoRollbackConfiguration"]["Alarms"]]
    assert {resources[key]["Properties"]["AlarmName"] for key in named} == {
        f"rc-project-a-prod-iris-ep-rollback-{what}" for what in ("latency", "errors-5xx", "model-errors")
    }


def test_operating_alarms_watch_the_whole_variant_and_go_to_the_topic(
    synthesized: Synthesized,
) -> None:
    for alarm in alarms(synthesized("prod"), rollback=False).values():
        assert dimensions(alarm) == {
            "EndpointName": "rc-project-a-prod-iris-ep",
            "VariantName": "primary",
        }
        assert alarm["AlarmActions"] == ["arn:aws:sns:eu-west-1:123456789012:rc-project-a-prod-alarms"]
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (300, 2)


def test_levels_are_in_the_metrics_own_units(declared: Declared) -> None:
    assembly = declared({"hosting": {"instance_type": "ml.g5.12xlarge"}, "alarms": {"latency": "5s"}})
    found = alarms(assembly, rollback=False)
    read = {
        key: (
            a["Namespace"],
            a["MetricName"],
            a.get("Statistic", a.get("ExtendedStatistic")),
            a["Threshold"],
        )
        for key, a in found.items()
    }
    assert read == {
        "latency": ("AWS/SageMaker", "ModelLatency", "p95", 5_000_000),
        "overhead": ("AWS/SageMaker", "OverheadLatency", "p95", 200_000),
        "errors-4xx": ("AWS/SageMaker", "Invocation4XXErrors", "Average", 0.01),
        "errors-5xx": ("AWS/SageMaker", "Invocation5XXErrors", "Average", 0.001),
        "model-errors": ("AWS/SageMaker", "InvocationModelErrors", "Average", 0.01),
        "cpu": ("/aws/sagemaker/Endpoints", "CPUUtilization", "Average", 80 * 48),
        "memory": ("/aws/sagemaker/Endpoints", "MemoryUtilization", "Average", 80),
        "disk": ("/aws/sagemaker/Endpoints", "DiskUtilization", "Average", 80),
        "gpu": ("/aws/sagemaker/Endpoints", "GPUUtilization", "Average", 320),
        "gpu-memory": ("/aws/sagemaker/Endpoints", "GPUMemoryUtilization", "Average", 320),
        "surge": ("AWS/SageMaker", "Invocations", "Sum", 1000),
    }


def test_a_machine_without_gpu_has_no_gpu_alarms(synthesized: Synthesized) -> None:
    assert not {"gpu", "gpu-memory"} & set(alarms(synthesized("prod"), rollback=False))


def test_a_figure_of_the_metric_itself_makes_no_gpu_alarm_where_there_is_no_gpu(declared: Declared) -> None:
    levels = {"cpu": 150, "gpu": 90, "gpu_memory": 90}
    assert {"cpu"} == {"cpu", "gpu", "gpu-memory"} & set(alarms(declared({"alarms": levels}), rollback=False))
    with_gpu = declared({"alarms": levels, "hosting": {"instance_type": "ml.g5.12xlarge"}})
    assert alarms(with_gpu, rollback=False)["gpu"]["Threshold"] == 90


def test_an_alarm_that_is_off_is_not_there_and_the_rollback_alarm_keeps_its_default(
    declared: Declared,
) -> None:
    assembly = declared({"alarms": {"latency": False, "cpu": False}})
    assert not {"latency", "cpu"} & set(alarms(assembly, rollback=False))
    assert alarms(assembly, rollback=True)["latency"]["Threshold"] == 1_000_000


def test_scaling_tracks_seventy_requests_a_minute_between_the_limits(declared: Declared) -> None:
    assembly = declared({})
    target = assembly.only("iris", TARGET)
    assert {k: v for k, v in target.items() if k != "Tags"} == {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": "endpoint/rc-project-a-staging-iris-ep/variant/primary",
        "MinCapacity": 2,
        "MaxCapacity": 4,
    }
    assert assembly.only("iris", POLICY)["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 70,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "ScaleOutCooldown": 60,
        "ScaleInCooldown": 300,
    }


def test_scaling_waits_for_the_endpoint(declared: Declared) -> None:
    resources = declared({}).template("iris")["Resources"]
    endpoint = next(key for key, r in resources.items() if r["Type"] == ENDPOINT)
    assert next(r for r in resources.values() if r["Type"] == TARGET)["DependsOn"] == [endpoint]


def test_a_share_of_the_machine_is_a_hundred_for_each_core_or_gpu(declared: Declared) -> None:
    scaling = {"min": 2, "max": 4, "cpu": "60%", "gpu": "50%", "concurrency": 5}
    assembly = declared({"hosting": {"instance_type": "ml.g5.12xlarge"}, "scaling": scaling})
    targets = {}
    for resource in assembly.resources("iris", POLICY):
        policy = resource["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        spec = policy.get("CustomizedMetricSpecification") or policy["PredefinedMetricSpecification"]
        targets[spec.get("MetricName") or spec["PredefinedMetricType"]] = policy["TargetValue"]
        if "Namespace" in spec:
            assert spec["Namespace"] == "/aws/sagemaker/Endpoints"
            assert {d["Name"] for d in spec["Dimensions"]} == {"EndpointName", "VariantName"}
    assert targets == {
        "CPUUtilization": 60 * 48,
        "GPUUtilization": 200,
        "SageMakerVariantConcurrentRequestsPerModelHighResolution": 5,
    }


def test_schedules_change_the_limits(synthesized: Synthesized) -> None:
    target = synthesized("prod").only("iris", TARGET)
    assert target["ScheduledActions"][0] == {
        "ScheduledActionName": "morning",
        "Schedule": "cron(0 7 ? * MON-FRI *)",
        "Timezone": "Europe/Berlin",
        "ScalableTargetAction": {"MinCapacity": 6, "MaxCapacity": 12},
    }


def test_hosting_options_reach_the_variant(declared: Declared) -> None:
    hosting = {
        "instance_type": "ml.m5.large",
        "volume": "40GB",
        "kms_key": "alias/mine",
        "download_timeout": "10m",
        "startup_timeout": "5m",
        "routing": "least_outstanding_requests",
        "ami": "al2-ami-sagemaker-inference-gpu-2",
    }
    config = declared({"hosting": hosting}).only("iris", CONFIG)
    (variant,) = config["ProductionVariants"]
    assert config["KmsKeyId"] == "alias/mine"
    assert {k: v for k, v in variant.items() if k != "ModelName"} == {
        "VariantName": "primary",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
        "InitialVariantWeight": 1,
        "VolumeSizeInGB": 40,
        "ModelDataDownloadTimeoutInSeconds": 600,
        "ContainerStartupHealthCheckTimeoutInSeconds": 300,
        "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }


def test_volumes_are_encrypted_where_guarded_and_the_type_allows_it(declared: Declared) -> None:
    assert declared({}).only("iris", CONFIG)["KmsKeyId"] == "alias/rc-project-a-staging"
    assert "KmsKeyId" not in declared({"hosting": {"instance_type": "ml.g5.12xlarge"}}).only("iris", CONFIG)


def test_a_model_is_reached_by_script_network_isolation_and_environment(declared: Declared) -> None:
    model = {
        "image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"},
        "script": "inference.py",
        "network_isolation": True,
        "environment": {"LOG_LEVEL": "debug"},
    }
    properties = declared({"model": model}).only("iris", MODEL)
    assert properties["EnableNetworkIsolation"] is True
    assert properties["PrimaryContainer"] == {
        "Image": "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3",
        "ModelDataUrl": "s3://acme-sm-rc-project-a-staging-eu-west-1/models/iris/v1/model.tar.gz",
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "LOG_LEVEL": "debug",
        },
    }


def test_a_prefix_is_an_uncompressed_model(declared: Declared) -> None:
    model = {
        "image": {"uri": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/mine:3"},
        "artifact": "s3://elsewhere/llm/v3/",
    }
    container = declared({"model": model}).only("iris", MODEL)["PrimaryContainer"]
    assert container == {
        "Image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/mine:3",
        "ModelDataSource": {
            "S3DataSource": {
                "CompressionType": "None",
                "S3DataType": "S3Prefix",
                "S3Uri": "s3://elsewhere/llm/v3/",
            }
        },
    }


def test_an_image_of_the_own_repository_is_pinned_by_digest(declared: Declared) -> None:
    digest = "sha256:" + "a" * 64
    model = {"image": {"repository": "iris", "digest": digest}}
    container = declared({"model": model}, repositories=["iris"]).only("iris", MODEL)["PrimaryContainer"]
    assert container["Image"] == f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/rc-project-a-staging-iris@{digest}"


def test_two_variants_share_the_traffic_by_weight(declared: Declared) -> None:
    image = {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}
    variants = {
        "current": {
            "model": {"image": image},
            "hosting": {"instance_type": "ml.m5.large"},
            "weight": 90,
        },
        "challenger": {
            "model": {"image": image, "version": 2},
            "hosting": {"instance_type": "ml.m5.large"},
            "weight": 10,
        },
    }
    endpoint = {
        "model": None,
        "hosting": None,
        "variants": variants,
        "deployment": {"strategy": "canary"},
    }
    assembly = declared(endpoint)
    weights = {v["VariantName"]: v["InitialVariantWeight"] for v in assembly.only("iris", CONFIG)["ProductionVariants"]}
    assert weights == {"current": 90, "challenger": 10}
    versions = {
        next(t["Value"] for t in r["Properties"]["Tags"] if t["Key"] == "Version")
        for r in assembly.resources("iris", MODEL)
    }
    assert versions == {"1", "2"}
    assert len(assembly.resources("iris", TARGET)) == 2
    assert len(deployment(assembly)["AutoRollbackConfiguration"]["Alarms"]) == 6


def test_the_log_group_goes_with_the_endpoint_in_development_and_stays_where_guarded(
    synthesized: Synthesized,
) -> None:
    (log,) = synthesized("dev").resources("iris", "AWS::Logs::LogGroup")
    assert log["Properties"]["LogGroupName"] == "/aws/sagemaker/Endpoints/rc-project-a-dev-iris-ep"
    assert (log["Properties"]["RetentionInDays"], log["DeletionPolicy"]) == (14, "Delete")
    assert synthesized("prod").resources("iris", "AWS::Logs::LogGroup") == []
    (log,) = synthesized("prod").resources("foundation", "AWS::Logs::LogGroup")
    assert (log["Properties"]["RetentionInDays"], log["DeletionPolicy"]) == (
        90,
        "RetainExceptOnCreate",
    )


def test_the_dashboard_shows_the_key_metrics_and_the_alarms(synthesized: Synthesized) -> None:
    dashboard = synthesized("prod").only("iris", "AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == "rc-project-a-prod-iris-eu-west-1"
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    metrics = {(line[0], line[1]) for w in widgets if w["type"] == "metric" for line in w["properties"]["metrics"]}
    wanted = (
        "ModelLatency",
        "OverheadLatency",
        "Invocations",
        "InvocationsPerInstance",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
    )
    assert {("AWS/SageMaker", m) for m in wanted} <= metrics
    assert {("/aws/sagemaker/Endpoints", m) for m in ("CPUUtilization", "MemoryUtilization")} <= metrics
    (status,) = [w for w in widgets if w["type"] == "alarm"]
    assert len(status["properties"]["alarms"]) == 12
    assert all(w["x"] + w["width"] <= 24 for w in widgets)


def test_dashboards_can_be_left_out(declared: Declared) -> None:
    assert declared({"dashboard": False}).resources("iris", "AWS::CloudWatch::Dashboard") == []


def test_the_environment_has_a_dashboard_of_its_own(synthesized: Synthesized) -> None:
    dashboard = synthesized("prod").only("operations", "AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == "rc-project-a-prod-eu-west-1"
    assert "rc-project-a-prod-iris-ep" in dashboard["DashboardBody"]
