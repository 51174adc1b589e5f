"""Facts of instance types, against what AWS documents, and the conversion that makes the table."""

import pytest

from slipway.spec.data import renew
from slipway.spec.instances import (
    InstanceType,
    is_burstable,
    known,
    lookup,
    nearest,
    refuses_kms_key,
)

GIB = 1024


@pytest.mark.parametrize(
    ("name", "vcpus", "memory_gib", "gpus", "nvme"),
    [
        ("ml.t2.medium", 2, 4, 0, False),
        ("ml.m5.large", 2, 8, 0, False),
        ("ml.m5d.xlarge", 4, 16, 0, True),
        ("ml.c5.18xlarge", 72, 144, 0, False),
        ("ml.r5.2xlarge", 8, 64, 0, False),
        ("ml.c7g.4xlarge", 16, 32, 0, False),
        ("ml.g4dn.xlarge", 4, 16, 1, True),
        ("ml.g5.12xlarge", 48, 192, 4, True),
        ("ml.g6e.2xlarge", 8, 64, 1, True),
        ("ml.p3.8xlarge", 32, 244, 4, False),
        ("ml.p4d.24xlarge", 96, 1152, 8, True),
        ("ml.p5.48xlarge", 192, 2048, 8, True),
        ("ml.inf2.xlarge", 4, 16, 0, False),
        ("ml.trn1.2xlarge", 8, 32, 0, True),
    ],
)
def test_type_has_what_aws_documents(name: str, vcpus: int, memory_gib: int, gpus: int, *, nvme: bool) -> None:
    found = lookup(name)
    assert found is not None
    assert (found.name, found.vcpus, found.memory_mib) == (name, vcpus, memory_gib * GIB)
    assert (found.gpus, found.nvme) == (gpus, nvme)


def test_gpu_memory_is_that_of_all_gpus_together() -> None:
    four, one, none = lookup("ml.g4dn.12xlarge"), lookup("ml.g4dn.xlarge"), lookup("ml.m5.large")
    assert (four and four.gpu_memory_mib) == 4 * 16 * GIB
    assert (one and one.gpu_memory_mib) == 16 * GIB
    assert (none and none.gpu_memory_mib) == 0


def test_every_row_is_plausible() -> None:
    for name in known():
        row = lookup(name)
        assert isinstance(row, InstanceType)
        assert row.vcpus >= 1
        assert 512 <= row.memory_mib <= 32 * GIB * GIB
        assert (row.gpus > 0) == (row.gpu_memory_mib > 0), name
        family = name.split(".")[1]
        assert (row.gpus > 0) == family.startswith(("g4", "g5", "g6", "g7", "p", "dl")), name


def test_local_disks_agree_with_the_families_that_the_sagemaker_sdk_lists() -> None:
    # sagemaker-core's volume_size_supported: a "d" in the family, or one of these. g7 is younger.
    listed = ("g5", "g6", "g7", "p5", "p6-b", "trn1", "trn2")
    for name in known():
        row = lookup(name)
        family = name.split(".")[1]
        assert row is not None
        assert row.nvme == ("d" in family or family.startswith(listed)), name


def test_types_are_ordered_by_size_within_a_family() -> None:
    m5 = [name for name in known() if name.startswith("ml.m5.")]
    assert m5[:3] == ["ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge"]
    assert m5[-1] == "ml.m5.24xlarge"


@pytest.mark.parametrize("name", ["ml.m99.large", "m5.large", "ml.m5", "", "ml.p6e-gb200.36xlarge"])
def test_unknown_type_is_none_rather_than_made_up(name: str) -> None:
    assert lookup(name) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("m5.large", "ml.m5.large"),
        ("ml.m5.lage", "ml.m5.large"),
        ("ML.G5.XLARGE", "ml.g5.xlarge"),
        ("ml.g4d.xlarge", "ml.g4dn.xlarge"),
    ],
)
def test_nearest_puts_what_was_meant_first(written: str, meant: str) -> None:
    assert nearest(written)[0] == meant
    assert len(nearest(written)) <= 3


def test_nearest_suggests_nothing_for_nonsense() -> None:
    assert nearest("banana") == ()


def test_only_t_families_are_burstable() -> None:
    assert is_burstable("ml.t2.medium")
    assert is_burstable("ml.t9.large")
    assert not is_burstable("ml.trn1.2xlarge")
    assert not is_burstable("ml.m5.large")


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("ml.m5.large", False),
        ("ml.inf2.xlarge", False),
        ("ml.m5d.large", True),
        ("ml.g4dn.xlarge", True),
        ("ml.g6e.2xlarge", True),
        ("ml.p4de.24xlarge", True),
        ("ml.trn1n.32xlarge", True),
        ("ml.g7e.2xlarge", None),
        ("ml.g7.2xlarge", None),
        ("ml.p6-b200.48xlarge", None),
        ("ml.trn2.48xlarge", None),
        ("ml.m99d.large", None),
    ],
)
def test_key_is_refused_where_disks_are_local_and_open_where_unverified(name: str, *, refused: bool | None) -> None:
    assert refuses_kms_key(name) is refused


def test_conversion_counts_gpus_but_not_neuron_chips() -> None:
    size = {"VCpuInfo": {"DefaultVCpus": 8}, "MemoryInfo": {"SizeInMiB": 32768}}
    gpu = {"Gpus": [{"Count": 4}], "TotalGpuMemoryInMiB": 90000}
    disks = {"NvmeSupport": "required"}
    table = renew.convert_instances(
        ["ml.trn9.large", "ml.g9.large", "ml.g9.small", "ml.new.large", "ml.old.large"],
        {
            "g9.large": {**size, "GpuInfo": gpu, "InstanceStorageInfo": disks},
            "g9.small": {**size, "VCpuInfo": {"DefaultVCpus": 4}},
            "trn9.large": {**size, "NeuronInfo": {"NeuronDevices": [{"Count": 16}]}},
            "not-hosted.large": size,
        },
        {"ml.old.large": (1, 2, 0, 0, False), "ml.g9.large": (0, 0, 0, 0, False)},
    )
    assert table["columns"] == ["vcpus", "memory_mib", "gpus", "gpu_memory_mib", "nvme"]
    assert list(table["types"].items()) == [
        ("ml.g9.small", (4, 32768, 0, 0, False)),
        ("ml.g9.large", (8, 32768, 4, 90000, True)),
        ("ml.old.large", (1, 2, 0, 0, False)),
        ("ml.trn9.large", (8, 32768, 0, 0, False)),
    ]
