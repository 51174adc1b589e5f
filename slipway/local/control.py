"""Start and stop the local AWS, and point tools at it. Cheap to import: no moto, no boto3."""

import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from slipway.local.clock import SPEEDS, check_speed

HOST = "127.0.0.1"
DEFAULT_PORT = 4577
DEFAULT_HOME = Path(".slipway")
IDENTITY_PATH = "/_slipway/identity"

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_ANSWER_SECONDS = 5.0
_FOREIGN_SECONDS = 1.0
# Whatever could send a tool elsewhere, or under another name, than `environment` says.
_REMOVED = {
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_CA_BUNDLE",
    "AWS_ACCOUNT_ID",
}
_REMOVED_PREFIX = "AWS_ENDPOINT_URL_"
_LOOPBACK = "127.0.0.1,localhost"


class LocalAwsError(Exception):
    """The local AWS could not be started or stopped; the message says what to do."""


@dataclass(frozen=True)
class Running:
    """A local AWS that answers.

    Attributes
    ----------
    pid
        Its process id.
    port
        Where it listens on 127.0.0.1.
    url
        The endpoint URL for any AWS tool.
    """

    pid: int
    port: int
    url: str


@dataclass(frozen=True)
class _State:
    pid: int
    port: int
    token: str

    @property
    def running(self) -> Running:
        return Running(self.pid, self.port, f"http://{HOST}:{self.port}")


def start(home: Path = DEFAULT_HOME, port: int | None = None, speed: float | None = None) -> Running:
    """Start the local AWS, unless it runs already.

    Parameters
    ----------
    home
        The folder for its state (``local.json``) and log (``local.log``); made when missing.
    port
        1–65535, or 0 for a free one; by default 4577, or a free one where another folder's local AWS has that. Ignored
        when this home's server runs already.
    speed
        How many times as fast as the real time its clock runs, 1 to 3600; by default 1, or as it does when it runs
        already.

    Returns
    -------
    Running
        A server that answers.

    Raises
    ------
    LocalAwsError
        When there is no such speed, the port is taken, or the server ends or does not answer within a minute.
    """
    from slipway.local import steering

    try:
        check_speed(SPEEDS[0] if speed is None else speed)
    except ValueError as error:
        raise LocalAwsError(str(error)) from None
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    with _exclusive(home):
        state = _read(home)
        if state is not None and _answers(state):
            if speed is not None:
                steering.set_speed(state.running.url, speed)
            return state.running
        if state is not None:
            _end(state)
        _forget(home)
        if port is None:
            port = 0 if _whose(DEFAULT_PORT) else DEFAULT_PORT
        if whose := _whose(port):
            raise LocalAwsError(f"Port {port} on {HOST} is taken {whose}, or choose another port.")
        return _launch(home, port, speed or SPEEDS[0]).running


def stop(home: Path = DEFAULT_HOME) -> bool:
    """Stop the local AWS of a home.

    Everything in it is gone then: it keeps its state in memory only.

    Returns
    -------
    bool
        Whether there was one to stop.

    Raises
    ------
    LocalAwsError
        When the process does not end.
    """
    home = home.absolute()
    if not home.is_dir():
        return False
    with _exclusive(home):
        state = _read(home)
        stopped = state is not None and _end(state)
        _forget(home)
        return stopped


def status(home: Path = DEFAULT_HOME) -> Running | None:
    """Return the local AWS of a home, or None when none answers."""
    state = _read(home.absolute())
    return state.running if state is not None and _answers(state) else None


def environment(url: str, account: str, region: str) -> dict[str, str]:
    """Return the variables with which an AWS tool talks to the local AWS.

    ``removed`` names the variables that must not be set beside them.

    Parameters
    ----------
    url
        ``Running.url``.
    account
        Twelve digits; the access key id carries it, so one server serves all accounts.
    region
        For example eu-west-1.

    Raises
    ------
    ValueError
        When the account is not twelve digits.
    """
    if not (len(account) == 12 and account.isdigit()):
        raise ValueError(f"The account is twelve digits, not {account!r}.")
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
    }


def removed(environ: Mapping[str, str]) -> list[str]:
    """Return the names in an environment that would lead a tool away from the local AWS."""
    return sorted(n for n in environ if n in _REMOVED or n.startswith(_REMOVED_PREFIX))


# -- the state file


def _read(home: Path) -> _State | None:
    """Read the state file; one that is missing or damaged counts as none."""
    try:
        found = json.loads((home / "local.json").read_text())
        return _State(int(found["pid"]), int(found["port"]), str(found["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _forget(home: Path) -> None:
    for name in ("local.json", "local.port"):
        (home / name).unlink(missing_ok=True)


@contextlib.contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    """Keep two commands in the same home from starting two servers."""
    with (home / "local.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# -- the process


def _answers(state: _State) -> bool:
    """Tell whether the process that we started answers at its port, and not another one."""
    identity = _identity(state.port, _ANSWER_SECONDS)
    return identity == {"pid": state.pid, "token": state.token}


def _identity(port: int, patience: float) -> object:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}{IDENTITY_PATH}", timeout=patience) as answer:
            return json.loads(answer.read())
    except (OSError, ValueError):
        return None


def _whose(port: int) -> str | None:
    """Say who has a port, and what to do; None when it is free."""
    if port == 0:
        return None
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            if _identity(port, _FOREIGN_SECONDS) is not None:
                return "by the local AWS of another folder; stop that one"
            return "by another program; end it"
    return None


def _launch(home: Path, port: int, speed: float) -> _State:
    port_file, log = home / "local.port", home / "local.log"
    token = secrets.token_hex(8)
    package_root = str(Path(__file__).resolve().parents[2])
    inherited = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "MOTO_"))}
    paths = [package_root, *filter(None, [inherited.get("PYTHONPATH")])]
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                *("-m", "slipway.local.server"),
                *("--port", str(port), "--port-file", str(port_file), "--speed", str(speed)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            env={
                **inherited,
                "PYTHONPATH": os.pathsep.join(paths),
                "SLIPWAY_LOCAL_TOKEN": token,
            },
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if port_file.exists() and port_file.read_text():
            state = _State(process.pid, int(port_file.read_text()), token)
            if _answers(state):
                (home / "local.json").write_text(json.dumps(asdict(state)))
                return state
        time.sleep(0.05)
    if process.poll() is None:
        process.kill()
        process.wait()
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise LocalAwsError(f"The local AWS did not start; {log} ends with:\n{tail}")


def _end(state: _State) -> bool:
    """End the process, if it is ours; return whether there was one."""
    if not (_answers(state) or _is_server(state.pid)):
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(state.pid, number)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            if _gone(state.pid):
                return True
            time.sleep(0.02)
    raise LocalAwsError(f"The local AWS (process {state.pid}) does not end.")


def _is_server(pid: int) -> bool:
    """Tell whether a process is a local AWS; a stale state file may name any process."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return False
        found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
        line = found.stdout
    return "slipway.local.server" in line


def _gone(pid: int) -> bool:
    """Tell whether a process has ended; one that only waits for its parent's notice has."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state == "Z"
