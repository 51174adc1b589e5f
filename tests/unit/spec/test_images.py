"""URIs of AWS's own images, against URIs that AWS publishes, and the script that renews them."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from slipway.spec.data import renew
from slipway.spec.images import (
    UnknownFramework,
    UnknownRegion,
    framework_image,
    frameworks,
    newest_tags,
    regions,
    registry,
)

PARTITIONS = [(r"^us-gov-\w+-\d+$", "amazonaws.com"), (r"^cn-\w+-\d+$", "amazonaws.com.cn")]
PARTITIONS.append((r"^(us|eu)-\w+-\d+$", "amazonaws.com"))


# From the SageMaker guide's registry paths, the GovCloud guide and the Deep Learning Containers'
# list of available images.
@pytest.mark.parametrize(
    ("framework", "tag", "region", "where"),
    [
        (
            "sklearn",
            "1.4-2-cpu-py3",
            "us-east-1",
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn",
        ),
        (
            "sklearn",
            "1.2-1-cpu-py3",
            "eu-west-1",
            "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn",
        ),
        (
            "sklearn",
            "1.2-1-cpu-py3",
            "us-gov-west-1",
            "414596584902.dkr.ecr.us-gov-west-1.amazonaws.com/sagemaker-scikit-learn",
        ),
        (
            "sklearn",
            "1.2-1-cpu-py3",
            "cn-north-1",
            "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-scikit-learn",
        ),
        (
            "xgboost",
            "3.0-5",
            "us-west-2",
            "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost",
        ),
        (
            "xgboost",
            "3.0-5",
            "us-gov-east-1",
            "237065988967.dkr.ecr.us-gov-east-1.amazonaws.com/sagemaker-xgboost",
        ),
        (
            "pytorch",
            "2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker",
            "us-east-1",
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference",
        ),
        (
            "pytorch",
            "2.6.0-cpu-py312-ubuntu22.04-sagemaker",
            "us-gov-east-1",
            "446045086412.dkr.ecr.us-gov-east-1.amazonaws.com/pytorch-inference",
        ),
        (
            "pytorch-arm64",
            "2.6.0-cpu-py312-ubuntu22.04-sagemaker",
            "us-east-1",
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference-arm64",
        ),
        (
            "tensorflow",
            "2.19.0-cpu-py312-ubuntu22.04-sagemaker",
            "eu-south-1",
            "692866216735.dkr.ecr.eu-south-1.amazonaws.com/tensorflow-inference",
        ),
        (
            "huggingface-pytorch",
            "1.13.1-transformers4.26.0-cpu-py39-ubuntu20.04",
            "af-south-1",
            "626614931356.dkr.ecr.af-south-1.amazonaws.com/huggingface-pytorch-inference",
        ),
        (
            "djl-lmi",
            "0.36.0-lmi18.0.0-cu128",
            "us-west-2",
            "763104351884.dkr.ecr.us-west-2.amazonaws.com/djl-inference",
        ),
        (
            "autogluon",
            "1.3.0-cpu-py311",
            "cn-north-1",
            "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/autogluon-inference",
        ),
    ],
)
def test_uri_is_the_one_that_aws_publishes(framework: str, tag: str, region: str, where: str) -> None:
    assert framework_image(framework, tag, region) == f"{where}:{tag}"


def test_isolated_partitions_have_their_own_dns_suffixes() -> None:
    assert ".us-iso-east-1.c2s.ic.gov/" in framework_image("sklearn", "1.2-1-cpu-py3", "us-iso-east-1")
    assert ".eusc-de-east-1.amazonaws.eu/" in framework_image("vllm", "0.30.0", "eusc-de-east-1")


def test_registry_names_the_repository_for_a_policy() -> None:
    assert registry("triton", "ap-northeast-3") == ("364406365360", "sagemaker-tritonserver")


def test_every_framework_has_well_formed_images_in_all_its_regions() -> None:
    for framework in frameworks():
        assert {"us-east-1", "eu-west-1"} <= set(regions(framework))
        for tag in newest_tags(framework):
            assert re.fullmatch(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", tag), (framework, tag)
        for region in regions(framework):
            account, repository = registry(framework, region)
            assert re.fullmatch(r"\d{12}", account), (framework, region)
            assert re.fullmatch(r"[a-z0-9-]+", repository), framework


def test_frameworks_and_regions_come_sorted() -> None:
    assert list(frameworks()) == sorted(frameworks())
    assert list(regions("pytorch")) == sorted(regions("pytorch"))


def test_regions_leaves_out_where_only_other_frameworks_of_the_registry_are() -> None:
    assert "us-gov-west-1" in regions("pytorch")
    assert "us-gov-west-1" not in regions("triton")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("sklern", "sklearn"), ("scikit-learn", "sklearn"), ("PyTorch", "pytorch"), ("tgi", "-tgi")],
)
def test_unknown_framework_says_what_was_meant_and_what_to_write(written: str, meant: str) -> None:
    with pytest.raises(UnknownFramework) as caught:
        framework_image(written, "1", "us-east-1")
    message = str(caught.value)
    assert message.startswith(f"framework '{written}' is unknown. Did you mean ")
    assert meant in message.split("?")[0]
    assert "xgboost" in message
    assert "full uri" in message


def test_unknown_framework_without_a_neighbour_suggests_none() -> None:
    with pytest.raises(UnknownFramework, match=r"framework 'zzzz' is unknown\. Known: autogluon"):
        regions("zzzz")


def test_unknown_region_says_what_was_meant_and_what_to_write() -> None:
    with pytest.raises(UnknownRegion) as caught:
        framework_image("sklearn", "1.4-2-cpu-py3", "eu-west1")
    message = str(caught.value)
    assert message.startswith("framework 'sklearn' has no known image in Region 'eu-west1'. ")
    assert "Did you mean eu-west-1" in message
    assert "full uri" in message


def test_region_without_this_framework_is_unknown_for_it_but_no_slip_of_the_pen() -> None:
    with pytest.raises(UnknownRegion, match="'triton' has no known image in Region") as caught:
        registry("triton", "us-gov-west-1")
    assert "Did you mean" not in str(caught.value)


def _sdk_files() -> dict[str, dict[str, Any]]:
    """Miniatures of the SDK's four shapes of file."""
    dlc = {"us-east-1": "111122223333", "cn-north-1": "210987654321"}
    return {
        "flat": {
            "scope": ["inference"],
            "versions": {
                "0.9.0": {"registries": dlc, "repository": "flat", "tag_prefix": "0.9.0-x1"},
                "0.10.0": {"registries": dlc, "repository": "flat", "tag_prefix": "0.10.0-x2"},
            },
        },
        "scoped": {
            "training": {"versions": {"9": {"registries": dlc, "repository": "scoped-training"}}},
            "inference": {
                "processors": ["cpu", "gpu"],
                "versions": {
                    "1.0": {
                        "registries": {"us-east-1": "123456789012"},
                        "repository": "scoped-old",
                    },
                    "2.0": {
                        "registries": {"us-east-1": "111122223333", "eu-west-1": "111122223333"},
                        "repository": "scoped",
                        "py_versions": ["py310", "py311"],
                        "container_version": {"gpu": "cu1", "cpu": "ubuntu"},
                    },
                },
            },
        },
        "nested": {
            "inference": {
                "processors": ["gpu"],
                "versions": {
                    "4.2": {
                        "version_aliases": {"pytorch2.6": "pytorch2.6.0"},
                        "pytorch2.6.0": {"registries": dlc, "repository": "nested-pytorch"},
                        "tensorflow2.1.0": {"registries": dlc, "repository": "nested-tensorflow"},
                    }
                },
            }
        },
    }


