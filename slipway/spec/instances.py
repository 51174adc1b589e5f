"""Answers what a hosting instance type has: cores, memory, GPUs, local disks.

The table in ``data/instances.json`` says where it comes from; ``python -m slipway.spec.data.renew`` renews it.
SageMaker offers new types before any table has them, so an unknown type is a reason to warn, never to refuse.
"""

import json
import re
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import NamedTuple

# Types with local NVMe disks of which nobody has shown yet that SageMaker refuses a key for them. The refusal is
# documented by error reports only, for families with a "d", g5, g6, p5 and trn1.
_UNVERIFIED_FAMILIES = ("g7", "p6", "trn2")


class InstanceType(NamedTuple):
    """What one instance of a type has.

    Attributes
    ----------
    name : str
        SageMaker's name, such as ``ml.m5.large``.
    vcpus : int
        Virtual CPUs. CPUUtilization reaches 100 × this.
    memory_mib : int
        Main memory in MiB, before the operating system and SageMaker take their share.
    gpus : int
        GPUs; 0 for types with Inferentia or Trainium chips, which are none. GPUUtilization reaches 100 × this.
    gpu_memory_mib : int
        Memory of all GPUs together, in MiB.
    nvme : bool
        Whether it has local NVMe disks.
    """

    name: str
    vcpus: int
    memory_mib: int
    gpus: int
    gpu_memory_mib: int
    nvme: bool


@cache
def _table() -> dict[str, InstanceType]:
    text = files("slipway.spec.data").joinpath("instances.json").read_text(encoding="utf-8")
    table = json.loads(text)
    columns = table["columns"]
    return {
        name: InstanceType(name=name, **dict(zip(columns, row, strict=True))) for name, row in table["types"].items()
    }


def lookup(name: str) -> InstanceType | None:
    """Return what a type has, or None if the table does not know it.

    Parameters
    ----------
    name : str
        SageMaker's name, such as ``ml.m5.large``.
    """
    return _table().get(name)


def known() -> tuple[str, ...]:
    """Return the names of the known types, by family and within it by size."""
    return tuple(_table())


def nearest(name: str) -> tuple[str, ...]:
    """Return up to three known names that a mistyped or unknown one may have meant, best first.

    Examples
    --------
    >>> nearest("m5.large")[0]
    'ml.m5.large'
    """
    lowered = name.strip().lower()
    full = lowered if lowered.startswith("ml.") else f"ml.{lowered}"
    return tuple(get_close_matches(full, known(), n=3, cutoff=0.75))


def is_burstable(name: str) -> bool:
    """Say whether a type is of a T family, which Application Auto Scaling refuses.

    It goes by the name alone, so it answers for unknown types too.
    """
    return re.match(r"ml\.t\d", name) is not None


def refuses_kms_key(*names: str) -> bool | None:
    """Say whether SageMaker refuses KmsKeyId and VolumeSizeInGB for a fleet of some types.

    It does for types with local NVMe disks: these encrypt in hardware, with keys of their own.

    Returns
    -------
    bool or None
        Whether it does for any of them. None where it is not known: a type is unknown, or so new (g7, g7e, p6, trn2)
        that the refusal is unverified.
    """
    each = [_refuses_kms_key(name) for name in names]
    return True if True in each else None if None in each else False


def _refuses_kms_key(name: str) -> bool | None:
    row = lookup(name)
    if row is None or row.name.removeprefix("ml.").startswith(_UNVERIFIED_FAMILIES):
        return None
    return row.nvme
