"""Promoting: what is refused, what an interruption leaves, and who may go where; the rest runs on the local AWS."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.ops.promote import promote as promoting
from slipway.ops.promote.promote import Promoted, PromoteError, Side, promote, refuse_one_login
from slipway.ops.promote.users import Use, same_image, to_write, uses
from slipway.ops.publish import storage
from slipway.ops.publish.package import Package
from slipway.ops.publish.storage import PublishError
from slipway.ops.target import WrongTarget
from slipway.ops.trouble import WrongOperation
from slipway.spec.lock import read_lock
from slipway.spec.model import FrameworkImage, Image, RepositoryImage, UriImage
from tests.unit.ops.conftest import Declare
from tests.unit.ops.publish.multi_model import archive, before, config, environment, put, refuse

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from slipway.ops.target import Target

DEV, PROD = (f"acme-sm-rc-project-a-{env}-eu-west-1" for env in ("dev", "prod"))
KEY = "models/iris/v1/model.tar.gz"
IRIS = """\
endpoints:
  iris:
    version: 1
    model: {image: {framework: sklearn, tag: 1.4-2-cpu-py3}}
    hosting: {instance_type: ml.m5.large}
"""


class Places:
    """Both environments, each with a client of its own, so that a test can break one of them."""

    def __init__(self, folder: Path, account: Target) -> None:
        self.folder = folder
        self.lock = folder / "models.lock.json"
        self.dev: S3Client = account.client("s3")
        self.prod: S3Client = account.client("s3")
        self.said: list[str] = []
        for bucket in (DEV, PROD):
            self.dev.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        put(self.dev, KEY, lock=self.lock, bucket=DEV)

    def side(self, name: str) -> Side:
        return Clients(environment(self.folder, name), None, self.dev if name == "dev" else self.prod)  # type: ignore[arg-type]

    def run(self) -> Promoted:
        sides = {"source": self.side("dev"), "to": self.side("prod")}
        return promote("iris", "1", **sides, config=self.folder, say=self.said.append)

    def there(self) -> list[str]:
        return [one["Key"] for one in self.dev.list_objects_v2(Bucket=PROD).get("Contents", [])]


@dataclass(frozen=True)
class Clients(Side):
    """A side whose client is given."""

    given: S3Client

    @property
    def s3(self) -> S3Client:
        return self.given


@pytest.fixture
def places(account: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    folder = tmp_path / "config"
    folder.mkdir()
    config(folder, dev=IRIS, prod=IRIS)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return Places(folder, account)


def left(places: Places) -> list[str]:
    """Names of temporary files."""
    return [path.name for path in (places.folder.parent / "tmp").iterdir()]


def interrupt() -> None:
    """Ctrl-C, which reaches the main thread, whichever thread calls S3."""
    os.kill(os.getpid(), signal.SIGINT)


def test_each_step_that_can_take_long_is_said(places: Places) -> None:
    done = places.run()
    size = len(archive(KEY)[0])
    assert places.said == [f"read s3://{DEV}/{KEY}", f"write s3://{PROD}/{KEY} ({size:,} bytes)"]
    assert (done.uri, done.sha256, done.uploaded) == (f"s3://{PROD}/{KEY}", read_lock(places.lock)[KEY], True)
    assert left(places) == []


@pytest.mark.parametrize("failing", ["dev HeadObject", "dev GetObject", "prod PutObject"])
def test_an_interruption_before_the_end_leaves_nothing(places: Places, failing: str) -> None:
    side, operation = failing.split()
    before(getattr(places, side), operation, interrupt)
    with pytest.raises(KeyboardInterrupt):
        places.run()
    assert places.there() == []
    assert left(places) == []
    assert places.run().uploaded


def test_an_interrupted_upload_in_parts_leaves_no_parts(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "PART_SIZE", 100)
    before(places.prod, "CompleteMultipartUpload", interrupt)
    with pytest.raises(KeyboardInterrupt):
        places.run()
    assert places.there() == []
    assert places.prod.list_multipart_uploads(Bucket=PROD).get("Uploads", []) == []


def test_an_interruption_after_the_upload_leaves_what_the_next_run_finds(places: Places) -> None:
    def later(**_: object) -> None:
        raise KeyboardInterrupt

    places.prod.meta.events.register("after-call.s3.PutObject", later)
    with pytest.raises(KeyboardInterrupt):
        places.run()
    assert places.there() == [KEY]
    assert not places.run().uploaded


def test_somebody_elses_other_bytes_at_the_same_moment_are_told(places: Places) -> None:
    other, sha256 = archive("other")
    before(
        places.prod,
        "PutObject",
        lambda: places.dev.put_object(Bucket=PROD, Key=KEY, Body=other, Metadata={"sha256": sha256}),
    )
    with pytest.raises(PromoteError, match=rf"s3://{PROD}/{KEY} has other bytes: sha256 {sha256[:12]}…"):
        places.run()
    assert places.dev.get_object(Bucket=PROD, Key=KEY)["Body"].read() == other


def test_an_upload_that_collides_with_one_under_way_asks_to_try_again(places: Places) -> None:
    refuse(places.prod, "PutObject", "ConditionalRequestConflict", 409)
    with pytest.raises(PromoteError, match="is being written by somebody else right now: try again"):
        places.run()


def test_what_s3_stored_is_read_again_whatever_the_upload_said(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(s3: S3Client, bucket: str, key: str, packed: Package) -> bool:
        s3.put_object(Bucket=bucket, Key=key, Body=archive("torn")[0], Metadata={"sha256": packed.sha256})
        return True

    monkeypatch.setattr(promoting, "upload", lying)
    with pytest.raises(PromoteError, match="has other bytes"):
        places.run()


@pytest.mark.parametrize(
    ("side", "operation", "code", "status", "message"),
    [
        ("dev", "HeadObject", "403", 403, r"access denied to HeadObject: .* in the environment that it comes from"),
        ("dev", "GetObject", "AccessDenied", 403, r"access denied to GetObject: .* in the environment that it comes"),
        (
            "prod",
            "GetObject",
            "AccessDenied",
            403,
            r"access denied to GetObject: .* in the environment that it goes to",
        ),
        ("prod", "PutObject", "AccessDenied", 403, r"access denied to PutObject: .*s3:PutObject.* that it goes to"),
        ("dev", "GetObject", "SlowDown", 503, "S3 asked to slow down at GetObject, again and again"),
        ("prod", "PutObject", "SlowDown", 503, "S3 asked to slow down at PutObject, again and again"),
        ("prod", "GetObject", "NoSuchBucket", 404, "does not exist: deploy the environment's foundation first"),
    ],
)
def test_what_s3_refuses_is_explained_and_leaves_nothing(
    places: Places, side: str, operation: str, code: str, status: int, message: str
) -> None:
    refuse(getattr(places, side), operation, code, status)
    with pytest.raises(PublishError, match=message):
        places.run()
    assert places.there() == []
    assert left(places) == []


def test_a_source_that_is_no_archive_is_refused(places: Places) -> None:
    places.dev.put_object(Bucket=DEV, Key=KEY, Body=b"PK", Metadata={"sha256": read_lock(places.lock)[KEY]})
    with pytest.raises(PublishError, match=rf"s3://{DEV}/{KEY} was uploaded by other means and is no gzip archive"):
        places.run()
    assert places.there() == []
    assert left(places) == []


# -- two accounts


@pytest.mark.parametrize("profiles", [(None, None), ("acme", "acme")])
def test_two_accounts_take_two_profiles(declare: Declare, profiles: tuple[str | None, str | None]) -> None:
    dev = declare()
    prod = dev.model_copy(update={"environment": "prod", "account": "111122223333"})
    with pytest.raises(
        WrongTarget,
        match=r"dev lives in account 123456789012, prod in 111122223333, and one login is not both: name a profile of "
        r"each, `--from-profile NAME --to-profile NAME`",
    ):
        refuse_one_login(dev, prod, "aws", profiles)


def test_one_account_or_two_profiles_are_fine_and_the_local_aws_takes_none(declare: Declare) -> None:
    dev = declare()
    staging = dev.model_copy(update={"environment": "staging"})
    prod = dev.model_copy(update={"environment": "prod", "account": "111122223333"})
    refuse_one_login(dev, staging, "aws", (None, None))
    refuse_one_login(dev, prod, "aws", ("acme-dev", None))
    refuse_one_login(dev, prod, "aws", ("acme-dev", "acme-prod"))
    refuse_one_login(dev, prod, "local", (None, None))
    with pytest.raises(WrongOperation, match="the local AWS takes no login"):
        refuse_one_login(dev, prod, "local", ("acme-dev", None))
    with pytest.raises(WrongOperation, match="--from and --to are both dev"):
        refuse_one_login(dev, dev, "aws", (None, None))


# -- what the config says


SKLEARN = {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}
HOSTING = {"instance_type": "ml.m5.large"}
DIGEST = f"sha256:{'a' * 64}"


def test_every_container_that_runs_a_model_is_found(declare: Declare) -> None:
    made = declare(
        chain={
            "version": 1,
            "hosting": HOSTING,
            "model": {
                "containers": {
                    "scale": {"image": SKLEARN},
                    "score": {"image": SKLEARN, "artifact": "models/iris/v3/model.tar.gz"},
                }
            },
        },
        demand={
            "version": 1,
            "hosting": HOSTING,
            "model": {
                "image": SKLEARN,
                "models": "models/demand/",
                "script": "inference.py",
                "source": "models/demand/source/v1/model.tar.gz",
            },
        },
        iris={"version": 2, "hosting": HOSTING, "model": {"image": SKLEARN}},
    )

    def found(model: str) -> list[tuple[str, tuple[str | int, ...]]]:
        return [(use.artifact.key, use.at) for use in uses(made, model)]

    assert found("iris") == [
        ("models/iris/v3/model.tar.gz", ("endpoints", "chain", "model", "containers", "score")),
        ("models/iris/v2/model.tar.gz", ("endpoints", "iris", "model")),
    ]
    assert found("demand/store-1") == [("models/demand/", ("endpoints", "demand", "model"))]
    assert found("demand/source") == [
        ("models/demand/source/v1/model.tar.gz", ("endpoints", "demand", "model")),
        ("models/demand/", ("endpoints", "demand", "model")),
    ]
    assert found("iri") == []


Wanted = dict[str, object]


@pytest.mark.parametrize(
    ("endpoint", "version", "wanted"),
    [
        ({"version": 1, "model": {"image": SKLEARN}}, "2", {"version": 2}),
        ({"version": 1, "model": {"image": SKLEARN}}, "2026-11-21", {"version": "2026-11-21"}),
        ({"version": 2, "model": {"image": SKLEARN}}, "2", {}),
        ({"version": 1, "model": {"image": SKLEARN, "version": 1}}, "2", {"model": {"version": 2}}),
        (
            {"version": 1, "model": {"image": SKLEARN, "artifact": "models/iris/v1/model.tar.gz"}},
            "2",
            {"model": {"artifact": "models/iris/v2/model.tar.gz"}},
        ),
    ],
    ids=["a number", "a word", "declared already", "the model's own version", "an artifact by its key"],
)
def test_a_version_is_written_where_the_config_decides_it(
    declare: Declare, endpoint: Wanted, version: str, wanted: Wanted
) -> None:
    made = declare(iris={"hosting": HOSTING, **endpoint})
    found = to_write(made, "iris", version, f"models/iris/v{version}/model.tar.gz", {})
    assert found == ({"endpoints": {"iris": wanted}} if wanted else {})


def test_the_image_of_the_same_place_is_written_else_that_of_the_only_one(declare: Declare) -> None:
    variant = {"weight": 1, "hosting": HOSTING}
    old, new = "models/iris/v1/model.tar.gz", RepositoryImage(repository="iris", digest=DIGEST)
    other = FrameworkImage(framework="sklearn", tag="1.2-1-cpu-py3")
    two = declare(
        iris={
            "version": 1,
            "variants": {name: {**variant, "model": {"image": SKLEARN, "artifact": old}} for name in ("one", "two")},
        }
    )
    one = declare(iris={"version": 1, "hosting": HOSTING, "model": {"image": SKLEARN, "artifact": old}})
    first, second = uses(two, "iris")
    images: dict[Use, Image] = {first: new, second: other}
    lacking = to_write(two, "iris", "1", old, images)
    assert lacking["endpoints"]["iris"]["variants"]["one"] == {
        "model": {"image": {"repository": "iris", "digest": DIGEST}}
    }
    assert lacking["endpoints"]["iris"]["variants"]["two"] == {
        "model": {"image": {"framework": "sklearn", "tag": "1.2-1-cpu-py3"}}
    }
    assert to_write(one, "iris", "1", old, images) == {}, "which of the two is meant, nobody knows"
    assert to_write(one, "iris", "1", old, {first: new}) == {
        "endpoints": {"iris": {"model": {"image": {"repository": "iris", "digest": DIGEST}}}}
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (UriImage(uri=f"a.example/x@{DIGEST}"), UriImage(uri=f"b.example/y@{DIGEST}"), True),
        (UriImage(uri="a.example/x:1"), UriImage(uri="b.example/x:1"), False),
        (RepositoryImage(repository="a", digest=DIGEST), RepositoryImage(repository="b", digest=DIGEST), True),
        (RepositoryImage(repository="a", tag="v1"), RepositoryImage(repository="a", digest=DIGEST), False),
        (FrameworkImage(framework="sklearn", tag="1"), FrameworkImage(framework="sklearn", tag="1"), True),
        (FrameworkImage(framework="sklearn", tag="1"), UriImage(uri="a.example/x:1"), False),
    ],
)
def test_images_are_the_same_by_digest_else_by_name(
    one: UriImage | RepositoryImage | FrameworkImage, other: UriImage | RepositoryImage | FrameworkImage, *, same: bool
) -> None:
    assert same_image(one, other) is same
