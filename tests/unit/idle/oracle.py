"""Judges every call of the cleanup by the truth, which it knows and the cleanup can only ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from idle_endpoint_cleanup.run import Run
from idle_endpoint_cleanup.settings import Settings
from tests.unit.idle.fake_aws import Json, Resource, Stack, World, arn

MARK = "slipway:removal-marked"
#: Between the last look and the end of an endpoint: its parts, their tags, the record.
CLOSE = 40
#: Between the last question about traffic and the deletion: only the record.
CLOSEST = 2


class Broken(AssertionError):  # noqa: N818
    """An invariant does not hold."""


@dataclass
class Look:
    """What was true of an endpoint when the cleanup last asked."""

    call: int
    truth: Any


@dataclass
class Watched:
    """A run, and what it has looked at so far."""

    settings: Settings
    tags: dict[str, Look] = field(default_factory=dict)
    states: dict[str, Look] = field(default_factory=dict)
    traffic: dict[str, Look] = field(default_factory=dict)
    stacks: dict[str, Look] = field(default_factory=dict)
    served: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    notices: int = 0
    disturbed: bool = False
    calls: int = 0


@dataclass(frozen=True)
class Tags:
    values: dict[str, str]
    at: datetime


@dataclass(frozen=True)
class State:
    status: str
    changed: datetime
    at: datetime


@dataclass(frozen=True)
class Traffic:
    busy: bool
    answered: bool


class Oracle:
    """Watches a world.

    Attributes
    ----------
    lied
        Set by whoever distorts the answer to a metric query.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs: list[Watched] = []
        self.lied = False

    def begin(self, run: Run) -> Watched:
        self.runs.append(Watched(run.settings, notices=len(self.world.notices)))
        return self.runs[-1]

    def end(self) -> None:
        self.runs.pop()

    def disturb(self) -> None:
        """Note that somebody else changed something during the runs under way."""
        for run in self.runs:
            run.disturbed = True

    # -- before a call

    def judge(self, name: str, request: Json) -> None:
        """Hold a call against the truth before it happens."""
        operation = name.partition(":")[2]
        self.runs[-1].calls += 1
        changes = operation.startswith(("Delete", "Deregister", "Add", "Put", "Publish"))
        if changes and not self.runs[-1].settings.delete:
            raise Broken(f"a dry run called {operation}")
        judged = getattr(self, f"_{operation}", None)
        if judged:
            judged(**request)
        elif changes and operation not in ("PutParameter", "Publish"):
            raise Broken(f"nobody judges {operation}")

    def _AddTags(self, ResourceArn: str, Tags: list[dict[str, str]]) -> None:  # noqa: N802, N803
        self._only_ours([tag["Key"] for tag in Tags])
        if ":endpoint/" in ResourceArn:
            name = ResourceArn.rpartition("/")[2]
            if not any(self._names(message, name) for _, _, message in self.world.notices[self.runs[-1].notices :]):
                raise Broken(f"{name} is marked, but nobody was told")

    def _DeleteTags(self, TagKeys: list[str], **_: Any) -> None:  # noqa: N802, N803
        self._only_ours(TagKeys)

    @staticmethod
    def _only_ours(keys: list[str]) -> None:
        if keys != [MARK]:
            raise Broken(f"changes the tags {keys}")

    @staticmethod
    def _names(message: str, endpoint: str) -> bool:
        return f"  {endpoint}: " in message and "will be removed" in message

    def _DeleteStack(self, StackName: str) -> None:  # noqa: N802, N803
        stack = next(stack for stack in self.world.stacks.values() if stack.id == StackName)
        endpoints = [id for type, id in stack.resources if type == "AWS::SageMaker::Endpoint"]
        seen = self._close(self.runs[-1].stacks.get(StackName), CLOSE, "its stack")
        assert isinstance(seen, Stack)
        wrong = (
            not self._disposable(seen.tags)
            or not seen.role
            or seen.protected
            or seen.parent
            or seen.status.endswith("_IN_PROGRESS")
            or len([1 for type, _ in seen.resources if type == "AWS::SageMaker::Endpoint"]) != 1
            or any(type == "AWS::CloudFormation::Stack" for type, _ in seen.resources)
        )
        if wrong:
            raise Broken(f"{seen} must not be deleted")
        self._removable(endpoints[0], closest=CLOSEST)

    def _DeleteEndpoint(self, EndpointName: str) -> None:  # noqa: N802, N803
        where = arn("endpoint", EndpointName)
        if any(where in [id for _, id in stack.resources] for stack in self.world.stacks.values()):
            raise Broken(f"{EndpointName} belongs to a stack, which would drift")
        endpoint = self.world.resources.get(where)
        if endpoint and not self.runs[-1].disturbed and self._parts(endpoint):
            raise Broken(f"{EndpointName} still has {self._parts(endpoint)}")
        self._removable(where, closest=CLOSEST)

    def _parts(self, endpoint: Resource) -> list[str]:
        hanging = [
            one.name
            for one in self.world.resources.values()
            if one.about.get("endpoint") == endpoint.name and one.about.get("status") != "Deleting"
        ]
        return hanging + [
            one.name
            for one in self.world.of("scalable-target")
            if f"endpoint/{endpoint.name}/" in one.about["resource"]
        ]

    def _DeleteInferenceComponent(self, InferenceComponentName: str) -> None:  # noqa: N802, N803
        self._part("inference-component", InferenceComponentName)

    def _DeleteMonitoringSchedule(self, MonitoringScheduleName: str) -> None:  # noqa: N802, N803
        self._part("monitoring-schedule", MonitoringScheduleName)

    def _part(self, kind: str, name: str) -> None:
        one = self.world.resources.get(arn(kind, name))
        if one:
            self._was_disposable(one.arn)
            self._removable(arn("endpoint", one.about["endpoint"]), closest=CLOSE)

    def _DeregisterScalableTarget(self, ResourceId: str, **_: Any) -> None:  # noqa: N802, N803
        for one in [one for one in self.world.of("scalable-target") if one.about["resource"] == ResourceId]:
            self._was_disposable(one.arn)
            self._removable(arn("endpoint", one.about["of"]), closest=CLOSE)

    def _was_disposable(self, where: str) -> None:
        look = self.runs[-1].tags.get(where)
        if look is None or not self._disposable(look.truth.values):
            raise Broken(f"{where} was not seen to be disposable")

    def _removable(self, where: str, closest: int) -> None:
        """Hold the end of an endpoint against all that was true when the cleanup last looked."""
        run = self.runs[-1]
        if where not in self.world.resources:
            return  # already gone; the service will say so
        tags = self._close(run.tags.get(where), CLOSE, "its tags")
        state = self._close(run.states.get(where), CLOSE, "its state")
        traffic = self._close(run.traffic.get(where), closest, "its traffic")
        settings = run.settings
        if not self._disposable(tags.values):
            raise Broken(f"{where} is not tagged as a disposable development endpoint: {tags}")
        if self._kept(tags):
            raise Broken(f"{where} was opted out: {tags}")
        if state.status not in ("InService", "Failed"):
            raise Broken(f"{where} is {state.status}")
        if state.at - state.changed < settings.window:
            raise Broken(f"{where} is younger than the window: {state}")
        if traffic.busy:
            raise Broken(f"{where} had traffic in the window")
        if not traffic.answered:
            raise Broken(f"the traffic of {where} was not known")
        self._announced(where, tags, settings)
        name = where.rpartition("/")[2]
        if f"{settings.records}/{name}" not in self.world.parameters:
            raise Broken(f"the removal of {where} is not recorded")
        run.removed.add(where)
        if len(run.removed) > settings.max_deletions:
            raise Broken(f"more than {settings.max_deletions} removals: {run.removed}")

    def _announced(self, where: str, tags: Tags, settings: Settings) -> None:
        marked = datetime.fromisoformat(tags.values[MARK])
        if not settings.grace <= tags.at - marked <= settings.window:
            raise Broken(f"{where} was announced {marked}, and it is {tags.at}")
        name = where.rpartition("/")[2]
        if not any(
            self._names(message, name) and abs((time - marked).total_seconds()) < 1
            for time, _, message in self.world.notices
        ):
            raise Broken(f"nobody was told of the end of {where} at {marked}")

    def _close(self, look: Look | None, calls: int, what: str) -> Any:
        if look is None or self.runs[-1].calls - look.call > calls:
            raise Broken(f"{what} was not looked at immediately before: {look}, now {self.runs[-1].calls}")
        return look.truth

    def _disposable(self, tags: dict[str, str]) -> bool:
        wanted = {**self.runs[-1].settings.opt_in, "Environment": "dev", "slipway:disposable": "true"}
        return wanted.items() <= tags.items()

    @staticmethod
    def _kept(tags: Tags) -> bool:
        if "slipway:keep" in tags.values:
            return True
        until = tags.values.get("slipway:keep-until")
        if until is None:
            return False
        try:
            return tags.at.date() <= date.fromisoformat(until)
        except ValueError:
            return True

    # -- configs and models

    def _DeleteEndpointConfig(self, EndpointConfigName: str) -> None:  # noqa: N802, N803
        run = self.runs[-1]
        config = self.world.resources.get(arn("endpoint-config", EndpointConfigName))
        if config is None:
            return
        if EndpointConfigName in run.served:
            raise Broken(f"{EndpointConfigName} is served")
        self._retirable(config)
        if not run.disturbed and not self._ended(config):
            served = self._served()
            group = [
                one
                for one in self.world.of("endpoint-config")
                if one.tags.get("Model") == config.tags.get("Model")
                and self._disposable(one.tags)
                and "slipway:keep" not in one.tags
                and one.name not in served
            ]
            newest = sorted(group, key=lambda one: (one.created, one.name), reverse=True)[: run.settings.kept_revisions]
            if config in newest and self._has_endpoint(config):
                raise Broken(f"{EndpointConfigName} is one of the last revisions")

    def _DeleteModel(self, ModelName: str) -> None:  # noqa: N802, N803
        model = self.world.resources.get(arn("model", ModelName))
        if model is None:
            return
        for config in self.world.of("endpoint-config"):
            if any(variant.get("ModelName") == ModelName for variant in config.about["variants"]):
                raise Broken(f"{ModelName} is named by the config {config.name}")
        for component in self.world.of("inference-component"):
            if component.about["model"] == ModelName:
                raise Broken(f"{ModelName} is named by the component {component.name}")
        self._retirable(model)

    def _retirable(self, one: Resource) -> None:
        run = self.runs[-1]
        tags = self._close(run.tags.get(one.arn), CLOSEST, "its tags")
        if not self._disposable(tags.values) or "slipway:keep" in tags.values:
            raise Broken(f"{one.arn} is not disposable: {tags}")
        if not self._ended(one) and tags.at - datetime.fromisoformat(tags.values[MARK]) < run.settings.grace:
            raise Broken(f"{one.arn} has its grace")

    def _ended(self, one: Resource) -> bool:
        """Say whether the endpoint that something belonged to ended in this run."""
        return any(where.rpartition("/")[2] == one.tags.get("Model") for where in self.runs[-1].removed)

    def _has_endpoint(self, one: Resource) -> bool:
        return any(
            endpoint.tags.get("Model") == one.tags.get("Model")
            and self.runs[-1].settings.opt_in.items() <= endpoint.tags.items()
            for endpoint in self.world.of("endpoint")
        )

    def _served(self) -> set[str]:
        return {endpoint.about["config"] for endpoint in self.world.of("endpoint")}

    # -- after a call

    def note(self, name: str, request: Json, _: Json) -> None:
        """Note what was true when the cleanup asked."""
        operation = name.partition(":")[2]
        run, now = self.runs[-1], self.world.now
        call = run.calls
        if operation in ("ListTags", "ListTagsForResource"):
            where = request.get("ResourceArn") or request["ResourceARN"]
            run.tags[where] = Look(call, Tags(dict(self.world.resources[where].tags), now))
        elif operation == "DescribeEndpoint":
            endpoint = self.world.resources[arn("endpoint", request["EndpointName"])]
            changed = [one.modified for one in (endpoint, *self.world.components_of(endpoint))]
            run.states[endpoint.arn] = Look(call, State(endpoint.about["status"], max(changed), now))
        elif operation == "ListEndpoints":
            run.served = self._served()
        elif operation == "DescribeStacks":
            found = next(s for s in self.world.stacks.values() if request["StackName"] in (s.id, s.name))
            copy = Stack(**{**vars(found), "tags": dict(found.tags), "resources": list(found.resources)})
            run.stacks[found.id] = Look(call, copy)
        elif operation == "GetMetricData":
            self._note_traffic(run, call, request)

    def _note_traffic(self, run: Watched, call: int, request: Json) -> None:
        asked = set()
        for query in request["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            dimensions = tuple(sorted((one["Name"], one["Value"]) for one in metric["Dimensions"]))
            asked.add((metric["MetricName"], dimensions))
        now = self.world.now
        for endpoint in self.world.of("endpoint"):
            wanted = {(metric, tuple(sorted(its))) for metric, its in self.world.series_of(endpoint)}
            if wanted <= asked:
                busy = self.world.traffic(endpoint, now - run.settings.window, now)
                run.traffic[endpoint.arn] = Look(call, Traffic(busy, not self.lied))
