"""The arithmetic of variant weights."""

from __future__ import annotations

import struct

import pytest

from slipway.ops.shift.weights import (
    WrongWeights,
    divided_alike,
    gaining,
    number,
    parsed,
    said,
    same,
    shares,
    stages,
    typed,
    with_share,
)


def single(value: float) -> float:
    """As the service keeps it."""
    kept: float = struct.unpack("f", struct.pack("f", value))[0]
    return kept


def test_the_others_keep_their_proportion() -> None:
    assert with_share({"a": 60, "b": 20, "c": 20}, "c", 50) == {"a": 37.5, "b": 12.5, "c": 50}
    assert with_share({"a": 1, "b": 2, "c": 7}, "c", 10) == {"a": 30, "b": 60, "c": 10}
    assert with_share({"a": 1, "b": 1}, "b", 100) == {"a": 0, "b": 100}
    assert with_share({"a": 1, "b": 1}, "b", 0) == {"a": 100, "b": 0}


def test_a_single_other_variant_gets_the_rest_although_it_has_no_weight() -> None:
    assert with_share({"a": 0, "b": 100}, "b", 50) == {"a": 50, "b": 50}


def test_several_others_without_a_weight_have_no_proportion() -> None:
    with pytest.raises(WrongWeights, match="a, c have no weight now, so nothing says how to divide the other 40%"):
        with_share({"a": 0, "b": 3, "c": 0}, "b", 60)
    assert with_share({"a": 0, "b": 3, "c": 0}, "b", 100) == {"a": 0, "b": 100, "c": 0}


def test_weights_are_the_same_although_the_service_keeps_fewer_digits() -> None:
    sent = with_share({"a": 1, "b": 2, "c": 3}, "c", 0.1)
    back = {name: single(weight) for name, weight in sent.items()}
    assert back != sent
    assert same(sent, back)
    assert [number(weight) for weight in back.values()] == [number(weight) for weight in sent.values()]
    assert not same(sent, {**back, "c": 0.11})
    assert not same({"a": 1}, {"a": 1, "b": 0})


def test_only_the_proportion_counts() -> None:
    assert divided_alike({"a": 9, "b": 1}, {"a": 90, "b": 10})
    assert not divided_alike({"a": 9, "b": 1}, {"a": 1, "b": 9})
    assert shares({"a": 0, "b": 0}) == {"a": 0, "b": 0}


def test_who_gains_counts_on_the_whole_way() -> None:
    before = {"a": 90, "b": 10, "c": 0}
    assert gaining(before, [{"a": 50, "b": 50, "c": 0}, {"a": 95, "b": 5, "c": 0}]) == ("b", "a")
    assert gaining(before, [{"a": 9, "b": 1, "c": 0}]) == ()


def test_weights_are_said_as_shares_and_typed_as_they_are() -> None:
    assert said({"a": 9, "b": 1}) == "a 90%, b 10%"
    assert typed({"a": 9.5, "b": single(0.1)}) == "a=9.5,b=0.1"
    assert parsed(typed({"a": 9.5, "b": 0.1})) == {"a": 9.5, "b": 0.1}


@pytest.mark.parametrize("text", ["", "a", "a=", "=1", "a=x", "a=-1", "a=nan", "a=inf", "a=1,", "a=1,a=2"])
def test_what_are_no_weights_is_refused(text: str) -> None:
    with pytest.raises(WrongWeights):
        parsed(text)


def test_stages_grow_or_shrink() -> None:
    assert stages("10,50,100") == [10, 50, 100]
    assert stages("50%, 12.5%, 0") == [50, 12.5, 0]
    assert stages("100") == [100]


@pytest.mark.parametrize("text", ["", "x", "10,,50", "101", "-1", "nan", "10,50,20", "10,10"])
def test_what_are_no_stages_is_refused(text: str) -> None:
    with pytest.raises(WrongWeights):
        stages(text)
