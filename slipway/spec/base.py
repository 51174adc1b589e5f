"""What all parts of the spec have in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from slipway.spec.names import WORDS


class Spec(BaseModel):
    """A part of the spec: strict, immutable, and unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


#: A short name that becomes part of longer ones: lower case, digits and single hyphens.
ShortName = Annotated[str, Field(pattern=f"^{WORDS}$")]
#: What SageMaker accepts as a variant's name (API:VariantName).
VariantName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")]


def _off(value: Any) -> Literal[False]:  # noqa: ANN401  (whatever the YAML holds)
    # YAML 1.2, which editors speak, reads `off` as text; and 0 is a number, though Python finds it equal to False.
    if value is False or value == "off":
        return False
    raise PydanticCustomError("off", "`off` leaves it out")


#: Written `off` (or `false`) to leave something out.
Off = Annotated[Literal[False], PlainValidator(_off), WithJsonSchema({"enum": [False, "off"]})]
