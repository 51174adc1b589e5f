"""One operator at a time: the second is told, and a lease that is over does not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from slipway.ops.lease import OPERATION, lease, refuse_others
from slipway.ops.trouble import BusyError
from tests.unit.ops.rollback.fake_endpoint import ENDPOINT, World, arn, error

ARN = arn("endpoint", ENDPOINT)
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    world = World()
    world.revision("1")
    return world


def hold(world: World, value: str) -> None:
    world.tags[ARN][OPERATION] = value


def test_the_tag_says_who_does_what_until_when_and_goes_afterwards(world: World) -> None:
    with lease(world.target().client("sagemaker"), ARN, "shift", HOUR, clock=lambda: NOW) as check:
        check()
        held = world.operation or ""
        assert held.startswith("shift by ")
        assert " until 2026-11-26T13:00:00+00:00 " in held
        assert len(held) <= 256
    assert world.operation is None


def test_it_goes_also_when_the_work_fails(world: World) -> None:
    with pytest.raises(RuntimeError), lease(world.target().client("sagemaker"), ARN, "shift", HOUR):
        raise RuntimeError
    assert world.operation is None


def test_the_second_operator_is_told_who_works_on_it_and_the_first_keeps_its_lease(world: World) -> None:
    sagemaker = world.target().client("sagemaker")
    with lease(sagemaker, ARN, "shift", HOUR, clock=lambda: NOW):
        held = world.operation
        with (
            pytest.raises(BusyError, match=r"another operator works on it \(shift by .+, until 2026-11-26T13:00:00"),
            lease(sagemaker, ARN, "rollback", HOUR, clock=lambda: NOW),
        ):
            pytest.fail("both have it")
        assert world.operation == held


def test_a_lease_that_is_over_does_not_count(world: World) -> None:
    hold(world, "shift by somebody@gone until 2026-11-26T11:59:59+00:00 0badcafe")
    with lease(world.target().client("sagemaker"), ARN, "rollback", HOUR, clock=lambda: NOW):
        assert (world.operation or "").startswith("rollback by ")


@pytest.mark.parametrize(
    "value", ["something else", "shift by a@b until tomorrow x", "shift by a@b until 2026-11-26T13:00:00"]
)
def test_a_tag_that_cannot_be_read_counts_as_somebodys(world: World, value: str) -> None:
    hold(world, value)
    with pytest.raises(BusyError, match="remove the tag: aws sagemaker delete-tags"):
        refuse_others(world.target().client("sagemaker"), ARN, clock=lambda: NOW)


def test_of_two_at_once_the_later_one_wins_and_the_earlier_is_told_before_its_next_step(world: World) -> None:
    sagemaker = world.target().client("sagemaker")
    other = "rollback by other@there until 2026-11-26T13:00:00+00:00 0badcafe"
    with lease(sagemaker, ARN, "shift", HOUR, clock=lambda: NOW) as check:
        hold(world, other)
        with pytest.raises(BusyError, match="other@there"):
            check()
    assert world.operation == other


def test_one_that_was_overtaken_at_once_begins_nothing(world: World) -> None:
    other = "rollback by other@there until 2026-11-26T13:00:00+00:00 0badcafe"
    added = world._AddTags

    def overtaken(**request: object) -> object:
        answer = added(**request)  # type: ignore[arg-type]
        hold(world, other)
        return answer

    world._AddTags = overtaken  # type: ignore[method-assign,assignment]
    with (
        pytest.raises(BusyError, match="other@there"),
        lease(world.target().client("sagemaker"), ARN, "shift", HOUR, clock=lambda: NOW),
    ):
        pytest.fail("it began")
    assert world.operation == other


def test_whoever_may_not_tag_is_told_so(world: World) -> None:
    world.refuse["AddTags"] = error("AddTags", "not authorized to perform: sagemaker:AddTags", "AccessDeniedException")
    with (
        pytest.raises(ClientError, match="sagemaker:AddTags"),
        lease(world.target().client("sagemaker"), ARN, "shift", HOUR),
    ):
        pytest.fail("it began")


def test_a_tag_that_cannot_be_taken_back_is_said_on_standard_error(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.refuse["DeleteTags"] = error("DeleteTags", "not authorized", "AccessDeniedException")
    with lease(world.target().client("sagemaker"), ARN, "shift", HOUR, clock=lambda: NOW):
        pass
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"left as it is: the tag {OPERATION}" in captured.err
    assert f"aws sagemaker delete-tags --resource-arn {ARN} --tag-keys {OPERATION}, or wait until" in captured.err
