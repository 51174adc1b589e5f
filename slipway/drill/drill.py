"""A drill from its start to its end: deploy a good model, update it to another good one, then to a bad one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.drill.declaration import BAD, DRILL, FAILING, FIRST, GOOD, Declaration
from slipway.drill.foretelling import Foretold, foretell
from slipway.drill.traffic import STEP, Traffic
from slipway.local import steering
from slipway.ops.aws_clock import AwsClock
from slipway.ops.deploy.artifacts import TRAINING
from slipway.ops.live import describe
from slipway.ops.trouble import NoEndpointError, OperationError
from slipway.ops.watch.events import Result
from slipway.ops.watch.following import Show, follow
from slipway.plan.assembly import load
from slipway.rollout.fleets import PROVISION_SECONDS, Pace

if TYPE_CHECKING:
    from slipway.ops.live import Live
    from slipway.ops.target import Target

#: How long instances take to serve on the local AWS of a drill: long enough to be seen.
LOCAL_PROVISION = timedelta(minutes=2)
#: Real seconds between two looks for the beginning of an update.
_LOOK = 0.1
_BEGIN_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One update of a drill.

    Attributes
    ----------
    strategy
        How it was updated.
    what
        ``a good model`` or ``a bad model``.
    outcome
        ``deployed``, ``rolled back``, ``failed`` or ``timed out``.
    seconds
        From its start to its end, by AWS's clock.
    requests, bad
        Of that time, and how many of them the model failed on.
    foretold
        By a rehearsal of the same template.
    step
        How many bad requests may come at one moment.
    """

    strategy: str
    what: str
    outcome: str
    seconds: float
    requests: int
    bad: int
    foretold: Foretold
    step: float

    @property
    def share(self) -> float:
        """Of all requests that the model failed on, from 0 to 1."""
        return self.bad / self.requests if self.requests else 0.0

    @property
    def as_it_should(self) -> bool:
        """Whether the good model was deployed and the bad one rolled back."""
        return self.outcome == (Result.ROLLED_BACK if self.what == "a bad model" else Result.DEPLOYED)

    @property
    def as_foretold(self) -> bool:
        """Whether it ended as the rehearsal said, with as many bad requests but for chance."""
        ended = (self.outcome == Result.ROLLED_BACK) == self.foretold.rolled_back
        return ended and self.foretold.explains(self.requests, self.bad, step=self.step)

    def as_dict(self) -> dict[str, object]:
        """Plain data, for programs."""
        return {**asdict(self), "share": self.share, "as_foretold": self.as_foretold}


