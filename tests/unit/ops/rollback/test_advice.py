"""After a rollback the config is told to agree with what serves: which key, where, from what to what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.ops.live import describe
from slipway.ops.rollback.advice import Advisor, Change
from slipway.ops.rollback.contents import Models
from slipway.ops.rollback.revisions import known_revisions
from slipway.spec.load import load_unpublished
from tests.unit.ops.rollback.fake_endpoint import BUCKET, ENDPOINT, IMAGE, World

BASE = """\
company: acme
team: rc
project: project-a
endpoints:
  iris:
    version: 2
    model:
      image: {framework: sklearn, tag: 1.4-2-cpu-py3}
    hosting: {instance_type: ml.m5.large, instances: 2}
"""
DEV = 'account: "123456789012"\nregion: eu-west-1\n'


@pytest.fixture
def world() -> World:
    return World()


def changes(
    world: World, folder: Path, base: str = BASE, overlay: str = "", differs: tuple[str, ...] = ()
) -> list[Change]:
    """What a config has to change to declare what the world serves."""
    (folder / "base.yaml").write_text(base, encoding="utf-8")
    (folder / "dev.yaml").write_text(DEV + overlay, encoding="utf-8")
    environment = load_unpublished(folder, "dev")
    target = world.target()
    sagemaker, tagging = target.client("sagemaker"), target.client("resourcegroupstaggingapi")
    live = describe(sagemaker, ENDPOINT)
    known = known_revisions(environment, "iris", live, "", sagemaker, tagging)
    revision = next(one for one in known if one.config == live.config)
    return Advisor(environment, "iris", folder, Models(sagemaker), sagemaker).changes(revision, differs)


def written(found: list[Change], folder: Path) -> list[str]:
    return [str(change).replace(f"{folder}/", "") for change in found]


def test_another_version_is_one_line_of_the_base_which_all_environments_share(world: World, tmp_path: Path) -> None:
    world.revision("1")
    found = changes(world, tmp_path)
    assert written(found, tmp_path) == ["base.yaml:6: endpoints.iris.version: 2 → 1"]
    assert found[0].shared


def test_what_stands_in_the_overlay_is_changed_there(world: World, tmp_path: Path) -> None:
    world.revision("1")
    found = changes(world, tmp_path, overlay="endpoints:\n  iris:\n    version: 3\n")
    assert written(found, tmp_path) == ["dev.yaml:5: endpoints.iris.version: 3 → 1"]
    assert not found[0].shared


def test_a_config_that_says_the_same_needs_no_change(world: World, tmp_path: Path) -> None:
    world.revision("2", environment={})
    assert changes(world, tmp_path) == []


def test_changed_as_told_the_config_agrees(world: World, tmp_path: Path) -> None:
    world.revision("1", image=IMAGE.replace("1.4-2", "1.2-1"), InstanceType="ml.m5.xlarge")
    told = changes(world, tmp_path)
    base = yaml.safe_load(BASE)
    for change in told:
        *path, key = change.key.split(".")
        place: dict[str, Any] = base
        for part in path:
            place = place[part]
        place[key] = {"uri": change.wanted} if key == "image" else change.wanted
    assert changes(world, tmp_path, base=yaml.safe_dump(base)) == []


def test_image_and_instance_type_are_told_with_what_they_have_to_be(world: World, tmp_path: Path) -> None:
    older = IMAGE.replace("1.4-2", "1.2-1")
    world.revision("2", image=older, InstanceType="ml.m5.xlarge")
    assert written(changes(world, tmp_path), tmp_path) == [
        f"base.yaml:8: endpoints.iris.model.image: {IMAGE} → {older}",
        "base.yaml:9: endpoints.iris.hosting.instance_type: ml.m5.large → ml.m5.xlarge",
    ]


def test_variables_are_told_by_name_and_never_by_value(world: World, tmp_path: Path) -> None:
    world.revision("2", environment={"THREADS": "2", "NEW": "secret"})
    base = BASE.replace("    hosting", "      environment: {THREADS: secret, OLD: secret}\n    hosting")
    found = written(changes(world, tmp_path, base=base), tmp_path)
    assert found == [
        "dev.yaml: endpoints.iris.model.environment.NEW: not given → another",
        "base.yaml:9: endpoints.iris.model.environment.OLD: set → null",
        "base.yaml:9: endpoints.iris.model.environment.THREADS: set → another",
    ]
    assert "secret" not in str(found)


def test_what_a_script_sets_is_no_variable_of_the_config(world: World, tmp_path: Path) -> None:
    world.revision("2", environment={"SAGEMAKER_PROGRAM": "old.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"})
    assert changes(world, tmp_path) == []


def test_an_artifact_that_the_config_names_is_told_as_such(world: World, tmp_path: Path) -> None:
    world.revision("2", url=f"s3://{BUCKET}/by-hand/old.tar.gz")
    base = BASE.replace("    hosting", "      artifact: by-hand/new.tar.gz\n    hosting")
    assert written(changes(world, tmp_path, base=base), tmp_path) == [
        "base.yaml:9: endpoints.iris.model.artifact: by-hand/new.tar.gz → by-hand/old.tar.gz"
    ]


VARIANTS = """\
company: acme
team: rc
project: project-a
endpoints:
  iris:
    version: 2
    variants:
      current:
        model: {image: {framework: sklearn, tag: 1.4-2-cpu-py3}}
        hosting: {instance_type: ml.m5.large}
        weight: 90
      challenger:
        model: {version: 3, image: {framework: sklearn, tag: 1.4-2-cpu-py3}}
        hosting: {instance_type: ml.m5.large}
        weight: 10
