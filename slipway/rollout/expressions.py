"""Metric math: arithmetic, comparisons and the functions that dashboards and alarms here use."""

from __future__ import annotations

import ast
import math
import operator
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TypeAlias

from slipway.rollout.series import Points

Value: TypeAlias = "Points | float | str | list[Points] | None"

_ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
    ast.GtE: operator.ge,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": statistics.fmean,
    "MIN": min,
    "MAX": max,
}
_ROUNDINGS: Mapping[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
}
_NAME = re.compile(r"\b[a-z][A-Za-z0-9_]*\b")
# IF is a keyword of the parser that reads the expressions.
_IF = "IF_"
# CloudWatch's operators, in that parser's words.
_WORDS = (
    (re.compile(r"\bIF\s*\("), f"{_IF}("),
    (re.compile(r"&&|\bAND\b"), " and "),
    (re.compile(r"\|\||\bOR\b"), " or "),
    (re.compile(r"\^"), "**"),
)


class ExpressionError(ValueError):
    """An expression that is wrong, or that this model of CloudWatch does not have."""


@cache
def names(expression: str) -> frozenset[str]:
    """The query ids that an expression may refer to: they start in lower case."""
    return frozenset(_NAME.findall(expression))


@cache
def _parsed(expression: str) -> ast.expr:
    for found, word in _WORDS:
        expression = found.sub(word, expression)
    return ast.parse(expression.strip(), mode="eval").body


class Evaluation:
    """Evaluates one expression.

    Parameters
    ----------
    expression
        The text, for example ``IF(m1 > 0, m2 / m1)``.
    values
        What the other queries returned, by id.
    metrics
        Ids of the queries that are metrics, which METRICS() returns.
    grid
        The starts of all periods, in seconds; FILL fills them.
    """

    def __init__(
        self,
        expression: str,
        values: Mapping[str, Value],
        metrics: Iterable[str],
        grid: Sequence[int],
    ) -> None:
        self._expression = expression
        self._values = values
        self._metrics = list(metrics)
        self._grid = grid

    def result(self) -> Value:
        """The value: a series, or a number.

        Raises
        ------
        ExpressionError
            When the expression cannot be read or uses what is not there.
        """
        try:
            return self._value(_parsed(self._expression))
        except (SyntaxError, TypeError, IndexError, RecursionError) as error:
            raise self._error(str(error)) from error

    def _error(self, what: str) -> ExpressionError:
        return ExpressionError(f"Error in expression '{self._expression}': {what}")

    def _value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=str() as value):
                return value
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name):
                # REPEAT and LINEAR are words, not ids.
                return self._values.get(name, name)
            case ast.List(elts=items):
                return [self._series(item) for item in items]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _each(operator.neg, self._value(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _each(_ARITHMETIC[type(op)], self._value(left), self._value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                compare = _COMPARISONS[type(op)]
                return _each(lambda a, b: float(compare(a, b)), self._value(left), self._value(right))
            case ast.BoolOp(op=op, values=operands):
                test = all if isinstance(op, ast.And) else any
                return _each(lambda *given: float(test(given)), *(self._value(item) for item in operands))
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return self._call(function, arguments)
        raise self._error(f"{ast.unparse(node)} is not supported here")

    def _series(self, node: ast.expr) -> Points:
        value = self._value(node)
        if not isinstance(value, dict):
            raise self._error(f"{ast.unparse(node)} is not a time series")
        return value

    def _call(self, function: str, arguments: list[ast.expr]) -> Value:
        if function == "METRICS":
            part = self._value(arguments[0]) if arguments else ""
            found = (self._values[name] for name in self._metrics if str(part) in name)
            return [series for series in found if isinstance(series, dict)]
        if function == "FILL":
            return self._fill(self._series(arguments[0]), self._value(arguments[1]))
        if function == _IF:
            return self._if([self._value(item) for item in arguments])
        if function in _AGGREGATES:
            return _aggregate(_AGGREGATES[function], self._value(arguments[0]))
        if function in _ROUNDINGS:
            return _each(_ROUNDINGS[function], self._value(arguments[0]))
        raise self._error(f"{function} is not supported here")

    def _fill(self, series: Points, filling: Value) -> Points:
        filled: Points = {}
        last: float | None = None
        for at in self._grid:
            if at in series:
                last = filled[at] = series[at]
            elif filling == "REPEAT":
                if last is not None:
                    filled[at] = last
            elif isinstance(filling, (int, float)):
                filled[at] = float(filling)
            else:
                raise self._error(f"FILL takes a number or REPEAT, not {filling}")
        return filled

    def _if(self, arguments: list[Value]) -> Value:
        condition = arguments[0]
        if len(arguments) == 3:
            return _each(lambda test, yes, no: yes if test else no, *arguments)
        if not isinstance(condition, dict):
            return arguments[1] if condition else {}
        chosen = {at: test for at, test in condition.items() if test}
        return _each(lambda _, value: value, chosen, arguments[1])


def _each(function: Callable[..., float], *arguments: Value) -> Value:
    """Apply a function to numbers, or at each time that all the series have; where it has no value, there is none."""
    series = [argument for argument in arguments if isinstance(argument, dict)]
    if any(argument is None for argument in arguments):
        return {} if series else None
    if not series:
        return _value(function, arguments)
    result: Points = {}
    first, *others = series
    for at in first:
        if not all(at in other for other in others):
            continue
        value = _value(function, [a[at] if isinstance(a, dict) else a for a in arguments])
        if value is not None:
            result[at] = value
    return result


def _value(function: Callable[..., float], arguments: Iterable[Value]) -> float | None:
    """CloudWatch leaves out points such as those divided by zero."""
    try:
        return function(*arguments)
    except (ZeroDivisionError, ValueError, OverflowError):
        return None


def _aggregate(function: Callable[[Sequence[float]], float], value: Value) -> Value:
    """Aggregate several series at each time, or one series to a number."""
    if isinstance(value, list):
        times = sorted(set().union(*value))
        return {at: function([s[at] for s in value if at in s]) for at in times}
    if isinstance(value, dict):
        return function(list(value.values())) if value else None
    raise TypeError(f"{value} is not a time series")
