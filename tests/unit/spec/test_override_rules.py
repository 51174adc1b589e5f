"""Every mistake in `overrides` is found where it stands, by what CloudFormation's schemas say."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from slipway.spec import cloudformation
from slipway.spec.errors import ConfigError
from slipway.spec.load import from_mapping

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Config

MODEL = "{image: {framework: sklearn, tag: 1.4-2-cpu-py3}, artifact: s3://bucket/model.tar.gz}"
HERE = "prod.yaml:7: endpoints.iris.overrides"
POOLS = "hosting: {instance_type: null, pools: [{instance_type: ml.m5.large, priority: 1}]}\nscaling: null\n"
COMPONENTS = (
    "model: null\nscaling: null\n"
    f"components: {{prices: {{model: {MODEL}, memory: 1GB, cpus: 1.0, copies: 2, scrape: {{path: /metrics}}}}, "
    f"rates: {{model: {MODEL}, memory: 1GB, cpus: 1.0, copies: 2}}}}\n"
)

#: What is wrong, what prod says about the endpoint (the overrides in line 7), where it is found, and what the message says.
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # names of properties
    "misspelt property": ("{config: {DataCaptureConfg: {}}}", "config.DataCaptureConfg", ("is unknown: did you mean DataCaptureConfig?", "known here: AsyncInferenceConfig,", "CFN:EndpointConfig")),
    "unknown property": ("{endpoint: {Xyz: 1}}", "endpoint.Xyz", ("is unknown: (known here: DeploymentConfig,", "CFN:Endpoint")),
    "misspelt in a mapping": ("{endpoint: {DeploymentConfig: {RollingUpdatePolicy: {WaitSeconds: 1}}}}", "endpoint.DeploymentConfig.RollingUpdatePolicy.WaitSeconds", ("did you mean WaitIntervalInSeconds?",)),
    "misspelt in an item": ("{config: {ProductionVariants: {0: {VolumeSize: 30}}}}", "config.ProductionVariants.0.VolumeSize", ("did you mean VolumeSizeInGB?",)),
    "misspelt in a new item": ("{models: {primary: {Containers: [{Imag: x}]}}}", "models.primary.Containers[0].Imag", ("did you mean Image?", "CFN:Model")),
    "read-only property": ("{config: {EndpointConfigArn: x}}", "config.EndpointConfigArn", ("is read-only: CloudFormation says it", "remove it")),
    # values
    "text for a number": ("{config: {ProductionVariants: {0: {VolumeSizeInGB: '30'}}}}", "config.ProductionVariants.0.VolumeSizeInGB", ("'30' is not a whole number",)),
    "half for a whole number": ("{config: {ProductionVariants: {0: {VolumeSizeInGB: 1.5}}}}", "config.ProductionVariants.0.VolumeSizeInGB", ("1.5 is not a whole number",)),
    "truth for a number": ("{config: {ProductionVariants: {0: {VolumeSizeInGB: true}}}}", "config.ProductionVariants.0.VolumeSizeInGB", ("true is not a whole number",)),
    "number for a truth": ("{endpoint: {RetainDeploymentConfig: 1}}", "endpoint.RetainDeploymentConfig", ("1 is not true or false",)),
    "number for text": ("{config: {EndpointConfigName: 1}}", "config.EndpointConfigName", ("1 is not text: write it in quotes",)),
    "list for a mapping": ("{endpoint: {DeploymentConfig: []}}", "endpoint.DeploymentConfig", ("a list is not a mapping",)),
    "text for a mapping": ("{endpoint: {DeploymentConfig: rolling}}", "endpoint.DeploymentConfig", ("'rolling' is not a mapping",)),
    "text for a list": ("{config: {ProductionVariants: one}}", "config.ProductionVariants", ("'one' is not a list",)),
    "too large": ("{config: {ProductionVariants: {0: {VolumeSizeInGB: 513}}}}", "config.ProductionVariants.0.VolumeSizeInGB", ("513 is out of range: 1 to 512 (CFN:EndpointConfig)",)),
    "too small": ("{config: {ProductionVariants: {0: {InitialVariantWeight: -1}}}}", "config.ProductionVariants.0.InitialVariantWeight", ("-1 is out of range: at least 0",)),
    "too long": (f"{{models: {{primary: {{PrimaryContainer: {{Image: {'x' * 256}}}}}}}}}", "models.primary.PrimaryContainer.Image", ("has 256 characters is out of range: 0 to 255 characters",)),
    "none of the allowed": ("{models: {primary: {PrimaryContainer: {Mode: Multi}}}}", "models.primary.PrimaryContainer.Mode", ("'Multi' is none of the allowed values (one of SingleModel, MultiModel; CFN:Model)",)),
    "wrong pattern": ("{config: {EndpointConfigName: my_config}}", "config.EndpointConfigName", ("'my_config' does not match ^[a-zA-Z0-9]",)),
    "too many items": (f"{{models: {{primary: {{Containers: [{', '.join(['{}'] * 16)}]}}}}}}", "models.primary.Containers", ("has 16 items: at most 15 (CFN:Model)",)),
    # positions
    "word for a position": ("{config: {ProductionVariants: {primary: {VolumeSizeInGB: 30}}}}", "config.ProductionVariants.primary", ("'primary' is no position: items are counted from 0",)),
    "position behind a gap": ("{config: {ProductionVariants: {2: {VariantName: x}}}}", "config.ProductionVariants.2", ("there is 1 item: write 0, or 1 to add one",)),
    "position where there is no list": ("{config: {ShadowProductionVariants: {0: {VolumeSizeInGB: 30}}}}", "config.ShadowProductionVariants", ("there is no list here", "write a list")),
    # what is missing
    "half a new mapping": ("{config: {DataCaptureConfig: {EnableCapture: true}}}", "config.DataCaptureConfig", ("needs CaptureOptions and DestinationS3Uri and InitialSamplingPercentage too, which nothing else says",)),
    "half a new item": ("{config: {ProductionVariants: {1: {VolumeSizeInGB: 30}}}}", "config.ProductionVariants.1", ("needs VariantName too",)),
    "half an item of a new list": ("{config: {ProductionVariants: {0: {InstancePools: [{Priority: 1}]}}}}", "config.ProductionVariants.0.InstancePools[0]", ("needs InstanceType too",)),
    "half of the other strategy": ("{endpoint: {DeploymentConfig: {BlueGreenUpdatePolicy: {TerminationWaitInSeconds: 5}}}}", "endpoint.DeploymentConfig.BlueGreenUpdatePolicy", ("needs TrafficRoutingConfiguration too",)),
    # names and tags by convention
    "other name": ("{endpoint: {EndpointName: iris}}", "endpoint.EndpointName", ("'iris' would replace rc-project-a-prod-iris-ep, by which policies, alarms, scaling and log groups go: remove it",)),
    "other variant": ("{config: {ProductionVariants: {0: {VariantName: iris}}}}", "config.ProductionVariants.0.VariantName", ("'iris' would replace primary",)),
    "other config": ("{endpoint: {EndpointConfigName: {Ref: Other}}}", "endpoint.EndpointConfigName", ("would replace the config that the spec declares",)),
    "tags": ("{config: {Tags: [{Key: Team, Value: x}]}}", "config.Tags", ("policies and budgets go by the tags", "write yours under `endpoints.iris.tags`")),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_in_overrides_is_found_where_it_stands(config: Config, case: str) -> None:
    text, key, parts = WRONG[case]
    (line,) = config.endpoint("prod", f"overrides: {text}").errors("prod")
    assert line.startswith(f"{HERE}.{key}: ")
    for part in parts:
        assert part in line


#: What the spec can say: overrides of an endpoint, the rest of it, the property, and the key that says it.
SAYABLE: dict[str, tuple[str, str, str, str]] = {
    "of the config": ("{config: {MetricsConfig: {EnableEnhancedMetrics: true}}}", "", "config.MetricsConfig", "metrics"),
    "of the strategy": ("{endpoint: {DeploymentConfig: {RollingUpdatePolicy: {WaitIntervalInSeconds: 5}}}}", "", "endpoint.DeploymentConfig", "deployment"),
    "of the alarms": ("{endpoint: {DeploymentConfig: {AutoRollbackConfiguration: {Alarms: [{AlarmName: x}]}}}}", "", "endpoint.DeploymentConfig.AutoRollbackConfiguration", "deployment.rollback_alarms"),
    "of a variant": ("{config: {ProductionVariants: {0: {VolumeSizeInGB: 30}}}}", "", "config.ProductionVariants.0.VolumeSizeInGB", "hosting.volume"),
    "of a pool": ("{config: {ProductionVariants: {0: {InstancePools: {0: {Priority: 2}}}}}}", POOLS, "config.ProductionVariants.0.InstancePools.0.Priority", "hosting.pools"),
    "another variant": ("{config: {ProductionVariants: {1: {VariantName: two}}}}", "", "config.ProductionVariants.1", "variants"),
    "a shadow": ("{config: {ShadowProductionVariants: [{VariantName: two}]}}", "", "config.ShadowProductionVariants[0]", "shadow"),
    "of a container": ("{models: {primary: {PrimaryContainer: {Environment: {A: b}}}}}", "", "models.primary.PrimaryContainer.Environment", "model.environment"),
    "of an artifact": ("{models: {primary: {PrimaryContainer: {ModelDataUrl: s3://a/b.tar.gz}}}}", "", "models.primary.PrimaryContainer.ModelDataUrl", "model.artifact"),
    "of a component": ("{components: {rates: {RuntimeConfig: {CopyCount: 3}}}}", COMPONENTS, "components.rates.RuntimeConfig.CopyCount", "components.rates.copies"),
    "of a specification": ("{components: {rates: {Specification: {ComputeResourceRequirements: {MinMemoryRequiredInMb: 512}}}}}", COMPONENTS, "components.rates.Specification.ComputeResourceRequirements.MinMemoryRequiredInMb", "components.rates.memory"),
}  # fmt: skip


@pytest.mark.parametrize("case", SAYABLE)
def test_what_the_spec_can_say_is_allowed_and_doubtful(config: Config, case: str) -> None:
    text, rest, key, word = SAYABLE[case]
    warnings = config.endpoint("prod", f"overrides: {text}\n{rest}").warnings("prod")
    (line,) = [w for w in warnings if "the spec says this" in w]
    assert line.startswith(f"prod.yaml:7: warning: endpoints.iris.overrides.{key}: ")
    assert f"with `endpoints.iris.{word}`" in line


def test_the_network_is_the_environments_key(config: Config) -> None:
    text = "overrides: {models: {primary: {VpcConfig: {Subnets: [a], SecurityGroupIds: [b]}}}}"
    (line,) = config.endpoint("prod", text).warnings("prod")
    assert "with `network`" in line


#: What no key of the spec says, and what is as it would be anyway.
FINE: dict[str, tuple[str, str]] = {
    "property without a key": ("{endpoint: {RetainDeploymentConfig: true}}", ""),
    "role": ("{config: {ExecutionRoleArn: 'arn:aws:iam::123456789012:role/other'}}", ""),
    "intrinsic function": ("{config: {ExecutionRoleArn: {'Fn::GetAtt': [Role, Arn]}}}", ""),
    "its own name": ("{endpoint: {EndpointName: rc-project-a-prod-iris-ep}}", ""),
    "model of a pool": ("{config: {ProductionVariants: {0: {InstancePools: {0: {ModelNameOverride: other}}}}}}", POOLS),
    "weight of the only variant": ("{config: {ProductionVariants: {0: {InitialVariantWeight: 2.5}}}}", ""),
    "endpoint of a component": ("{components: {rates: {EndpointArn: x}}}", COMPONENTS),
    "nothing": ("{config: {}}", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", FINE)
def test_what_no_key_says_is_no_finding(config: Config, case: str) -> None:
    text, rest = FINE[case]
    warnings = config.endpoint("prod", f"overrides: {text}\n{rest}").warnings("prod")
    assert [w for w in warnings if "overrides" in w] == []


@pytest.mark.parametrize(
    "text", ["{models: {primary: {ModelName: iris-1}}}", "{config: {EndpointConfigName: config-1}}"]
)
def test_a_fixed_name_that_cannot_be_replaced_is_doubtful(config: Config, text: str) -> None:
    (line,) = config.endpoint("prod", f"overrides: {text}").warnings("prod")
    assert "CloudFormation cannot replace what has a fixed name" in line
    assert "write another name with each change" in line


def test_an_instance_type_that_the_schemas_do_not_know_yet_is_only_doubtful(config: Config) -> None:
    text = "overrides: {config: {ProductionVariants: {0: {InstanceType: ml.m99.large}}}}"
    lines = config.endpoint("prod", text).warnings("prod")
    assert [line for line in lines if "'ml.m99.large' is none of the allowed values (such as " in line]


def test_a_container_that_is_written_into_its_component_has_no_model_to_override(config: Config) -> None:
    text = f"overrides: {{models: {{prices: {{EnableNetworkIsolation: true}}}}}}\n{COMPONENTS}"
    (line,) = [e for e in config.endpoint("prod", text).errors("prod") if "overrides" in e]
    assert line.startswith(f"{HERE}.models.prices: has no AWS::SageMaker::Model")
    assert "override `components.prices` instead" in line


def test_all_mistakes_are_found_at_once(config: Config) -> None:
    text = "overrides: {endpoint: {A: 1}, config: {B: 1}, models: {primary: {C: 1}}}"
    keys = [line.split(": ")[1] for line in config.endpoint("prod", text).errors("prod")]
    assert keys == [f"endpoints.iris.overrides.{key}" for key in ("endpoint.A", "config.B", "models.primary.C")]


def test_positions_may_be_numbers_in_plain_data() -> None:
    data = {
        "company": "acme",
        "team": "rc",
        "project": "project-a",
        "environment": "dev",
        "account": "111122223333",
        "region": "eu-west-1",
        "endpoints": {
            "iris": {
                "version": 1,
                "model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}},
                "hosting": {"instance_type": "ml.m5.large"},
                "overrides": {"config": {"ProductionVariants": {0: {"VolumeSizeInGB": 513}}}},
            }
        },
    }
    with pytest.raises(ConfigError, match=r"ProductionVariants\[0\].VolumeSizeInGB: 513 is out of range"):
        from_mapping(data)


@pytest.fixture
def no_cfn_lint(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = (cloudformation._folder, cloudformation._types, cloudformation.schema)
    for function in cached:
        function.cache_clear()
    # What the import system takes for a module that is not there.
    monkeypatch.setitem(sys.modules, "cfnlint", None)


@pytest.mark.usefixtures("no_cfn_lint")
def test_without_cfn_lint_overrides_say_what_to_install_and_all_else_works(config: Config) -> None:
    assert config.endpoint("prod", "hosting: {volume: 30GB}").warnings("prod") == []
    (line,) = config.endpoint("prod", "overrides: {endpoint: {RetainDeploymentConfig: true}}").errors("prod")
    assert line.startswith(f"{HERE}: are checked against CloudFormation's schemas")
    assert "`pip install 'slipway[local]'`" in line


def test_every_word_is_for_a_property_that_exists() -> None:
    from slipway.spec import override_rules as rules

    tables = {
        "Endpoint": {"": rules._ENDPOINT},
        "EndpointConfig": {"": rules._CONFIG, "ProductionVariants.*.": rules._VARIANT},
        "Model": {"": rules._MODEL, "PrimaryContainer.": rules._CONTAINER, "Containers.*.": rules._CONTAINER},
        "InferenceComponent": {"": rules._COMPONENT, "Specification.": rules._SPECIFICATION},
    }
    for kind, words in tables.items():
        document = cloudformation.schema(f"AWS::SageMaker::{kind}")
        for prefix, table in words.items():
            for path in table:
                node = document
                for key in (prefix + ".".join(path)).split("."):
                    node = node["items"] if key == "*" else node["properties"][key]
                    while "$ref" in node:
                        node = document["definitions"][node["$ref"].rsplit("/", 1)[-1]]
