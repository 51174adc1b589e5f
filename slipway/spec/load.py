"""From files to a checked environment: read, merge, validate, and report everything that is wrong at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from slipway.spec.defaults import layer
from slipway.spec.deployment import AllAtOnce, Canary, Linear, Rolling
from slipway.spec.environment import Environment
from slipway.spec.errors import ConfigError, Located, Path, Problem
from slipway.spec.lock import LockError, read_lock
from slipway.spec.model import FrameworkImage, RepositoryImage, UriImage
from slipway.spec.names import ENVIRONMENTS
from slipway.spec.rules import check
from slipway.spec.source import Node, from_plain, locate, merge, read_yaml, to_plain
from slipway.spec.sources import artifacts

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
    return build(environment, _documents(folder, environment), hashes=None, lock="").environment


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
    documents = _documents(folder, environment)
    lock = folder / LOCK
    try:
        hashes = read_lock(lock)
    except LockError as error:
        raise ConfigError([Located(str(lock), 0, Problem((), str(error)))]) from None
    return build(environment, documents, hashes=hashes, lock=str(lock))


def _documents(folder: FilePath, environment: str) -> list[Node]:
    """Read base and overlay, and see that the overlay is what its name says."""
    known = environments(folder)
    if environment not in known:
        raise ConfigError([Located(str(folder), 0, Problem((), _no_environment(folder, environment, known)))])
    documents: list[Node] = []
    broken: list[Located] = []
    for name in (BASE, f"{environment}.yaml"):
        path = folder / name
        if name == BASE and not path.is_file():
            continue
        try:
            documents.append(read_yaml(path))
        except ConfigError as error:
            broken += error.problems
    if broken:
        raise ConfigError(broken)
    overlay = documents[-1]
    stated = overlay.value.get("environment") or documents[0].value.get("environment")
    if stated is not None and stated.value != environment:
        message = f"says {stated.value!r} in {environment}.yaml: write `environment: {environment}`"
        raise ConfigError([Located(stated.file, stated.line, Problem(("environment",), message))])
    if stated is None:
        overlay.value["environment"] = Node(environment, overlay.file, 0)
    return documents


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


def build(environment: str, documents: list[Node], *, hashes: Mapping[str, str] | None, lock: str) -> Loaded:
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
    plain = to_plain(merged)
    typed, problems = _validate(plain)
    if typed is not None:
        broken = [p.path for p in problems]
        found = [*check(typed), *(_unpublished(typed, hashes, lock) if hashes is not None else ())]
        problems += [p for p in found if not _rests_on(p, broken)]
    located = [Located(*locate(merged, p.path), p) for p in problems]
    errors = [one for one in located if one.problem.severity == "error"]
    if errors or typed is None:
        raise ConfigError(errors)
    warnings = tuple(one for one in located if one.problem.severity == "warning")
    return Loaded(typed, warnings, plain, hashes or {})


def _no_environment(folder: FilePath, environment: str, known: tuple[str, ...]) -> str:
    if not folder.is_dir():
        return "is no folder: run this where `config/` is, or name it with --config"
    if environment not in ENVIRONMENTS:
        return f"an environment is one of {', '.join(ENVIRONMENTS)}, not {environment!r}" + _there_is(known)
    return f"has no {environment}.yaml{_there_is(known)}"


def _there_is(known: tuple[str, ...]) -> str:
    return f"; there is {', '.join(known)}" if known else "; there is no environment yet"


def _rests_on(problem: Problem, broken: list[Path]) -> bool:
    """Whether a finding rests on a key that is in error itself and was left out."""
    for path in (problem.path, *problem.others):
        for other in broken:
            if path[: len(other)] == other or other[: len(path)] == path:
                return True
    return False


def _validate(plain: dict[str, Any]) -> tuple[Environment | None, list[Problem]]:
    """Validate; on errors leave the offending keys out and try again, so that the rules can look at the rest."""
    problems: list[Problem] = []
    data = plain
    for _ in range(3):
        try:
            return Environment.model_validate(data), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
        fresh = _translate(details, data)
        problems += [p for p in fresh if not _rests_on(Problem(p.path, ""), [q.path for q in problems])]
        data = json.loads(json.dumps(data))
        for problem in fresh:
            _drop(data, problem.path)
    return None, problems


def _drop(data: Any, path: Path) -> None:  # noqa: ANN401  (plain data)
    for part in path[:-1]:
        if (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            data = data[part]
        else:
            return
    if isinstance(data, dict) and path:
        data.pop(path[-1], None)
    elif isinstance(data, list) and path and isinstance(path[-1], int) and path[-1] < len(data):
        data[path[-1]] = None


def _translate(details: list[ErrorDetails], data: Any) -> list[Problem]:  # noqa: ANN401  (plain data)
    """Turn pydantic's errors into ours: one for each key, in the words of the config."""
    found: dict[Path, list[str]] = {}
    for detail in details:
        path = _key_path(detail["loc"], data)
        message = _message(detail, path, data)
        if message not in found.setdefault(path, []):
            found[path].append(message)
    return [
        Problem(path, " or ".join(messages) if len(messages) < 4 else messages[0]) for path, messages in found.items()
    ]


