"""Remove one endpoint: by its stack, or by hand in the order that SageMaker asks for. Every step can be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from idle_endpoint_cleanup.decision import Action
from idle_endpoint_cleanup.inventory import tags_of
from idle_endpoint_cleanup.look import Examined, Survey, once_more
from idle_endpoint_cleanup.parts import remove_parts, wait_until_gone
from idle_endpoint_cleanup.references import Found, References
from idle_endpoint_cleanup.run import AWS_ERRORS, Run, missing
from idle_endpoint_cleanup.tags import MARK, MODEL, disposable, kept_by


class LeftoverError(Exception):
    """An endpoint is gone, but its config or models could not be deleted; they count as retired revisions now."""


def remove(run: Run, found: Examined, seen: Survey, references: References) -> Examined:
    """Remove an endpoint that was just found to be idle, announced and past its grace.

    The removal is recorded first. A record without a removal does no harm, since deployments find the endpoint still
    there; a removal without a record would be undone by the next one.

    Parameters
    ----------
    run, seen, references
        The run, its survey, and who refers to configs and models.
    found
        The endpoint, just looked at; its verdict is ``DELETE``.

    Returns
    -------
    Examined
        As it was looked at last: with another verdict if it came into use while its parts went.

    Raises
    ------
    OutOfTimeError
        If there is no time to wait until all is gone. The next run goes on.
    LeftoverError
        If the endpoint is gone, but not its config or models.
    """
    _record(run, found)
    if found.stack:
        run.aws.cloudformation.delete_stack(StackName=found.stack.id)
        return found
    if found.parts and found.endpoint:
        remove_parts(run, found.endpoint, found.parts)
        found = once_more(run, found.tagged.arn, seen)  # waiting may have taken minutes
    if found.verdict.action is not Action.DELETE or not found.endpoint:
        return found
    name, config = found.endpoint.name, found.endpoint.config
    run.aws.sagemaker.delete_endpoint(EndpointName=name)
    wait_until_gone(run, name)
    references.read()
    references.without_endpoint(name)
    # It may have served a revision of another endpoint, of which that one's last few stay.
    own, models = found.tagged.tags.get(MODEL, ""), sorted(references.models_of.get(config, ()))
    unused = remove_unused(run, [config], models, references, of=own)
    if unused.failed:
        raise LeftoverError(f"the endpoint is gone, but not {unused.failed}")
    return found


@dataclass
class Unused:
    """Configs and models by name: those deleted, and why others could not be."""

    deleted: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def remove_unused(
    run: Run, configs: list[str], models: list[str], references: References, *, of: str | None = None
) -> Unused:
    """Delete configs, then models, by name: those that exist, are disposable, not kept, and referred to by nothing.

    With ``of``, only those whose tags name that endpoint.
    """
    unused = Unused()

    def attempt(found: Found, delete: Callable[[], object]) -> None:
        try:
            tags = tags_of(run, found.arn)
            own = of is None or tags.get(MODEL, "") == of
            if own and disposable(tags, run.settings.opt_in) and kept_by(tags, run.clock()) is None:
                delete()
                unused.deleted.append(found.name)
        except AWS_ERRORS as error:
            if not missing(error):
                unused.failed[found.name] = str(error)

    for name in configs:
        if name in references.configs and not references.config_in_use(name):
            attempt(references.configs[name], partial(_delete_config, run, name, references))
    for name in models:
        if name in references.models and not references.users_of(name):
            attempt(references.models[name], partial(run.aws.sagemaker.delete_model, ModelName=name))
    return unused


def _delete_config(run: Run, name: str, references: References) -> None:
    run.aws.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    references.without_config(name)


def _record(run: Run, found: Examined) -> None:
    record = {
        "endpoint": found.tagged.name,
        "stack": found.stack.name if found.stack else None,
        "removed": run.clock().isoformat(timespec="seconds"),
        "announced": found.tagged.tags.get(MARK),
        "why": found.verdict.detail,
    }
    run.aws.ssm.put_parameter(
        Name=f"{run.settings.records}/{found.tagged.name}",
        Description="An idle endpoint that was removed; deployments leave it out until it is woken",
        Value=json.dumps(record),
        Type="String",
        Overwrite=True,
    )
