"""What the CloudFormation engine refuses, worded as the service words it."""


class TemplateError(Exception):
    """The request or the template is refused; becomes a ValidationError of the API.

    Parameters
    ----------
    message
        The text that the caller reads.
    code
        The API's error code.
    """

    def __init__(self, message: str, code: str = "ValidationError") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class ResourceError(Exception):
    """A resource could not be made, changed or removed; ends the operation and rolls it back."""


def reason_of(error: BaseException) -> str:
    """Return the text of an error as it should stand in a stack event."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        details = response["Error"]
        operation = getattr(error, "operation_name", "")
        return (
            f"{details.get('Message', details.get('Code'))} (Operation: {operation}, Error Code: {details.get('Code')})"
        )
    return getattr(error, "message", None) or str(error) or type(error).__name__
