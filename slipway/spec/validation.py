"""Hold a document against the typed spec, and say what is wrong in the words of the config."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from slipway.spec.deployment import AllAtOnce, Canary, Linear, Rolling
from slipway.spec.described import descriptions
from slipway.spec.environment import Environment
from slipway.spec.errors import Path, Problem, rests_on, shown
from slipway.spec.hosting import Hosting, ServerlessHosting
from slipway.spec.model import FrameworkImage, Model, Pipeline, RepositoryImage, UriImage
from slipway.spec.source import Node, find

#: What takes the place of a required key that is missing or wrong, so that the rules can look at the rest. Findings
#: that rest on such a key are not shown.
_STAND_INS: dict[str, Any] = {
    "company": "x",
    "team": "x",
    "project": "x",
    "account": "0" * 12,
    "region": "eu-west-1",
    "bucket": {"encryption": "s3"},
    "encryption": "s3",
    "encrypt_volumes": False,
    "version": 1,
    "deployment": {"strategy": "all_at_once"},
    "log_retention": "14d",
    "image": {"uri": f"x@sha256:{'0' * 64}"},
    "framework": "sklearn",
    "tag": "1",
    "instance_type": "ml.m5.large",
    "instances": 2,
    "name": "x",
    "at": "rate(1 day)",
    "min": 2,
    "max": 4,
    "mode": "report",
    "cleanup": {"mode": "report"},
    "copies": 2,
    "destination": "x/",
    "priority": 1,
    "prefix_aware": {"concurrency": 1, "prefix": 1024},
    "concurrency": 1,
    "prefix": 1024,
    "granularity": "token",
    "language": "en",
    "path": "/metrics",
    "metric": "cpu",
    "above": 1.0,
    "add": 1,
}
#: Each round leaves out what the one before found wrong; the spec is nine deep.
_ROUNDS = 12

_STRATEGIES: tuple[type[BaseModel], ...] = (Rolling, Canary, Linear, AllAtOnce)
#: By the key that tells: which of several models a mapping is. The last of each row needs no such key.
_CHOICES: tuple[tuple[tuple[str, type[BaseModel]], ...], ...] = (
    (("framework", FrameworkImage), ("repository", RepositoryImage), ("uri", UriImage)),
    (("serverless", ServerlessHosting), ("", Hosting)),
    (("containers", Pipeline), ("", Model)),
)
#: What a mapping of each of these is, and what makes it another one.
_KINDS: dict[type[BaseModel], tuple[str, str]] = {
    Hosting: ("hosting on instances", "`serverless`"),
    ServerlessHosting: ("serverless hosting", "`serverless`"),
    Model: ("a model in one container", "`containers`"),
    Pipeline: ("a model in several containers", "`containers`"),
}


def validate(merged: Node, plain: dict[str, Any], known: Sequence[Path]) -> tuple[Environment | None, list[Problem]]:
    """Make an environment of a document; what is wrong is left out, so that the rules can look at the rest.

    Parameters
    ----------
    merged
        The document, for what stands in the files.
    plain
        The same without places.
    known
        Keys that are known to be wrong already.

    Returns
    -------
    tuple of Environment and list of Problem
        The environment as far as it can be read (``None`` if not at all), and what is wrong.
    """
    problems: list[Problem] = []
    data = copy.deepcopy(plain)
    for _ in range(_ROUNDS):
        try:
            return Environment.model_validate(data), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
        fresh = _translate(details, data, merged)
        broken = [*known, *(p.path for p in problems)]
        problems += [p for p in fresh if not rests_on(p, broken)]
        for problem in fresh:
            _leave_out(data, problem.path)
    return None, problems


def _leave_out(data: Any, path: Path) -> None:  # noqa: ANN401  (plain data)
    """Take a wrong value away; put a stand-in where one is needed; take more away where there is none."""
    *above, key = path
    around: list[Any] = [data]
    for part in above:
        around.append(_inside(around[-1], part))
    holder = around[-1]
    if above and holder is None:
        # What is around it was wrong itself, and is gone.
        return
    if key == "strategy" and above[-1:] == ["deployment"]:
        # It decides how the mapping around it is read: nothing else in there can be judged.
        around[-2][above[-1]] = dict(_STAND_INS["deployment"])
    elif key == "serverless" and holder[key] != {}:
        # It decides what the mapping around it is: without it, a fleet would be missed that nobody wants.
        holder[key] = {}
    elif isinstance(holder, dict) and key in holder:
        del holder[key]
    elif isinstance(holder, dict) and str(key) in _STAND_INS:
        holder[key] = copy.deepcopy(_STAND_INS[str(key)])
    elif above:
        # Items of a list keep their positions, which findings name: the whole list goes.
        _leave_out(data, tuple(above))


def _inside(data: Any, part: str | int) -> Any:  # noqa: ANN401  (plain data)
    if isinstance(data, dict):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None


def _translate(details: list[ErrorDetails], data: Any, merged: Node) -> list[Problem]:  # noqa: ANN401  (plain data)
    """Turn pydantic's errors into ours: one for each key, in the words of the config."""
    found: dict[Path, list[ErrorDetails]] = {}
    for detail in details:
        found.setdefault(_key_path(detail, data), []).append(detail)
    problems = []
    for path, alternatives in found.items():
        deeper = any(len(other) > len(path) and other[: len(path)] == path for other in found)
        # A list counts as too short by what is wrong in it.
        kept = [d for d in alternatives if not (deeper and (_is_of_kind(d) or d["type"] == "too_short"))]
        # Of several alternatives, one that accepts this kind of value knows better what is wrong with it.
        kept = [d for d in kept if d["type"] in _IN_KIND] or kept
        messages = dict.fromkeys(_message(d, path, data, merged) for d in kept)
        if messages:
            # What a key may stand beside depends on which alternative its mapping chooses.
            chosen_by = tuple((*path[:-1], key) for choices in _CHOICES for key, _ in choices if key)
            unknown = kept[0]["type"] == "extra_forbidden"
            problems.append(Problem(path, "; ".join(messages), others=chosen_by if unknown else ()))
    return problems


