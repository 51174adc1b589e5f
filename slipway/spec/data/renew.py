"""Writes images.json and instances.json anew from the packages in which AWS's facts are published.

``python -m slipway.spec.data.renew --date YYYY-MM-DD [--sdk PATH-TO-WHEEL]`` reads

- the image accounts from the SageMaker Python SDK (``sagemaker-core``), which pip downloads into
  a temporary folder unless ``--sdk`` names a wheel;
- the DNS suffixes and the hosting instance types from the installed botocore;
- the sizes of the instance types from the installed moto, whose table is the answer of EC2's
  DescribeInstanceTypes.

The output is sorted, so the difference between two runs is what AWS changed.
"""

import argparse
import datetime as dt
import gzip
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import botocore.session

if TYPE_CHECKING:
    from botocore.model import StringShape

SDK_PACKAGE = "sagemaker-core"


class Published(NamedTuple):
    """Where the SDK describes one framework.

    Attributes
    ----------
    file : str
        Stem of the JSON file in the SDK's ``image_uri_config`` folder.
    repository : str
        The ECR repository. A file can describe several, of which one is meant.
    scope : str
        Which of the file's scopes, where it has scopes.
    """

    file: str
    repository: str
    scope: str = "inference"


# The name that a user writes -> where the SDK keeps it. Repositories that AWS stopped filling years
# ago (sagemaker-pytorch, sagemaker-tensorflow-serving, xgboost) are left out on purpose.
FRAMEWORKS: Mapping[str, Published] = {
    "autogluon": Published("autogluon", "autogluon-inference"),
    "djl-lmi": Published("djl-lmi", "djl-inference"),
    "djl-neuronx": Published("djl-neuronx", "djl-inference"),
    "djl-tensorrtllm": Published("djl-tensorrtllm", "djl-inference"),
    "huggingface-pytorch": Published("huggingface", "huggingface-pytorch-inference"),
    "huggingface-pytorch-neuronx": Published("huggingface-neuronx", "huggingface-pytorch-inference-neuronx"),
    "huggingface-sglang": Published("huggingface-sglang", "huggingface-sglang"),
    "huggingface-tei": Published("huggingface-tei", "tei"),
    "huggingface-tei-cpu": Published("huggingface-tei-cpu", "tei-cpu"),
    "huggingface-tensorflow": Published("huggingface", "huggingface-tensorflow-inference"),
    "huggingface-tgi": Published("huggingface-llm", "huggingface-pytorch-tgi-inference"),
    "huggingface-vllm": Published("huggingface-vllm", "huggingface-vllm"),
    "llama-cpp": Published("llama-cpp", "llama-cpp"),
    "pytorch": Published("pytorch", "pytorch-inference"),
    "pytorch-arm64": Published("pytorch", "pytorch-inference-arm64", "inference_graviton"),
    "pytorch-graviton": Published("pytorch", "pytorch-inference-graviton", "inference_graviton"),
    "sglang": Published("sglang", "sglang"),
    "sklearn": Published("sklearn", "sagemaker-scikit-learn"),
    "sparkml": Published("sparkml-serving", "sagemaker-sparkml-serving"),
    "tensorflow": Published("tensorflow", "tensorflow-inference"),
    "tensorflow-graviton": Published("tensorflow", "tensorflow-inference-graviton", "inference_graviton"),
    "triton": Published("sagemaker-tritonserver", "sagemaker-tritonserver"),
    "vllm": Published("vllm", "vllm"),
    "xgboost": Published("xgboost", "sagemaker-xgboost"),
}

# moto 4.2.14 is the last citable copy of DescribeInstanceTypes with these types. EC2 retired them
# since; SageMaker still lists them. A newer table that has them again takes precedence.
RETIRED_SOURCE = "moto 4.2.14"
RETIRED: Mapping[str, tuple[int, int, int, int, bool]] = {
    "ml.dl1.24xlarge": (96, 786432, 8, 262144, True),
    "ml.p2.16xlarge": (64, 749568, 16, 196608, False),
    "ml.p2.8xlarge": (32, 499712, 8, 98304, False),
    "ml.p2.xlarge": (4, 62464, 1, 12288, False),
    "ml.p3.16xlarge": (64, 499712, 8, 131072, False),
    "ml.p3.2xlarge": (8, 62464, 1, 16384, False),
    "ml.p3.8xlarge": (32, 249856, 4, 65536, False),
}

COLUMNS = ("vcpus", "memory_mib", "gpus", "gpu_memory_mib", "nvme")


