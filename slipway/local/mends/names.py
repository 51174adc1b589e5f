"""SageMaker's names: unique ignoring case, found in any case, and in lower case in ARNs.

moto minds the case, and writes names into ARNs as they were given.
"""

from collections.abc import Callable
from typing import Any, TypeVar, overload

from moto.sagemaker import models, utils
from moto.sagemaker.models import SageMakerModelBackend

from slipway.local.mends.patching import replace

T = TypeVar("T")
D = TypeVar("D")
_LOWERED = ("endpoint", "endpoint-config", "inference-component", "model")


def apply() -> None:
    """Install the mends."""
    replace(SageMakerModelBackend, __init__=_ignoring_case(SageMakerModelBackend.__init__))
    original = utils.arn_formatter

    def arn_formatter(_type: str, _id: str, account_id: str, region_name: str) -> str:
        formatted: str = original(_type, in_arn(_type, _id), account_id, region_name)
        return formatted

    replace(models, arn_formatter=arn_formatter)  # where its name is used


def in_arn(kind: str, name: str) -> str:
    """Return a name as an ARN of a kind of resource has it."""
    return name.lower() if kind in _LOWERED else name


class Names(dict[str, T]):
    """Things by their names, which are given in any case and kept in the one that they were made with."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, str] = {}

    def _exact(self, name: object) -> str:
        return self._kept.get(str(name).lower(), str(name))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(self._exact(name))

    def __getitem__(self, name: str) -> T:
        return super().__getitem__(self._exact(name))

    def __setitem__(self, name: str, item: T) -> None:
        kept = self._kept.setdefault(name.lower(), name)
        super().__setitem__(kept, item)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(self._exact(name))
        del self._kept[name.lower()]

    @overload
    def get(self, name: str, default: None = None, /) -> T | None: ...
    @overload
    def get(self, name: str, default: T, /) -> T: ...
    @overload
    def get(self, name: str, default: D, /) -> T | D: ...
    def get(self, name: str, default: Any = None, /) -> Any:
        """Return what has a name."""
        return super().get(self._exact(name), default)

    @overload
    def pop(self, name: str, /) -> T: ...
    @overload
    def pop(self, name: str, default: T, /) -> T: ...
    @overload
    def pop(self, name: str, default: D, /) -> T | D: ...
    def pop(self, name: str, /, *default: Any) -> Any:
        """Take out what has a name."""
        found = super().pop(self._exact(name), *default)
        self._kept.pop(name.lower(), None)
        return found


def _ignoring_case(original: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: SageMakerModelBackend, region_name: str, account_id: str) -> None:  # noqa: N807 - replaces it
        original(self, region_name, account_id)
        self._models, self.endpoint_configs, self.endpoints = Names(), Names(), Names()

    return __init__