def _is_of_kind(detail: ErrorDetails) -> bool:
    """Whether an error says that a value is of the wrong kind altogether."""
    return detail["type"].endswith("_type") or detail["type"] in ("off", "quantity", "literal_error")


_IN_KIND = (
    "greater_than",
    "less_than_equal",
    "greater_than_equal",
    "out_of_range",
    "string_pattern_mismatch",
    "string_too_long",
    "finite_number",
)


def _key_path(detail: ErrorDetails, data: Any) -> Path:  # noqa: ANN401  (plain data)
    """Leave out what pydantic adds for the members of a union: only keys of the document count."""
    path: list[str | int] = []
    loc = detail["loc"]
    for i, part in enumerate(loc):
        if part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data)):
            path.append(part)
            data = data[part]
        elif isinstance(data, dict) and i == len(loc) - 1 and detail["type"] == "missing":
            path.append(part)
    if detail["type"] in ("union_tag_not_found", "union_tag_invalid") and path[-1:] == ["deployment"]:
        path.append("strategy")
    return tuple(path)


_WANTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "dict": "a mapping",
    "model": "a mapping",
    "model_attributes": "a mapping",
}
#: What is written under a key, where that says more than a pattern.
_FORMS = {
    "kms_key": "a key id, an alias (alias/…) or the whole ARN of either",
    "subnets": "the id of a subnet, such as subnet-0a1b2c3d4e5f60001",
    "security_groups": "the id of a security group, such as sg-0a1b2c3d4e5f60003",
    "success_topic": "the short name of one of `topics`, or the ARN of a topic",
    "error_topic": "the short name of one of `topics`, or the ARN of a topic",
    "output": "a prefix in the model bucket or an s3:// URI, ending in /",
    "failures": "a prefix in the model bucket or an s3:// URI, ending in /",
    "destination": "a prefix in the model bucket or an s3:// URI, ending in /",
    "package": "the ARN of a model package, such as arn:aws:sagemaker:REGION:ACCOUNT:model-package/NAME/VERSION",
    "hub_content": "the ARN of content of a hub, such as "
    "arn:aws:sagemaker:REGION:aws:hub-content/SageMakerPublicHub/Model/NAME/VERSION",
    "credentials": "the ARN of a function, such as arn:aws:lambda:REGION:ACCOUNT:function:NAME",
    "capacity_reservation": "the ARN of a reservation, such as arn:aws:sagemaker:REGION:ACCOUNT:training-plan/NAME",
    "models": "the prefix under which the archives lie, ending in /, such as models/many/",
}
_LIMITS = {
    "less_than_equal": "at most {le}",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "finite_number": "a finite number",
}


def _message(detail: ErrorDetails, path: Path, data: Any, merged: Node) -> str:  # noqa: ANN401, C901  (one case each)
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path, data)
    if kind == "missing":
        return f"is missing{_description(path, data)}"
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return _choice(path, given)
    if path and path[-1] == "account":
        return _account(given)
    if kind == "string_pattern_mismatch":
        form = next((_FORMS[str(part)] for part in reversed(path) if part in _FORMS), None)
        if form is not None:
            return f"{shown(given)} is not accepted: write {form}"
        return f"{shown(given)} is not accepted: it must match {context['pattern']}{_wording(path)}"
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
        what = "characters" if kind.startswith("string") else "entries"
        limit = f"least {context['min_length']}" if "short" in kind else f"most {context['max_length']}"
        return f"has {len(given)} {what}, must have at {limit}"
    if kind == "literal_error":
        return f"{shown(given)} is not {context['expected']}"
    if kind == "int_from_float":
        return f"{shown(given)} is not a whole number"
    if kind.endswith("_type"):
        word = _WANTED.get(kind.removesuffix("_type"), "accepted")
        quotable = word == "text" and isinstance(given, int | float)
        node = find(merged, path) if quotable else None
        written = node.text if node is not None and node.text is not None else str(given)
        return (
            f'{shown(given)} is not text: write it in quotes, "{written}"'
            if quotable
            else f"{shown(given)} is not {word}"
        )
    if kind in _LIMITS:
        return f"{shown(given)} is out of range: {_LIMITS[kind].format(**context)}"
    return detail["msg"]


