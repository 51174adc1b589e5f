"""Where a container's files come from: an archive, single files, or a model package in the registry."""

from moto.s3.models import FakeKey, s3_backends
from moto.sagemaker.models import sagemaker_backends

from slipway.local.artifact import Artifact
from slipway.local.engine.documents import Document
from slipway.local.engine.planning import partition
from slipway.local.mends.hosting import HostedModel
from slipway.local.model_server import ModelServerError

MULTI_MODEL = "MultiModel"


def containers_of(account: str, region: str, model: HostedModel) -> list[Document]:
    """Return a model's containers in a pipeline's order, with model packages resolved.

    Raises
    ------
    ModelServerError
        When a model package is not here, or cannot be served.
    """
    found: list[Document] = []
    for container in model.all_containers:
        if container.get("ModelPackageName"):
            found.extend(_packaged(account, region, container))
        else:
            found.append(container)
    return found


def _packaged(account: str, region: str, container: Document) -> list[Document]:
    """Return the containers of a model package; the model's own members win over the package's."""
    name = container["ModelPackageName"]
    backend = sagemaker_backends[account][region]
    package = backend.model_packages.get(backend.model_package_name_mapping.get(name) or name)
    if package is None:
        raise ModelServerError(500, f"Model package {name} is not on the local AWS, so its model cannot run.")
    wanted = container.get("InferenceSpecificationName")
    named = {extra["Name"]: extra for extra in package.additional_inference_specifications or []}
    specification = (named.get(wanted) if wanted else package.inference_specification) or {}
    if not specification.get("Containers"):
        called = f"inference specification {wanted}" if wanted else "inference specification"
        raise ModelServerError(500, f"Model package {name} has no {called}.")
    own = {key: item for key, item in container.items() if key not in ("ModelPackageName", "Environment")}
    return [
        {**inner, **own, "Environment": {**(inner.get("Environment") or {}), **(container.get("Environment") or {})}}
        for inner in specification["Containers"]
    ]


def location(container: Document, target_model: str = "") -> str:
    """Return the S3 URI of a container's files.

    Parameters
    ----------
    container
        A container of CreateModel.
    target_model
        For a multi-model container, which archive under its prefix.

    Raises
    ------
    ModelServerError
        When it has none: its image would bring the model, and images are not run.
    """
    source = _source(container)
    url = container.get("ModelDataUrl") or source.get("S3Uri") or ""
    if not url.startswith("s3://"):
        raise ModelServerError(
            500,
            "The local AWS runs inference.py from a model's artifact, and this model has none; "
            f"images ({container.get('Image', 'none')}) are not run.",
        )
    if container.get("Mode") == MULTI_MODEL:
        return f"{url.rstrip('/')}/{target_model.lstrip('/')}"
    return str(url)


def split(url: str) -> tuple[str, str]:
    """Return the bucket and the key of an S3 URI."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def artifact_of(account: str, region: str, container: Document, target_model: str = "") -> Artifact | None:
    """Return a container's files; None when they are not in the local buckets.

    Raises
    ------
    ModelServerError
        When the container has no artifact.
    """
    url = location(container, target_model)
    bucket, key = split(url)
    source = _source(container)
    if (source.get("S3DataType"), source.get("CompressionType")) == ("S3Prefix", "None"):
        chosen = _under(account, region, bucket, key)
        if not chosen:
            return None
        version = " ".join(f"{name}:{item.etag}" for name, item in sorted(chosen.items()))
        return Artifact(f"{url} {version}", lambda: {name: item.value for name, item in chosen.items()})
    found = _object(account, region, bucket, key)
    if found is None:
        return None
    if source.get("CompressionType") == "None":  # a model that is a single file
        return Artifact(f"{url} {found.etag} alone", lambda: {key.rsplit("/", 1)[-1]: found.value})
    return Artifact(f"{url} {found.etag}", lambda: found.value)


def code_of(account: str, region: str, container: Document) -> Artifact | None:
    """Return the archive of a container's script, where that is not in the model's.

    Raises
    ------
    ModelServerError
        When it is not in the local buckets.
    """
    url = (container.get("Environment") or {}).get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if not url.startswith("s3://"):
        return None
    found = _object(account, region, *split(url))
    if found is None:
        raise ModelServerError(500, f"Could not find the script's archive at {url} (SAGEMAKER_SUBMIT_DIRECTORY).")
    return Artifact(f"{url} {found.etag}", lambda: found.value)


def _source(container: Document) -> Document:
    return (container.get("ModelDataSource") or {}).get("S3DataSource") or {}


def _object(account: str, region: str, bucket: str, key: str) -> FakeKey | None:
    s3 = s3_backends[account][partition(region)]
    return s3.get_object(bucket, key) if bucket in s3.buckets else None


def _under(account: str, region: str, bucket: str, prefix: str) -> dict[str, FakeKey]:
    """Return what is under a prefix, by the name below it: a model that is not packed."""
    s3 = s3_backends[account][partition(region)]
    keys = s3.get_bucket(bucket).keys if bucket in s3.buckets else {}
    return {
        name.removeprefix(prefix): item
        for name, item in list(keys.items())
        if isinstance(item, FakeKey) and name.startswith(prefix) and not name.endswith("/")
    }
