"""Promoting from dev to prod, in two accounts of the local AWS: the same bytes, the same image, or nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from slipway.ops.promote.promote import Promoted, Side, promote
from slipway.spec.lock import read_lock
from tests.local.conftest import Client, LocalAws
from tests.local.two_accounts import ACCOUNTS, Project

KEY = "models/iris/v1/model.tar.gz"
PROMOTE = ("promote", "iris", "1", "--from", "dev", "--to", "prod")
BASE = """\
notify: [ml-oncall@example.com]
repositories: [iris]
endpoints:
  iris:
    version: 1
    model: {image: {framework: sklearn, tag: 1.4-2-cpu-py3}}
    hosting: {instance_type: ml.m5.large}
"""
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class Irises(Project):
    """A project whose endpoint has one model, published in dev."""

    def publish(self, text: str = "one", version: str = "1", env: str = "dev") -> None:
        arguments = ("--model", "iris", "--version", version, "--env", env)
        assert self.run("publish", str(self.model(text)), *arguments) == 0

    def content(self, env: str) -> bytes:
        content: bytes = self.s3(env).get_object(Bucket=self.bucket(env), Key=KEY)["Body"].read()
        return content

    def side(self, env: str) -> Side:
        return Side(self.environment(env), self.target(env))

    # -- images

    def ecr(self, env: str) -> Client:
        return self.aws.client("ecr", ACCOUNTS[env])

    def repository(self, env: str) -> str:
        return self.environment(env).names.repository("iris")

    def make_repositories(self, *environments: str) -> None:
        for env in environments:
            self.ecr(env).create_repository(repositoryName=self.repository(env), imageTagMutability="IMMUTABLE")

    def push_layer(self, env: str, content: bytes) -> dict[str, Any]:
        ecr, name = self.ecr(env), self.repository(env)
        digest = digest_of(content)
        upload = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
        last = len(content) - 1
        ecr.upload_layer_part(
            repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=last, layerPartBlob=content
        )
        ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[digest])
        return {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": len(content)}

    def push(self, *layers: bytes, tag: str = "v1", env: str = "dev") -> str:
        """Push an image into an environment's repository; return its digest."""
        described = [self.push_layer(env, content) for content in layers]
        config = self.push_layer(env, b'{"architecture": "amd64"}')
        return self.put(env, {"mediaType": MANIFEST, "config": config, "layers": described}, tag)

    def put(self, env: str, manifest: Mapping[str, Any], tag: str) -> str:
        text = json.dumps({"schemaVersion": 2, **manifest}, indent=3)
        image = self.ecr(env).put_image(repositoryName=self.repository(env), imageManifest=text, imageTag=tag)["image"]
        return str(image["imageId"]["imageDigest"])

    def manifest(self, env: str, **which: str) -> str | None:
        found = self.ecr(env).batch_get_image(repositoryName=self.repository(env), imageIds=[which])["images"]
        return str(found[0]["imageManifest"]) if found else None

    def layer(self, env: str, content: bytes) -> bool:
        found = self.ecr(env).batch_check_layer_availability(
            repositoryName=self.repository(env), layerDigests=[digest_of(content)]
        )
        return bool(found["layers"])


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def image(what: str, version: int = 1) -> str:
    return f"endpoints: {{iris: {{version: {version}, model: {{image: {{repository: iris, {what}}}}}}}}}\n"