def _account(given: Any) -> str:  # noqa: ANN401  (whatever YAML read)
    if isinstance(given, int) and not isinstance(given, bool):
        return (
            f"YAML read {given!r} as a number, which loses leading zeros: write the twelve digits in quotes, "
            f'such as account: "{given:0>12}"'
        )
    return f'{shown(given)} is no account id: write twelve digits in quotes, such as account: "111122223333"'


def _choice(path: Path, given: Any) -> str:  # noqa: ANN401  (whatever YAML read)
    if path[-1] == "image":
        wrong = "" if isinstance(given, dict) else f"{shown(given)} is no image: "
        return f"{wrong}write `framework` with `tag`, or `repository` with `digest` or `tag`, or `uri`"
    strategy = given.get("strategy") if isinstance(given, dict) else None
    names = [_strategy_name(s) for s in _STRATEGIES]
    if strategy is None:
        return f"is missing: write one of {', '.join(names)}"
    if strategy == "recreate":
        # CloudFormation has no word for it: an update of an endpoint never deletes it.
        return "`recreate` is a command, not a strategy: leave `deployment` out and run `slipway recreate`"
    close = get_close_matches(str(strategy), names, 1)
    meant = f", did you mean `{close[0]}`?" if close else ""
    return f"{shown(strategy)} is no strategy{meant}: write one of {', '.join(names)}"


def _wording(path: Path) -> str:
    words = {
        "team": " (one word of lower-case letters and digits, no hyphen: the hyphen separates the parts of names)",
        "project": " (lower-case words with single hyphens)",
        "company": " (lower-case words with single hyphens)",
        "digest": " (the digest that `docker images --digests` shows)",
        "region": " (such as eu-west-1)",
        "instance_type": " (such as ml.m5.large)",
        "version": " (1 or more, or a word such as 2026-11-21)",
        "at": ", such as cron(0 7 ? * MON-FRI *)",
    }
    return words.get(str(path[-1]), "") if path else ""


def _unknown_key(path: Path, data: Any) -> str:  # noqa: ANN401  (plain data)
    key = str(path[-1])
    known = list(dict.fromkeys(name for model in _models_at(path[:-1], data) for name in model.model_fields))
    if len(path) > 1 and path[-2] == "deployment":
        owners = [_strategy_name(s) for s in _STRATEGIES if key in s.model_fields]
        if owners:
            return f"belongs to {' and '.join(owners)}, not to this strategy, which has {', '.join(known)}: remove it"
    for choices in _CHOICES:
        here = [kind for _, kind in choices if kind in _models_at(path[:-1], data)]
        for _, kind in choices if here and here[0] in _KINDS else ():
            if kind is not here[0] and key in kind.model_fields and path[-2] in ("hosting", "model"):
                belongs, (chosen, by) = _KINDS[kind][0], _KINDS[here[0]]
                return (
                    f"belongs to {belongs}, and only {chosen} can stand here: remove it"
                    if f"`{key}`" == by
                    else f"belongs to {belongs}, and this is {chosen}: remove it, or {by}"
                )
    close = get_close_matches(key, known, 1)
    return f"is unknown{f', did you mean `{close[0]}`?' if close else ''} (known here: {', '.join(known)})"


def _strategy_name(strategy: type[BaseModel]) -> str:
    return str(get_args(strategy.model_fields["strategy"].annotation)[0])


def _description(path: Path, data: Any) -> str:  # noqa: ANN401  (plain data)
    """What a missing key is, from the spec's own words."""
    for model in _models_at(path[:-1], data):
        text = descriptions(model).get(str(path[-1]))
        if text:
            return f" ({' '.join(text.rstrip('.').split())})"
    return ""


def _models_at(path: Path, data: Any) -> list[type[BaseModel]]:  # noqa: ANN401  (plain data)
    """Models that a mapping may be, by following the annotations down the path."""
    models: list[type[BaseModel]] = [Environment]
    name_follows = False
    for part in path:
        data = _inside(data, part)
        if name_follows or isinstance(part, int):
            name_follows = False
            continue
        fields = [model.model_fields[str(part)] for model in models if part in model.model_fields]
        models = [m for field in fields for m in _models_in(field.annotation)]
        name_follows = any(_is_by_name(field.annotation) for field in fields)
    if isinstance(data, dict):
        if "strategy" in data:
            models = [m for m in models if m not in _STRATEGIES or _strategy_name(m) == data["strategy"]] or models
        for choices in _CHOICES:
            kind = next((model for key, model in choices if not key or key in data), None)
            if kind in models and kind is not None:
                models = [m for m in models if m is kind or m not in dict(choices).values()]
    return models


def _is_by_name(annotation: Any) -> bool:  # noqa: ANN401  (a type)
    """Whether a field is a mapping whose keys the user chooses."""
    return get_origin(annotation) is dict or any(
        get_origin(a) is not None and _is_by_name(a) for a in get_args(annotation)
    )


def _models_in(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401  (a type)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
