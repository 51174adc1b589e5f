"""What to change in the config after a rollback, so that the next deployment agrees with what serves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from slipway.ops.rollback.contents import artifact, containers, instance_types, variants
from slipway.spec.errors import ConfigError, Path, dotted
from slipway.spec.hosting import ServerlessHosting
from slipway.spec.load import BASE
from slipway.spec.lock import PUBLISHED_KEY
from slipway.spec.source import Node, find, read_yaml
from slipway.spec.sources import artifacts, image_uri

if TYPE_CHECKING:
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.live import Revision
    from slipway.ops.rollback.contents import Models
    from slipway.spec.endpoint import Served
    from slipway.spec.environment import Environment
    from slipway.spec.model import Container

#: Keys behind the words for what a comparison with the config cannot tell.
_KEYS = {
    "hosting": "hosting",
    "capture": "capture",
    "asynchronous": "asynchronous",
    "explainer": "explainer",
    "metrics": "metrics",
    "model": "model",
    "package": "model",
    "containers": "model",
}
#: Variables that `script` and `source` set, and no key of `environment`.
_SCRIPT = frozenset({"SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY"})


@dataclass(frozen=True, slots=True)
class Change:
    """A key of the config that says something else than the revision.

    Attributes
    ----------
    key
        Such as ``endpoints.iris.version``.
    file, line
        Where it stands; line 0 when nobody wrote it, and then it belongs into that file.
    present, wanted
        What the config says and what it would have to say; empty where only the key is known.
    shared
        Whether it stands where all environments take it from.
    """

    key: str
    file: str
    line: int
    present: str = ""
    wanted: str = ""
    shared: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        if not self.wanted:
            return f"{place}: {self.key}"
        return f"{place}: {self.key}: {self.present or 'not given'} → {self.wanted}"

    def as_dict(self) -> dict[str, object]:
        """Plain data, for programs."""
        return {
            "key": self.key,
            "file": self.file,
            "line": self.line,
            "present": self.present,
            "wanted": self.wanted,
            "shared": self.shared,
        }


class Advisor:
    """Compares the config with a revision.

    Parameters
    ----------
    environment
        As the config declares it.
    name
        The endpoint's short name.
    folder
        The config folder.
    models
        Describes models.
    sagemaker
        Tells their tags.
    """

    def __init__(
        self, environment: Environment, name: str, folder: FilePath, models: Models, sagemaker: SageMakerClient
    ) -> None:
        self._environment = environment
        self._name = name
        self._endpoint = environment.endpoints[name]
        self._overlay = folder / f"{environment.environment}.yaml"
        self._base = folder / BASE
        self._models = models
        self._sagemaker = sagemaker

    def changes(self, revision: Revision, differs: tuple[str, ...] = ()) -> list[Change]:
        """Say what the config would have to say to declare a revision.

        Parameters
        ----------
        revision
            What is to serve.
        differs
            What it differs in from the revision that the stack holds, for what cannot be read from the config.

        Returns
        -------
        list of Change
            Each key once; empty when the config says so already.
        """
        found: dict[Path, tuple[str, str]] = {}
        for path, present, wanted in self._wanted(revision):
            found.setdefault(path, (present, wanted))
        for word in differs:
            key = _KEYS.get(word)
            if key is not None and not any(key in path for path in found):
                found[("endpoints", self._name, key)] = ("", "")
        return [self._placed(path, *values) for path, values in found.items()]

    def _wanted(self, revision: Revision) -> Iterator[tuple[Path, str, str]]:
        top: Path = ("endpoints", self._name)
        declared = str(self._endpoint.version)
        if revision.version and revision.version != declared:
            yield (*top, "version"), declared, revision.version
        there = variants(revision.described)
        by_name = {name: self._models.get(there[name]["ModelName"]) for name in there if "ModelName" in there[name]}
        for served in self._endpoint.served:
            model = by_name.get(served.id)
            if model is not None and not served.component:
                yield from self._of_model(served, model)
        for name, member in {**self._endpoint.fleet, **self._endpoint.shadows}.items():
            if name not in there:
                continue
            at: Path = (*top, *member.at)
            types, wanted = member.hosting.types, instance_types(there[name])
            if types != wanted and types and wanted:
                yield (*at, "hosting", "instance_type"), " or ".join(types), " or ".join(wanted)
            if isinstance(member.hosting, ServerlessHosting):
                yield from _serverless((*at, "hosting", "serverless"), member.hosting, there[name])
            weight = there[name].get("InitialVariantWeight", 1.0)
            if len(self._endpoint.fleet) > 1 and name in self._endpoint.fleet and weight != member.weight:
                yield (*at, "weight"), f"{member.weight:g}", f"{weight:g}"

    def _of_model(self, served: Served, model: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
        top: Path = ("endpoints", self._name)
        version = self._version(model)
        if version and version != served.version:
            own = served.model.version is not None
            yield (*top, *served.at, "version") if own else (*top, "version"), served.version, version
        bucket = self._environment.names.bucket
        downloads = {
            one.container: one
            for one in artifacts(self._name, self._endpoint, bucket)
            if one.served == served.id and not one.script_only
        }
        for (at, name, container), there in zip(served.containers, containers(model), strict=False):
            yield from self._of_container((*top, *at), container, there)
            download = downloads.get(name)
            uri = artifact(there)
            if download is None or not uri or download.uri(self._environment) == uri:
                continue
            key = uri.removeprefix(f"s3://{bucket}/")
            published = PUBLISHED_KEY.fullmatch(key)
            if download.decided_by[-1] != "version":
                yield download.decided_by, download.key, key
            elif published is not None and published["version"] != download.version:
                yield download.decided_by, download.version, published["version"]

    def _of_container(
        self, at: Path, container: Container, there: Mapping[str, Any]
    ) -> Iterator[tuple[Path, str, str]]:
        image = image_uri(self._environment, container)
        if image is not None and there.get("Image") and image != there["Image"]:
            yield (*at, "image"), image, there["Image"]
        given, wanted = container.variables, there.get("Environment") or {}
        for key in sorted((given.keys() | wanted.keys()) - _SCRIPT):
            if given.get(key) != wanted.get(key):
                # A value may be a secret: the key is enough.
                yield (*at, "environment", key), "set" if key in given else "", "another" if key in wanted else "null"

    def _version(self, model: Mapping[str, Any]) -> str:
        pages = self._sagemaker.get_paginator("list_tags").paginate(ResourceArn=model["ModelArn"])
        return next((tag["Value"] for page in pages for tag in page["Tags"] if tag["Key"] == "Version"), "")

    def _placed(self, path: Path, present: str, wanted: str) -> Change:
        for file in (self._overlay, self._base):
            node = find(_top(file), path)
            if node is not None and node.line:
                return Change(dotted(path), node.file, node.line, present, wanted, shared=file == self._base)
        return Change(dotted(path), str(self._overlay), 0, present, wanted)


def _top(file: FilePath) -> Node:
    """A file of the config; empty where there is none."""
    try:
        return read_yaml(file).top
    except ConfigError:  # such as a base that is not there; what is wrong with the others was said before
        return Node({}, str(file), 0)


def _serverless(at: Path, declared: ServerlessHosting, there: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    settings, wanted = declared.serverless, there.get("ServerlessConfig") or {}
    pairs = (
        ("memory", settings.memory.whole, wanted.get("MemorySizeInMB"), "MB"),
        ("concurrency", settings.concurrency, wanted.get("MaxConcurrency"), ""),
        ("provisioned", settings.provisioned, wanted.get("ProvisionedConcurrency"), ""),
    )
    for key, present, value, unit in pairs:
        if present != value:
            yield (*at, key), f"{present}{unit}" if present is not None else "", f"{value}{unit}" if value else "null"
