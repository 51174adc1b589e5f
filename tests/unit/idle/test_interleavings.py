"""Whatever happens in whatever order, nothing goes that must not, and in the end everything goes that may."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from idle_endpoint_cleanup.cleanup import clean_up
from idle_endpoint_cleanup.revisions import retire
from idle_endpoint_cleanup.run import AWS_ERRORS, OutOfTimeError
from tests.unit.idle.fake_aws import DAY, OURS, Crash, Json, Resource, World, cut_off, error, throttled
from tests.unit.idle.oracle import MARK, Oracle
from tests.unit.idle.role import Role, policy

NAMES = ("rc-iris-ep", "rc-fraud-ep", "rc-chat-ep", "MyTest", "Demo-B", "scratch")
#: Settings of every run here: small numbers, so that limits are met.
SETTINGS = {"max_deletions": 2, "kept_revisions": 1, "max_revisions": 3}

KINDS = st.sampled_from(["plain", "variants", "asynchronous", "components", "failed"])
WHICH = st.integers(0, 5)
HOURS = st.sampled_from([1, 6, 23, 24, 25, 49, 6 * 24, 7 * 24, 8 * 24, 15 * 24])
RETAGS = st.sampled_from(
    [
        "keep",
        "until-tomorrow",
        "until-today",
        "until-yesterday",
        "until-nonsense",
        "no-environment",
        "production",
        "not-disposable",
        "mark-nonsense",
        "mark-naive",
        "mark-future",
        "mark-ancient",
        "good",
    ]
)
STACK_CHANGES = st.sampled_from(
    ["no-role", "protected", "nested", "another-endpoint", "busy", "production", "not-disposable", "good"]
)
#: What can go wrong with a call, and what can happen before it.
FAULTS = st.sampled_from(
    [
        *("throttle", "cut-before", "cut-after", "denied", "crash-before", "crash-after"),
        *("invoke", "retag", "update", "late", "another-run"),
    ]
)
LIES = st.sampled_from(["partial", "missing", "messages", "message-on-one", "internal-error", "two-pages"])
#: The calls at which that matters most.
TURNS = st.sampled_from(
    [
        *("GetMetricData", "ListTags", "DescribeEndpoint", "AddTags", "Publish", "PutParameter"),
        *("DescribeStackResources", "DescribeStacks", "DeleteStack", "DeleteEndpoint", "DeleteEndpointConfig"),
        *("DeleteModel", "DeleteInferenceComponent", "ListEndpoints"),
    ]
)


class Happening(NamedTuple):
    """Something that happens at a call: the nth of the run, or the nth of an operation."""

    operation: str
    nth: int
    what: str
    which: int
    how: str


PLAN = st.lists(
    st.one_of(
        st.builds(Happening, st.just(""), st.integers(1, 45), FAULTS, WHICH, RETAGS),
        st.builds(Happening, TURNS, st.just(1), FAULTS, WHICH, RETAGS),
        st.builds(Happening, TURNS, st.integers(1, 3), FAULTS, WHICH, RETAGS),
        st.builds(Happening, st.just("GetMetricData"), st.integers(1, 4), LIES, WHICH, RETAGS),
    ),
    max_size=3,
)


class Interleavings(RuleBasedStateMachine):
    """Users, services and the cleanup, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.oracle = Oracle(self.world)
        self.plan: list[Happening] = []
        self.calls: Counter[str] = Counter()
        self.happening: list[Happening] = []
        self.world.before, self.world.after = self._before, self._after

    # -- users

    @initialize(first=KINDS, second=KINDS, stack=st.booleans())
    def two_old_endpoints(self, first: str, second: str, *, stack: bool) -> None:
        self.endpoint(0, first, stack=stack)
        self.endpoint(3, second, stack=False)
        self.world.age(20 * DAY)

    @rule(which=WHICH, kind=KINDS, stack=st.booleans())
    def endpoint(self, which: int, kind: str, *, stack: bool) -> None:
        name = NAMES[which]
        taken = {one.name for one in self.world.of("endpoint")} | set(self.world.stacks)
        if name in taken or f"{name}-stack" in taken:
            return
        # Components have names of their own in the account; an earlier endpoint's may still be there.
        components = [f"{name}-c{at}" for at in (1, 2)] if kind == "components" else []
        if any(one.name in components for one in self.world.of("inference-component")):
            return
        number = len(self.world.calls)
        self.world.endpoint(
            name,
            OURS,
            ("blue", "green") if kind == "variants" else ("primary",),
            stack=f"{name}-stack" if stack and name.islower() else None,
            asynchronous=kind == "asynchronous",
            components=components if not self._models_exist(components) else [f"{c}-{number}" for c in components],
            status="Failed" if kind == "failed" else "InService",
        )

    def _models_exist(self, components: list[str]) -> bool:
        return any(one.name == f"Model-{name}" for one in self.world.of("model") for name in components)

    def _pick(self, which: int) -> Resource | None:
        endpoints = self.world.of("endpoint")
        return endpoints[which % len(endpoints)] if endpoints else None

    @rule(which=WHICH, at=st.integers(0, 3), hours_ago=st.sampled_from([0, 1, 100, 167, 169, 400]))
    def invoke(self, which: int, at: int, hours_ago: int) -> None:
        if endpoint := self._pick(which):
            self.world.invoke(endpoint, at, ago=timedelta(hours=hours_ago))

    @rule(which=WHICH)
    def zeros(self, which: int) -> None:
        """A live endpoint without traffic publishes zeros, which is data, but no traffic."""
        if endpoint := self._pick(which):
            for series in self.world.series_of(endpoint):
                self.world.emit(series, 0.0, ago=timedelta(hours=1))

    @rule(which=WHICH)
    def update(self, which: int) -> None:
        if (endpoint := self._pick(which)) and endpoint.about["status"] == "InService":
            self.world.update(endpoint)

    @rule(which=WHICH, foreign=st.booleans(), at=st.integers(0, 20))
    def serve_again(self, which: int, foreign: bool, at: int) -> None:  # noqa: FBT001
        """Roll back to an older config, or serve another endpoint's; a stack's own config goes with the stack."""
        if (endpoint := self._pick(which)) and endpoint.about["status"] == "InService":
            model = endpoint.tags.get("Model")
            stacked = {id for stack in self.world.stacks.values() for _, id in stack.resources}
            configs = [one for one in self.world.of("endpoint-config") if one.arn not in stacked]
            known = [one for one in configs if foreign or one.tags.get("Model") == model]
            # The service refuses to remove a variant that is scaled.
            if known and not any(one.about["of"] == endpoint.name for one in self.world.of("scalable-target")):
                endpoint.about["config"] = known[at % len(known)].name
                endpoint.modified = self.world.now

    @rule(which=WHICH, how=RETAGS)
    def retag(self, which: int, how: str) -> None:
        if endpoint := self._pick(which):
            today = self.world.now.date()
            base = {k: v for k, v in endpoint.tags.items() if not k.startswith("slipway:keep")} | OURS
            endpoint.tags = {
                "keep": lambda: {**base, "slipway:keep": "mine"},
                "until-tomorrow": lambda: {**base, "slipway:keep-until": str(today + DAY)},
                "until-today": lambda: {**base, "slipway:keep-until": str(today)},
                "until-yesterday": lambda: {**base, "slipway:keep-until": str(today - DAY)},
                "until-nonsense": lambda: {**base, "slipway:keep-until": "next sprint"},
                "no-environment": lambda: {k: v for k, v in base.items() if k != "Environment"},
                "production": lambda: {**base, "Environment": "prod"},
                "not-disposable": lambda: {k: v for k, v in base.items() if k != "slipway:disposable"},
                "mark-nonsense": lambda: {**base, MARK: "soon"},
                "mark-naive": lambda: {**base, MARK: "2025-01-01T00:00:00"},
                "mark-future": lambda: {**base, MARK: (self.world.now + 400 * DAY).isoformat()},
                "mark-ancient": lambda: {**base, MARK: (self.world.now - 8 * DAY).isoformat()},
                "good": lambda: base,
            }[how]()

    @rule(which=WHICH, status=st.sampled_from(["Updating", "InService", "Failed", "RollingBack"]))
    def move(self, which: int, status: str) -> None:
        if (endpoint := self._pick(which)) and endpoint.about["status"] != "Deleting":
            endpoint.about["status"] = status

    @rule(which=WHICH, how=STACK_CHANGES)
    def change_stack(self, which: int, how: str) -> None:
        stacks = list(self.world.stacks.values())
        if not stacks or stacks[which % len(stacks)].status == "DELETE_IN_PROGRESS":
            return
        stack = stacks[which % len(stacks)]
        if how == "another-endpoint":
            stack.resources.append(("AWS::SageMaker::Endpoint", "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/o"))
            return
        stack.role = None if how == "no-role" else "arn:aws:iam::111122223333:role/cdk-exec"
        stack.protected = how == "protected"
        stack.parent = "arn:aws:cloudformation:eu-west-1:111122223333:stack/p/1" if how == "nested" else None
        stack.status = "UPDATE_IN_PROGRESS" if how == "busy" else "UPDATE_COMPLETE"
        stack.tags = {
            "production": {**OURS, "Environment": "prod"},
            "not-disposable": {"Environment": "dev"},
        }.get(how, OURS)

    @rule(which=WHICH, kind=st.sampled_from(["schedule", "target", "component"]), ours=st.booleans())
    def hang_on(self, which: int, kind: str, *, ours: bool) -> None:
        endpoint = self._pick(which)
        if endpoint is None or endpoint.about["status"] == "Deleting":
            return
        name, tags = f"{kind}-{len(self.world.resources)}-{len(self.world.calls)}", OURS if ours else {}
        if kind == "schedule":
            self.world.make("monitoring-schedule", name, tags, endpoint=endpoint.name)
        elif kind == "target":
            resource = f"endpoint/{endpoint.name}/variant/{self.world.variants_of(endpoint)[0]}"
            dimension = "sagemaker:variant:DesiredInstanceCount"
            if any(one.about["resource"] == resource for one in self.world.of("scalable-target")):
                return  # registering it again changes the one there is
            self.world.make("scalable-target", name, tags, resource=resource, dimension=dimension, of=endpoint.name)
        elif components := self.world.components_of(endpoint):
            self.world.component(endpoint, name, tags, base=components[0].name if ours else "")

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        self.world.age(timedelta(hours=hours))

    # -- the cleanup

    @rule(plan=PLAN, delete=st.sampled_from([True, True, True, False]), limit=st.sampled_from([900, 900, 62, 75]))
    def clean_up(self, plan: list[Happening], *, delete: bool, limit: float) -> None:
        self._run(clean_up, plan, delete=delete, limit=limit)

    @rule(plan=PLAN, delete=st.sampled_from([True, True, True, False]))
    def retire(self, plan: list[Happening], *, delete: bool) -> None:
        self._run(retire, plan, delete=delete, limit=900)

    @rule(first=PLAN, second=PLAN)
    def two_quiet_days(self, first: list[Happening], second: list[Happening]) -> None:
        """The way to a removal: announced on one day, due on the next."""
        self._run(clean_up, first, delete=True, limit=900)
        self.wait(25)
        self._run(clean_up, second, delete=True, limit=900)

    def _run(self, task: Callable[..., object], plan: list[Happening], *, delete: bool, limit: float) -> None:
        run = self.world.run(limit=limit, delete=delete, **SETTINGS)
        role = Role(self.world, policy(run.settings))
        outer = self.plan, self.calls, self.happening, self.world.authorize
        self.plan, self.calls, self.world.authorize = plan, Counter(), role.authorize
        watched = self.oracle.begin(run)
        try:
            task(run)
        except (Crash, OutOfTimeError, *AWS_ERRORS):
            pass  # Lambda reports it; the next run starts anew
        finally:
            self.oracle.end()
            self.plan, self.calls, self.happening, self.world.authorize = outer
        # Whoever retags between look and deletion makes the role refuse what the code still asks for.
        assert watched.disturbed or not role.denied

    def _before(self, _: int, name: str, request: Json) -> None:
        operation = name.partition(":")[2]
        self.calls.update(["", operation])
        self.happening = [
            one for one in self.plan if self.calls[one.operation] == one.nth and one.operation in ("", operation)
        ]
        for one in self.happening:
            self._interfere(one)
        self.oracle.lied = False
        self.oracle.judge(name, request)
        for one in self.happening:
            self._fail(one.what, name)

    def _interfere(self, one: Happening) -> None:
        if one.what in ("invoke", "retag", "update", "late", "another-run"):
            self.oracle.disturb()
        if one.what == "invoke":
            self.invoke(one.which, one.which, 0)
        elif one.what == "retag":
            self.retag(one.which, one.how)
        elif one.what == "update":
            self.update(one.which)
        elif one.what == "late":
            self.world.pass_time(timedelta(minutes=70))
        elif one.what == "another-run" and len(self.oracle.runs) == 1:
            self._run(clean_up if one.which % 2 else retire, [], delete=True, limit=900)

    def _fail(self, fault: str, name: str) -> None:
        operation = name.partition(":")[2]
        if fault == "throttle":
            raise throttled(operation)
        if fault == "denied":
            raise error(operation, "AccessDeniedException", "not authorized to perform it")
        if fault == "cut-before":
            raise cut_off()
        if fault == "crash-before":
            raise Crash

    def _after(self, name: str, request: Json, answer: Json) -> None:
        faults = [one.what for one in self.happening]
        if "crash-after" in faults:
            raise Crash
        if "cut-after" in faults:
            raise cut_off()
        if name.endswith(":GetMetricData") and "NextToken" not in request:
            for fault in faults:
                self._distort(fault, answer)
        self.oracle.note(name, request, answer)

    def _distort(self, fault: str, answer: Json) -> None:
        """Withhold the values of every series, as an answer that is not complete may."""
        results = answer["MetricDataResults"]
        if fault in ("partial", "internal-error", "two-pages"):
            for result in results:
                result["Values"], result["Timestamps"] = [], []
                result["StatusCode"] = "InternalError" if fault == "internal-error" else "PartialData"
        elif fault == "missing":
            answer["MetricDataResults"] = results[:0]
        elif fault in ("messages", "message-on-one"):
            for result in results:
                result["Values"], result["Timestamps"] = [], []
            if fault == "messages":
                answer["Messages"] = [{"Code": "Trouble", "Value": "some series were left out"}]
            else:
                for result in results:
                    result["Messages"] = [{"Code": "Trouble", "Value": "this one was left out"}]
        else:
            return
        self.oracle.lied = fault != "two-pages"
        if fault == "two-pages":
            answer["NextToken"] = "2"

    # -- the end

    def teardown(self) -> None:
        """Without faults, a run a day removes all that may go, and then has nothing more to do."""
        for _ in range(14):
            self._run(clean_up, [], delete=True, limit=900)
            self._run(retire, [], delete=True, limit=900)
            self.world.age(DAY)
        left = [one for one in self.world.of("endpoint") if self._may_go(one)]
        assert not left, f"{left} should have been removed"

    def _may_go(self, endpoint: Resource) -> bool:
        tags = endpoint.tags
        until = tags.get("slipway:keep-until", "2000-01-01")
        try:
            kept = "slipway:keep" in tags or date.fromisoformat(until) >= self.world.now.date()
        except ValueError:
            kept = True
        if kept or not OURS.items() <= tags.items() or endpoint.about["status"] not in ("InService", "Failed"):
            return False
        stack = next((s for s in self.world.stacks.values() if (_ENDPOINT, endpoint.arn) in s.resources), None)
        if stack:
            fit = stack.role and not stack.protected and not stack.parent and stack.status == "UPDATE_COMPLETE"
            single = len([1 for type, _ in stack.resources if type == _ENDPOINT]) == 1
            known = {id for type, id in stack.resources if type == "AWS::SageMaker::InferenceComponent"}
            own = {one.arn for one in self.world.components_of(endpoint)}
            return bool(fit) and single and OURS.items() <= stack.tags.items() and known <= own
        hanging = [one for one in self.world.resources.values() if one.about.get("endpoint") == endpoint.name]
        hanging += [one for one in self.world.of("scalable-target") if one.about["of"] == endpoint.name]
        return all(OURS.items() <= one.tags.items() for one in hanging)


_ENDPOINT = "AWS::SageMaker::Endpoint"

#: In the normal run a few seconds, always the same; HYPOTHESIS_PROFILE=idle-extended looks for something new.
settings.register_profile(
    "idle",
    max_examples=50,
    stateful_step_count=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "idle-extended",
    settings.get_profile("idle"),
    max_examples=4000,
    stateful_step_count=50,
    derandomize=False,
    print_blob=True,
)
TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "idle")))
