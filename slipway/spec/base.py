"""What all parts of the spec have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from slipway.spec.names import WORDS


class Spec(BaseModel):
    """A part of the spec: strict, immutable, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


#: A short name that becomes part of longer ones: lower case, digits and single hyphens.
ShortName = Annotated[str, Field(pattern=f"^{WORDS}$")]
#: What SageMaker accepts as a variant's name (API:VariantName).
VariantName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")]
#: Written `false` (or `off`) to leave something out.
Off = Literal[False]
