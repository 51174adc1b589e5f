"""The lock file: what is recorded stays, and a broken file says where it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.spec.lock import LockError, artifact_key, read_lock, record, write_lock

ONE, TWO = "1" * 64, "2" * 64
IRIS, CHURN = "models/iris/v1/model.tar.gz", "models/churn-score/v12/model.tar.gz"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "config/models.lock.json"


def test_a_key_holds_model_and_version() -> None:
    assert artifact_key("iris", 1) == IRIS
    assert artifact_key("churn-score", 12) == CHURN


@pytest.mark.parametrize("model", ["", "Iris", "a/b/c", "a/", "/b", "a/B", "../x", "a_b", "-a", "a-", "1a", "iris\n"])
def test_a_model_name_that_is_none_is_refused(model: str) -> None:
    with pytest.raises(ValueError, match="write lower-case letters and digits"):
        artifact_key(model, 1)


@pytest.mark.parametrize("version", [0, -1])
def test_a_version_below_one_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match="of model iris: write 1 or more"):
        artifact_key("iris", version)


def test_a_missing_file_is_empty(lock: Path) -> None:
    assert read_lock(lock) == {}


def test_what_is_recorded_is_read(lock: Path) -> None:
    record(lock, IRIS, ONE)
    record(lock, CHURN, TWO)
    assert read_lock(lock) == {IRIS: ONE, CHURN: TWO}


def test_the_file_is_sorted_and_ends_with_a_newline(lock: Path) -> None:
    write_lock(lock, {IRIS: ONE, CHURN: TWO})
    assert lock.read_bytes().decode() == (
        f'{{\n  "{CHURN}": {{\n    "sha256": "{TWO}"\n  }},\n  "{IRIS}": {{\n    "sha256": "{ONE}"\n  }}\n}}\n'
    )


def test_recording_the_same_again_does_not_touch_the_file(lock: Path) -> None:
    record(lock, IRIS, ONE)
    before = lock.stat()
    record(lock, IRIS, ONE)
    assert (lock.stat().st_ino, lock.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_entry_never_changes(lock: Path) -> None:
    record(lock, IRIS, ONE)
    with pytest.raises(LockError, match=f"sha256 {ONE} and never changes; {TWO} needs"):
        record(lock, IRIS, TWO)
    assert read_lock(lock) == {IRIS: ONE}


@pytest.mark.parametrize("sha256", ["", "1" * 63, "1" * 65, "A" * 64, "g" * 64])
def test_what_is_no_hash_is_not_recorded(lock: Path, sha256: str) -> None:
    with pytest.raises(ValueError, match="is not 64 lower-case hexadecimal digits"):
        record(lock, IRIS, sha256)
    assert not lock.exists()


def test_an_interrupted_write_leaves_the_old_file_and_nothing_beside_it(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(lock, IRIS, ONE)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        record(lock, CHURN, TWO)
    assert read_lock(lock) == {IRIS: ONE}
    assert [path.name for path in lock.parent.iterdir()] == [lock.name]


ENTRY = f'"{IRIS}": {{"sha256": "{ONE}"}}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"lock\.json:1: not JSON .* restore the file from git"),
        (f"{{\n<<<<<<< HEAD\n{ENTRY}\n", r"lock\.json:2: not JSON .* resolve the merge"),
        ("[]", r"lock\.json:1: write one JSON object"),
        (f"{{\n{ENTRY},\n{ENTRY}\n}}", rf"lock\.json:3: '{IRIS}' stands more than once: keep"),
        ('{\n"a": {"sha256": "1"}}', r"lock\.json:2: 'a' is .* write \{\"sha256\""),
        ('{"a": 1}', r"'a' is 1: write"),
        ('{"a": {}}', r"'a' is \{\}: write"),
        (f'{{"a": {{"sha256": "{"A" * 64}"}}}}', r"'a' is .*: write"),
        (f'{{"a": {{"sha256": "{ONE}", "by": "me"}}}}', r"'a' is .*: write"),
    ],
)
def test_a_broken_file_says_where_and_what_to_write(lock: Path, text: str, message: str) -> None:
    lock.parent.mkdir()
    lock.write_text(text)
    with pytest.raises(LockError, match=message):
        read_lock(lock)


def test_every_fault_is_reported_at_once(lock: Path) -> None:
    lock.parent.mkdir()
    lock.write_text('{\n"a": 1,\n"b": {"sha256": ""}\n}')
    with pytest.raises(LockError) as caught:
        read_lock(lock)
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [
        f"{lock}:2",
        f"{lock}:3",
    ]


def test_bytes_that_are_not_text_are_refused(lock: Path) -> None:
    lock.parent.mkdir()
    lock.write_bytes(b"{\xff}")
    with pytest.raises(LockError, match="byte 1 is not UTF-8"):
        read_lock(lock)