class Drill:
    """Runs a drill.

    Parameters
    ----------
    target
        The local AWS, which nobody else uses, or the account.
    declared
        What is deployed.
    home
        A folder for logs and templates.
    rate
        Requests a minute.
    say
        Says what is done.
    show
        Shows each update.
    """

    def __init__(
        self,
        target: Target,
        declared: Declaration,
        home: Path,
        *,
        rate: float,
        say: Callable[[str], object],
        show: Callable[[], Show],
    ) -> None:
        self._target, self._declared, self._home = target, declared, home
        self._rate, self._say, self._show = rate, say, show
        self._clock = AwsClock(target)
        self._hurry = threading.Event()
        self._sagemaker = target.client("sagemaker")
        declared.know(TRAINING / DRILL / "train.py")
        self._environment = declared.write(FIRST, declared.strategies[0])
        self._endpoint = self._environment.names.endpoint(DRILL)
        self._url = target.environ["AWS_ENDPOINT_URL"] if target.kind == "local" else ""

    def run(self) -> Iterator[Trial]:
        """Deploy, then update to a good model by the first strategy, and to a bad one by each.

        Yields
        ------
        Trial
            One for each update.

        Raises
        ------
        OperationError
            When a deployment does not come about.
        """
        self._say(f"{self._endpoint}: deploy version {FIRST}")
        with self._launched(FIRST, self._declared.strategies[0]) as process:
            self._wait(process)
        if self._url:
            steering.set_pace(self._url, LOCAL_PROVISION)
        with Traffic(self._target, self._endpoint, self._rate, self._tick) as traffic:
            first = self._declared.strategies[0]
            for strategy, what, version, failing in (
                (first, "a good model", GOOD, 0.0),
                *((strategy, "a bad model", BAD, FAILING) for strategy in self._declared.strategies),
            ):
                self._say(f"{self._endpoint}: {strategy} update to version {version}, {what}")
                yield self._trial(traffic, strategy, what, version, failing)

    def _tick(self) -> datetime:
        """Let time pass: while an update runs on the local AWS as fast as the requests are answered."""
        if self._hurry.is_set():
            return steering.advance_clock(self._url, timedelta(seconds=STEP)).now
        self._clock.pause(1.0)
        return self._clock.now()

    @contextmanager
    def _hurrying(self) -> Iterator[Callable[[], None]]:
        try:
            yield self._hurry.set if self._url else lambda: None
        finally:
            self._hurry.clear()

    def _trial(self, traffic: Traffic, strategy: str, what: str, version: int, failing: float) -> Trial:
        with self._launched(version, strategy) as process, self._hurrying() as hurry:
            begun = self._begun(process)
            hurry()
            stack = self._environment.names.stack(DRILL)
            outcome = follow(self._target, self._endpoint, stack=stack, expect=begun[1], begun=True, show=self._show())
            self._wait(process)
        ended = self._ended(outcome.kind)
        sent = traffic.sent(begun[0], ended)
        if not sent:
            raise OperationError(f"{self._endpoint}: no request reached it: {traffic.trouble or 'nobody knows why'}")
        provision = LOCAL_PROVISION.total_seconds() if self._url else PROVISION_SECONDS
        foretold = foretell(
            load(self._assembly),
            self._endpoint,
            rate=self._rate,
            failing=failing,
            pace=Pace(provision=provision, start=begun[0].timestamp() % 60),
        )
        return Trial(
            strategy,
            what,
            outcome.kind.value,
            (ended - begun[0]).total_seconds(),
            len(sent),
            sum(one.failed for one in sent),
            foretold,
            self._rate * STEP / 60 * failing,
        )

    @property
    def _assembly(self) -> Path:
        return self._home / "templates"

    @contextmanager
    def _launched(self, version: int, strategy: str) -> Iterator[subprocess.Popen[bytes]]:
        """Deploy a version in the background; its words go into a log."""
        self._declared.write(version, strategy)
        arguments = [
            "--config",
            self._declared.folder,
            "--assembly",
            self._assembly,
            "--env",
            self._declared.environment,
        ]
        with (self._home / f"deploy-{strategy}-{version}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "slipway.drill.launch", *map(str, arguments), "--url", self._url],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()

    def _begun(self, process: subprocess.Popen[bytes]) -> tuple[datetime, str]:
        """Wait until an update is under way; answer when it began, and the config that it moves to."""
        deadline = time.monotonic() + _BEGIN_SECONDS
        while time.monotonic() < deadline:
            pending = self._live().pending
            if pending is not None and pending.started is not None:
                return pending.started, pending.config
            if process.poll() is not None:
                self._wait(process)
                raise OperationError(f"{self._endpoint}: the deployment changed nothing; {self._last_words()}")
            time.sleep(_LOOK)
        raise OperationError(f"{self._endpoint}: no update began within {_BEGIN_SECONDS:g} s; {self._last_words()}")

    def _live(self) -> Live:
        try:
            return describe(self._sagemaker, self._endpoint)
        except NoEndpointError as error:
            raise OperationError(f"{error}; {self._last_words()}") from None

    def _ended(self, kind: Result) -> datetime:
        live = self._live()
        if kind is Result.FAILED:
            raise OperationError(f"{self._endpoint}: {live.status}: {live.failure or 'without a reason'}")
        return live.modified

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        if process.wait():
            raise OperationError(f"{self._endpoint}: the deployment failed; {self._last_words()}")

    def _last_words(self) -> str:
        logs = sorted(self._home.glob("deploy-*.log"), key=lambda log: log.stat().st_mtime)
        if not logs:
            return "there is no log"
        lines = logs[-1].read_text(errors="replace").strip().splitlines()
        return f"{logs[-1]} ends with: {lines[-1] if lines else 'nothing'}"
