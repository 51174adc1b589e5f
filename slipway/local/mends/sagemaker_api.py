"""Reading requests of the SageMaker API, and wording its answers."""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from slipway.local.engine.documents import Document
from slipway.local.engine.planning import partition
from slipway.local.mends.answers import ApiError
from slipway.local.mends.hosted_endpoint import HostedEndpoint
from slipway.local.mends.names import in_arn


def invalid(message: str) -> ApiError:
    """Return the error with which the API refuses a request."""
    return ApiError("ValidationException", message)


def arn_of(backend: SageMakerModelBackend, kind: str, name: str) -> str:
    """Return an ARN in a backend's account and Region."""
    where, region = partition(backend.region_name), backend.region_name
    return f"arn:{where}:sagemaker:{region}:{backend.account_id}:{kind}/{in_arn(kind, name)}"


def endpoint_of(backend: SageMakerModelBackend, name: str) -> HostedEndpoint:
    """Return an endpoint.

    Raises
    ------
    ApiError
        When there is none of this name.
    """
    found = backend.endpoints.get(name)
    if not isinstance(found, HostedEndpoint):
        raise invalid(f'Could not find endpoint "{arn_of(backend, "endpoint", name)}".')
    found.settle()
    return found


def request_of(self: SageMakerResponse) -> Document:
    """Return a request's members."""
    request: Document = plain(self._get_params()) or {}
    return request


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a parsed parameter as plain dicts and lists, which later requests cannot change."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def listed(
    self: SageMakerResponse, key: str, name_key: str, summaries: Iterable[Document], status_key: str = ""
) -> ActionResult:
    """Return a page of summaries, newest first and ten a page unless the request says otherwise.

    Parameters
    ----------
    key
        The member of the answer that holds them.
    name_key, status_key
        The summaries' members for the name and the status; lists of what has no status leave the latter empty.
    """
    status = self._get_param("StatusEquals")
    chosen = [s for s in summaries if _matches(self, s, name_key) and status in (None, s.get(status_key))]
    sort = {"Name": name_key, "Status": status_key}.get(self._get_param("SortBy") or "", "CreationTime")
    ascending = self._get_param("SortOrder") == "Ascending"
    chosen.sort(key=lambda summary: summary[sort], reverse=not ascending)
    start = int(self._get_param("NextToken") or 0)
    end = start + int(self._get_param("MaxResults") or 10)
    token = str(end) if len(chosen) > end else None
    return ActionResult({key: chosen[start:end], "NextToken": token})


def _matches(self: SageMakerResponse, summary: Document, name_key: str) -> bool:
    if (self._get_param("NameContains") or "").lower() not in summary[name_key].lower():
        return False
    for member in ("CreationTime", "LastModifiedTime"):
        after, before = (self._get_param(f"{member}{side}") for side in ("After", "Before"))
        if after is not None and not summary[member] > after.replace(tzinfo=None):
            return False
        if before is not None and not summary[member] < before.replace(tzinfo=None):
            return False
    return True
