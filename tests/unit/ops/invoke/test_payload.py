"""What a file holds, by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.ops.invoke.errors import WrongRequest
from slipway.ops.invoke.payload import content, content_type


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("flowers.csv", "text/csv"),
        ("a.b.JSON", "application/json"),
        ("rows.jsonl", "application/jsonlines"),
        ("array.npy", "application/x-npy"),
        ("table.parquet", "application/x-parquet"),
        ("cat.jpg", "image/jpeg"),
        ("cat.png", "image/png"),
        ("notes.txt", "text/plain"),
    ],
)
def test_the_ending_of_a_name_says_the_type(name: str, kind: str) -> None:
    assert content_type(Path(name)) == kind


@pytest.mark.parametrize("name", ["body", "body.unheard-of", "rows.csv.gz"])
def test_a_name_that_does_not_say_it_asks_for_the_type(name: str) -> None:
    with pytest.raises(WrongRequest, match=f"^{name}: its name does not say what it holds: add --content-type"):
        content_type(Path(name))


def test_a_file_is_sent_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "body.bin"
    file.write_bytes(b"\x00\r\n\xff")
    assert content(file) == b"\x00\r\n\xff"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongRequest, match=r"cannot read .*none\.json: No such file or directory"):
        content(tmp_path / "none.json")
    with pytest.raises(WrongRequest, match=r"Is a directory"):
        content(tmp_path)
