"""Revisions side by side: what they differ in, and whether they can serve again."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.ops.live import Revision, describe, same_config
from slipway.ops.rollback.contents import UNKNOWN, Models, differences
from slipway.ops.rollback.intact import Inspector, Soundness
from slipway.ops.rollback.revisions import Standing, exact, known_revisions, named, standings
from slipway.ops.target import Target
from tests.unit.ops.conftest import Declare
from tests.unit.ops.rollback.fake_endpoint import ACCOUNT, BUCKET, ENDPOINT, IMAGE, World, arn, error

OWN = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/rc-project-a-dev-iris"


@pytest.fixture
def world() -> World:
    return World()


def known(world: World, declare: Declare, **also: Any) -> list[Revision]:
    target = world.target()
    sagemaker, tagging = target.client("sagemaker"), target.client("resourcegroupstaggingapi")
    return known_revisions(declare(), "iris", describe(sagemaker, ENDPOINT), world.held, sagemaker, tagging, **also)


def stand(world: World, declare: Declare) -> list[Standing]:
    sagemaker = world.target().client("sagemaker")
    return standings(known(world, declare), describe(sagemaker, ENDPOINT), world.held, Models(sagemaker))


def words(world: World, declare: Declare) -> tuple[str, ...]:
    """What the older of two revisions differs in from the newer."""
    new, old = known(world, declare)
    return differences(new, old, Models(world.target().client("sagemaker")))


def change(world: World, name: str, **variant: Any) -> None:
    world.configs[name.lower()]["ProductionVariants"][0] |= variant


def model_of(world: World, name: str) -> dict[str, Any]:
    return world.models[world.configs[name.lower()]["ProductionVariants"][0]["ModelName"]]


def test_two_revisions_of_the_same_content_differ_in_nothing(world: World, declare: Declare) -> None:
    for _ in range(2):
        world.revision("1", variants={"one": 1.0, "two": 3.0})
    assert words(world, declare) == ()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({}, {"url": f"s3://{BUCKET}/other.tar.gz"}, ("artifact",)),
        ({}, {"image": f"{OWN}:2"}, ("image",)),
        ({}, {"environment": {"THREADS": "2"}}, ("environment",)),
        ({}, {"InstanceType": "ml.m5.xlarge"}, ("instance type",)),
        ({}, {"InitialInstanceCount": 5}, ("instances",)),
        ({}, {"VolumeSizeInGB": 30}, ("hosting",)),
        ({}, {"config": {"KmsKeyId": "alias/other"}}, ("key",)),
        ({}, {"config": {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/o"}}}}, ("asynchronous",)),
        ({"variants": {"one": 1.0, "two": 1.0}}, {"variants": {"one": 9.0, "two": 1.0}}, ("weights",)),
        ({"variants": {"one": 1.0, "two": 3.0}}, {"variants": {"one": 25.0, "two": 75.0}}, ()),
        ({"variants": {"one": 1.0, "two": 1.0}}, {"variants": {"two": 1.0, "one": 1.0}}, ()),
        ({"variants": {"one": 1.0, "two": 1.0}}, {}, ("variants", "weights")),
        (
            {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}},
            {"ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 5}},
            ("serverless",),
        ),
        ({}, {"image": f"{OWN}:2", "InitialInstanceCount": 1}, ("image", "instances")),
    ],
)
def test_a_difference_is_one_short_word(
    world: World, declare: Declare, one: dict[str, Any], other: dict[str, Any], expected: tuple[str, ...]
) -> None:
    url = {"url": f"s3://{BUCKET}/model.tar.gz"}
    world.revision("1", **{**url, **other})
    world.revision("2", **{**url, **one})
    assert words(world, declare) == expected


def test_containers_are_compared_one_by_one(world: World, declare: Declare) -> None:
    old, new = world.revision("1", url=""), world.revision("2", url="")
    for name, image in ((old, "a"), (new, "b")):
        model = model_of(world, name)
        del model["PrimaryContainer"]
        model["Containers"] = [{"Image": IMAGE}, {"Image": image}]
    assert words(world, declare) == ("image",)
    model_of(world, old)["Containers"].append({"Image": "c"})
    model_of(world, old)["EnableNetworkIsolation"] = True
    assert words(world, declare) == ("containers", "image", "model")


def test_a_model_that_is_gone_makes_the_difference_unknown(world: World, declare: Declare) -> None:
    old, _ = world.revision("1"), world.revision("2")
    world.lose_model(old)
    assert words(world, declare) == (UNKNOWN,)


def test_each_model_is_asked_for_once(world: World, declare: Declare) -> None:
    for version in "1234":
        world.revision(version)
    stand(world, declare)
    asked = [request["ModelName"] for request in world.asked("DescribeModel")]
    assert sorted(asked) == sorted(set(asked))
    assert len(asked) == 4


def test_the_live_one_and_the_one_that_the_stack_holds_are_marked(world: World, declare: Declare) -> None:
    first, second = world.revision("1"), world.revision("2")
    world.declare("latency")
    world.live = first
    two, one = stand(world, declare)
    assert (two.role, one.role) == ("stack", "live")
    assert (two.differs, one.differs) == (("artifact",), ())
    world.live = second
    two, one = stand(world, declare)
    assert (two.role, one.role) == ("live, stack", "")
    assert one.as_dict() == {
        "config": "config-1xy",
        "version": "1",
        "created": "2026-11-20T09:00:00+00:00",
        "live": False,
        "stack": False,
        "differs": ["artifact"],
        "gone": [],
    }


def test_the_live_one_is_among_them_even_before_the_tagging_api_knows_it(world: World, declare: Declare) -> None:
    world.revision("1")
    late = world.revision("2")
    tags = world.tags[arn("endpoint-config", late)]
    del tags["Team"]
    found = known(world, declare)
    assert [(one.config, one.version) for one in found] == [(late, "2"), ("config-1xy", "1")]


def test_a_live_config_that_is_gone_leaves_the_others(world: World, declare: Declare) -> None:
    world.revision("1")
    gone = world.revision("2")
    del world.configs[gone.lower()]
    found = known(world, declare)
    assert [one.version for one in found] == ["1"]


@pytest.mark.parametrize(
    ("differs", "otherwise"),
    [((), False), (("instances", "weights", "capture"), False), (("instances", "artifact"), True), ((UNKNOWN,), True)],
)
def test_counts_weights_and_capture_change_nothing_about_what_is_served(
    world: World,
    declare: Declare,
    differs: tuple[str, ...],
    otherwise: bool,  # noqa: FBT001
) -> None:
    world.revision("1")
    (revision,) = known(world, declare)
    found = Standing(revision, live=False, held=False, differs=differs, gone=())
    assert found.serves_otherwise is otherwise


def test_the_exact_name_of_a_config_is_learned_from_the_list(world: World, declare: Declare) -> None:
    world.revision("1")
    wanted = world.revision("2")
    tagged = next(one for one in known(world, declare) if one.version == "1")
    world.live = world.held = "Config-1Xy"
    assert tagged.config == "config-1xy"
    assert exact(world.target().client("sagemaker"), tagged).config == "Config-1Xy"
    assert wanted != tagged.config


def test_without_the_right_to_list_the_name_stays_as_it_is(world: World, declare: Declare) -> None:
    world.revision("1")
    world.revision("2")
    tagged = known(world, declare)[1]
    world.refuse["ListEndpointConfigs"] = error("ListEndpointConfigs", "not authorized", "AccessDeniedException")
    assert same_config(exact(world.target().client("sagemaker"), tagged).config, "Config-1Xy")


def test_a_revision_is_called_by_its_version_and_its_config(world: World, declare: Declare) -> None:
    world.revision("7")
    (revision,) = known(world, declare)
    assert named(revision) == "version 7 (Config-1Xy)"


# -- whether they can serve again


def inspect(world: World, declare: Declare) -> Soundness:
    target: Target = world.target()
    (revision,) = known(world, declare)
    return Inspector(target, Models(target.client("sagemaker"))).inspect(revision)


def test_a_revision_whose_parts_are_there_is_sound(world: World, declare: Declare) -> None:
    world.revision("1", image=f"{OWN}:1.0")
    world.images.add("rc-project-a-dev-iris:1.0")
    assert inspect(world, declare) == Soundness()


def test_a_model_an_artifact_or_an_image_that_is_gone_is_missing(world: World, declare: Declare) -> None:
    name = world.revision("1", image=f"{OWN}@sha256:{'0' * 64}", variants={"one": 1.0, "two": 1.0})
    del world.models[world.configs[name.lower()]["ProductionVariants"][0]["ModelName"]]
    world.objects.clear()
    found = inspect(world, declare)
    assert found.missing == (
        "model Model-one-1Xy is gone",
        f"artifact s3://{BUCKET}/models/iris/v1/model.tar.gz of model Model-two-1Xy is gone",
        f"image {OWN}@sha256:{'0' * 64} of model Model-two-1Xy is gone",
    )
    assert found.doubtful == ()


def test_a_prefix_needs_something_under_it(world: World, declare: Declare) -> None:
    world.revision("1", url=f"s3://{BUCKET}/models/many/")
    world.objects.clear()
    assert inspect(world, declare).missing == (
        f"nothing lies under artifact s3://{BUCKET}/models/many/ of model Model-primary-1Xy",
    )
    world.objects.add(f"{BUCKET}/models/many/store-1/v1/model.tar.gz")
    assert inspect(world, declare) == Soundness()


@pytest.mark.parametrize("operations", [("HeadObject", "ListObjectsV2"), ("DescribeImages",)], ids=" ".join)
def test_what_may_not_be_looked_at_is_doubtful_and_not_missing(
    world: World, declare: Declare, operations: tuple[str, ...]
) -> None:
    world.revision("1", image=f"{OWN}:1.0")
    world.images.add("rc-project-a-dev-iris:1.0")
    world.refuse |= {operation: error(operation, "Forbidden", "403") for operation in operations}
    found = inspect(world, declare)
    assert found.missing == ()
    (doubt,) = found.doubtful
    assert "could not be looked at (403: Forbidden)" in doubt


def test_whoever_may_only_list_the_bucket_learns_whether_an_artifact_is_there(world: World, declare: Declare) -> None:
    world.revision("1")
    world.refuse["HeadObject"] = error("HeadObject", "Forbidden", "403")
    assert inspect(world, declare) == Soundness()
    world.objects = {f"{BUCKET}/models/iris/v1/model.tar.gz.old"}
    assert len(inspect(world, declare).missing) == 1


def test_the_images_of_aws_and_models_without_an_artifact_are_not_asked_for(world: World, declare: Declare) -> None:
    world.revision("1", image=IMAGE, url="")
    assert inspect(world, declare) == Soundness()
    assert world.asked("DescribeImages") == world.asked("HeadObject") == []