def test_renewal_converts_flat_scoped_and_nested_files() -> None:
    table = renew.convert_images(
        _sdk_files(),
        PARTITIONS,
        {
            "nested": renew.Published("nested", "nested-pytorch"),
            "flat": renew.Published("flat", "flat"),
            "scoped": renew.Published("scoped", "scoped"),
        },
    )
    assert table == {
        "regions": {
            "cn-north-1": {
                "suffix": "amazonaws.com.cn",
                "accounts": {"111122223333": "210987654321"},
            },
            "eu-west-1": {"suffix": "amazonaws.com", "accounts": {"111122223333": "111122223333"}},
            "us-east-1": {"suffix": "amazonaws.com", "accounts": {"111122223333": "111122223333"}},
        },
        "frameworks": {
            "flat": {
                "repository": "flat",
                "registry": "111122223333",
                "not_in": ["eu-west-1"],
                "tags": ["0.10.0-x2"],
            },
            "nested": {
                "repository": "nested-pytorch",
                "registry": "111122223333",
                "not_in": ["eu-west-1"],
                "tags": ["2.6.0-transformers4.2-gpu"],
            },
            "scoped": {
                "repository": "scoped",
                "registry": "111122223333",
                "not_in": ["cn-north-1"],
                "tags": ["2.0-cpu-py311-ubuntu", "2.0-gpu-py311-cu1"],
            },
        },
    }


