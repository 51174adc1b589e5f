"""Running a function: its code and layers, environment and role, log stream and metrics.

Names and formats are those of the Lambda Developer Guide ("Defined runtime environment variables", "Working with
Lambda function logs", "Types of metrics for Lambda functions").
"""

import contextlib
import hashlib
import io
import re
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend, split_layer_arn
from moto.logs.models import logs_backends

from slipway.local.clock import CLOCK
from slipway.local.engine.resource_type import Scope
from slipway.local.function_process import PROCESSES, Ended, Invocation
from slipway.local.mends import cloudwatch
from slipway.local.mends.answers import ApiError
from slipway.local.resources.calls import Calls
from slipway.rollout.series import SeriesKey

NAMESPACE = "AWS/Lambda"
_RETRY_SECONDS = 1.0
_PYTHON = re.compile(r"python3\.\d+")


class Archives:
    """Deployed archives, unpacked once."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._lock = threading.Lock()

    def unpacked(self, archive: bytes) -> Path:
        """Return the folder with an archive's files.

        Raises
        ------
        ApiError
            When it is no ZIP archive.
        """
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="slipway-functions-"))
            target = self._folder / hashlib.sha256(archive).hexdigest()[:32]
            if not target.is_dir():
                building = Path(tempfile.mkdtemp(dir=self._folder))
                try:
                    zipfile.ZipFile(io.BytesIO(archive)).extractall(building)
                except zipfile.BadZipFile as error:
                    raise ApiError("InvalidZipFileException", f"Lambda could not unzip the code: {error}") from error
                building.rename(target)
            return target

    def remove(self) -> None:
        """Remove what was unpacked."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


ARCHIVES = Archives()


class LogStream:
    """The log stream of one execution environment; here each invocation has one of its own.

    Parameters
    ----------
    function
        Whose.
    """

    def __init__(self, function: LambdaFunction) -> None:
        self.group = log_group(function)
        now = datetime.now(UTC)
        unique = hashlib.sha256(f"{function.function_arn} {time.perf_counter_ns()}".encode()).hexdigest()[:32]
        self.name = f"{now:%Y/%m/%d}/[{function.version}]{unique}"
        self.lines: list[str] = []
        self._backend = logs_backends[function.account_id][function.region]
        # The service makes a group that is not there, if the role lets it; roles are not enforced here.
        self._backend.ensure_log_group(self.group)
        self._backend.create_log_stream(self.group, self.name)

    def write(self, line: str) -> None:
        """Write an event."""
        self.lines.append(line)
        event = {"timestamp": int(time.time() * 1000), "message": line}
        # The group may be deleted while the function runs.
        with contextlib.suppress(Exception):
            self._backend.put_log_events(self.group, self.name, [event])


def log_group(function: LambdaFunction) -> str:
    """Return the name of a function's log group."""
    configured: str = (getattr(function, "logging_config", None) or {}).get("LogGroup") or ""
    return configured or f"/aws/lambda/{function.function_name}"


@dataclass(frozen=True)
class Answer:
    """What came of an invocation.

    Attributes
    ----------
    log
        What it logged.
    failed
        Whether the payload is an error.
    """

    payload: bytes
    failed: bool
    log: str


def scope_of(function: LambdaFunction) -> Scope:
    """Return for whom a function works."""
    return Scope(function.account_id, function.region, "", "")


def run(calls: Calls, function: LambdaFunction, event: str, request_id: str, invoked_arn: str) -> Answer:
    """Run a function once.

    Parameters
    ----------
    calls
        For the role's credentials.
    function
        What to run.
    event
        JSON.
    request_id
        The same for all attempts of an event.
    invoked_arn
        As the caller named it, with the version or alias.

    Raises
    ------
    ApiError
        When it cannot run here: it is no Python, or no archive.
    """
    if function.package_type != "Zip" or not _PYTHON.fullmatch(function.run_time or ""):
        raise ApiError(
            "InvalidRuntimeException",
            f"The local AWS runs Python functions from archives, not {function.run_time or function.package_type}.",
        )
    layers, unfetched = _layers(function)
    root, stream = ARCHIVES.unpacked(function.code_bytes), LogStream(function)
    stream.write(f"START RequestId: {request_id} Version: {function.version}")
    ended = PROCESSES.run(
        Invocation(
            handler=function.handler or "",
            root=root,
            layers=layers,
            unfetched=unfetched,
            event=event,
            seconds=float(function.timeout),
            environment=_environment(calls, function, root, stream),
            context={
                "function_name": function.function_name,
                "function_version": str(function.version),
                "invoked_function_arn": invoked_arn,
                "memory_limit_in_mb": str(function.memory_size),
                "aws_request_id": request_id,
                "log_group_name": stream.group,
                "log_stream_name": stream.name,
            },
            ahead_seconds=CLOCK.ahead.total_seconds(),
        ),
        stream.write,
    )
    if ended.status == "timeout":
        now = datetime.now(UTC)
        stream.write(f"{_instant(now)} {request_id} Task timed out after {float(function.timeout):.2f} seconds")
    stream.write(f"END RequestId: {request_id}")
    stream.write(_report(function, request_id, ended))
    failed = ended.status != "success"
    publish(function, {"Invocations": 1.0, "Errors": float(failed), "Throttles": 0.0})
    publish(function, {"Duration": ended.duration_ms}, "Milliseconds")
    return Answer(ended.payload, failed, "\n".join(stream.lines) + "\n")


