"""The server's side of ``steering``: JSON over HTTP, beside AWS's APIs."""

import json
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from slipway.local.clock import CLOCK
from slipway.local.engine.documents import Document
from slipway.local.faults import FAULTS, FaultKind
from slipway.local.mends.schedules import NotFiredError, fire
from slipway.local.mends.seeding import seed
from slipway.local.pace import NEVER, SETTINGS, Flaw
from slipway.local.requested import operations, services
from slipway.local.steering import CLOCK_PATH, FAULTS_PATH, FIRE_PATH, FLAWS_PATH, PACE_PATH, SEED_PATH
from slipway.local.ticker import TICKER
from slipway.rollout.fleets import Pace

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


def _pace(given: Document) -> Document:
    if "ProvisionSeconds" in given:
        seconds = float(given["ProvisionSeconds"])
        if not 0 <= seconds < NEVER:
            raise ValueError(f"Instances take 0 s or more to serve, not {seconds:g} s.")
        SETTINGS.pace = Pace(provision=seconds)
    return {"ProvisionSeconds": SETTINGS.pace.provision}


def _flaws(given: Document) -> Document:
    where = given["Account"], given["Region"], given["Name"]
    if given["Flaw"] is None:
        SETTINGS.clear(*where)
    else:
        try:
            flaw = Flaw(given["Flaw"])
        except ValueError:
            raise ValueError(f"{given['Flaw']!r} is none of {', '.join(Flaw)}.") from None
        SETTINGS.give(*where, flaw)
    return {"Flaws": sorted(SETTINGS.flaws(*where))}


def _faults(given: Document) -> Document:
    if "Clear" in given:
        return {"Cleared": FAULTS.clear(None if given["Clear"] is True else int(given["Clear"]))}
    if "Kind" in given:
        try:
            kind = FaultKind(given["Kind"])
        except ValueError:
            raise ValueError(f"{given['Kind']!r} is no fault of calls; there is {', '.join(FaultKind)}.") from None
        service, operation = _calls(given.get("Service"), given.get("Operation"))
        times, seconds = given.get("Times"), given.get("Seconds")
        FAULTS.add(
            kind,
            service,
            operation,
            times=None if times is None else int(times),
            seconds=None if seconds is None else float(seconds),
        )
    found = [
        {
            "Id": fault.id,
            "Kind": fault.kind,
            "Service": fault.service,
            "Operation": fault.operation,
            "TimesLeft": fault.left,
            "SecondsLeft": None if fault.until is None else max(0.0, fault.until - time.time()),
        }
        for fault in FAULTS.all()
    ]
    return {"Faults": found}


def _calls(service: str | None, operation: str | None) -> tuple[str | None, str | None]:
    """Return which calls are meant by a service and an operation; those that there are not would never fail."""
    if service is None:
        if operation is not None:
            raise ValueError(f"The operation {operation} needs its service.")
        return None, None
    if service not in services():
        raise ValueError(_unknown(f"There is no service {service!r} in the SDKs", service, services()))
    if operation is None or operation in operations(service):
        return service, operation
    # Policies have one prefix for both.
    runtime = f"{service}-runtime"
    if operation in operations(runtime):
        return runtime, operation
    raise ValueError(_unknown(f"{service} has no operation {operation!r}", operation, operations(service)))


def _unknown(what: str, name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f"{what}, did you mean {close[0]}?" if close else f"{what}."


_ACTIONS = {
    FAULTS_PATH: _faults,
    CLOCK_PATH: _clock,
    FIRE_PATH: _fire,
    SEED_PATH: _seed,
    PACE_PATH: _pace,
    FLAWS_PATH: _flaws,
}


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
