"""What a running local AWS is told beside AWS's own APIs: its clock, a schedule to fire, endpoints to measure with.

Cheap to import: no moto, no boto3.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.local.control import LocalAwsError

CLOCK_PATH = "/_slipway/clock"
FIRE_PATH = "/_slipway/schedules/fire"
SEED_PATH = "/_slipway/endpoints"
PACE_PATH = "/_slipway/pace"
FLAWS_PATH = "/_slipway/flaws"
FAULTS_PATH = "/_slipway/faults"

_SECONDS = 60.0


@dataclass(frozen=True)
class ClockReading:
    """What the clock of a local AWS says.

    Attributes
    ----------
    now
        With its zone, UTC.
    ahead
        How far that is ahead of the real time.
    speed
        How many seconds pass there in one of the real time.
    """

    now: datetime
    ahead: timedelta
    speed: float = 1.0

    @property
    def real(self) -> bool:
        """Whether it is the real time, and stays so."""
        return not self.ahead and self.speed == 1

    def real_seconds(self, simulated: float) -> float:
        """Return how long to wait until so many seconds have passed there."""
        return simulated / self.speed


def clock(url: str) -> ClockReading:
    """Read the clock.

    Parameters
    ----------
    url
        ``Running.url``.

    Raises
    ------
    LocalAwsError
        When the server does not answer.
    """
    return _reading(_ask(url, CLOCK_PATH))


def advance_clock(url: str, by: timedelta) -> ClockReading:
    """Move the clock forwards: what is stored grows older, and functions run later.

    When it returns, all that was due meanwhile has happened, at the minute in which it was due; in an advance of more
    than four hours at the next of 240 stops.

    Parameters
    ----------
    url
        ``Running.url``.
    by
        More than nothing; up to ten years ahead of the real time.

    Raises
    ------
    LocalAwsError
        When it is not, or the server does not answer.
    """
    return _reading(_ask(url, CLOCK_PATH, {"AdvanceSeconds": by.total_seconds()}))


def set_speed(url: str, speed: float) -> ClockReading:
    """Let the clock run faster than the real time, or as it does; the present moment stays.

    Parameters
    ----------
    url
        ``Running.url``.
    speed
        1 to 3600 times.

    Raises
    ------
    LocalAwsError
        When it is not, or the server does not answer.
    """
    return _reading(_ask(url, CLOCK_PATH, {"Speed": speed}))


def reset_clock(url: str) -> ClockReading:
    """Return the clock to the real time and its speed; what was stored meanwhile lies in the future then.

    Raises
    ------
    LocalAwsError
        When the server does not answer.
    """
    return _reading(_ask(url, CLOCK_PATH, {"Reset": True}))


def fire_schedule(url: str, account: str, region: str, name: str, group: str = "default") -> str:
    """Do now what a schedule of EventBridge Scheduler does when its time comes, with its input and its role.

    Returns
    -------
    str
        The id of the execution; a function that it invokes runs in the background.

    Raises
    ------
    LocalAwsError
        When there is no such schedule, it is disabled, or its target refuses.
    """
    answer = _ask(url, FIRE_PATH, {"Account": account, "Region": region, "Group": group, "Name": name})
    return str(answer["ExecutionId"])


def set_pace(url: str, provision: timedelta) -> None:
    """Let new instances and copies take their time from now on; by default they serve at once.

    Parameters
    ----------
    url
        ``Running.url``.
    provision
        Until they serve, by the local AWS's clock; nothing or more.

    Raises
    ------
    LocalAwsError
        When it is less, or the server does not answer.
    """
    _ask(url, PACE_PATH, {"ProvisionSeconds": provision.total_seconds()})


def give_flaw(url: str, account: str, region: str, name: str, flaw: str) -> None:
    """Let the updates of an endpoint or an inference component go wrong from now on.

    Parameters
    ----------
    url
        ``Running.url``.
    account, region, name
        Which; it need not be there yet.
    flaw
        A value of ``slipway.local.pace.Flaw``: ``stuck``, ``unhealthy``, ``rollback-fails`` or ``system-update``.

    Raises
    ------
    LocalAwsError
        When there is no such flaw, or the server does not answer.
    """
    _ask(url, FLAWS_PATH, {"Account": account, "Region": region, "Name": name, "Flaw": flaw})


def clear_flaws(url: str, account: str, region: str, name: str) -> None:
    """Let the updates of an endpoint or an inference component go well again.

    Raises
    ------
    LocalAwsError
        When the server does not answer.
    """
    _ask(url, FLAWS_PATH, {"Account": account, "Region": region, "Name": name, "Flaw": None})


@dataclass(frozen=True)
class Failing:
    """Calls that are to fail.

    Attributes
    ----------
    id
        By which this is cleared.
    kind
        ``throttle``, ``deny``, ``expire`` or ``disconnect``.
    service, operation
        Which calls, by their names in the SDKs; None for any.
    times_left
        How many more; None for any number.
    left
        For how long, by the local AWS's clock; None until it is cleared.
    """

    id: int
    kind: str
    service: str | None
    operation: str | None
    times_left: int | None
    left: timedelta | None


def add_fault(
    url: str,
    kind: str,
    service: str | None = None,
    operation: str | None = None,
    *,
    times: int | None = None,
    duration: timedelta | None = None,
) -> Failing:
    """Let calls fail from now on, until they have as often as is said, for so long, or it is cleared.

    Calls that the local AWS makes to itself, as its CloudFormation does, go well.

    Parameters
    ----------
    url
        ``Running.url``.
    kind
        ``throttle``: too many requests; ``deny``: no policy allows it; ``expire``: the credentials are no longer valid;
        ``disconnect``: the connection is closed without an answer, and nothing is done.
    service, operation
        Which calls, such as ``sagemaker`` and ``UpdateEndpoint``; any of the service, any at all.
    times
        How many calls, 1 or more. The SDKs try again by themselves, and each attempt counts.
    duration
        For how long, by the local AWS's clock.

    Returns
    -------
    Failing
        As it is stored.

    Raises
    ------
    LocalAwsError
        When there is no such kind, service or operation, or the server does not answer.
    """
    members = {
        "Kind": kind,
        "Service": service,
        "Operation": operation,
        "Times": times,
        "Seconds": None if duration is None else duration.total_seconds(),
    }
    return _failing(_ask(url, FAULTS_PATH, {key: value for key, value in members.items() if value is not None}))[-1]


def faults(url: str) -> list[Failing]:
    """Return the faults that may still hit a call, in the order in which they were given.

    Raises
    ------
    LocalAwsError
        When the server does not answer.
    """
    return _failing(_ask(url, FAULTS_PATH))


def clear_faults(url: str, id: int | None = None) -> int:
    """Let calls go well again.

    Parameters
    ----------
    url
        ``Running.url``.
    id
        Of one fault; by default all.

    Returns
    -------
    int
        How many were cleared.

    Raises
    ------
    LocalAwsError
        When there is none of this id, or the server does not answer.
    """
    return int(_ask(url, FAULTS_PATH, {"Clear": True if id is None else id})["Cleared"])


def _failing(answer: dict[str, Any]) -> list[Failing]:
    return [
        Failing(
            one["Id"],
            one["Kind"],
            one["Service"],
            one["Operation"],
            one["TimesLeft"],
            None if one["SecondsLeft"] is None else timedelta(seconds=one["SecondsLeft"]),
        )
        for one in answer["Faults"]
    ]


@dataclass(frozen=True)
class Seeded:
    """An endpoint for a measurement: its config, of the same name and tags, has one ml.m5.large for each variant."""

    name: str
    variants: tuple[str, ...]
    tags: Mapping[str, str]


def seed_endpoints(url: str, account: str, region: str, endpoints: Iterable[Seeded]) -> int:
    """Make many endpoints at once: 2,000 in less than a second, for which the API takes twenty.

    Returns
    -------
    int
        How many the account has in the Region by now.

    Raises
    ------
    LocalAwsError
        When a name is taken; then nothing was made.
    """
    wanted = [{"EndpointName": e.name, "VariantNames": e.variants, "Tags": dict(e.tags)} for e in endpoints]
    return int(_ask(url, SEED_PATH, {"Account": account, "Region": region, "Endpoints": wanted})["Endpoints"])


def _reading(answer: dict[str, Any]) -> ClockReading:
    now = datetime.fromtimestamp(answer["Now"], UTC)
    return ClockReading(now, timedelta(seconds=answer["AheadSeconds"]), answer["Speed"])


def _ask(url: str, path: str, members: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if members is None else json.dumps(members).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url + path, data), timeout=_SECONDS) as answer:  # noqa: S310 - loopback
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except urllib.error.HTTPError as error:
        raise LocalAwsError(json.loads(error.read())["Message"]) from error
    except (OSError, ValueError) as error:
        raise LocalAwsError(f"The local AWS at {url} does not answer: {error}") from error