def _key_path(loc: tuple[str | int, ...], data: Any) -> Path:  # noqa: ANN401  (plain data)
    """Leave out what pydantic adds for the members of a union: only keys of the document count."""
    path: list[str | int] = []
    for i, part in enumerate(loc):
        if isinstance(data, dict):
            if part in data:
                path.append(part)
                data = data[part]
            elif i == len(loc) - 1:
                path.append(part)  # a missing key
            continue
        if isinstance(data, list) and isinstance(part, int) and part < len(data):
            path.append(part)
            data = data[part]
    return tuple(path)


def _message(detail: ErrorDetails, path: Path, data: Any) -> str:  # noqa: ANN401  (plain data)
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path, data)
    if kind == "missing":
        return "is missing"
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        known = "rolling, canary, linear, all_at_once"
        return f"needs `strategy`, one of {known}" if kind == "union_tag_not_found" else f"strategy is one of {known}"
    if path and path[-1] == "account":
        return _account(given)
    if kind == "string_pattern_mismatch":
        return f"{given!r} is not accepted: it must match {context['pattern']}{_wording(path)}"
    if kind == "literal_error":
        return f"{given!r} is not {context['expected']}"
    if kind.endswith("_type"):
        wanted = {
            "string": "a text",
            "int": "a whole number",
            "float": "a number",
            "bool": "true or false",
            "tuple": "a list",
        }
        wanted |= {"dict": "a mapping", "model": "a mapping", "model_attributes": "a mapping"}
        word = wanted.get(kind.removesuffix("_type"), kind)
        quote = f'; write it in quotes: "{given}"' if word == "a text" and isinstance(given, int | float) else ""
        return f"{given!r} is not {word}{quote}"
    if kind == "int_from_float":
        return f"{given!r} is not a whole number"
    text = detail["msg"]
    text = text[0].lower() + text[1:]
    return text if kind in ("quantity", "out_of_range") else f"{given!r}: {text}"


def _account(given: Any) -> str:  # noqa: ANN401  (whatever YAML read)
    if isinstance(given, int):
        return (
            f"YAML read {given!r} as a number, which loses leading zeros: write the twelve digits in quotes, "
            f'such as account: "{given:0>12}"'
        )
    return f'{given!r} is no account id: write twelve digits in quotes, such as account: "111122223333"'


def _wording(path: Path) -> str:
    words = {
        "team": " (one word of lower-case letters and digits, no hyphen: the hyphen separates the parts of names)",
        "project": " (lower-case words with single hyphens)",
        "company": " (lower-case words with single hyphens)",
        "digest": " (the digest that `docker images --digests` shows)",
        "region": " (such as eu-west-1)",
        "at": ", such as cron(0 7 ? * MON-FRI *)",
    }
    return words.get(str(path[-1]), "") if path else ""


_STRATEGIES: tuple[type[BaseModel], ...] = (Rolling, Canary, Linear, AllAtOnce)


def _unknown_key(path: Path, data: Any) -> str:  # noqa: ANN401  (plain data)
    key = str(path[-1])
    known = list(_fields_at(path[:-1], data))
    if len(path) > 1 and path[-2] == "deployment":
        owners = [_strategy_name(s) for s in _STRATEGIES if key in s.model_fields]
        if owners:
            return f"belongs to {' and '.join(owners)}, not to this strategy, which has {', '.join(known)}: remove it"
    close = get_close_matches(key, known, 1)
    return f"is unknown{f', did you mean `{close[0]}`?' if close else ''} (known here: {', '.join(known)})"


def _strategy_name(strategy: type[BaseModel]) -> str:
    return str(get_args(strategy.model_fields["strategy"].annotation)[0])


def _fields_at(path: Path, data: Any) -> Iterator[str]:  # noqa: ANN401  (plain data)
    """Names that a mapping may hold, by following the models down the path."""
    models: list[type[BaseModel]] = [Environment]
    for part in path:
        data = data[part] if isinstance(data, dict | list) else None
        following: list[type[BaseModel]] = []
        for model in models:
            if part in model.model_fields:
                following += _models_in(model.model_fields[str(part)].annotation)
                following += [m for meta in model.model_fields[str(part)].metadata for m in _models_in(meta)]
        models = following or models
    if isinstance(data, dict):
        if "strategy" in data:
            models = [m for m in models if m not in _STRATEGIES or _strategy_name(m) == data["strategy"]] or models
        for kind, model in (
            ("framework", FrameworkImage),
            ("repository", RepositoryImage),
            ("uri", UriImage),
        ):
            if model in models and kind in data:
                models = [model]
    seen = dict.fromkeys(name for model in models for name in model.model_fields)
    yield from seen


def _models_in(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401  (a type)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _unpublished(environment: Environment, hashes: Mapping[str, str], lock: str) -> Iterator[Problem]:
    for name, endpoint in environment.endpoints.items():
        for artifact in artifacts(name, endpoint):
            if artifact.elsewhere or artifact.key.endswith("/") or artifact.key in hashes:
                continue
            close = get_close_matches(artifact.key, hashes, 1)
            near = f" (it knows {close[0]})" if close else ""
            yield Problem(
                artifact.decided_by,
                f"{artifact.key} is not in {lock}{near}: publish it first with "
                f"`slipway publish FOLDER --model {name} --version {artifact.version}`",
            )
