"""Checks of the images of the new models: there, and readable by the execution role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from slipway.ops.preflight.permissions import MAY_READ, Read, Role, readable
from slipway.ops.preflight.report import Finding, failed, listed, ok, warning
from slipway.ops.trouble import code, is_denied
from slipway.spec import images
from slipway.spec.model import FrameworkImage
from slipway.spec.sources import image_uri

if TYPE_CHECKING:
    from slipway.ops.preflight.clients import Clients
    from slipway.spec.environment import Environment

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.[a-z0-9-]+\.[a-z.]+/"
    r"(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class ImageCheck:
    """Looks at the images of an endpoint's containers.

    Parameters
    ----------
    environment
        The environment.
    clients
        To ask; takes ecr:DescribeImages on the account's repositories.
    role
        The execution role.
    """

    def __init__(self, environment: Environment, clients: Clients, role: Role) -> None:
        self._environment, self._clients, self._role = environment, clients, role
        names = environment.names
        self._own = {names.repository(name) for name in environment.repositories}

    def findings(self, name: str) -> Iterator[Finding]:
        """Look.

        Parameters
        ----------
        name
            The endpoint's short name.

        Yields
        ------
        Finding
            What is not there, or cannot be told; or that all is well.
        """
        found: list[Finding] = []
        reads: list[Read] = []
        well: list[str] = []
        served = self._environment.endpoints[name].served
        for container in (container for one in served for _, _, container in one.containers):
            image, uri = container.image, image_uri(self._environment, container)
            if uri is None or image is None:
                well.append("one that a model package or another component brings")
            elif isinstance(image, FrameworkImage):
                well.append(f"AWS's own {uri.rsplit('/', 1)[-1]}")
            else:
                finding, read = self._image(uri)
                found += [finding] if finding else []
                reads += [read] if read else []
                well.append(uri)
        refused, told = readable(self._role, list(dict.fromkeys(reads)))
        if found or refused:
            yield from (*dict.fromkeys(found), *refused)
            return
        yield ok(f"{listed(list(dict.fromkeys(well)))}{MAY_READ if told else ''}" if well else "its models bring none")

    def _image(self, uri: str) -> tuple[Finding | None, Read | None]:
        environment = self._environment
        found = _ECR.fullmatch(uri)
        if found is None:
            told = warning(
                f"{uri} could not be looked at: it is in a registry of your own", "see that its tag is there"
            )
            return told, None
        # Another Region's is refused by the config already.
        account, repository = found["account"], found["repository"]
        if (account, repository) in _registries(environment.region):
            return None, None
        arn = environment.names.arn("ecr", f"repository/{repository}", account=account)
        read = Read(uri, "ecr:BatchGetImage", arn, standing=repository in self._own)
        how = {"imageDigest": found["digest"]} if found["digest"] else {"imageTag": found["tag"] or "latest"}
        try:
            self._clients.ecr.describe_images(
                registryId=account,
                repositoryName=repository,
                imageIds=[how],  # type: ignore[list-item]  # of two keys only one is given
            )
        except ClientError as error:
            return self._refused(error, uri, repository, account), None
        return None, read

    def _refused(self, error: ClientError, uri: str, repository: str, account: str) -> Finding:
        environment = self._environment
        if code(error) == "RepositoryNotFoundException" and repository in self._own:
            foundation = environment.names.stack("foundation")
            return failed(
                f"{uri} is not there: nor is its repository, which the foundation makes",
                f"npx cdk deploy -c env={environment.environment} {foundation}, then push the image",
            )
        if code(error) in ("RepositoryNotFoundException", "ImageNotFoundException"):
            return failed(f"{uri} is not there", "push it, or declare another one")
        if is_denied(error):
            whose = "" if account == environment.account else f" of account {account}"
            return warning(
                f"{uri} could not be looked at: access denied",
                f"looking takes ecr:DescribeImages on the repository{whose}",
            )
        raise error


def _registries(region: str) -> set[tuple[str, str]]:
    """Accounts and repositories in which AWS publishes images in a Region: all may pull, nobody may ask."""
    return {images.registry(one, region) for one in images.frameworks() if region in images.regions(one)}
