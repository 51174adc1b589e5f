"""Each fault makes the series that SageMaker would publish, by hosting mode."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from slipway.rehearsal.baseline import Baseline
from slipway.rehearsal.faults import HEALTHY_RUN, Fault, matrix
from slipway.rehearsal.load import minutes
from slipway.rehearsal.published import BY_MODE, COMPONENTS, MACHINES, REQUESTS, published
from slipway.rehearsal.target import Target
from slipway.rehearsal.telemetry import series, wanted
from slipway.rollout.alarm import MetricAlarm
from slipway.rollout.fleets import Variant
from slipway.rollout.series import Series, SeriesKey, Values, summarize
from slipway.rollout.strategies import intended
from slipway.spec.scaling import Mode
from tests.unit.rehearsal.endpoints import BOTH_FLEETS, ENDPOINT, NEW_FLEET, ROLLING, VARIANT, alarm, target

FAULTS = {fault.name: fault for fault in matrix()}
COMPONENT = {"InferenceComponentName": VARIANT}


def publish(
    of: Target, fault: Fault = HEALTHY_RUN, *keys: SeriesKey, baseline: Baseline | None = None
) -> Mapping[SeriesKey, Series]:
    rollout = intended(of.update)
    usual = baseline or Baseline()
    seen = [
        minutes(rollout, number, usual, fault, sick=True, start=-600, end=5400)
        for number in range(len(of.update.variants))
    ]
    return series(of, usual, seen, frozenset(keys), frozenset({0.985}))


def key(metric: str, dimensions: Mapping[str, str] = NEW_FLEET, namespace: str = REQUESTS) -> SeriesKey:
    return SeriesKey.of(namespace, metric, dimensions.items())


def at(found: Series, minute: int, statistic: str) -> float | None:
    values = found.values.get(minute * 60)
    return None if values is None else summarize([values], statistic)


def one(metric: str, minute: int, statistic: str, fault: str = "healthy", **more: object) -> float | None:
    dimensions = more.pop("dimensions", NEW_FLEET)
    assert isinstance(dimensions, Mapping)
    wanted_key = key(metric, dimensions, str(more.pop("namespace", REQUESTS)))
    of = more.pop("of", target())
    assert isinstance(of, Target)
    return at(publish(of, FAULTS[fault], wanted_key)[wanted_key], minute, statistic)


def test_the_new_fleet_has_no_data_before_its_first_request() -> None:
    found = publish(target(), HEALTHY_RUN, key("Invocations"))[key("Invocations")]
    assert min(found.values) == 600


def test_the_whole_variant_has_data_throughout() -> None:
    wanted_key = key("Invocations", BOTH_FLEETS)
    found = publish(target(), HEALTHY_RUN, wanted_key)[wanted_key]
    assert [at(found, minute, "Sum") for minute in (-10, 0, 12, 30)] == [120, 120, 120, 120]


def test_percentiles_of_the_latency_are_those_of_the_assumed_distribution_in_microseconds() -> None:
    for statistic, share in (("p50", 0.5), ("p95", 0.95), ("p98.5", 0.985), ("p99", 0.99), ("p99.9", 0.999)):
        assert one("ModelLatency", 12, statistic) == pytest.approx(Baseline().latency.at(share) * 1e6)


def test_the_average_of_the_latency_is_the_mean_of_the_assumed_distribution() -> None:
    assert one("ModelLatency", 12, "Average") == pytest.approx(Baseline().latency.mean * 1e6)


def test_extremes_of_the_latency_are_those_of_so_many_requests() -> None:
    assert one("ModelLatency", 12, "Maximum") == pytest.approx(Baseline().latency.at(30 / 31) * 1e6)
    assert one("ModelLatency", 12, "Minimum") == pytest.approx(Baseline().latency.at(1 / 31) * 1e6)


def test_a_slow_model_multiplies_every_percentile_of_the_new_fleet() -> None:
    assert one("ModelLatency", 12, "p95", "latency-step") == pytest.approx(Baseline().latency.at(0.95) * 1e7)


def test_a_slow_canary_is_diluted_in_the_whole_variant() -> None:
    mixed = one("ModelLatency", 12, "p50", "latency-step", dimensions=BOTH_FLEETS)
    assert mixed is not None
    assert Baseline().latency.at(0.5) * 1e6 < mixed < Baseline().latency.at(0.5) * 1e7
    mean = one("ModelLatency", 12, "Average", "latency-step", dimensions=BOTH_FLEETS)
    assert mean == pytest.approx(Baseline().latency.mean * 1e6 * (0.75 + 0.25 * 10))


def test_a_ramp_rises_to_its_full_height_in_fifteen_minutes() -> None:
    usual = Baseline().latency.at(0.95) * 1e6
    assert one("ModelLatency", 10, "p95", "latency-ramp") == pytest.approx(usual * (1 + 9 * 0.5 / 15))
    assert one("ModelLatency", 17, "p95", "latency-ramp") == pytest.approx(usual * (1 + 9 * 7.5 / 15))
    assert one("ModelLatency", 40, "p95", "latency-ramp") == pytest.approx(usual * 10)


def test_overhead_is_not_the_models() -> None:
    assert one("OverheadLatency", 12, "p95", "latency-step") == pytest.approx(Baseline().overhead.at(0.95) * 1e6)


def test_a_5xx_burst_is_a_rate_for_five_minutes() -> None:
    rates = [one("Invocation5XXErrors", minute, "Average", "errors-5xx") for minute in range(10, 18)]
    assert rates == pytest.approx([0, 0.3, 0.3, 0.3, 0.3, 0.3, 0, 0])
    assert one("Invocation5XXErrors", 12, "Sum", "errors-5xx") == 9


def test_model_errors_count_4xx_and_5xx() -> None:
    assert one("InvocationModelErrors", 12, "Sum", "errors-5xx") == 9
    assert one("InvocationModelErrors", 12, "Sum", "errors-4xx") == 9
    assert one("Invocation4XXErrors", 12, "Sum", "errors-4xx") == 9
    assert one("Invocation5XXErrors", 12, "Sum", "errors-4xx") == 0


def test_machines_are_not_published_by_fleet() -> None:
    assert not publish(target(), HEALTHY_RUN, key("CPUUtilization", NEW_FLEET, MACHINES))


def test_cpu_counts_100_for_each_core_and_instances_without_requests_are_idle() -> None:
    def cpu(minute: int, statistic: str) -> float | None:
        return one("CPUUtilization", minute, statistic, dimensions=BOTH_FLEETS, namespace=MACHINES)

    # ml.m5.large has two cores.
    assert cpu(0, "Average") == pytest.approx(70)
    assert cpu(12, "Minimum") == pytest.approx(4)
    assert cpu(12, "SampleCount") == 8
    assert cpu(30, "Average") == pytest.approx(70)


def test_a_memory_leak_grows_with_the_age_of_each_instance_until_its_container_is_killed() -> None:
    def memory(minute: int, statistic: str) -> float | None:
        return one("MemoryUtilization", minute, statistic, "memory-leak", dimensions=BOTH_FLEETS, namespace=MACHINES)

    assert memory(0, "Maximum") == pytest.approx(40)
    assert memory(20, "Maximum") == pytest.approx(40 + 1.5 * 10.5)
    assert memory(20, "Minimum") == pytest.approx(40)
    assert memory(49, "Maximum") == pytest.approx(40 + 1.5 * 39.5)
    assert one("Invocation5XXErrors", 49, "Sum", "memory-leak") == 0
    assert one("Invocation5XXErrors", 50, "Average", "memory-leak") == pytest.approx(0.25)
    assert one("Invocation5XXErrors", 61, "Average", "memory-leak") == pytest.approx(0.75)


def test_gpus_are_published_where_there_are_some_and_count_100_each() -> None:
    wanted_key = key("GPUMemoryUtilization", BOTH_FLEETS, MACHINES)
    assert not publish(target(), HEALTHY_RUN, wanted_key)
    four = target(variants=(Variant.of(VARIANT, 4, "ml.g5.12xlarge"),))
    found = publish(four, FAULTS["gpu-oom"], wanted_key)[wanted_key]
    assert at(found, 0, "Average") == pytest.approx(200)
    assert at(found, 30, "Maximum") == pytest.approx(4 * 99)


def test_what_an_unknown_type_uses_nobody_can_tell() -> None:
    unknown = target(variants=(Variant.of(VARIANT, 4, "ml.z9.large"),))
    assert not publish(unknown, HEALTHY_RUN, key("CPUUtilization", BOTH_FLEETS, MACHINES))
    assert publish(unknown, HEALTHY_RUN, key("MemoryUtilization", BOTH_FLEETS, MACHINES))


def test_several_variants_share_the_traffic_by_weight() -> None:
    two = target(
        variants=(Variant.of("a", 2, "ml.m5.large", weight=3), Variant.of("b", 2, "ml.m5.large", weight=1)),
    )
    keys = [key("Invocations", {"EndpointName": ENDPOINT, "VariantName": name}) for name in ("a", "b")]
    found = publish(two, HEALTHY_RUN, *keys)
    assert [at(found[one_key], 0, "Sum") for one_key in keys] == [90, 30]


def test_components_are_published_by_their_own_name_and_old_copies_with_new_ones() -> None:
    rolling = target(config=ROLLING, mode="components", variants=(Variant.of(VARIANT, 4),))
    keys = [key("Invocations", COMPONENT), key("CPUUtilizationNormalized", COMPONENT, COMPONENTS)]
    found = publish(rolling, HEALTHY_RUN, *keys, key("Invocations"), key("Invocations", BOTH_FLEETS))
    assert set(found) == set(keys)
    assert at(found[keys[0]], 12, "Sum") == 120
    assert at(found[keys[1]], 0, "Average") == pytest.approx(35)


def test_serverless_endpoints_have_no_fleets_to_tell_apart_and_no_cpu() -> None:
    without = target((), config={}, mode="serverless", variants=(Variant.of(VARIANT, 0),), exclusion="serverless")
    keys = [key("Invocations", BOTH_FLEETS), key("MemoryUtilization", BOTH_FLEETS, MACHINES)]
    others = [key("Invocations"), key("CPUUtilization", BOTH_FLEETS, MACHINES), key("InvocationModelErrors")]
    found = publish(without, FAULTS["memory-leak"], *keys, *others)
    assert set(found) == set(keys)
    assert at(found[keys[1]], 10, "Average") == pytest.approx(40 + 1.5 * 10.5)


def test_asynchronous_endpoints_publish_failures_and_a_backlog_but_no_invocations() -> None:
    queued = target(mode="asynchronous")
    whole = {"EndpointName": ENDPOINT}
    keys = [
        key("InvocationFailures"),
        key("ApproximateBacklogSize", whole),
        key("ApproximateAgeOfOldestRequest", whole),
    ]
    found = publish(queued, FAULTS["latency-step"], *keys, key("Invocations"), key("OverheadLatency"))
    assert set(found) == set(keys)
    assert at(found[keys[1]], 5, "Average") == 0


def test_a_backlog_grows_when_a_fleet_is_slower_than_its_calls() -> None:
    queued = target(mode="asynchronous")
    size, age = (
        key(name, {"EndpointName": ENDPOINT}) for name in ("ApproximateBacklogSize", "ApproximateAgeOfOldestRequest")
    )
    found = publish(queued, FAULTS["latency-step"], size, age)
    # All traffic is on the slow fleet from minute 20: it works off 36 of 120 a minute.
    assert at(found[size], 20, "Average") == pytest.approx(84)
    assert at(found[size], 29, "Average") == pytest.approx(840)
    assert at(found[age], 29, "Maximum") == pytest.approx(840 / 36 * 60)


def test_nobody_calls_until_the_update_is_over() -> None:
    wanted_key = key("Invocations", BOTH_FLEETS)
    of = target()
    rollout = intended(of.update)
    seen = [
        minutes(rollout, 0, Baseline(), FAULTS["no-traffic"], sick=True, start=-600, end=5400, calls_from=1500),
    ]
    found = series(of, Baseline(), seen, frozenset({wanted_key}))[wanted_key]
    assert min(found.values) == 1500


@pytest.mark.parametrize("mode", list(BY_MODE))
def test_everything_that_is_followed_is_published(mode: Mode) -> None:
    type = "" if mode in ("components", "serverless") else "ml.g5.xlarge"
    count = 0 if mode == "serverless" else 4
    of = target((), config={}, mode=mode, variants=(Variant.of(VARIANT, count, type),), gpus=True)
    followed = [metric for metric in BY_MODE[mode] if metric.followed]
    keys = [SeriesKey(one.namespace, one.name, of.place.dimensions(one, VARIANT)) for one in followed]
    found = publish(of, HEALTHY_RUN, *keys, baseline=Baseline(errors_5xx=0.5))
    for metric, wanted_key in zip(followed, keys, strict=True):
        assert found[wanted_key].unit == metric.unit
        values = found[wanted_key].values[30 * 60]
        assert isinstance(values, Values)
        assert math.isfinite(values.total)


def test_only_what_somebody_looks_at_is_made() -> None:
    assert set(publish(target(), HEALTHY_RUN, key("ModelLatency"))) == {key("ModelLatency")}


def test_alarms_say_which_series_and_percentiles_they_need() -> None:
    found = alarm("odd", statistic="p98.5")
    assert isinstance(found, MetricAlarm)
    assert wanted([found]) == (frozenset({key("ModelLatency")}), frozenset({0.985}))


def test_a_metric_is_looked_up_by_mode_and_namespace() -> None:
    assert published("instances", REQUESTS, "ModelLatency") is not None
    assert published("asynchronous", REQUESTS, "Invocations") is None
    assert published("instances", REQUESTS, "CPUUtilization") is None
