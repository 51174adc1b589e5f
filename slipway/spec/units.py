"""Values with a unit, as people write them: ``10m``, ``200ms``, ``25%``, ``30GB``, ``100USD``."""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from slipway.spec.errors import shown


class Quantity(float):
    """A number that is written with its unit and knows how to write itself.

    A bare number is refused: whether ``600`` means seconds or minutes is just what a reader cannot see.
    """

    units: ClassVar[dict[str, float]]
    what: ClassVar[str]
    example: ClassVar[str]
    compound: ClassVar[bool] = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a quantity.

        Parameters
        ----------
        text
            Such as ``10m``.

        Returns
        -------
        Self
            The value in the base unit of its kind.

        Raises
        ------
        ValueError
            If there is no number, no unit or an unknown one.
        """
        if not re.fullmatch(cls._pattern(), text.strip()):
            raise ValueError(f"{shown(text)} is not {cls.what}: write it like {cls.example}")
        unit = "|".join(map(re.escape, cls.units))
        found = re.findall(rf"([0-9.]+)\s*({unit})(?![a-z])", text)
        return cls(sum(float(number) * cls.units[name] for number, name in found))

    @classmethod
    def _pattern(cls) -> str:
        """What a value looks like; at most nine digits, which every limit is far below."""
        unit = "|".join(map(re.escape, cls.units))
        one = rf"[0-9]{{1,9}}(\.[0-9]{{1,6}})?\s*({unit})"
        return rf"({one}\s*)+" if cls.compound else one

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: Any) -> Quantity:  # noqa: ANN401  (whatever the YAML holds)
            if isinstance(value, cls):
                return value
            if isinstance(value, str):
                try:
                    return cls.parse(value)
                except ValueError as error:
                    raise PydanticCustomError("quantity", "{why}", {"why": str(error)}) from None
            why = f"{shown(value)} is not {cls.what}: write it with its unit, like {cls.example}"
            raise PydanticCustomError("quantity", "{why}", {"why": why})

        def write(value: Any) -> Any:  # noqa: ANN401  (in a union it is asked for the other members' values too)
            return str(value) if isinstance(value, cls) else value

        return core_schema.no_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(write, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": f"^{cls._pattern()}$", "examples": cls.example.split(" or ")}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self!s})"


class Duration(Quantity):
    """A time span in seconds, written ``500ms``, ``90s``, ``10m``, ``1h30m`` or ``30d``."""

    units: ClassVar[dict[str, float]] = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
    what = "a duration"
    example = "90s or 10m"
    compound = True

    @property
    def seconds(self) -> int:
        """Whole seconds, as most properties of the service want them."""
        return round(self)

    @property
    def microseconds(self) -> int:
        """Whole microseconds: the unit of ModelLatency and OverheadLatency."""
        return round(self * 1_000_000)

    @property
    def days(self) -> int:
        """Whole days."""
        return round(self / 86400)

    def __str__(self) -> str:
        left = round(self * 1000)
        text = ""
        for unit, size in (
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1000),
            ("ms", 1),
        ):
            count, left = divmod(left, size)
            text += f"{count}{unit}" if count else ""
        return text or "0s"


class Percent(Quantity):
    """A share in percent, written ``25%`` or ``0.1%``."""

    units: ClassVar[dict[str, float]] = {"%": 1}
    what = "a percentage"
    example = "25% or 0.1%"

    @property
    def ratio(self) -> float:
        """The share as 0 to 1, the unit of the error-rate metrics."""
        return float(self) / 100

    def __str__(self) -> str:
        return f"{float(self):g}%"


class Gigabytes(Quantity):
    """A size of storage in GB, written ``30GB``."""

    units: ClassVar[dict[str, float]] = {"GB": 1}
    what = "a size"
    example = "30GB"

    def __str__(self) -> str:
        return f"{float(self):g}GB"


class Megabytes(Quantity):
    """A size of memory in MB, written ``512MB`` or ``2GB``; 1 GB is 1024 MB, as SageMaker counts."""

    units: ClassVar[dict[str, float]] = {"GB": 1024, "MB": 1}
    what = "a size of memory"
    example = "512MB or 2GB"

    @property
    def whole(self) -> int:
        """Whole megabytes, as the service wants them."""
        return round(self)

    def __str__(self) -> str:
        return f"{round(self / 1024)}GB" if self and not self % 1024 else f"{float(self):g}MB"


class Dollars(Quantity):
    """An amount of money in US dollars, written ``100USD``."""

    units: ClassVar[dict[str, float]] = {"USD": 1}
    what = "an amount"
    example = "100USD"

    def __str__(self) -> str:
        return f"{float(self):g}USD"


Q = TypeVar("Q", bound=Quantity)


def steps_of(step: Q, why: str) -> AfterValidator:
    """Refuse what the service cannot be told, such as half a second.

    Parameters
    ----------
    step
        The smallest difference.
    why
        Who wants it so.

    Returns
    -------
    AfterValidator
        For ``Annotated``.
    """

    def check(value: Q) -> Q:
        if not math.isclose(value, round(value / step) * step, abs_tol=1e-9):
            message = f"{value} is no multiple of {step}: {why}"
            raise PydanticCustomError("out_of_range", "{why}", {"why": message})
        return value

    return AfterValidator(check)


def between(low: Q, high: Q, source: str) -> AfterValidator:
    """Limit a quantity, in the words of its unit.

    Parameters
    ----------
    low, high
        The least and the most, both allowed.
    source
        Where the limit is written down.

    Returns
    -------
    AfterValidator
        For ``Annotated``.
    """

    def check(value: Q) -> Q:
        if not low <= value <= high:
            why = f"{value} is out of range: {low} to {high} ({source})"
            raise PydanticCustomError("out_of_range", "{why}", {"why": why})
        return value

    return AfterValidator(check)


def exceedable(low: Q, most: Q) -> AfterValidator:
    """Limit an alarm's level to what its metric can exceed.

    Parameters
    ----------
    low
        The least, allowed.
    most
        The most that the metric reaches; a level there could never be exceeded, so it is refused.

    Returns
    -------
    AfterValidator
        For ``Annotated``.
    """

    def check(value: Q) -> Q:
        # Thresholds are written with six decimals of 1.
        if not low <= round(value, 4) < most:
            why = f"{value} is out of range: {low} to below {most}, which nothing exceeds; write less, or `off`"
            raise PydanticCustomError("out_of_range", "{why}", {"why": why})
        return value

    return AfterValidator(check)
