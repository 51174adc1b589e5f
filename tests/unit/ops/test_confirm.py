"""Production asks for the endpoint's name typed out; nothing else does."""

from __future__ import annotations

import io

import pytest

from slipway.cli import _exit_code
from slipway.ops.confirm import Unconfirmed, confirm
from slipway.spec.environment import Environment
from slipway.spec.load import from_mapping

NAME = "rc-project-a-prod-iris-ep"
WHAT = "this deletes the endpoint and creates it again"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def environment(name: str) -> Environment:
    place = {"company": "acme", "team": "rc", "project": "project-a", "account": "123456789012", "region": "eu-west-1"}
    return from_mapping({**place, "environment": name, "notify": ["ml-oncall@example.com"]}).environment


@pytest.mark.parametrize("name", ["dev", "test", "staging"])
def test_outside_prod_nothing_is_asked(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unread = Terminal("no\n")
    monkeypatch.setattr("sys.stdin", unread)
    confirm(environment(name), f"rc-project-a-{name}-iris-ep", None, what=WHAT)
    assert unread.tell() == 0
    assert capsys.readouterr().err == ""


def test_a_terminal_is_asked_and_the_name_typed_out_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f" {NAME} \n"))
    confirm(environment("prod"), NAME, None, what=WHAT)
    captured = capsys.readouterr()
    assert captured.err == f"prod: {WHAT}.\nType {NAME} to go on: "
    assert captured.out == ""


@pytest.mark.parametrize("typed", ["y\n", "iris\n", "\n", ""], ids=["y", "the short name", "return", "end of input"])
def test_anything_else_typed_ends_it(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    with pytest.raises(Unconfirmed, match=f"{typed.strip()!r} is not {NAME}: nothing was changed"):
        confirm(environment("prod"), NAME, None, what=WHAT)


def test_without_a_terminal_it_says_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NAME}\n"))
    with pytest.raises(Unconfirmed) as caught:
        confirm(environment("prod"), NAME, None, what=WHAT)
    assert str(caught.value) == (
        f"prod asks for the endpoint's name, and there is no terminal to ask on: {WHAT}. If that is meant, say "
        f"`--confirm {NAME}`; nothing was changed"
    )


def test_a_name_that_was_given_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    confirm(environment("prod"), NAME, NAME, what=WHAT)


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_another_endpoints_name_is_refused_everywhere(name: str) -> None:
    right = f"rc-project-a-{name}-iris-ep"
    with pytest.raises(Unconfirmed, match=f"--confirm rc-project-a-{name}-demand-ep: the endpoint is called {right}"):
        confirm(environment(name), right, f"rc-project-a-{name}-demand-ep", what=WHAT)


def test_what_nobody_confirmed_is_wrong_usage() -> None:
    assert _exit_code(Unconfirmed("nothing was changed")) == 2
