"""Packaging: the same folder gives the same bytes, and what cannot be unpacked is refused."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import tarfile
from typing import TYPE_CHECKING

import pytest

from slipway.ops.publish import package as packaging
from slipway.ops.publish.package import PackageError, package

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"model.json": b"{}\n", "code/inference.py": b"x = 1\n", "a/b.bin": bytes(range(256))}


def fill(folder: Path, names: list[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(FILES[name])
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return fill(tmp_path / "model", list(FILES))


def members(folder: Path) -> list[tarfile.TarInfo]:
    with package(folder) as packed, tarfile.open(packed.archive) as tar:
        return tar.getmembers()


def test_order_times_permissions_and_place_do_not_change_the_bytes(tmp_path: Path) -> None:
    first = fill(tmp_path / "first", list(FILES))
    second = fill(tmp_path / "elsewhere/second", list(reversed(FILES)))
    for name in FILES:
        os.utime(second / name, (1, 1))
        (second / name).chmod(0o600)
    with package(first) as one, package(second) as two:
        assert one.archive.read_bytes() == two.archive.read_bytes()
        assert (one.sha256, one.size) == (two.sha256, two.size)


def test_the_hash_is_pinned_so_that_every_python_gives_the_same(model: Path) -> None:
    with package(model) as packed:
        assert packed.sha256 == "b99a749c360555019a4ee35af9b24ff843d431af6eac0b5092a3fd49d361a11d"


def test_other_content_name_or_executability_gives_another_hash(model: Path) -> None:
    seen = set()
    for change in (
        lambda: None,
        lambda: (model / "model.json").write_bytes(b"{ }\n"),
        lambda: (model / "model.json").rename(model / "model2.json"),
        lambda: (model / "model2.json").chmod(0o755),
    ):
        change()
        with package(model) as packed:
            seen.add(packed.sha256)
    assert len(seen) == 4


def test_the_hash_is_that_of_the_unpacked_tar_and_the_size_that_of_the_archive(model: Path) -> None:
    with package(model) as packed:
        content = packed.archive.read_bytes()
    assert packed.sha256 == hashlib.sha256(gzip.decompress(content)).hexdigest()
    assert packed.size == len(content)


def test_headers_say_nothing_about_the_machine(model: Path) -> None:
    (model / "code/run.sh").write_text("true\n")
    (model / "code/run.sh").chmod(0o700)
    found = members(model)
    assert [member.name for member in found] == sorted(member.name for member in found)
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in found} == {(0, 0, "", "", 0)}
    assert {m.name: oct(m.mode) for m in found} == {
        "a/b.bin": "0o644",
        "code/inference.py": "0o644",
        "code/run.sh": "0o755",
        "model.json": "0o644",
    }


def test_the_gzip_header_has_no_time_and_no_name(model: Path) -> None:
    with package(model) as packed:
        header = packed.archive.read_bytes()[:10]
    assert header[3] == 0, "flags: no file name"
    assert header[4:8] == b"\0\0\0\0", "time"


def test_what_tools_leave_behind_is_left_out(model: Path) -> None:
    with package(model) as before:
        pass
    for name in (".DS_Store", "old.pyc", "code/__pycache__/x.cpython-311.pyc", ".git/config"):
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_text("left behind")
    (model / "empty").mkdir()
    with package(model) as after:
        assert after.sha256 == before.sha256


def test_long_and_foreign_names_survive(model: Path) -> None:
    names = {"x" * 150, "blüte.bin"}
    for name in names:
        (model / name).write_text("1")
    assert names < {member.name for member in members(model)}


def test_a_link_within_the_folder_is_stored_as_the_file(model: Path) -> None:
    (model / "latest.json").symlink_to("model.json")
    with package(model) as packed, tarfile.open(packed.archive) as tar:
        assert tar.getmember("latest.json").isreg()
        latest = tar.extractfile("latest.json")
        assert latest is not None
        assert latest.read() == FILES["model.json"]


def test_the_temporary_file_goes_with_the_block(model: Path) -> None:
    with package(model) as packed:
        assert packed.archive.exists()
    assert not packed.archive.exists()


def test_a_failure_half_way_leaves_no_temporary_file(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    def full(*_: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(packaging, "_write", full)
    with pytest.raises(OSError, match="no space left"):
        package(model)
    assert list(temporary.iterdir()) == []


def test_a_missing_folder_is_refused_and_the_message_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"nowhere does not exist: .* code/inference\.py"):
        package(tmp_path / "nowhere")


def test_a_file_is_refused(model: Path) -> None:
    with pytest.raises(PackageError, match=r"model\.json is not a folder: expected"):
        package(model / "model.json")


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inner/__pycache__").mkdir(parents=True)
    (tmp_path / "inner/__pycache__/x.pyc").write_text("")
    with pytest.raises(PackageError, match="holds no files to package: expected"):
        package(tmp_path)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("../outside.bin", r"link to .*outside\.bin, outside the folder: copy the file there"),
        ("../outside", r"link to .*outside, outside the folder"),
        ("missing.bin", r"broken link to missing\.bin: put the file itself"),
        ("link", r"broken link to link"),
        ("code", r"link to a folder: put the folder itself"),
    ],
)
def test_links_that_cannot_be_stored_are_refused(model: Path, target: str, message: str) -> None:
    (model.parent / "outside.bin").write_text("1")
    (model.parent / "outside").mkdir()
    (model / "link").symlink_to(target)
    with pytest.raises(PackageError, match=message):
        package(model)


def test_what_is_neither_file_nor_folder_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model)  # a socket's path has at most 108 characters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("control")
        with pytest.raises(PackageError, match=r"control is neither a file nor a folder: remove"):
            package(model)