def test_renewal_refuses_two_accounts_for_one_registry_and_region() -> None:
    files = _sdk_files()
    files["flat"]["versions"]["0.10.0"]["registries"] = {"us-east-1": "123456789012"}
    with pytest.raises(ValueError, match="flat: two accounts in us-east-1"):
        renew.convert_images(files, PARTITIONS, {"flat": renew.Published("flat", "flat")})


def test_renewal_refuses_a_framework_that_the_sdk_no_longer_has() -> None:
    with pytest.raises(ValueError, match="gone: the SDK has no gone-inference in us-east-1"):
        renew.convert_images({}, PARTITIONS, {"gone": renew.Published("gone", "gone-inference")})


def test_renewal_refuses_a_region_of_no_partition() -> None:
    with pytest.raises(ValueError, match="no partition holds the Region cn-north-1"):
        renew.convert_images(_sdk_files(), PARTITIONS[2:], {"flat": renew.Published("flat", "flat")})


def test_renewal_refuses_a_wheel_without_image_files(tmp_path: Path) -> None:
    wheel = tmp_path / "other-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("other/__init__.py", "")
    with pytest.raises(ValueError, match="has no image_uri_config folder"):
        renew.read_sdk(wheel)


def _sdk_wheel(folder: Path) -> Path:
    """Make a wheel that has one release of every framework, in every Region of today's table."""
    configs: dict[str, Any] = {}
    for framework, published in renew.FRAMEWORKS.items():
        release = {
            "repository": published.repository,
            "registries": dict.fromkeys(regions(framework), "111122223333"),
            "sdk_versions": ["sdk1"],
        }
        scope = configs.setdefault(published.file, {}).setdefault(published.scope, {"versions": {}})
        scope["versions"][f"1.{len(scope['versions'])}"] = release
    wheel = folder / "sagemaker_core-9.9.9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for stem, config in configs.items():
            archive.writestr(f"sagemaker/core/image_uri_config/{stem}.json", json.dumps(config))
    return wheel


def test_renewal_writes_images_with_source_and_date_and_one_row_a_line(tmp_path: Path) -> None:
    wheel = _sdk_wheel(tmp_path)
    renew.main(["--date", "2026-01-02", "--sdk", str(wheel), "--to", str(tmp_path)])

    text = (tmp_path / "images.json").read_text()
    table = json.loads(text)
    assert table["sources"]["images"] == "sagemaker-core 9.9.9"
    assert table["date"] == "2026-01-02"
    assert table["regions"]["us-isob-east-1"]["suffix"] == "sc2s.sgov.gov"
    assert tuple(table["frameworks"]) == frameworks()
    assert '\n    "sklearn": {"repository": "sagemaker-scikit-learn", ' in text


def test_renewal_of_instances_repeats_the_rows_that_are_checked_in(tmp_path: Path) -> None:
    renew.main(["--date", "2026-01-02", "--sdk", str(_sdk_wheel(tmp_path)), "--to", str(tmp_path)])

    checked_in = json.loads((Path(renew.__file__).parent / "instances.json").read_text())
    fresh = json.loads((tmp_path / "instances.json").read_text())
    assert fresh["date"] == "2026-01-02"
    assert fresh["columns"] == checked_in["columns"]
    # A newer botocore may list more types; what is checked in must still hold.
    both = fresh["types"].keys() & checked_in["types"].keys()
    assert len(both) > 250
    assert {name: fresh["types"][name] for name in both} == {name: checked_in["types"][name] for name in both}
