"""SageMaker's names, which ignore case."""

import pytest

from slipway.local.mends.names import Names


@pytest.fixture
def names() -> Names[int]:
    made: Names[int] = Names()
    made["One"] = 1
    return made


def test_a_name_is_found_in_any_case_and_kept_in_its_own(names: Names[int]) -> None:
    assert (names["ONE"], names.get("one"), "oNe" in names, list(names)) == (1, 1, True, ["One"])


def test_setting_in_another_case_replaces(names: Names[int]) -> None:
    names["ONE"] = 2
    assert dict(names) == {"One": 2}


@pytest.mark.parametrize("how", ["del", "pop"])
def test_what_was_removed_leaves_its_name_free(names: Names[int], how: str) -> None:
    if how == "del":
        del names["one"]
    else:
        assert names.pop("ONE") == 1
    assert (len(names), "One" in names, names.get("One")) == (0, False, None)
    names["ONE"] = 3
    assert dict(names) == {"ONE": 3}


def test_what_is_absent_is_as_in_any_dict(names: Names[int]) -> None:
    assert (names.get("two"), names.get("two", 5), names.pop("two", None)) == (None, 5, None)
    with pytest.raises(KeyError):
        names.pop("two")
    with pytest.raises(KeyError):
        del names["two"]
