"""One local AWS for all tests that need one; tests keep apart by account or by name."""

import io
import itertools
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import boto3
import pytest
from botocore.config import Config

from slipway.local import control

# boto3 makes a client's methods at run time; types for each service would need a test for each.
Client: TypeAlias = Any

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "210987654321"
REGION = "eu-west-1"


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS."""

    url: str

    def client(self, service: str, account: str = ACCOUNT, region: str = REGION) -> Client:
        """Return a client of a service."""
        make: Callable[..., Client] = boto3.client
        return make(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="local",
            config=Config(retries={"max_attempts": 0}, proxies={}),
        )


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS on a free port, in a home of its own."""
    home = tmp_path_factory.mktemp("local-aws")
    running = control.start(home, port=0)
    yield LocalAws(running.url)
    assert control.stop(home)


@dataclass
class Stack:
    """A stack of one test, deployed and read through the API."""

    cloudformation: Client
    name: str

    def deploy(
        self,
        resources: Mapping[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        **sections: Any,
    ) -> str:
        """Deploy by a change set, as the CDK does; return the stack's status."""
        self.change_set(resources, tags=tags, **sections)
        self.cloudformation.execute_change_set(StackName=self.name, ChangeSetName="deploy")
        return self.status

    def change_set(
        self,
        resources: Mapping[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
        import_existing: bool = False,
        **sections: Any,
    ) -> dict[str, Any]:
        """Make a change set and return its description."""
        pages = self.cloudformation.get_paginator("describe_stacks").paginate()
        exists = any(
            s["StackName"] == self.name and s["StackStatus"] != "REVIEW_IN_PROGRESS"
            for page in pages
            for s in page["Stacks"]
        )
        where = {"StackName": self.name, "ChangeSetName": "deploy"}
        self.cloudformation.delete_change_set(**where) if exists else None
        self.cloudformation.create_change_set(
            **where,
            ChangeSetType="UPDATE" if exists else "CREATE",
            ImportExistingResources=import_existing,
            TemplateBody=json.dumps({"Resources": resources, **sections}),
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()],
        )
        found: dict[str, Any] = self.cloudformation.describe_change_set(**where)
        return found

    def described(self) -> dict[str, Any]:
        """Return the stack as DescribeStacks has it."""
        found: dict[str, Any] = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        return found

    @property
    def status(self) -> str:
        """Its status."""
        return str(self.described()["StackStatus"])

    def physical_id(self, logical_id: str) -> str:
        """Return what a logical id stands for."""
        found = self.cloudformation.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def events(self) -> list[tuple[str, str]]:
        """Return logical id and status of its events, oldest first."""
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.name)
        found = [event for page in pages for event in page["StackEvents"]]
        return [(e["LogicalResourceId"], e["ResourceStatus"]) for e in reversed(found)]

    def reasons(self) -> str:
        """Return the reasons of all its events."""
        found = self.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in found)

    def delete(self) -> None:
        """Delete it."""
        self.cloudformation.delete_stack(StackName=self.name)


_numbers = itertools.count()


@pytest.fixture
def stack(local_aws: LocalAws) -> Stack:
    """A stack of a new name."""
    return Stack(local_aws.client("cloudformation"), f"stack-{next(_numbers)}")


@pytest.fixture
def new_stack(local_aws: LocalAws) -> Callable[[], Stack]:
    """Makes stacks of new names, for tests that need several."""
    return lambda: Stack(local_aws.client("cloudformation"), f"stack-{next(_numbers)}")


def archive(files: Mapping[str, str]) -> bytes:
    """Return a model.tar.gz."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home for a server of a test's own."""
    return tmp_path / "home"