@pytest.fixture
def project(local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Irises:
    made = Irises(tmp_path, local_aws).set_up(BASE, monkeypatch)
    made.publish()
    return made


def test_the_same_bytes_arrive_and_a_second_time_changes_nothing(
    project: Irises, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = project.lock.read_bytes()
    sha256 = read_lock(project.lock)[KEY]
    capsys.readouterr()
    assert project.run(*PROMOTE) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == f"from {project.target('dev').where}"
    assert printed.splitlines()[1] == f"to   {project.target('prod').where}"
    assert f"promoted: s3://{project.bucket('prod')}/{KEY}\nsha256 {sha256}, read from both buckets\n" in printed
    assert "AWS publishes it, so there is nothing to copy" in printed
    assert printed.endswith("prod declares it already: `slipway deploy --env prod` serves it\n")
    assert project.content("prod") == project.content("dev")
    assert project.s3("prod").head_object(Bucket=project.bucket("prod"), Key=KEY)["Metadata"] == {"sha256": sha256}
    assert project.run(*PROMOTE) == 0
    assert f"already there: s3://{project.bucket('prod')}/{KEY}\n" in capsys.readouterr().out
    assert len(project.s3("prod").list_object_versions(Bucket=project.bucket("prod"))["Versions"]) == 1
    assert project.lock.read_bytes() == recorded


def test_what_was_promoted_deploys_since_the_lock_file_agrees(project: Irises) -> None:
    assert project.run(*PROMOTE) == 0
    assert project.run("publish", str(project.model("one")), "--model", "iris", "--version", "1", "--env", "prod") == 0
    assert len(project.s3("prod").list_object_versions(Bucket=project.bucket("prod"))["Versions"]) == 1


def test_a_source_with_other_bytes_than_were_published_is_refused(
    project: Irises, capsys: pytest.CaptureFixture[str]
) -> None:
    metadata = {"sha256": read_lock(project.lock)[KEY]}
    replaced = gzip.compress(b"another tar", mtime=0)
    project.s3().put_object(Bucket=project.bucket(), Key=KEY, Body=replaced, Metadata=metadata)
    assert project.run(*PROMOTE) == 1
    error = capsys.readouterr().err
    assert f"s3://{project.bucket()}/{KEY} has sha256 {hashlib.sha256(b'another tar').hexdigest()[:12]}…" in error
    assert "somebody replaced the object, so nothing was promoted" in error
    assert f"`aws s3api list-object-versions --bucket {project.bucket()} --prefix {KEY}`" in error
    assert project.objects("prod") == []


@pytest.mark.parametrize("body", [gzip.compress(b"another tar", mtime=0), b"PK"], ids=["an archive", "no archive"])
def test_other_bytes_at_the_target_are_refused_and_left_whatever_is_written_beside_them(
    project: Irises, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    metadata = {"sha256": read_lock(project.lock)[KEY]}
    project.s3("prod").put_object(Bucket=project.bucket("prod"), Key=KEY, Body=body, Metadata=metadata)
    assert project.run(*PROMOTE) == 1
    error = capsys.readouterr().err
    assert ("has other bytes" if body != b"PK" else "is no gzip archive") in error
    assert project.content("prod") == body


def test_the_same_tar_deflated_otherwise_is_the_same_version(project: Irises) -> None:
    again = gzip.compress(gzip.decompress(project.content("dev")), 1)
    project.s3("prod").put_object(Bucket=project.bucket("prod"), Key=KEY, Body=again)
    assert project.run(*PROMOTE) == 0
    assert project.content("prod") == again


def test_what_is_in_the_lock_file_but_not_at_the_source_is_refused(
    project: Irises, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.run("promote", "iris", "1", "--from", "prod", "--to", "dev") == 0, "dev has it already"
    project.s3().delete_object(Bucket=project.bucket(), Key=KEY)
    assert project.run(*PROMOTE) == 1
    assert f"s3://{project.bucket()}/{KEY} is not there: publish it to dev, or name the" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("iris", "2", "--from", "dev", "--to", "prod"), "models/iris/v2/model.tar.gz is not in"),
        (("iris", "1", "--from", "dev", "--to", "dev"), "--from and --to are both dev: name two environments"),
        (("iris", "1", "--from", "dev", "--to", "qa"), "an environment is one of dev, test, staging, prod, not 'qa'"),
        (("Iris", "1", "--from", "dev", "--to", "prod"), "model 'Iris': write lower-case letters"),
        (("iris", "0", "--from", "dev", "--to", "prod"), "version '0' of model iris: write 1 or more"),
        (("iris", "1", "--from", "dev", "--to", "prod", "--to-profile", "p"), "are for `--target aws`"),
        (("iris", "1", "--from", "dev", "--to", "prod", "--target", "aws"), "`--from-profile NAME --to-profile NAME`"),
    ],
)
def test_wrong_usage_is_told_and_changes_nothing(
    project: Irises, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert project.run("promote", *arguments) == 2
    assert message in capsys.readouterr().err
    assert project.objects("prod") == []


def test_a_model_that_no_endpoint_uses_is_promoted_with_a_note(
    project: Irises, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.run("publish", str(project.model("x")), "--model", "irsi", "--version", "1") == 0
    capsys.readouterr()
    assert project.run("promote", "irsi", "1", "--from", "dev", "--to", "prod") == 0
    assert capsys.readouterr().err.splitlines() == [
        f"note: no endpoint of {env} uses a model 'irsi', did you mean iris? There is: iris" for env in ("dev", "prod")
    ]
    assert project.objects("prod") == ["models/irsi/v1/model.tar.gz"]


def test_an_archive_of_a_multi_model_endpoint_takes_no_deployment(
    project: Irises, capsys: pytest.CaptureFixture[str]
) -> None:
    base = project.folder / "base.yaml"
    base.write_text(base.read_text().replace("1.4-2-cpu-py3}}", "1.4-2-cpu-py3}, models: models/iris/}"))
    assert project.run("publish", str(project.model("x")), "--model", "iris/rose", "--version", "1") == 0
    capsys.readouterr()
    assert project.run("promote", "iris/rose", "1", "--from", "dev", "--to", "prod") == 0
    captured = capsys.readouterr()
    name = project.environment("prod").names.endpoint("iris")
    assert captured.out.endswith(f"a request to {name} names it rose/v1/model.tar.gz; that takes no deployment\n")
    assert captured.err == ""


def test_of_two_who_promote_at_once_one_uploads_and_the_other_finds_it(project: Irises) -> None:
    together = threading.Barrier(2)

    def say(line: str) -> None:
        if line.startswith("write"):
            together.wait(10)

    def run(_: str) -> Promoted:
        return promote("iris", "1", source=project.side("dev"), to=project.side("prod"), config=project.folder, say=say)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(run, ("alice", "bob")))
    assert sorted(one.uploaded for one in outcomes) == [False, True]
    assert len(project.s3("prod").list_object_versions(Bucket=project.bucket("prod"))["Versions"]) == 1


# -- what the target's config has to say


def advice(printed: str) -> Any:
    head, _, text = printed.partition("prod does not declare it yet. Write this in ")
    assert head
    assert "prod.yaml, and then `slipway deploy --env prod`:" in text.splitlines()[0]
    return yaml.safe_load(text.partition("\n")[2])


def test_what_is_to_be_written_is_said_and_is_enough(project: Irises, capsys: pytest.CaptureFixture[str]) -> None:
    project.publish("two", "2")
    capsys.readouterr()
    promoting = ("promote", "iris", "2", "--from", "dev", "--to", "prod")
    assert project.run(*promoting) == 0
    lacking = advice(capsys.readouterr().out)
    assert lacking == {"endpoints": {"iris": {"version": 2}}}
    project.write("prod", yaml.safe_dump(lacking))
    assert project.run(*promoting) == 0
    assert "prod declares it already" in capsys.readouterr().out


def test_an_image_that_differs_is_to_be_written_as_well(project: Irises, capsys: pytest.CaptureFixture[str]) -> None:
    project.write("prod", "endpoints: {iris: {model: {image: {framework: sklearn, tag: 1.2-1-cpu-py3}}}}\n")
    assert project.run(*PROMOTE) == 0
    assert advice(capsys.readouterr().out) == {
        "endpoints": {"iris": {"model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}}}
    }


# -- images


def test_an_image_arrives_under_its_own_digest_with_all_its_layers(
    project: Irises, capsys: pytest.CaptureFixture[str]
) -> None:
    project.make_repositories("dev", "prod")
    digest = project.push(b"base", b"weights")
    project.write("dev", image(f'digest: "{digest}"'))
    capsys.readouterr()
    assert project.run(*PROMOTE) == 0
    printed = capsys.readouterr().out
    names = project.environment("prod").names
    assert f": 3 of 3 layers, {len(b'base' + b'weights') + 25} bytes\n" in printed
    assert f"image copied: {names.repository_uri('iris')}@{digest}\n" in printed
    assert advice(printed) == {"endpoints": {"iris": {"model": {"image": {"repository": "iris", "digest": digest}}}}}
    assert project.manifest("prod", imageDigest=digest) == project.manifest("dev", imageDigest=digest)
    assert project.layer("prod", b"base")
    assert project.layer("prod", b"weights")
    assert project.objects("prod") == [KEY]
    assert project.run(*PROMOTE) == 0
    assert f"image already there: {names.repository_uri('iris')}@{digest}\n" in capsys.readouterr().out


def test_only_the_layers_that_are_not_there_move(project: Irises, capsys: pytest.CaptureFixture[str]) -> None:
    project.make_repositories("dev", "prod")
    project.push(b"base", b"yesterday", env="prod")
    digest = project.push(b"base", b"today's weights")
    project.write("dev", image(f'digest: "{digest}"'))
    capsys.readouterr()
    assert project.run(*PROMOTE) == 0
    assert ": 1 of 3 layers, 15 bytes\n" in capsys.readouterr().out
    assert project.layer("prod", b"today's weights")


def test_a_layer_larger_than_a_part_arrives_whole(project: Irises) -> None:
    project.make_repositories("dev", "prod")
    large = bytes(range(256)) * (11 * 4096)  # 11 MiB, where a part is 10 MiB
    digest = project.push(large)
    project.write("dev", image(f'digest: "{digest}"'))
    assert project.run(*PROMOTE) == 0
    assert project.layer("prod", large)


def test_an_image_named_by_a_tag_gets_the_tag_and_is_to_be_pinned(
    project: Irises, capsys: pytest.CaptureFixture[str]
) -> None:
    project.make_repositories("dev", "prod")
    digest = project.push(b"base", tag="v7")
    project.write("dev", image("tag: v7"))
    capsys.readouterr()
    assert project.run(*PROMOTE) == 0
    assert advice(capsys.readouterr().out) == {
        "endpoints": {"iris": {"model": {"image": {"repository": "iris", "digest": digest}}}}
    }
    assert project.manifest("prod", imageTag="v7") == project.manifest("dev", imageDigest=digest)
    assert project.run(*PROMOTE) == 0


def test_a_tag_that_is_another_image_there_is_refused(project: Irises, capsys: pytest.CaptureFixture[str]) -> None:
    project.make_repositories("dev", "prod")
    project.push(b"of dev", tag="v7")
    theirs = project.push(b"of prod", tag="v7", env="prod")
    project.write("dev", image("tag: v7"))
    assert project.run(*PROMOTE) == 1
    assert f":v7 is another image ({theirs}) than the one to be copied" in capsys.readouterr().err
    assert project.objects("prod") == []
    assert not project.layer("prod", b"of dev")


def test_an_index_arrives_with_the_images_that_it_lists(project: Irises) -> None:
    project.make_repositories("dev", "prod")
    inner = project.push(b"amd64 layer", tag="amd64")
    listed = {"mediaType": MANIFEST, "digest": inner, "size": 1, "platform": {"architecture": "amd64", "os": "linux"}}
    digest = project.put("dev", {"mediaType": INDEX, "manifests": [listed]}, "all")
    project.write("dev", image(f'digest: "{digest}"'))
    assert project.run(*PROMOTE) == 0
    for one in (digest, inner):
        assert project.manifest("prod", imageDigest=one) == project.manifest("dev", imageDigest=one)
    assert project.layer("prod", b"amd64 layer")


@pytest.mark.parametrize(
    ("made", "pushed", "message"),
    [
        (("dev",), True, "write `repositories: [iris]` for prod and deploy its foundation first"),
        (("prod",), False, "write `repositories: [iris]` for dev and deploy its foundation first"),
        (("dev", "prod"), False, "is not there: push it, or name another image in the config"),
    ],
    ids=["no repository there", "no repository here", "no image"],
)
def test_an_image_that_cannot_be_copied_stops_the_promotion(
    project: Irises, capsys: pytest.CaptureFixture[str], made: tuple[str, ...], *, pushed: bool, message: str
) -> None:
    project.make_repositories(*made)
    digest = project.push(b"base") if pushed else digest_of(b"never pushed")
    project.write("dev", image(f'digest: "{digest}"'))
    assert project.run(*PROMOTE) == 1
    assert message in capsys.readouterr().err
    assert project.objects("prod") == []


def test_layers_that_cannot_be_moved_are_left_to_crane_and_then_found(
    project: Irises, capsys: pytest.CaptureFixture[str]
) -> None:
    project.make_repositories("dev", "prod")
    lost = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest_of(b"lost"), "size": 4}
    config = project.push_layer("dev", b"{}")
    manifest = {"mediaType": MANIFEST, "config": config, "layers": [lost]}
    digest = project.put("dev", manifest, "v1")
    project.write("dev", image(f'digest: "{digest}"'))
    assert project.run(*PROMOTE) == 1
    addresses = {env: project.environment(env).names.repository_uri("iris") for env in ("dev", "prod")}
    lines = capsys.readouterr().err.splitlines()
    assert "LayersNotFoundException" in lines[-5]
    assert lines[-4:] == [
        "Copy it by hand, and run this again; it finds the image then:",
        *(
            "  aws ecr get-login-password --region eu-west-1 | crane auth login --username AWS --password-stdin "
            f"{ACCOUNTS[env]}.dkr.ecr.eu-west-1.amazonaws.com"
            for env in ("dev", "prod")
        ),
        f"  crane copy {addresses['dev']}@{digest} {addresses['prod']}@{digest}",
    ]
    assert project.objects("prod") == []
    with pytest.raises(ClientError):
        project.ecr("dev").get_download_url_for_layer(
            repositoryName=project.repository("dev"), layerDigest=digest_of(b"lost")
        )
    project.push_layer("prod", b"lost")
    project.push_layer("prod", b"{}")
    project.put("prod", manifest, "v1")
    assert project.run(*PROMOTE) == 0
    assert project.objects("prod") == [KEY]


@pytest.mark.parametrize(
    ("uri", "warned"),
    [
        ("763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:2.6", True),
        (f"example.com/ranking@{digest_of(b'any')}", False),
    ],
)
def test_an_image_elsewhere_is_left_where_it_is_and_a_tag_warned_of(
    project: Irises, capsys: pytest.CaptureFixture[str], uri: str, *, warned: bool
) -> None:
    for env in ("dev", "prod"):
        project.write(env, f'endpoints: {{iris: {{model: {{image: {{uri: "{uri}"}}}}}}}}\n')
    capsys.readouterr()
    assert project.run(*PROMOTE) == 0
    captured = capsys.readouterr()
    assert ("warning: image" in captured.err) is warned
    assert ("pinned by its digest, nothing to copy" in captured.out) is not warned
    assert "prod declares it already" in captured.out
