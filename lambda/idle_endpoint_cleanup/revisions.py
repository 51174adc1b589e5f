"""Remove retired revisions: configs and models that no endpoint refers to, beyond the last few of each endpoint."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from idle_endpoint_cleanup.inventory import Tagged, components, tagged
from idle_endpoint_cleanup.references import Found, References
from idle_endpoint_cleanup.removal import remove_unused
from idle_endpoint_cleanup.run import AWS_ERRORS, Run
from idle_endpoint_cleanup.tags import MARK, MODEL, disposable, kept_by, mark, marked_at


@dataclass
class Retired:
    """What a run did to configs and models, by name; in a dry run, what it would do."""

    examined: int = 0
    marked: list[str] = field(default_factory=list)
    unmarked: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class _Group:
    """The endpoints with the same short name in their tags, how many components are on them, and what is disposable."""

    endpoints: list[Tagged] = field(default_factory=list)
    hosted: int = 0
    configs: list[Tagged] = field(default_factory=list)
    models: list[Tagged] = field(default_factory=list)


def retire(run: Run) -> Retired:
    """Mark what is surplus; delete what is still so after the grace period.

    Surplus are the configs that no endpoint serves, beyond the newest few, or all of them where the endpoint is gone;
    and their models, unless another config or a component names them. Without time to learn what is in use,
    OutOfTimeError is raised, and nothing is removed.
    """
    done, groups = Retired(), _groups(run)
    done.examined = sum(len(group.configs) + len(group.models) for group in groups)
    groups = [group for group in groups if _may_have_surplus(group, run.settings.kept_revisions)]
    if not groups:
        return done
    references = References(run)
    references.read()
    due: set[str] = set()
    for group in groups:
        if all(references.at_rest.get(endpoint.name, True) for endpoint in group.endpoints):
            surplus = _surplus(group, references, run.settings.kept_revisions)
            due |= {one.arn for one in (*group.configs, *group.models) if _due(run, one, one.arn in surplus, done)}
        # Otherwise a deployment is under way, which may yet go back.
    chosen = set(sorted(due)[: run.settings.max_revisions])
    if run.settings.delete and chosen:
        references.read()  # look again
    configs = [one.name for one in references.configs.values() if one.arn in chosen]
    models = [one.name for one in references.models.values() if one.arn in chosen]
    if run.settings.delete:
        unused = remove_unused(run, configs, models, references)
        done.deleted, done.failed = unused.deleted, done.failed | unused.failed
    else:
        done.deleted = [*configs, *models]
    return done


def _groups(run: Run) -> list[_Group]:
    hosted = Counter(endpoint.lower() for endpoint, _ in components(run))
    groups: dict[str, _Group] = defaultdict(_Group)
    for one in tagged(run, "endpoint", "endpoint-config", "model"):
        group = groups[one.tags.get(MODEL, "")]
        if one.kind == "endpoint":
            if MODEL in one.tags:
                group.endpoints.append(one)
                group.hosted += hosted[one.name]
        elif disposable(one.tags, run.settings.opt_in) and kept_by(one.tags, run.clock()) is None:
            (group.models if one.kind == "model" else group.configs).append(one)
    return list(groups.values())


def _may_have_surplus(group: _Group, kept: int) -> bool:
    """Say whether it is worth reading who refers to what, which takes a call for each endpoint and each config."""
    if not group.endpoints:
        return bool(group.configs or group.models)
    return (
        len(group.configs) > kept + 1
        or (group.hosted > 0 and len(group.models) > kept + group.hosted)
        or any(MARK in one.tags for one in (*group.configs, *group.models))
    )


def _surplus(group: _Group, references: References, kept: int) -> set[str]:
    """Find the ARNs of what is surplus in a group."""
    own = {one.arn for one in (*group.configs, *group.models)}

    def beyond_the_newest(found: list[Found], kept: int) -> list[Found]:
        return sorted(found, key=lambda one: (one.created, one.name), reverse=True)[kept:]

    unused = [one for one in references.configs.values() if one.arn in own and not references.config_in_use(one.name)]
    configs = beyond_the_newest(unused, kept if group.endpoints else 0)
    going = {one.name for one in configs}
    users = {one: references.users_of(one.name) for one in references.models.values() if one.arn in own}
    retired = [one for one, its in users.items() if its and its <= going]
    # A model without a config is an earlier revision only where components name the models.
    orphans = beyond_the_newest([one for one, its in users.items() if not its], kept if group.hosted else 0)
    return {one.arn for one in (*configs, *retired, *orphans)}


def _due(run: Run, one: Tagged, surplus: bool, done: Retired) -> bool:  # noqa: FBT001
    """Mark what has become surplus, unmark what no longer is, and say whether it has been so for long enough."""
    now, marked = run.clock(), marked_at(one.tags)
    try:
        if not surplus:
            if MARK in one.tags:
                if run.settings.delete:
                    run.aws.sagemaker.delete_tags(ResourceArn=one.arn, TagKeys=[MARK])
                done.unmarked.append(one.name)
        elif marked is None or marked > now:
            if run.settings.delete:
                run.aws.sagemaker.add_tags(ResourceArn=one.arn, Tags=[mark(now)])
            done.marked.append(one.name)
        else:
            return now >= marked + run.settings.grace
    except AWS_ERRORS as error:
        done.failed[one.name] = str(error)
    return False