def convert_images(
    configs: Mapping[str, Mapping[str, Any]],
    partitions: Sequence[tuple[str, str]],
    frameworks: Mapping[str, Published] = FRAMEWORKS,
) -> dict[str, Any]:
    """Turn the SDK's files into the tables of images.json.

    Parameters
    ----------
    configs : mapping
        The SDK's ``image_uri_config`` files, by stem.
    partitions : sequence of (str, str)
        Regular expression of a partition's Regions, and its DNS suffix.
    frameworks : mapping
        What to take from the files.

    Returns
    -------
    dict
        ``regions`` (DNS suffix, and the account of each registry) and ``frameworks`` (repository,
        registry, Regions of the registry that lack it, and the tags of its newest version). A
        registry is what one AWS team publishes from one set of accounts; its name is its account
        in us-east-1.

    Raises
    ------
    ValueError
        If a framework is missing, not in us-east-1, or if two files name different accounts for
        one registry and Region, or if no partition holds a Region.
    """
    registries: dict[str, dict[str, str]] = {}
    rows: dict[str, tuple[Published, str, set[str], list[str]]] = {}
    for name, published in sorted(frameworks.items()):
        accounts: dict[str, str] = {}
        newest: tuple[tuple[int, ...], list[str]] = ((), [])
        for release, tags in _releases(configs.get(published.file, {}), published):
            for region, account in release["registries"].items():
                if accounts.setdefault(region, account) != account:
                    raise ValueError(f"{name}: two accounts in {region}")
            newest = max(newest, (_numbers(tags[0]), tags))
        if "us-east-1" not in accounts:
            raise ValueError(f"{name}: the SDK has no {published.repository} in us-east-1")
        registry = accounts["us-east-1"]
        for region, account in accounts.items():
            if registries.setdefault(registry, {}).setdefault(region, account) != account:
                raise ValueError(f"{name}: registry {registry} has two accounts in {region}")
        rows[name] = (published, registry, set(accounts), newest[1])

    everywhere = sorted({region for accounts in registries.values() for region in accounts})
    return {
        "regions": {
            region: {
                "suffix": _suffix(region, partitions),
                "accounts": {
                    name: accounts[region] for name, accounts in sorted(registries.items()) if region in accounts
                },
            }
            for region in everywhere
        },
        "frameworks": {
            name: {
                "repository": published.repository,
                "registry": registry,
                "not_in": sorted(registries[registry].keys() - present),
                "tags": tags,
            }
            for name, (published, registry, present, tags) in rows.items()
        },
    }


def _releases(config: Mapping[str, Any], published: Published) -> Iterator[tuple[Mapping[str, Any], list[str]]]:
    """Yield each release in the wanted repository, with its tags."""
    scope = config if "versions" in config else config.get(published.scope, {})
    for number, release in scope.get("versions", {}).items():
        # Hugging Face's files nest the releases once more: pytorch2.6.0 in 4.51.3.
        nested = {
            base: inner
            for base, inner in release.items()
            if re.match(r"(pytorch|tensorflow)\d", base) and "repository" in inner
        }
        for base, inner in nested.items():
            prefix = f"{re.sub('^[a-z]+', '', base)}-transformers{number}"
            if inner["repository"] == published.repository:
                yield inner, _tags(prefix, inner, scope)
        if release.get("repository") == published.repository:
            yield release, _tags(release.get("tag_prefix", number), release, scope)


def _tags(prefix: str, release: Mapping[str, Any], scope: Mapping[str, Any]) -> list[str]:
    """Put the tags of a release together as the SDK's ``image_uris.retrieve`` does."""
    processors = scope.get("processors") or release.get("processors") or [""]
    builds = release.get("container_version", {})
    python = (release.get("py_versions") or [""])[-1]
    repository = release["repository"]
    tags = []
    for processor in processors:
        if builds and processor and processor not in builds:
            continue
        build = builds.get(processor, "")
        if repository.endswith(("-inference-graviton", "-inference-arm64")):
            build = f"{build}-sagemaker"
        if repository.endswith("-inference-neuronx"):
            build = f"{release['sdk_versions'][-1]}-{build}"
            processor = "neuronx"
        shown = processor if release.get("processor_in_tag", True) else ""
        if repository == "sagemaker-tritonserver" and processor == "gpu":
            shown = ""
        tags.append("-".join(part for part in (prefix, shown, python, build) if part))
    return sorted(tags)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _suffix(region: str, partitions: Sequence[tuple[str, str]]) -> str:
    for pattern, suffix in partitions:
        if re.match(pattern, region):
            return suffix
    raise ValueError(f"no partition holds the Region {region}")


