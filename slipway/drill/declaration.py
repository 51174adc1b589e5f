"""What a drill deploys: an endpoint of its own, with the hosting, strategy and alarms of one that was declared."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.ops.publish.package import package
from slipway.ops.trouble import WrongOperation
from slipway.spec.hosting import Hosting
from slipway.spec.load import load_unpublished
from slipway.spec.lock import LOCK_PATH, artifact_key, record

if TYPE_CHECKING:
    from slipway.spec.endpoint import Endpoint
    from slipway.spec.environment import Environment

#: The short name of the endpoint, and of the model in ``examples/models/``.
DRILL = "drill"
#: Versions of that model.
FIRST, GOOD, BAD = 1, 2, 3
#: How often the bad one fails, from 0 to 1.
FAILING = 0.3
STRATEGIES = ("canary", "linear", "rolling")
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Declaration:
    """A config folder for a drill.

    Attributes
    ----------
    folder
        Where it is.
    environment
        The name of its environment.
    like
        The short name of the endpoint that is imitated.
    strategies
        ``canary``, ``linear`` or ``rolling``, each to be drilled.
    """

    folder: Path
    environment: str
    like: str
    strategies: tuple[str, ...]
    _data: dict[str, Any]
    _own: Mapping[str, Any]

    def know(self, training: Path) -> None:
        """Record what the versions of the model are, as publishing them would: a template may only name known ones.

        Parameters
        ----------
        training
            The script that writes a version.

        Raises
        ------
        WrongOperation
            When it is not here, or fails.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self.folder / LOCK_PATH.name
        for version in (FIRST, GOOD, BAD):
            made = self.folder.parent / "models" / f"v{version}"
            command = [sys.executable, str(training), "--version", str(version), "--out", str(made)]
            if not training.is_file() or subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
                raise WrongOperation(f"{training} does not write the drill's model: run this where `examples/` is")
            record(lock, artifact_key(DRILL, version), package(made).sha256)

    def write(self, version: int, strategy: str) -> Environment:
        """Declare a version of the model.

        Parameters
        ----------
        version
            ``FIRST``, ``GOOD`` or ``BAD``.
        strategy
            How it is updated: one of ``strategies``, with its defaults unless it is the endpoint's own.

        Returns
        -------
        Environment
            As it is declared now.
        """
        import yaml

        own = self._own["strategy"] == strategy
        deployment = self._own if own else {"strategy": strategy}
        self._data["endpoints"][DRILL] |= {"version": version, "deployment": deployment}
        top = ("company", "team", "project")
        base = {key: self._data[key] for key in top}
        overlay = {key: value for key, value in self._data.items() if key not in top}
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, data in (("base", base), (self.environment, overlay)):
            text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
            (self.folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        return load_unpublished(self.folder, self.environment)


def declaration(
    environment: Environment, folder: Path, *, like: str | None, strategies: Sequence[str], alone: bool
) -> Declaration:
    """Make the config folder of a drill.

    Parameters
    ----------
    environment
        Whose endpoint is imitated.
    folder
        Where to write it.
    like
        The endpoint's short name; the first that can be drilled by default.
    strategies
        ``canary``, ``linear`` or ``rolling``; by default its own.
    alone
        Leave out the other endpoints, so that nothing else is deployed.

    Returns
    -------
    Declaration
        Not yet written.

    Raises
    ------
    WrongOperation
        When there is no such endpoint, or none that can be drilled.
    """
    name = _chosen(environment, like, strategies)
    endpoint = environment.endpoints[name]
    data = environment.model_dump(mode="json", exclude_none=True)
    shown = data["endpoints"][name]
    hosting = dict(shown["hosting"])
    if strategies:
        hosting["instances"] = max(_LEAST, _instances(endpoint))
    own = {
        "version": FIRST,
        "model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}, "script": "inference.py"},
        "hosting": hosting,
        # What an update does is to be seen, not what autoscaling does beside it.
        "scaling": None,
        "alarms": shown["alarms"],
        "sample": {"body": '"drill"'},
    }
    data["endpoints"] = {DRILL: own} if alone else {**data["endpoints"], DRILL: own}
    own_way = shown["deployment"]
    return Declaration(
        folder, environment.environment, name, tuple(strategies) or (own_way["strategy"],), data, own_way
    )


def _instances(endpoint: Endpoint) -> int:
    return endpoint.hosting.instances if isinstance(endpoint.hosting, Hosting) else 0


def _why_not(endpoint: Endpoint, strategies: Sequence[str]) -> str:
    """Why an endpoint cannot be drilled; empty when it can."""
    if endpoint.model is None or endpoint.shadow is not None or endpoint.asynchronous is not None:
        return "a drill is of one model that answers at once, without a shadow"
    if not isinstance(endpoint.hosting, Hosting):
        return "a drill is of a model on instances"
    guarded = endpoint.deployment.strategy != "all_at_once" and endpoint.deployment.rollback_alarms
    if not (strategies or guarded):
        return "its updates have no stages with alarms: name a strategy, such as `--strategy canary`"
    return ""


def _chosen(environment: Environment, like: str | None, strategies: Sequence[str]) -> str:
    endpoints = environment.endpoints
    if like is not None and like not in endpoints:
        raise WrongOperation(f"no endpoint is called {like!r}. There is: {', '.join(endpoints) or 'none'}")
    reasons = {name: _why_not(endpoints[name], strategies) for name in ([like] if like else endpoints)}
    for name, why in reasons.items():
        if not why:
            return name
    said = "; ".join(f"{name}: {why}" for name, why in reasons.items()) or "no endpoint is declared"
    raise WrongOperation(f"{environment.environment}: nothing can be drilled: {said}")
