"""What all parts of the spec have in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, PlainValidator, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from slipway.spec.described import descriptions
from slipway.spec.names import WORDS


class Spec(BaseModel):
    """A part of the spec: strict, immutable, and unknown keys are refused."""

    # Validators are built when first asked for: then only the environment's, which has those of its parts in it.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add to the schema for editors what each key is."""
        made = handler(core_schema)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        for key, text in descriptions(cls).items():
            if key in properties:
                properties[key]["description"] = text
        return made


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
