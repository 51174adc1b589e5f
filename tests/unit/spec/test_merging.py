"""An overlay is laid over base.yaml, and both over the defaults, key by key; a mapping that is a choice as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.spec.deployment import Canary, Linear
from slipway.spec.hosting import Hosting, Serverless, ServerlessHosting
from slipway.spec.model import FrameworkImage, Model, Pipeline, RepositoryImage, UriImage
from slipway.spec.units import Duration, Megabytes, Percent

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Config


def test_mappings_merge_and_scalars_and_lists_replace(config: Config) -> None:
    config.overlay(
        "prod", "endpoints: {iris: {hosting: {instances: 3}, scaling: {max: 6}, alarms: {latency: 2s}}}\ntags: {a: x}"
    )
    environment = config.environment("prod")
    iris = environment.endpoints["iris"]
    assert isinstance(iris.hosting, Hosting)
    assert (iris.hosting.instance_type, iris.hosting.instances) == ("ml.m5.large", 3)
    assert iris.scaling is not None
    assert (iris.scaling.min, iris.scaling.max) == (2, 6)
    assert iris.alarms
    assert (iris.alarms.latency, iris.alarms.errors_5xx) == (Duration(2), Percent(0.1))
    config.write("base.yaml", (config.folder / "base.yaml").read_text() + "notify: [a@b.c, d@e.f]\n")
    assert config.environment("prod").notify == ("ml-oncall@example.com",)


def test_null_removes_what_base_or_the_defaults_say(config: Config) -> None:
    config.write("base.yaml", (config.folder / "base.yaml").read_text() + "tags: {a: x, b: y}\n")
    config.overlay("prod", "tags: {a: null}\nendpoints: {iris: {scaling: null}}")
    environment = config.environment("prod")
    assert environment.tags == {"b": "y"}
    assert environment.endpoints["iris"].scaling is None


def test_null_removes_an_endpoint(config: Config) -> None:
    assert config.overlay("prod", "endpoints: {iris: null}").environment("prod").endpoints == {}
    assert config.overlay("prod", "endpoints: null").environment("prod").endpoints == {}


def test_null_in_a_new_mapping_or_list_is_as_if_it_were_not_there(config: Config) -> None:
    schedule = "{name: a, at: rate(1 day), timezone: null, min: 2, max: 3}"
    iris = f"{{sample: {{body: x, content_type: null}}, scaling: {{schedules: [{schedule}]}}}}"
    config.overlay("prod", f"network: null\nendpoints: {{iris: {iris}}}")
    endpoint = config.environment("prod").endpoints["iris"]
    assert endpoint.sample is not None
    assert endpoint.sample.content_type == "application/json"
    assert endpoint.scaling is not None
    assert endpoint.scaling.schedules[0].timezone == "UTC"


def test_another_strategy_replaces_the_whole_choice_and_the_same_one_merges(config: Config) -> None:
    base = (config.folder / "base.yaml").read_text()
    config.write("base.yaml", base + "    deployment: {strategy: linear, step: 50%, wait: 7m, apply_capacity: true}\n")
    same = (
        config.endpoint("prod", "deployment: {strategy: linear, wait: 8m}")
        .environment("prod")
        .endpoints["iris"]
        .deployment
    )
    assert isinstance(same, Linear)
    assert (same.step, same.wait, same.apply_capacity) == (Percent(50), Duration(480), True)
    unsaid = config.endpoint("prod", "deployment: {wait: 8m}").environment("prod").endpoints["iris"].deployment
    assert unsaid == same
    other = (
        config.endpoint("prod", "deployment: {strategy: canary, size: null}")
        .environment("prod")
        .endpoints["iris"]
        .deployment
    )
    assert other == Canary(strategy="canary")


def test_another_kind_of_image_replaces_the_whole_choice(config: Config) -> None:
    config.endpoint("prod", "model: {image: {uri: 'example.com/iris:1'}}")
    model = config.environment("prod").endpoints["iris"].model
    assert isinstance(model, Model)
    assert model.image == UriImage(uri="example.com/iris:1")
    config.overlay("prod", "repositories: [a]\nendpoints: {iris: {model: {image: {repository: a, tag: x}}}}")
    model = config.environment("prod").endpoints["iris"].model
    assert isinstance(model, Model)
    assert model.image == RepositoryImage(repository="a", tag="x")


def _hosting(config: Config, environment: str = "prod") -> Hosting | ServerlessHosting | None:
    return config.environment(environment).endpoints["iris"].hosting


def test_serverless_hosting_replaces_instances_and_their_defaults(config: Config) -> None:
    config.endpoint("prod", "hosting: {serverless: {memory: 4GB}}")
    assert _hosting(config) == ServerlessHosting(serverless=Serverless(memory=Megabytes(4096)))


def test_instances_replace_serverless_hosting_and_get_their_defaults(config: Config) -> None:
    base = (config.folder / "base.yaml").read_text()
    config.write("base.yaml", base.replace("{instance_type: ml.m5.large}", "{serverless: {memory: 4GB}}"))
    assert _hosting(config, "dev") == ServerlessHosting(serverless=Serverless(memory=Megabytes(4096)))
    config.endpoint("prod", "hosting: {instance_type: ml.c5.large}")
    assert _hosting(config) == Hosting(instance_type="ml.c5.large", instances=2)


def test_serverless_hosting_merges_with_serverless_hosting(config: Config) -> None:
    base = (config.folder / "base.yaml").read_text()
    config.write("base.yaml", base.replace("{instance_type: ml.m5.large}", "{serverless: {memory: 4GB}}"))
    config.endpoint("prod", "hosting: {serverless: {concurrency: 20}}")
    assert _hosting(config) == ServerlessHosting(serverless=Serverless(memory=Megabytes(4096), concurrency=20))


def _model(config: Config, text: str) -> Model | Pipeline | None:
    config.endpoint("prod", f"{text}\nversion: 1")
    return config.environment("prod").endpoints["iris"].model


PACKAGE = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/iris/1"
ONE = "{image: {framework: sklearn, tag: x}, artifact: s3://bucket/m.tar.gz}"


def test_a_pipeline_replaces_a_model_in_one_container(config: Config) -> None:
    model = _model(config, f"model: {{containers: {{one: {ONE}, two: {ONE}}}}}")
    assert isinstance(model, Pipeline)
    assert list(model.containers) == ["one", "two"]


def test_a_package_replaces_image_and_artifact(config: Config) -> None:
    assert _model(config, f"model: {{package: '{PACKAGE}'}}") == Model(package=PACKAGE)


def test_the_containers_of_a_pipeline_merge_and_each_is_a_choice_of_its_own(config: Config) -> None:
    base = (config.folder / "base.yaml").read_text()
    chain = f"{{containers: {{one: {ONE}, two: {ONE}}}}}"
    config.write("base.yaml", base.replace("{image: {framework: sklearn, tag: 1.4-2-cpu-py3}}", chain))
    model = _model(config, f"model: {{containers: {{one: {{script: a.py}}, two: {{package: '{PACKAGE}'}}}}}}")
    assert isinstance(model, Pipeline)
    one, two = model.containers.values()
    assert (one.image, one.script) == (FrameworkImage(framework="sklearn", tag="x"), "a.py")
    assert (two.image, two.artifact, two.package) == (None, None, PACKAGE)


def test_a_base_may_say_what_the_images_of_all_environments_have_in_common(config: Config) -> None:
    base = (config.folder / "base.yaml").read_text()
    config.write("base.yaml", base.replace("{image: {framework: sklearn, tag: 1.4-2-cpu-py3}}", "{script: a.py}"))
    model = _model(config, "model: {image: {framework: sklearn, tag: x}}")
    assert model == Model(script="a.py", image=FrameworkImage(framework="sklearn", tag="x"))


def test_one_hosting_mode_replaces_another_with_null(config: Config) -> None:
    config.endpoint("prod", f"model: null\ncomponents: {{one: {{model: {ONE}, memory: 1GB}}}}")
    iris = config.environment("prod").endpoints["iris"]
    assert (iris.mode, iris.model) == ("components", None)


@pytest.mark.parametrize("other", ["asynchronous: {}", "explainer: {baseline: '1'}", "capture: {}"])
def test_null_removes_a_whole_feature(config: Config, other: str) -> None:
    config.write("base.yaml", (config.folder / "base.yaml").read_text() + f"    {other}\n")
    key = other.split(":")[0]
    assert getattr(config.environment("prod").endpoints["iris"], key) is not None
    assert getattr(config.endpoint("prod", f"{key}: null").environment("prod").endpoints["iris"], key) is None
