"""From files to a checked environment: read, merge, validate, and report everything that is wrong at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any

from slipway.spec.defaults import counts, layer
from slipway.spec.environment import Environment
from slipway.spec.errors import ConfigError, Located, Problem, rests_on, shown
from slipway.spec.lock import PUBLISHED_KEY, LockError, read_lock
from slipway.spec.names import ENVIRONMENTS
from slipway.spec.rules import check
from slipway.spec.source import Node, find, from_plain, locate, merge, read_yaml, to_plain
from slipway.spec.sources import artifacts
from slipway.spec.validation import validate

#: The base that all environments share.
BASE = "base.yaml"
#: The committed record of published artifacts.
LOCK = "models.lock.json"


@dataclass(frozen=True)
class Loaded:
    """A checked environment.

    Attributes
    ----------
    environment
        Typed, with every default filled in that does not depend on the fleet.
    warnings
        What is doubtful but allowed.
    merged
        The merged document, for showing.
    hashes
        SHA-256 of every published artifact by its key in the model bucket.
    """

    environment: Environment
    warnings: tuple[Located, ...]
    merged: Mapping[str, Any]
    hashes: Mapping[str, str]


def environments(folder: FilePath) -> tuple[str, ...]:
    """Environments that a config folder declares, in the order of their kind.

    Parameters
    ----------
    folder
        The config folder.

    Returns
    -------
    tuple of str
        Such as ``("dev", "prod")``.
    """
    return tuple(name for name in ENVIRONMENTS if (folder / f"{name}.yaml").is_file())


def load_unpublished(folder: FilePath, environment: str) -> Environment:
    """Load an environment whose artifacts need not be published yet: for whoever publishes them.

    Parameters
    ----------
    folder, environment
        As for `load`.

    Returns
    -------
    Environment
        The environment.

    Raises
    ------
    ConfigError
        With every error of both files at once.
    """
    documents, found = _documents(folder, environment)
    return build(environment, documents, hashes=None, lock="", found=found).environment


def load(folder: FilePath, environment: str) -> Loaded:
    """Load one environment from a config folder.

    Parameters
    ----------
    folder
        Holds `base.yaml` and one overlay for each environment.
    environment
        Such as ``prod``.

    Returns
    -------
    Loaded
        The environment and what is doubtful about it.

    Raises
    ------
    ConfigError
        With every error of both files at once.
    """
    documents, found = _documents(folder, environment)
    lock = folder / LOCK
    hashes: Mapping[str, str] | None = None
    try:
        hashes = read_lock(lock)
    except LockError as error:
        for line in str(error).splitlines():
            # Each names its place itself.
            place, message = line.removeprefix(f"{lock}:").split(" ", 1)
            found.append(Located(str(lock), int(place.rstrip(":") or 0), Problem((), message)))
    return build(environment, documents, hashes=hashes, lock=str(lock), found=found)


def _documents(folder: FilePath, environment: str) -> tuple[list[Node], list[Located]]:
    """Read base and overlay, and collect what is wrong with single values or with what the overlay calls itself."""
    known = environments(folder)
    if environment not in known:
        raise ConfigError([Located(str(folder), 0, Problem((), _no_environment(folder, environment, known)))])
    documents: list[Node] = []
    found: list[Located] = []
    unreadable = False
    for name in (BASE, f"{environment}.yaml"):
        path = folder / name
        if name == BASE and not path.is_file():
            continue
        try:
            document = read_yaml(path)
        except ConfigError as error:
            unreadable = True
            found += error.problems
        else:
            documents.append(document.top)
            found += document.problems
    if unreadable:
        raise ConfigError(found)
    for top in documents:
        stated = top.value.get("environment")
        if stated is not None and stated.value not in (None, environment):
            right = f"write `environment: {environment}`, or leave it out"
            message = f"says {shown(to_plain(stated))} for {environment}.yaml: {right}"
            found.append(Located(stated.file, stated.line, Problem(("environment",), message)))
    documents[-1].value["environment"] = Node(environment, documents[-1].file, 0)
    return documents, found


def from_mapping(data: Mapping[str, Any]) -> Loaded:
    """Check an environment that is given as plain data, as a CDK app of one's own would.

    Parameters
    ----------
    data
        What `base.yaml` and an overlay would hold together.

    Returns
    -------
    Loaded
        The environment and what is doubtful about it; artifacts are not held against a lock file.

    Raises
    ------
    ConfigError
        With every error at once.
    """
    return build(str(data.get("environment")), [from_plain(dict(data), "")], hashes=None, lock="")


def build(
    environment: str,
    documents: Sequence[Node],
    *,
    hashes: Mapping[str, str] | None,
    lock: str,
    found: Sequence[Located] = (),
) -> Loaded:
    """Merge documents over the defaults, validate, and apply the rules.

    Parameters
    ----------
    environment
        Its kind decides the defaults.
    documents
        The lowest first.
    hashes
        Published artifacts by key; ``None`` leaves artifacts unchecked.
    lock
        What messages call the lock file.
    found
        What is known to be wrong already.

    Returns
    -------
    Loaded
        The environment.

    Raises
    ------
    ConfigError
        With every error at once.
    """
    merged = layer(environment, *documents)
    for document in documents:
        merged = merge(merged, document)
    merged = merge(counts(environment, *documents), merged)
    plain = to_plain(merged)
    known = [one.problem.path for one in found if one.problem.path]
    typed, problems = validate(merged, plain, known)
    if typed is not None:
        broken = [*known, *(p.path for p in problems)]
        problems += [p for p in dict.fromkeys(check(typed)) if not rests_on(p, broken)]
        broken += [p.path for p in problems if p.severity == "error"]
        unpublished = dict.fromkeys(_unpublished(typed, hashes, lock) if hashes is not None else ())
        problems += [p for p in unpublished if not rests_on(p, broken)]
    located = [*found, *(_placed(merged, documents, p) for p in problems)]
    errors = [one for one in located if one.problem.severity == "error"]
    if errors or typed is None:
        raise ConfigError(errors)
    warnings = tuple(sorted(located, key=lambda one: (one.file, one.line)))
    return Loaded(typed, warnings, plain, hashes or {})


def _placed(merged: Node, documents: Sequence[Node], problem: Problem) -> Located:
    """Say where a finding stands; a key that is gone because somebody wrote `null` stands there."""
    for document in reversed(documents):
        node = find(document, problem.path)
        if node is not None and node.value is None and find(merged, problem.path) is None:
            message = f"is removed by `null` here and then {problem.message}; drop this line, or write a value"
            return Located(node.file, node.line, Problem(problem.path, message, problem.severity))
    return Located(*locate(merged, problem.path), problem)


def _no_environment(folder: FilePath, environment: str, known: tuple[str, ...]) -> str:
    if not folder.is_dir():
        return "is no folder: run this where `config/` is, or name it with --config"
    if environment not in ENVIRONMENTS:
        return f"an environment is one of {', '.join(ENVIRONMENTS)}, not {environment!r}" + _there_is(known)
    return f"has no {environment}.yaml{_there_is(known)}"


def _there_is(known: tuple[str, ...]) -> str:
    return f"; there is {', '.join(known)}" if known else "; there is no environment yet"


def _unpublished(environment: Environment, hashes: Mapping[str, str], lock: str) -> Iterator[Problem]:
    for name, endpoint in environment.endpoints.items():
        for artifact in artifacts(name, endpoint, environment.names.bucket):
            if artifact.elsewhere or artifact.key.endswith("/") or artifact.key in hashes:
                continue
            close = get_close_matches(artifact.key, hashes, 1)
            near = f" (it knows {close[0]})" if close else ""
            of = PUBLISHED_KEY.fullmatch(artifact.key)
            cure = (
                f"publish it first with `slipway publish FOLDER --model {of['model']} --version {of['version']}`"
                if of
                else "only what `slipway publish` stored has its bytes pinned: leave `artifact` out and publish the "
                f"version first, with `slipway publish FOLDER --model {name} --version {artifact.version}`"
            )
            yield Problem(artifact.decided_by, f"{artifact.key} is not in {lock}{near}: {cure}")
