"""The process of the local AWS: moto's server with the project's mends, on loopback only."""

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from slipway.local.control import IDENTITY_PATH

# moto leaves out AWS's managed policies unless asked; `cdk bootstrap` attaches ReadOnlyAccess. It
# reads this when it is imported, hence before the import.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from slipway.local import fault_answers, steering_api
from slipway.local.faults import FAULTS

HOST = "127.0.0.1"


class QuietHandler(MotoRequestHandler):
    """Serves requests without a log line for each."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing; failures are still logged."""


class Application:
    """The WSGI application: moto's dispatcher, and a few addresses of its own: who answers, and what steers it.

    Parameters
    ----------
    token
        What ``control`` gave this process, so that it recognizes its own server.
    """

    def __init__(self, token: str) -> None:
        self._identity = json.dumps({"pid": os.getpid(), "token": token}).encode()
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(
        self,
        environ: dict[str, Any],
        start_response: Callable[..., Any],
    ) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("PATH_INFO") == IDENTITY_PATH:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [self._identity]
        if steering_api.answers(environ.get("PATH_INFO", "")):
            return steering_api.answer(environ, start_response)
        if FAULTS and (refused := fault_answers.answer(environ, start_response)) is not None:
            return refused
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer


def serve(port: int, port_file: Path | None = None, token: str = "", speed: float = 1.0) -> None:
    """Serve until SIGTERM or SIGINT.

    Parameters
    ----------
    port
        0 chooses a free one.
    port_file
        Where to write the port once the server listens.
    token
        Returned with the process id at ``control.IDENTITY_PATH``.
    speed
        How many times as fast as the real time its clock runs, 1 to 3600.
    """
    from slipway.local import mends
    from slipway.local.clock import CLOCK
    from slipway.local.function_process import PROCESSES
    from slipway.local.mends import alarm_actions, queues
    from slipway.local.mends.autoscaling import AUTOSCALING
    from slipway.local.mends.backlog import BACKLOGS
    from slipway.local.mends.endpoint_usage import Sampler
    from slipway.local.mends.function_run import ARCHIVES
    from slipway.local.runtime import FLEET
    from slipway.local.ticker import TICKER

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("slipway").setLevel(logging.INFO)
    server = make_server(HOST, port, Application(token), threaded=True, request_handler=QuietHandler)
    # Requests that are in progress must not keep the process from ending.
    server.daemon_threads = True  # type: ignore[attr-defined]
    mends.apply(f"http://{HOST}:{server.port}")

    CLOCK.set_speed(speed)
    for once_a_minute in (Sampler(FLEET).tick, lambda _: BACKLOGS.work_off_all(), lambda _: queues.publish_all()):
        TICKER.register(once_a_minute, every=60.0)
    # Alarms see what has just been published, and policies see the alarms.
    TICKER.register(alarm_actions.minute, every=60.0)
    TICKER.register(alarm_actions.tick)
    TICKER.register(AUTOSCALING.minute, every=60.0)
    TICKER.register(AUTOSCALING.tick)
    TICKER.start()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if port_file is not None:
        written = port_file.with_suffix(".new")
        written.write_text(str(server.port))
        written.rename(port_file)  # at once, so that nobody reads half a number
    try:
        server.serve_forever()
    finally:
        TICKER.stop()
        FLEET.stop()
        PROCESSES.stop()
        ARCHIVES.remove()


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m slipway.local.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one (default)")
    parser.add_argument("--port-file", type=Path, help="where to write the port that was chosen")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast its clock runs")
    given = parser.parse_args(arguments)
    token = os.environ.pop("SLIPWAY_LOCAL_TOKEN", "")
    serve(given.port, given.port_file, token, given.speed)


if __name__ == "__main__":
    main(sys.argv[1:])
