"""The server's side of ``steering``: JSON over HTTP, beside AWS's APIs."""

import json
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from slipway.local.clock import CLOCK
from slipway.local.engine.documents import Document
from slipway.local.mends.schedules import NotFiredError, fire
from slipway.local.mends.seeding import seed
from slipway.local.steering import CLOCK_PATH, FIRE_PATH, SEED_PATH
from slipway.local.ticker import TICKER

Respond = Callable[[str, list[tuple[str, str]]], Any]


def _clock(given: Document) -> Document:
    if given.get("Reset"):
        CLOCK.reset()
    if "Speed" in given:
        CLOCK.set_speed(float(given["Speed"]))
    if "AdvanceSeconds" in given:
        TICKER.advance(timedelta(seconds=float(given["AdvanceSeconds"])))
    return {"Now": time.time(), "AheadSeconds": CLOCK.ahead.total_seconds(), "Speed": CLOCK.speed}


def _fire(given: Document) -> Document:
    return {"ExecutionId": fire(given["Account"], given["Region"], given["Group"], given["Name"])}


def _seed(given: Document) -> Document:
    return {"Endpoints": seed(given["Account"], given["Region"], given["Endpoints"])}


_ACTIONS = {CLOCK_PATH: _clock, FIRE_PATH: _fire, SEED_PATH: _seed}


def answers(path: str) -> bool:
    """Tell whether an address is one of these."""
    return path in _ACTIONS


def answer(environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
    """Answer a request; what is wrong with it is status 400 and a message."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    try:
        given = json.loads(environ["wsgi.input"].read(length)) if length else {}
        status, found = "200 OK", _ACTIONS[environ["PATH_INFO"]](given)
    except (ValueError, NotFiredError) as error:
        status, found = "400 Bad Request", {"Message": str(error)}
    except KeyError as error:
        status, found = "400 Bad Request", {"Message": f"The request lacks {error}."}
    respond(status, [("Content-Type", "application/json")])
    return [json.dumps(found).encode()]
