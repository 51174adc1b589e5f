"""The time that AWS has: a machine's own clock may be wrong, and a local AWS's runs faster or is moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from slipway.local import steering

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse

    from slipway.ops.target import Target

#: A Date header has whole seconds, and no two servers agree to the last one: less than this is no difference.
_SAME = timedelta(seconds=2)
#: Real seconds between two looks at a local AWS's clock, which others may move; a pause is never shorter there.
_LOOK = 0.2


class AwsClock:
    """Says what time it is where a command goes, and waits by that time.

    A local AWS is asked for its clock. For an account it is the Date header of the latest answer that was noted, and
    what has passed since; before there is one, STS is asked, which takes no permission.

    Parameters
    ----------
    target
        Where the command goes.
    sleep, monotonic
        Of the real time, in seconds.
    """

    def __init__(
        self,
        target: Target,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target
        self._sleep = sleep
        self._monotonic = monotonic
        # The latest Date, and the real time at which it came.
        self._noted: tuple[datetime, float] | None = None

    def listen(self, *clients: Any) -> None:  # noqa: ANN401  (boto3 makes a client's type at run time)
        """Note the Date of every answer that these clients get from now on.

        Parameters
        ----------
        clients
            Those of boto3, of any service.
        """
        for client in clients:
            client.meta.events.register("after-call", self._heard)

    def note(self, answer: Mapping[str, Any]) -> None:
        """Note the Date of one answer; one that has none, such as a stub's, says nothing.

        Parameters
        ----------
        answer
            What a call of boto3 returned.
        """
        self._take(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date"))

    def now(self) -> datetime:
        """Say what time it is there.

        Returns
        -------
        datetime
            With its zone, UTC. On an account it may be a second or two behind.

        Raises
        ------
        slipway.local.control.LocalAwsError
            When a local AWS does not answer.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            When STS has to be asked, and does not answer.
        """
        if self._target.kind == "local":
            return steering.clock(self._target.environ["AWS_ENDPOINT_URL"]).now
        if self._noted is None:
            self.note(self._target.client("sts").get_caller_identity())
        if self._noted is None:  # an answer without a Date
            self._noted = datetime.now(UTC), self._monotonic()
        date, at = self._noted
        return date + timedelta(seconds=self._monotonic() - at)

    def pause(self, seconds: float) -> None:
        """Wait until so much time has passed there; Ctrl-C and SIGTERM end it.

        On a local AWS that is sooner when its clock runs faster or is moved forwards, but never before 0.2 seconds of
        the real time, so that a loop does not keep it busy.

        Parameters
        ----------
        seconds
            Of AWS's time.

        Raises
        ------
        slipway.local.control.LocalAwsError
            When a local AWS does not answer.
        """
        if self._target.kind != "local":
            self._sleep(seconds)
            return
        url = self._target.environ["AWS_ENDPOINT_URL"]
        wait = timedelta(seconds=seconds)
        over = steering.clock(url).now + wait
        self._sleep(_LOOK)
        while (now := steering.clock(url).now) < over:
            over = min(over, now + wait)  # somebody may set it back to the real time
            self._sleep(min(_LOOK, (over - now).total_seconds()))

    def _heard(self, http_response: AWSResponse | None = None, **_: object) -> None:
        if http_response is not None:
            self._take(http_response.headers.get("date"))

    def _take(self, header: str | None) -> None:
        try:
            date = parsedate_to_datetime(header or "")
        except ValueError:
            return
        if self._noted is None or not timedelta() <= self.now() - date < _SAME:
            self._noted = date, self._monotonic()
