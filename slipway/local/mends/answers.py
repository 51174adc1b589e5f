"""How the server answers what it cannot do."""

from collections.abc import Callable

from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from slipway.local.mends.patching import add, replace


class ApiError(ServiceException):
    """An error of an API, by code and message.

    A class of its own, because moto takes the service of an error from the module of its class.
    """


def apply() -> None:
    """Install the mends."""
    replace(BaseResponse, call_action=_refusing(BaseResponse.call_action))
    # moto has no LookupEvents. The CDK CLI calls it after every failed deployment, to name the
    # cause, and retries for half a minute when the answer is an error.
    add(CloudTrailResponse, lookup_events=lookup_events)


def _refusing(
    original: Callable[[BaseResponse], TYPE_RESPONSE],
) -> Callable[[BaseResponse], TYPE_RESPONSE]:
    def call_action(self: BaseResponse) -> TYPE_RESPONSE:
        """Answer 501 where moto answers 500, which every SDK takes for a passing fault."""
        try:
            return original(self)
        except NotImplementedError as error:
            missing = ApiError("NotImplemented", f"The local AWS does not have {self.service_name}: {error}")
            _, headers, body = self.serialized(ActionResult(missing))
            headers["status"] = "501"
            return 501, headers, body

    return call_action


def lookup_events(self: BaseResponse) -> ActionResult:  # noqa: ARG001 - moto calls it as a method
    """Answer that no calls were recorded."""
    return ActionResult({"Events": []})
