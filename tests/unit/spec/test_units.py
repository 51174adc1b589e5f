"""Quantities: read with their unit, refused without, written as people would."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

import re

import pytest
from pydantic import TypeAdapter, ValidationError

from slipway.spec.units import Duration, Gigabytes, Percent, Quantity


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h 30m", 5400), ("2d", 172800), ("1d1h1m1s1ms", 90061.001), ("1.5h", 5400), ("0s", 0), (" 5s ", 5), ("5 s", 5), ("1m500ms", 60.5)],
)  # fmt: skip
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert float(Duration.parse(text)) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "s",
        "5x",
        "5min",
        "5 M",
        "-5s",
        "5s-",
        "1,5h",
        "٥s",
        "1e3s",
        "5s\n5",
        "." + "5s",
        "5.s",
        "9" * 10 + "s",
        "inf s",
        "5sm",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration: write it like 90s or 10m"):
        Duration.parse(text)


@pytest.mark.parametrize(("text", "percent"), [("25%", 25), ("0.1%", 0.1), ("100 %", 100), ("0%", 0)])
def test_a_percentage_is_read(text: str, percent: float) -> None:
    assert float(Percent.parse(text)) == percent


@pytest.mark.parametrize("text", ["25", "%", "-1%", "0,1%", "25%%", "25% 25%"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a percentage: write it like 25% or 0.1%"):
        Percent.parse(text)


@pytest.mark.parametrize("text", ["30", "30G", "30gb", "30 MB", "30GB 1GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    assert float(Gigabytes.parse("30GB")) == 30
    with pytest.raises(ValueError, match=r"is not a size: write it like 30GB"):
        Gigabytes.parse(text)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [(Duration(0), "0s"), (Duration(0.25), "250ms"), (Duration(59), "59s"), (Duration(60), "1m"), (Duration(4000), "1h6m40s"), (Duration(90 * 86400), "90d"), (Duration(90061.001), "1d1h1m1s1ms"), (Percent(25), "25%"), (Percent(0.1), "0.1%"), (Gigabytes(30), "30GB")],
)  # fmt: skip
def test_a_quantity_writes_itself_and_reads_what_it_wrote(quantity: Quantity, text: str) -> None:
    assert str(quantity) == text
    assert type(quantity).parse(text) == quantity
    assert repr(quantity) == f"{type(quantity).__name__}({text})"


def test_a_duration_knows_the_units_of_the_services() -> None:
    duration = Duration.parse("1500ms")
    assert (duration.microseconds, Duration(90).seconds, Duration(86400 * 3).days) == (1_500_000, 90, 3)
    assert Percent.parse("0.1%").ratio == pytest.approx(0.001)


@pytest.mark.parametrize("value", [5, 5.0, True, None, [], {}, "5"])
@pytest.mark.parametrize("kind", [Duration, Percent, Gigabytes])
def test_nothing_without_a_unit_is_accepted(kind: type[Quantity], value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    (error,) = caught.value.errors()
    assert kind.example in error["msg"]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            Duration,
            ["500ms", "90s", "1h30m", "1h 30m", "1.5h", "0s"],
            ["5", "5x", "-5s", "", "٥s", "9999999999s", "1h30"],
        ),
        (Percent, ["25%", "0.1%", "25 %"], ["25", "%", "25%%", "٥%"]),
        (Gigabytes, ["30GB", "0.5GB"], ["30", "30G", "30GB30GB"]),
    ],
)
def test_the_json_schema_accepts_what_is_read_and_nothing_else(
    kind: type[Quantity], good: list[str], bad: list[str]
) -> None:
    schema = TypeAdapter(kind).json_schema()
    assert schema["type"] == "string"
    for text in (*good, *schema["examples"]):
        assert re.search(schema["pattern"], text), text
        kind.parse(text)
    for text in bad:
        assert not re.search(schema["pattern"], text), text
        with pytest.raises(ValueError, match="is not"):
            kind.parse(text)


def test_a_quantity_of_its_own_kind_is_taken_as_it_is_and_another_kind_is_not() -> None:
    assert TypeAdapter(Duration).validate_python(Duration(5)) == Duration(5)
    with pytest.raises(ValidationError, match="is not a duration"):
        TypeAdapter(Duration).validate_python(Percent(5))