def convert_instances(
    hosting_types: Sequence[str],
    ec2_types: Mapping[str, Mapping[str, Any]],
    retired: Mapping[str, tuple[int, int, int, int, bool]] = RETIRED,
) -> dict[str, Any]:
    """Turn EC2's descriptions into the table of instances.json.

    Parameters
    ----------
    hosting_types : sequence of str
        What SageMaker accepts for an endpoint, such as ``ml.m5.large``.
    ec2_types : mapping
        DescribeInstanceTypes entries by EC2 name (without ``ml.``).
    retired : mapping
        Rows for types that EC2's table no longer has.

    Returns
    -------
    dict
        ``columns`` and ``types``: a row by type, ordered by family and size. A type that neither
        table has gets no row, so that a lookup says unknown rather than something made up.
    """
    rows: dict[str, tuple[int, int, int, int, bool]] = {}
    for name in hosting_types:
        ec2 = ec2_types.get(name.removeprefix("ml."))
        if ec2 is None:
            if name in retired:
                rows[name] = retired[name]
            continue
        # GpuInfo only: Inferentia and Trainium chips are listed under NeuronInfo and are no GPUs.
        gpu = ec2.get("GpuInfo", {})
        rows[name] = (
            ec2["VCpuInfo"]["DefaultVCpus"],
            ec2["MemoryInfo"]["SizeInMiB"],
            sum(entry["Count"] for entry in gpu.get("Gpus", [])),
            gpu.get("TotalGpuMemoryInMiB", 0),
            ec2.get("InstanceStorageInfo", {}).get("NvmeSupport", "unsupported") != "unsupported",
        )
    ordered = sorted(rows, key=lambda name: (name.split(".")[1], *rows[name][:2], name))
    return {"columns": list(COLUMNS), "types": {name: rows[name] for name in ordered}}


def dump(table: Mapping[str, Any]) -> str:
    """Write JSON with one row a line, so that a change of AWS's is a one-line difference."""
    parts = []
    for key, value in table.items():
        text = json.dumps(value)
        if isinstance(value, dict):
            rows = [f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in value.items()]
            text = "{\n" + ",\n".join(rows) + "\n  }"
        parts.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read_sdk(wheel: Path) -> tuple[str, dict[str, dict[str, Any]]]:
    """Read the SDK's version and its image files from a wheel.

    Raises
    ------
    ValueError
        If the wheel has no ``image_uri_config`` folder.
    """
    with zipfile.ZipFile(wheel) as archive:
        configs = {
            Path(name).stem: json.loads(archive.read(name))
            for name in archive.namelist()
            if "/image_uri_config/" in name and name.endswith(".json")
        }
    if not configs:
        raise ValueError(f"{wheel} has no image_uri_config folder: is it a {SDK_PACKAGE} wheel?")
    return wheel.name.split("-")[1], configs


def download_sdk(folder: Path) -> Path:
    """Let pip download the newest SDK wheel into a folder."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command = [*pip, "--only-binary", ":all:", SDK_PACKAGE, "--dest", str(folder)]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Renew both tables beside this file."""
    parser = argparse.ArgumentParser(prog="python -m slipway.spec.data.renew", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--date", required=True, type=dt.date.fromisoformat)
    parser.add_argument("--sdk", type=Path, help=f"a {SDK_PACKAGE} wheel (default: download it)")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="output folder")
    options = parser.parse_args(arguments)
    date = options.date.isoformat()

    with tempfile.TemporaryDirectory() as scratch:
        sdk_version, configs = read_sdk(options.sdk or download_sdk(Path(scratch)))
    session = botocore.session.Session()
    regions = [
        (partition["regionRegex"], partition["outputs"]["dnsSuffix"])
        for partition in session.get_data("partitions")["partitions"]
    ]
    botocore_source = f"botocore {version('botocore')}"
    images = {
        "sources": {"images": f"{SDK_PACKAGE} {sdk_version}", "regions": botocore_source},
        "date": date,
        **convert_images(configs, regions),
    }
    (options.to / "images.json").write_text(dump(images), encoding="utf-8")

    model = session.get_service_model("sagemaker")
    hosting_types = cast("StringShape", model.shape_for("ProductionVariantInstanceType")).enum
    packed = files("moto").joinpath("ec2/resources/instance_types.json.gz").read_bytes()
    instances = {
        "sources": {
            "names": botocore_source,
            "sizes": f"moto {version('moto')} (EC2 DescribeInstanceTypes)",
            "retired": RETIRED_SOURCE,
        },
        "date": date,
        **convert_instances(hosting_types, json.loads(gzip.decompress(packed))),
    }
    (options.to / "instances.json").write_text(dump(instances), encoding="utf-8")


if __name__ == "__main__":
    main()
