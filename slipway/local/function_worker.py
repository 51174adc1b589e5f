"""One invocation of a Lambda function: imports the deployed handler and calls it, as AWS's Python runtime does.

A program of its own, started by ``function_process`` without site-packages; it must not import the rest of the project.
It reads the invocation as JSON from stdin. What the function prints goes to stdout; what becomes of it goes, a JSON
document a line, to the descriptor that the invocation names: ``ready`` once the handler is imported, then the end.
"""

import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType, SimpleNamespace
from typing import Any

# What AWS's Python runtimes bring besides the standard library.
_RUNTIME_PACKAGES = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"})
# In a log record it stands for a line break: a record is one log event, while each printed line is one of its own.
RECORD_BREAK = "\x1e"


class RuntimeFinder:
    """Finds the packages of the runtime in the project's environment, and none of its others.

    So a function whose archive lacks a package fails here as it would at the service.

    Parameters
    ----------
    site
        The environment's folder of packages.
    """

    def __init__(self, site: str) -> None:
        self._site = [site]
        self.packages = _RUNTIME_PACKAGES

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a package; its modules are found by its own path."""
        if path is not None or name not in self.packages:
            return None
        return PathFinder.find_spec(name, self._site, target)


class InitError(Exception):
    """The handler could not be imported; the first argument is the service's name for it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Context:
    """What a handler is told of its invocation.

    Parameters
    ----------
    members
        The attributes that are the same all the time.
    seconds
        The function's timeout.
    """

    def __init__(self, members: dict[str, str], seconds: float) -> None:
        self.__dict__.update(members)
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = None
        # Not by the clock: that may be moved.
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        """Write to the log."""
        sys.stdout.write(str(message))


class LogHandler(logging.Handler):
    """Writes log records as AWS's runtime does; its format is ``text``."""

    def __init__(self, request_id: str) -> None:
        super().__init__()
        formatter = logging.Formatter(
            f"[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t{request_id}\t%(message)s", "%Y-%m-%dT%H:%M:%S"
        )
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as one event."""
        write_record(self.format(record))


def write_record(text: str) -> None:
    """Print a text of several lines as one log event."""
    sys.stdout.write(text.replace("\n", RECORD_BREAK) + "\n")


def prepare(given: dict[str, Any]) -> None:
    """Set the clock and what can be imported: the function's code, its layers, the runtime's packages."""
    finder = RuntimeFinder(given["site"])
    sys.meta_path.append(finder)
    if given["ahead_seconds"]:
        finder.packages |= {"time_machine", "_time_machine"}
        importlib.import_module("time_machine").travel(_ahead(given["ahead_seconds"])).start()
        finder.packages = _RUNTIME_PACKAGES
    sys.path[:0] = [given["root"], *given["layers"]]
    if given["unfetched"]:
        # What those layers hold is not known, so it may be anything.
        sys.path.append(given["site"])
    logging.getLogger().addHandler(LogHandler(given["context"]["aws_request_id"]))


def _ahead(seconds: float) -> object:
    return importlib.import_module("datetime").timedelta(seconds=seconds)


def load(handler: str) -> Callable[[Any, Context], Any]:
    """Import a handler, ``module.function``.

    Raises
    ------
    InitError
        When there is none.
    """
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        raise InitError(
            "Runtime.MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        )
    module_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InitError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        raise InitError("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}") from error
    if not hasattr(module, name):
        raise InitError("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'")
    found: Callable[[Any, Context], Any] = getattr(module, name)
    return found


def described(error: Exception, request_id: str, unfetched: list[str]) -> dict[str, Any]:
    """Return an error as the runtime reports it, and log it."""
    cause = error.__cause__ if isinstance(error, InitError) else error
    message = str(error)
    if isinstance(cause, ModuleNotFoundError) and unfetched:
        message += (
            f" (the local AWS cannot fetch the layer {', '.join(unfetched)}; install what it brings into this"
            " project's environment)"
        )
    kind = error.kind if isinstance(error, InitError) else type(error).__name__
    frames = [] if isinstance(error, InitError) else traceback.extract_tb(error.__traceback__)
    stack = traceback.format_list([frame for frame in frames if frame.filename != __file__])
    write_record(f"[ERROR] {kind}: {message}\nTraceback (most recent call last):\n{''.join(stack)}".rstrip())
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": stack}


def peak_memory() -> float:
    """Return the most memory that this process had, in MB (2**20 bytes)."""
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123 - pathlib is one more import of a cold start
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    except OSError:  # macOS, which counts in bytes
        return float(importlib.import_module("resource").getrusage(0).ru_maxrss) / 2**20


def main() -> None:
    """Run one invocation."""
    given = json.loads(sys.stdin.buffer.read())
    request_id = given["context"]["aws_request_id"]
    report = os.fdopen(given["report"], "w")

    def tell(**members: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        # This clock is the machine's, so the server can compare its own with it.
        told = {**members, "at": time.monotonic(), "memory_mb": peak_memory()}
        report.write(json.dumps(told) + "\n")
        report.flush()

    try:
        prepare(given)
        handler = load(given["handler"])
        tell(ready=True)
        result = handler(json.loads(given["event"]), Context(given["context"], given["seconds"]))
    except Exception as error:  # noqa: BLE001 - whatever the function raises is its answer
        tell(error=described(error, request_id, given["unfetched"]))
        os._exit(0)
    try:
        payload = json.dumps(result)
    except (TypeError, ValueError) as error:
        wrong = InitError("Runtime.MarshalError", f"Unable to marshal response: {error}")
        tell(error=described(wrong, request_id, []))
    else:
        tell(payload=payload)
    os._exit(0)  # threads that the function left behind are frozen at the service


if __name__ == "__main__":
    main()
