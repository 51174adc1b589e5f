"""What is known of traffic: whom is asked what, for which time, and what counts as an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idle_endpoint_cleanup.inventory import Component, Endpoint
from idle_endpoint_cleanup.traffic import Listing, Series, Traffic, ask, every, listed
from tests.unit.idle.fake_aws import DAY, START, Json, World, cut_off, throttled

BLUE = Series.of("Invocations", EndpointName="iris", VariantName="blue")
GREEN = Series.of("Invocations", EndpointName="iris", VariantName="green")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
NOTHING = Listing({}, {})


@pytest.fixture
def world() -> World:
    return World()


def emit(world: World, series: Series, value: float = 1.0, ago: timedelta = HOUR) -> None:
    world.emit((series.metric, series.dimensions), value, ago)


def asked(world: World, *series: Series, **changes: Any) -> Traffic:
    return ask(world.run(**changes), {"iris": series})["iris"]


class TestAsk:
    def test_no_data_is_known_to_be_no_traffic(self, world: World) -> None:
        assert asked(world, BLUE, GREEN) is Traffic.NONE

    def test_zeros_are_no_traffic(self, world: World) -> None:
        emit(world, BLUE, 0.0)
        assert asked(world, BLUE) is Traffic.NONE

    def test_traffic_of_any_series_is_traffic(self, world: World) -> None:
        emit(world, GREEN)
        assert asked(world, BLUE, GREEN) is Traffic.SOME
        assert asked(world, BLUE) is Traffic.NONE

    def test_without_a_series_nothing_is_known(self, world: World) -> None:
        assert asked(world) is Traffic.UNKNOWN
        assert world.calls == []

    def test_each_gets_its_own_answer(self, world: World) -> None:
        emit(world, GREEN)
        assert ask(world.run(), {"a": [BLUE], "b": [GREEN], "c": [BLUE, GREEN], "d": []}) == {
            "a": Traffic.NONE,
            "b": Traffic.SOME,
            "c": Traffic.SOME,
            "d": Traffic.UNKNOWN,
        }

    def test_500_series_a_call(self, world: World) -> None:
        many = [Series.of("Invocations", EndpointName=f"e{at:04}", VariantName="v") for at in range(1001)]
        emit(world, many[1000])
        answers = ask(world.run(), {str(at): [series] for at, series in enumerate(many)})
        assert len(world.calls) == 3
        assert [who for who, answer in answers.items() if answer is Traffic.SOME] == ["1000"]

    def test_a_series_of_several_is_asked_for_once(self, world: World) -> None:
        sizes: list[int] = []
        world.before = lambda _, __, request: sizes.append(len(request["MetricDataQueries"]))
        ask(world.run(), {"a": [BLUE, GREEN], "b": [GREEN]})
        assert sizes == [2]

    def test_a_backlog_is_a_level_and_not_a_count(self, world: World) -> None:
        stats: dict[str, str] = {}

        def note(_: int, __: str, request: Json) -> None:
            for query in request["MetricDataQueries"]:
                stats[query["MetricStat"]["Metric"]["MetricName"]] = query["MetricStat"]["Stat"]

        world.before = note
        backlog = Series.of("ApproximateBacklogSize", EndpointName="iris")
        emit(world, backlog, 3.0)
        assert asked(world, backlog) is Traffic.SOME
        assert asked(world, BLUE) is Traffic.NONE
        assert stats == {"ApproximateBacklogSize": "Maximum", "Invocations": "Sum"}


class TestWhatIsNoAnswer:
    def answer(self, world: World, change: Callable[[Json], None]) -> tuple[Traffic, Traffic]:
        """Ask about BLUE, of which nothing is seen, and GREEN, which is busy, and change the answer."""
        emit(world, GREEN)

        def after(_: str, __: Json, answer: Json) -> None:
            change(answer)

        world.after = after
        answers = ask(world.run(), {"blue": [BLUE], "green": [GREEN]})
        return answers["blue"], answers["green"]

    @pytest.mark.parametrize("code", ["PartialData", "InternalError", "Forbidden"])
    def test_a_result_that_is_not_complete(self, world: World, code: str) -> None:
        def change(answer: Json) -> None:
            for result in answer["MetricDataResults"]:
                result["StatusCode"] = code

        # What was seen was seen, however little of it.
        assert self.answer(world, change) == (Traffic.UNKNOWN, Traffic.SOME)

    def test_a_result_without_a_status(self, world: World) -> None:
        def change(answer: Json) -> None:
            for result in answer["MetricDataResults"]:
                del result["StatusCode"]

        assert self.answer(world, change) == (Traffic.UNKNOWN, Traffic.SOME)

    def test_a_result_that_is_missing(self, world: World) -> None:
        assert self.answer(world, lambda answer: answer["MetricDataResults"].clear()) == (
            Traffic.UNKNOWN,
            Traffic.UNKNOWN,
        )

    def test_a_message_about_the_query(self, world: World) -> None:
        def change(answer: Json) -> None:
            answer["Messages"] = [{"Code": "MaxMetricsExceeded", "Value": "some were left out"}]

        assert self.answer(world, change) == (Traffic.UNKNOWN, Traffic.SOME)

    def test_a_message_about_one_series(self, world: World) -> None:
        def change(answer: Json) -> None:
            for result in answer["MetricDataResults"]:
                if not result["Values"]:
                    result["Messages"] = [{"Code": "Trouble", "Value": "left out"}]

        assert self.answer(world, change) == (Traffic.UNKNOWN, Traffic.SOME)

    def test_a_message_about_another_series_does_not_matter(self, world: World) -> None:
        def change(answer: Json) -> None:
            for result in answer["MetricDataResults"]:
                if result["Values"]:
                    result["Messages"] = [{"Code": "Trouble", "Value": "left out"}]

        assert self.answer(world, change) == (Traffic.NONE, Traffic.SOME)

    @pytest.mark.parametrize("failure", [throttled("GetMetricData"), cut_off()])
    def test_a_query_that_failed(self, world: World, failure: Exception) -> None:
        def before(*_: object) -> None:
            raise failure

        world.before = before
        assert asked(world, BLUE) is Traffic.UNKNOWN

    def test_a_failed_batch_leaves_the_other_batches_their_answers(self, world: World) -> None:
        many = [Series.of("Invocations", EndpointName=f"e{at:04}", VariantName="v") for at in range(501)]

        def before(number: int, *_: object) -> None:
            if number == 1:
                raise throttled("GetMetricData")

        world.before = before
        answers = ask(world.run(), {series.dimensions[0][1]: [series] for series in many})
        assert [who for who, answer in answers.items() if answer is Traffic.NONE] == ["e0500"]


class TestPages:
    def paged(self, world: World, first: Callable[[Json], None], second: Callable[[Json], None]) -> Traffic:
        def after(_: str, request: Json, answer: Json) -> None:
            if "NextToken" in request:
                second(answer)
            else:
                answer["NextToken"] = "2"
                first(answer)

        world.after = after
        return asked(world, BLUE)

    @staticmethod
    def nothing(_: Json) -> None: ...

    @staticmethod
    def partial(answer: Json) -> None:
        answer["MetricDataResults"][0] |= {"StatusCode": "PartialData", "Values": [], "Timestamps": []}

    def test_a_further_page_completes_a_partial_one(self, world: World) -> None:
        assert self.paged(world, self.partial, self.nothing) is Traffic.NONE
        emit(world, BLUE)
        assert self.paged(world, self.partial, self.nothing) is Traffic.SOME

    def test_unless_it_is_partial_as_well(self, world: World) -> None:
        assert self.paged(world, self.nothing, self.partial) is Traffic.UNKNOWN

    def test_traffic_on_the_first_page_stays_seen(self, world: World) -> None:
        emit(world, BLUE)
        assert self.paged(world, self.nothing, self.partial) is Traffic.SOME

    def test_a_page_that_fails_leaves_the_rest_unknown(self, world: World) -> None:
        def fail(_: Json) -> None:
            raise throttled("GetMetricData")

        assert self.paged(world, self.nothing, fail) is Traffic.UNKNOWN
        emit(world, BLUE)
        assert self.paged(world, self.nothing, fail) is Traffic.SOME

    def test_a_message_on_either_page_counts(self, world: World) -> None:
        def message(answer: Json) -> None:
            answer["Messages"] = [{"Code": "Trouble", "Value": "left out"}]

        assert self.paged(world, message, self.nothing) is Traffic.UNKNOWN
        assert self.paged(world, self.nothing, message) is Traffic.UNKNOWN


class TestWindow:
    def times(self, world: World, now: datetime, **changes: Any) -> tuple[datetime, datetime, int]:
        world.now = now
        found: list[Json] = []
        world.before = lambda _, __, request: found.append(request)
        asked(world, BLUE, **changes)
        return found[0]["StartTime"], found[0]["EndTime"], found[0]["MetricDataQueries"][0]["MetricStat"]["Period"]

    def test_whole_hours_around_the_window(self, world: World) -> None:
        start, end, period = self.times(world, datetime(2025, 6, 20, 3, 30, tzinfo=UTC))
        assert start == datetime(2025, 6, 13, 3, 0, tzinfo=UTC)
        assert end == datetime(2025, 6, 20, 4, 0, tzinfo=UTC)
        assert period == 3600

    def test_whole_days_for_long_windows(self, world: World) -> None:
        start, end, period = self.times(world, datetime(2025, 6, 20, 3, 30, tzinfo=UTC), window=9 * DAY)
        assert start == datetime(2025, 6, 11, tzinfo=UTC)
        assert end == datetime(2025, 6, 21, tzinfo=UTC)
        assert period == 86400
        assert self.times(world, START, window=8 * DAY)[2] == 3600

    def test_now_is_within_it_at_the_full_hour(self, world: World) -> None:
        full = datetime(2025, 6, 20, 3, 0, tzinfo=UTC) - timedelta(seconds=0.05)  # which the call itself takes
        assert self.times(world, full)[1] >= datetime(2025, 6, 20, 3, 0, tzinfo=UTC)
        exactly = datetime(2025, 6, 20, 3, 0, tzinfo=UTC)
        assert self.times(world, exactly)[1] == exactly + HOUR

    @pytest.mark.parametrize("days", [1, 7, 8, 9, 14, 30, 90])
    def test_500_series_stay_within_the_points_of_a_call(self, world: World, days: int) -> None:
        start, end, period = self.times(world, datetime(2025, 6, 20, 3, 30, tzinfo=UTC), window=days * DAY)
        assert 500 * (end - start).total_seconds() / period <= 100_800

    def test_traffic_just_within_the_window_counts(self, world: World) -> None:
        emit(world, BLUE, ago=7 * DAY - SECOND)
        assert asked(world, BLUE) is Traffic.SOME

    def test_traffic_well_before_does_not(self, world: World) -> None:
        emit(world, BLUE, ago=7 * DAY + HOUR)
        assert asked(world, BLUE) is Traffic.NONE


class TestEvery:
    def endpoint(self, **changes: object) -> Endpoint:
        values: Json = {
            "name": "iris",
            "status": "InService",
            "config": "c",
            "changed": START,
            "variants": ("blue", "green"),
            "asynchronous": False,
            "instances": 1,
            "components": (),
        }
        return Endpoint(**{**values, **changes})

    def test_every_variant(self) -> None:
        assert every(self.endpoint(), NOTHING) == {BLUE, GREEN}

    def test_asynchronous_ones_have_metrics_of_their_own_in_both_spellings(self) -> None:
        found = every(self.endpoint(variants=("blue",), asynchronous=True), NOTHING)
        of_variant = {"EndpointName": "iris", "VariantName": "blue"}
        assert found == {
            BLUE,
            Series.of("InvocationsProcessed", **of_variant),
            Series.of("InvocationsProcesssed", **of_variant),
            Series.of("InvocationFailures", **of_variant),
            Series.of("ExpiredRequests", **of_variant),
            Series.of("ApproximateBacklogSize", EndpointName="iris"),
        }

    def test_components_are_named_by_one_dimension_alone(self) -> None:
        component = Component("arn", "chat", "InService", START)
        found = every(self.endpoint(variants=("blue",), components=(component,)), NOTHING)
        assert found == {BLUE, Series.of("Invocations", InferenceComponentName="chat")}

    def test_what_had_data_under_further_dimensions_and_in_another_case(self) -> None:
        finer = Series.of("Invocations", EndpointName="Iris", VariantName="blue", ContainerName="one")
        assert every(self.endpoint(variants=("blue",)), Listing({"iris": {finer}}, {})) == {BLUE, finer}
        assert every(self.endpoint(name="IRIS", variants=()), Listing({"iris": {finer}}, {})) == {finer}

    def test_of_an_endpoint_without_variants_nothing_can_be_known(self) -> None:
        assert every(self.endpoint(variants=()), NOTHING) == set()


class TestListed:
    def test_by_endpoint_in_lower_case_and_by_component(self, world: World) -> None:
        chat = Series.of("Invocations", InferenceComponentName="Chat")
        mixed = Series.of("Invocations", EndpointName="My-Test", VariantName="v")
        processed = Series.of("InvocationsProcessed", EndpointName="iris", VariantName="blue")
        foreign = Series.of("Invocations", Something="else")
        for series in (BLUE, GREEN, chat, mixed, processed, foreign):
            emit(world, series)
        found = listed(world.run())
        assert found.endpoints == {"iris": {BLUE, GREEN, processed}, "my-test": {mixed}}
        assert found.components == {"Chat": {chat}}

    def test_all_pages(self, world: World) -> None:
        for at in range(501):
            emit(world, Series.of("Invocations", EndpointName=f"e{at}", VariantName="v"))
        assert len(listed(world.run()).endpoints) == 501
        assert world.calls == ["cloudwatch:ListMetrics"] * 3
