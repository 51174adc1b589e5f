"""Rules that hold between keys: what the service refuses, what cannot work, and what is doubtful.

Each rule reads a typed environment and yields problems; a rule rests on the keys that it names. What the service's
documentation leaves open is a warning, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches

from slipway.spec.alarm_rules import operating, rollback, variant_names
from slipway.spec.capacity_rules import copies, room_to_scale, together
from slipway.spec.cleanup_rules import kept
from slipway.spec.component_rules import isolation, named, resources
from slipway.spec.endpoint import Endpoint, Member
from slipway.spec.environment import RETENTION_DAYS, Environment
from slipway.spec.environment_rules import budget, fits, tags, whole
from slipway.spec.errors import Path, Problem, rests_on
from slipway.spec.exclusion_rules import (
    asynchronous,
    components,
    marketplace,
    one_or_several,
    serverless,
    shadow,
    shadow_updates,
    undocumented,
)
from slipway.spec.hosting import Hosting
from slipway.spec.hosting_rules import concurrency, fleets
from slipway.spec.machine_rules import guardrails, instance_types, known_machine, volume_key
from slipway.spec.model import Container
from slipway.spec.model_rules import artifact, image, pipelines, source, variables
from slipway.spec.option_rules import answers, captured, explained, published, samples
from slipway.spec.override_rules import overrides
from slipway.spec.scaling_rules import burstable, live_weights, scaling, tracked
from slipway.spec.update_rules import update_sizes, update_times
from slipway.spec.upload_rules import uploads

Rule = Callable[["Subject"], Iterator[Problem]]


class Subject:
    """One endpoint within its environment, as the rules look at it.

    Parameters
    ----------
    environment
        The whole.
    name
        The endpoint's short name.
    """

    def __init__(self, environment: Environment, name: str) -> None:
        self.environment = environment
        self.name = name
        self.endpoint: Endpoint = environment.endpoints[name]

    @property
    def path(self) -> Path:
        """Where the endpoint stands."""
        return ("endpoints", self.name)

    def variants(self) -> Iterator[tuple[Path, str, Member]]:
        """Each production variant with the path of the mapping that holds its `model` and `hosting`."""
        for name, member in self.endpoint.fleet.items():
            yield (*self.path, *member.at), name, member

    def members(self) -> Iterator[tuple[Path, str, Member]]:
        """Each variant, the shadow too."""
        yield from self.variants()
        for name, member in self.endpoint.shadows.items():
            yield (*self.path, *member.at), name, member

    def hosts(self) -> Iterator[tuple[Path, str, Hosting]]:
        """Each variant that has instances, the shadow too, with the path of its `hosting`."""
        for path, name, member in self.members():
            if isinstance(member.hosting, Hosting):
                yield (*path, "hosting"), name, member.hosting

    def types(self) -> Iterator[tuple[Path, str]]:
        """Each instance type that a variant may run on, the shadow too, with the path of its key."""
        for path, _, hosting in self.hosts():
            for i, pool in enumerate(hosting.pools or ()):
                yield (*path, "pools", i, "instance_type"), pool.instance_type
            if hosting.instance_type is not None:
                yield (*path, "instance_type"), hosting.instance_type

    @property
    def decide_mode(self) -> tuple[Path, ...]:
        """Keys that decide how it is hosted."""
        serverless = ((*path, "hosting", "serverless") for path, _, _ in self.members())
        missing = () if self.endpoint.fleet else ("model", "hosting", "variants")
        return (*serverless, *((*self.path, key) for key in ("asynchronous", "components", *missing)))

    def is_adapter(self, path: Path) -> bool:
        """Whether a model is that of a component which adapts another one, in whose container it runs."""
        at = path[len(self.path) :]
        components = self.endpoint.components or {}
        return at[:1] == ("components",) and components[str(at[1])].base is not None

    def containers(self) -> Iterator[tuple[Path, Container]]:
        """Each container of each model that is served, with its path."""
        for served in self.endpoint.served:
            for at, _, container in served.containers:
                yield (*self.path, *at), container


def naming(s: Subject) -> Iterator[Problem]:
    """Every name fits its service after expansion."""
    for what, name in s.environment.names.of_model(s.name):
        yield from fits(s.path, what, name)


def tagging(s: Subject) -> Iterator[Problem]:
    """Tags besides the project's own are not the project's own."""
    yield from tags((*s.path, "tags"), s.endpoint.tags, s.environment.tags)


def retention(s: Subject) -> Iterator[Problem]:
    """CloudWatch Logs knows certain numbers of days only."""
    value = s.endpoint.log_retention
    if value % 86400 or value.days not in RETENTION_DAYS:
        nearest = min(RETENTION_DAYS, key=lambda days: abs(days - value / 86400))
        yield Problem(
            (*s.path, "log_retention"),
            f"{value} is no retention that CloudWatch Logs knows: write {nearest}d, or one of "
            f"{', '.join(f'{d}d' for d in RETENTION_DAYS if d <= 400)} …",
        )


def budgeting(s: Subject) -> Iterator[Problem]:
    """The endpoint's budget limits something."""
    yield from budget(s.path, s.endpoint.budget)


def overridden(s: Subject) -> Iterator[Problem]:
    """Overrides are for models and components that there are."""
    path, e = (*s.path, "overrides"), s.endpoint
    models = [served.id for served in e.served]
    for key, known in (("models", models), ("components", list(e.components or {}))):
        for name in getattr(e.overrides, key):
            if name not in known:
                close = get_close_matches(name, known, 1)
                one_of = f"write one of {', '.join(known)}" if known else "there are none: remove it"
                yield Problem(
                    (*path, key, name),
                    f"{name!r} is none of the endpoint's {key}: {f'did you mean {close[0]!r}?' if close else one_of}",
                    others=tuple((*s.path, at) for at in ("variants", "components", "shadow", "model", "hosting")),
                    of_name=True,
                )


#: What excludes what: while one of these is broken, the other rules do not look at its keys.
EXCLUSIONS: tuple[Rule, ...] = (one_or_several, components, serverless, asynchronous, shadow)
#: Every other rule on an endpoint, in the order in which a reader would check.
RULES: tuple[Rule, ...] = (
    naming,
    tagging,
    named,
    variant_names,
    retention,
    image,
    source,
    artifact,
    uploads,
    variables,
    pipelines,
    resources,
    isolation,
    fleets,
    concurrency,
    instance_types,
    volume_key,
    known_machine,
    copies,
    together,
    room_to_scale,
    scaling,
    tracked,
    burstable,
    live_weights,
    update_sizes,
    update_times,
    guardrails,
    shadow_updates,
    marketplace,
    rollback,
    operating,
    answers,
    captured,
    explained,
    published,
    undocumented,
    samples,
    budgeting,
    kept,
    overridden,
    overrides,
)


def check(environment: Environment) -> Iterator[Problem]:
    """Apply every rule.

    Parameters
    ----------
    environment
        A typed environment.

    Yields
    ------
    Problem
        What is wrong or doubtful.
    """
    yield from whole(environment)
    for name in environment.endpoints:
        subject = Subject(environment, name)
        excluded = [problem for rule in EXCLUSIONS for problem in rule(subject)]
        yield from excluded
        broken = [problem.path for problem in excluded if problem.severity == "error" and not problem.of_name]
        for rule in RULES:
            yield from (problem for problem in rule(subject) if not rests_on(problem, broken))