"""


def test_each_variant_has_its_own_version_and_weight(world: World, tmp_path: Path) -> None:
    world.revision("2", variants={"current": 90.0, "challenger": 10.0})
    challenger = "Model-challenger-1Xy"
    url = f"s3://{BUCKET}/models/iris/v3/model.tar.gz"
    world.models[challenger]["PrimaryContainer"]["ModelDataUrl"] = url
    world.tags[world.models[challenger]["ModelArn"]]["Version"] = "3"
    assert changes(world, tmp_path, base=VARIANTS) == []
    world.tags[world.models[challenger]["ModelArn"]]["Version"] = "1"
    world.models[challenger]["PrimaryContainer"]["ModelDataUrl"] = url.replace("v3", "v1")
    world.configs["config-1xy"]["ProductionVariants"][1]["InitialVariantWeight"] = 0.0
    assert written(changes(world, tmp_path, base=VARIANTS), tmp_path) == [
        "base.yaml:13: endpoints.iris.variants.challenger.model.version: 3 → 1",
        "base.yaml:15: endpoints.iris.variants.challenger.weight: 10 → 0",
    ]


def test_serverless_settings_are_told_one_by_one(world: World, tmp_path: Path) -> None:
    world.revision("2", ServerlessConfig={"MemorySizeInMB": 4096, "MaxConcurrency": 5})
    base = BASE.replace("{instance_type: ml.m5.large, instances: 2}", "{serverless: {memory: 2GB, provisioned: 1}}")
    assert written(changes(world, tmp_path, base=base), tmp_path) == [
        "base.yaml:9: endpoints.iris.hosting.serverless.memory: 2048MB → 4096MB",
        "base.yaml:9: endpoints.iris.hosting.serverless.provisioned: 1 → null",
    ]


def test_what_cannot_be_compared_is_told_by_its_key(world: World, tmp_path: Path) -> None:
    world.revision("1")
    found = changes(world, tmp_path, differs=("artifact", "capture", "hosting"))
    assert written(found, tmp_path) == [
        "base.yaml:6: endpoints.iris.version: 2 → 1",
        "dev.yaml: endpoints.iris.capture",
        "base.yaml:9: endpoints.iris.hosting",
    ]


def test_counts_are_not_told_since_live_counts_stay(world: World, tmp_path: Path) -> None:
    world.revision("2", InitialInstanceCount=9)
    assert changes(world, tmp_path) == []
