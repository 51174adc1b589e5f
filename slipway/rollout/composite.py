"""Composite alarms: rule expressions over the states of other alarms."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from slipway.rollout.state import ALARM, INSUFFICIENT_DATA, OK, State

_STATES: dict[str, State] = {"ALARM": ALARM, "OK": OK, "INSUFFICIENT_DATA": INSUFFICIENT_DATA}
_TOKEN = re.compile(
    r"""(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^()"']+?))\s*\)
    |(?P<word>AND|OR|NOT|TRUE|FALSE)\b
    |(?P<bracket>[()])""",
    re.VERBOSE,
)
_ARN = re.compile(r"arn:[^:]*:cloudwatch:[^:]*:[^:]*:alarm:(.*)", re.DOTALL)


class RuleError(ValueError):
    """An AlarmRule that cannot be read."""


@dataclass(frozen=True, slots=True)
class InState:
    """True while an alarm, given by name, is in a state."""

    alarm: str
    state: State


@dataclass(frozen=True, slots=True)
class Not:
    """True while the operand is not."""

    operand: Node


@dataclass(frozen=True, slots=True)
class AllOf:
    """True while all operands are."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True while one of the operands is."""

    operands: tuple[Node, ...]


Node: TypeAlias = "InState | Not | AllOf | AnyOf | bool"


def holds(node: Node, state: Callable[[str], State]) -> bool:
    """Whether a rule is true.

    Parameters
    ----------
    node
        From ``parse``.
    state
        Returns the state of an alarm by its name.

    Returns
    -------
    bool
        A composite alarm is in ALARM while its rule is true, and OK otherwise.
    """
    match node:
        case InState(alarm, wanted):
            return state(alarm) == wanted
        case Not(operand):
            return not holds(operand, state)
        case AllOf(operands):
            return all(holds(operand, state) for operand in operands)
        case AnyOf(operands):
            return any(holds(operand, state) for operand in operands)
    return node


def children(node: Node) -> frozenset[str]:
    """Names of the alarms that a rule looks at."""
    match node:
        case InState(alarm, _):
            return frozenset({alarm})
        case Not(operand):
            return children(operand)
        case AllOf(operands) | AnyOf(operands):
            return frozenset().union(*map(children, operands))
    return frozenset()


@lru_cache(maxsize=1024)
def parse(rule: str) -> Node:
    """Read an AlarmRule.

    Parameters
    ----------
    rule
        For example ``ALARM("a") AND NOT OK(b)``. NOT binds closer than AND, AND closer than OR. Alarms are given by
        name or ARN, with or without quotes.

    Returns
    -------
    Node
        The rule; alarms are in it by name.

    Raises
    ------
    RuleError
        When it cannot be read.
    """
    return _Parser(rule).rule()


class _Parser:
    def __init__(self, rule: str) -> None:
        self._text = rule
        self._tokens: list[re.Match[str]] = []
        at = 0
        while rule[at:].strip():
            at += len(rule[at:]) - len(rule[at:].lstrip())
            token = _TOKEN.match(rule, at)
            if token is None:
                raise self._error(at)
            self._tokens.append(token)
            at = token.end()
        self._tokens.reverse()

    def rule(self) -> Node:
        node = self._either()
        if self._tokens:
            raise self._error(self._tokens[-1].start())
        return node

    def _error(self, at: int) -> RuleError:
        rest = self._text[at:].strip()
        where = f"at {rest[:40]!r}" if rest else "at its end"
        return RuleError(
            f"AlarmRule {self._text!r} cannot be read {where}: write ALARM(…), OK(…) or INSUFFICIENT_DATA(…), joined "
            "by AND, OR and NOT"
        )

    def _next_is(self, word: str) -> bool:
        if self._tokens and self._tokens[-1].group() == word:
            self._tokens.pop()
            return True
        return False

    def _either(self) -> Node:
        operands = [self._both()]
        while self._next_is("OR"):
            operands.append(self._both())
        return operands[0] if len(operands) == 1 else AnyOf(tuple(operands))

    def _both(self) -> Node:
        operands = [self._one()]
        while self._next_is("AND"):
            operands.append(self._one())
        return operands[0] if len(operands) == 1 else AllOf(tuple(operands))

    def _one(self) -> Node:
        if self._next_is("NOT"):
            return Not(self._one())
        if self._next_is("("):
            node = self._either()
            if not self._next_is(")"):
                raise self._error(self._tokens[-1].start() if self._tokens else len(self._text))
            return node
        if not self._tokens:
            raise self._error(len(self._text))
        token = self._tokens.pop()
        if token["state"]:
            name = token["double"] or token["single"] or token["bare"] or ""
            arn = _ARN.fullmatch(name)
            return InState(arn[1] if arn else name, _STATES[token["state"]])
        if token.group() in ("TRUE", "FALSE"):
            return token.group() == "TRUE"
        raise self._error(token.start())