def publish(function: LambdaFunction, values: dict[str, float], unit: str = "Count") -> None:
    """Publish metrics of a function, by its name and, for a version, by that as well."""
    dimensions = [("FunctionName", function.function_name)]
    series = cloudwatch.store(function.account_id, function.region)
    for name, value in values.items():
        series.put(SeriesKey.of(NAMESPACE, name, dimensions), {value: 1.0}, unit=unit)


def _environment(calls: Calls, function: LambdaFunction, root: Path, stream: LogStream) -> dict[str, str]:
    scope = scope_of(function)
    role = calls.assume(scope, function.role, function.function_name)
    return {
        **{name: str(value) for name, value in function.environment_vars.items()},
        "_HANDLER": function.handler or "",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": stream.group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream.name,
        "LAMBDA_TASK_ROOT": str(root),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ACCESS_KEY_ID": role.access_key_id,
        "AWS_SECRET_ACCESS_KEY": role.secret_access_key,
        "AWS_SESSION_TOKEN": role.session_token,
        # These lead here, whatever the machine is configured for.
        "AWS_ENDPOINT_URL": calls.url,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def _layers(function: LambdaFunction) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Return the folders that layers add to the path, and the ARNs of those that are not here."""
    folders: list[Path] = []
    unfetched: list[str] = []
    for layer in function.layers:
        where = split_layer_arn(layer["Arn"])
        version = get_backend(where.account, where.region).layers_versions_by_arn(layer["Arn"])
        if version is None:
            unfetched.append(layer["Arn"])
            continue
        folder = ARCHIVES.unpacked(version.code_bytes)
        folders += [folder / "python", folder / "python" / "lib" / (function.run_time or "") / "site-packages"]
    return tuple(folders), tuple(unfetched)


def _report(function: LambdaFunction, request_id: str, ended: Ended) -> str:
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {ended.duration_ms:.2f} ms",
        f"Billed Duration: {ceil(ended.init_ms + ended.duration_ms)} ms",
        f"Memory Size: {function.memory_size} MB",
        f"Max Memory Used: {ceil(ended.memory_mb)} MB",
        f"Init Duration: {ended.init_ms:.2f} ms",
    ]
    if ended.status != "success":
        fields.append(f"Status: {ended.status}")
    return "\t".join(fields)


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class Concurrency:
    """How many invocations of each function run."""

    def __init__(self) -> None:
        self._running: dict[str, int] = {}
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def place(self, function: LambdaFunction, *, wait: bool) -> Iterator[None]:
        """Take a place within the function's reserved concurrency.

        Parameters
        ----------
        function
            Whose.
        wait
            For a place, as events do; requests are refused.

        Raises
        ------
        ApiError
            With code TooManyRequestsException.
        """
        key = f"{function.account_id} {function.region} {function.function_name}"
        with self._changed:
            while not self._free(key, function):
                publish(function, {"Throttles": 1.0})
                if not wait or function.reserved_concurrency == 0:
                    raise ApiError("TooManyRequestsException", "Rate Exceeded.")
                self._changed.wait(_RETRY_SECONDS)  # the reservation may have changed
            self._running[key] = self._running.get(key, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._running[key] -= 1
                self._changed.notify_all()

    def _free(self, key: str, function: LambdaFunction) -> bool:
        reserved = function.reserved_concurrency
        return reserved is None or self._running.get(key, 0) < int(reserved)


CONCURRENCY = Concurrency()
