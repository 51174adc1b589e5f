"""An endpoint's metrics: asked in as few calls as CloudWatch allows, and put together so that the figures are true."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from slipway.cli import main
from slipway.ops import target as targets
from slipway.ops.metrics import metrics as module
from slipway.ops.metrics.metrics import Figures, Metrics, as_dict
from slipway.ops.metrics.span import Span
from slipway.ops.metrics.table import table
from slipway.ops.target import Target
from slipway.ops.trouble import OperationError, WrongOperation
from tests.unit.ops.conftest import Declare
from tests.unit.ops.invoke.test_invoke import HOSTING, KINDS

TARGET = Target("aws", "123456789012", "eu-west-1", {}, "")
START = datetime(2026, 11, 29, 9, tzinfo=UTC)
MINUTES = [START + timedelta(minutes=at) for at in range(4)]
SPAN = Span(START, START + timedelta(minutes=4), 60, START + timedelta(hours=1))
CONFIG = {
    "EndpointConfigName": "c",
    "EndpointConfigArn": "arn:aws:sagemaker:eu-west-1:123456789012:endpoint-config/c",
    "CreationTime": START,
    "ProductionVariants": [{"VariantName": "primary", "InstanceType": "ml.m5.xlarge"}],
}
ENDPOINT = {
    "EndpointName": "e",
    "EndpointArn": "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/e",
    "EndpointConfigName": "c",
    "EndpointStatus": "InService",
    "CreationTime": START,
    "LastModifiedTime": START,
}

Data = Mapping[tuple[str, str], Mapping[datetime, float]]


class CloudWatch:
    """Answers what it is told to, by metric and statistic, a page for each call."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.calls: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> CloudWatch:
        assert operation == "get_metric_data"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.calls.append(asked)
        results = []
        for query in asked["MetricDataQueries"]:
            stat = query["MetricStat"]
            points = self.data.get((stat["Metric"]["MetricName"], stat["Stat"]), {})
            if stat["Period"] != SPAN.period:
                points = self.data.get((stat["Metric"]["MetricName"], f"{stat['Stat']}, whole"), {})
            results.append({"Id": query["Id"], "Timestamps": list(points), "Values": list(points.values())})
        yield {"MetricDataResults": [{**one, "StatusCode": "Complete"} for one in results]}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    made: dict[str, Any] = {
        name: boto3.Session().client(name, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        for name in ("sagemaker", "cloudwatch")
    }
    monkeypatch.setattr(Target, "client", lambda _, service: made[service])
    return made


@pytest.fixture
def sagemaker(clients: dict[str, Any]) -> Iterator[Stubber]:
    with Stubber(clients["sagemaker"]) as stub:
        yield stub


@pytest.fixture
def exists(sagemaker: Stubber) -> None:
    sagemaker.add_response("describe_endpoint", ENDPOINT)
    sagemaker.add_response("describe_endpoint_config", CONFIG, {"EndpointConfigName": "c"})


@pytest.fixture
def cloudwatch(clients: dict[str, Any]) -> Iterator[Stubber]:
    with Stubber(clients["cloudwatch"]) as stub:
        yield stub


def look(clients: dict[str, Any], declare: Declare, data: Data, name: str = "plain", **which: str) -> module.Found:
    clients["cloudwatch"] = CloudWatch(data)
    return Metrics(declare(**KINDS), TARGET).look(name, SPAN, **which)


def figures(found: module.Found, metric: str) -> Figures:
    return next(one for section in found.sections for one in section.figures if one.metric.name == metric)


def at(*values: float | None) -> dict[datetime, float]:
    return {time: value for time, value in zip(MINUTES, values, strict=False) if value is not None}


LATENCIES: Data = {
    ("ModelLatency", "Sum"): at(2000, None, 60_000),
    ("ModelLatency", "SampleCount"): at(2, None, 3),
    ("ModelLatency", "Minimum"): at(500, None, 10_000),
    ("ModelLatency", "Maximum"): at(1500, None, 40_000),
    ("ModelLatency", "p50"): at(800, None, 20_000),
    ("ModelLatency", "p99"): at(1500, None, 40_000),
    ("ModelLatency", "p50, whole"): at(10_000),
    ("ModelLatency", "p99, whole"): at(40_000),
}


@pytest.mark.usefixtures("exists")
def test_times_are_put_together_from_all_values_and_percentiles_are_those_of_the_whole(
    clients: dict[str, Any], declare: Declare
) -> None:
    found = figures(look(clients, declare, LATENCIES), "ModelLatency")
    assert (found.least, found.average, found.most, found.last) == (500, 62_000 / 5, 40_000, 20_000)
    assert (found.p50, found.p99, found.total) == (10_000, 40_000, None)
    assert found.trend == at(1000, None, 20_000)
    assert found.percentiles == {"p50": at(800, None, 20_000), "p99": at(1500, None, 40_000)}


@pytest.mark.usefixtures("exists")
def test_requests_are_counted_by_the_minute_and_in_all(clients: dict[str, Any], declare: Declare) -> None:
    found = figures(look(clients, declare, {("Invocations", "Sum"): at(6, None, 0, 12)}), "Invocations")
    assert (found.least, found.average, found.most, found.last, found.total) == (0, 6, 12, 12, 18)
    assert found.p99 is None


@pytest.mark.usefixtures("exists")
def test_an_error_is_a_rate_and_a_count(clients: dict[str, Any], declare: Declare) -> None:
    data = {
        ("Invocation5XXErrors", "Sum"): at(0, 3, 1),
        ("Invocation5XXErrors", "SampleCount"): at(30, 6, 4),
    }
    found = figures(look(clients, declare, data), "Invocation5XXErrors")
    assert (found.least, found.average, found.most, found.last, found.total) == (0, 0.1, 0.5, 0.25, 4)


@pytest.mark.usefixtures("exists")
@pytest.mark.parametrize("spelled", ["InvocationsProcessed", "InvocationsProcesssed"])
def test_both_spellings_of_the_guide_are_asked_for(clients: dict[str, Any], declare: Declare, spelled: str) -> None:
    found = look(clients, declare, {(spelled, "Sum"): at(4)}, "queued")
    assert figures(found, "InvocationsProcessed").total == 4


@pytest.mark.usefixtures("exists")
def test_no_data_is_said_and_is_no_zero(clients: dict[str, Any], declare: Declare) -> None:
    zero = {("Invocations", "Sum"): at(0)}
    found = look(clients, declare, zero)
    assert found.has_data
    heads, rows = table(found.sections[0], SPAN)
    cells = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
    assert cells["Invocations"]["average"] == "0/min"
    assert cells["Invocations"]["course"] == "▁···"
    assert cells["ModelLatency"] == {**dict.fromkeys(heads, ""), "metric": "ModelLatency", "least": "no data"}
    (section,) = as_dict(found)["sections"]
    latency = next(one for one in section["metrics"] if one["metric"] == "ModelLatency")
    assert (latency["average"], latency["points"]) == (None, [])
    # What no row has, such as a median, needs no column.
    assert "p50" not in heads


@pytest.mark.usefixtures("exists")
def test_the_table_has_readable_units_and_shares_of_the_machine_that_serves(
    clients: dict[str, Any], declare: Declare
) -> None:
    cpu = {("CPUUtilization", part): at(value) for part, value in [("Sum", 200), ("SampleCount", 1), ("Maximum", 400)]}
    found = look(clients, declare, {**LATENCIES, **cpu})
    heads, rows = table(found.sections[0], SPAN)
    cells = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
    assert cells["ModelLatency"] == {
        "metric": "ModelLatency",
        "least": "0.5 ms",
        "average": "12.4 ms",
        "p50": "10 ms",
        "p99": "40 ms",
        "most": "40 ms",
        "last": "20 ms",
        "course": "▂·█·",
    }
    # Two of the four cores of the ml.m5.xlarge that there is; the config says ml.m5.large.
    assert (cells["CPUUtilization"]["average"], cells["CPUUtilization"]["most"]) == ("50%", "100%")


@pytest.mark.usefixtures("exists")
def test_programs_get_the_metrics_own_units_and_say_which(clients: dict[str, Any], declare: Declare) -> None:
    found = as_dict(look(clients, declare, LATENCIES))
    assert (found["from"], found["to"], found["period"]) == (
        "2026-11-29T09:00:00+00:00",
        "2026-11-29T09:04:00+00:00",
        60,
    )
    (section,) = found["sections"]
    assert (section["kind"], section["name"], section["cores"]) == ("variant", "primary", 4)
    latency = next(one for one in section["metrics"] if one["metric"] == "ModelLatency")
    assert (latency["average"], latency["unit"], latency["namespace"]) == (12_400, "microseconds", "AWS/SageMaker")
    assert latency["dimensions"] == {"EndpointName": "rc-project-a-dev-plain-ep", "VariantName": "primary"}
    assert latency["points"] == [["2026-11-29T09:00:00+00:00", 1000], ["2026-11-29T09:02:00+00:00", 20_000]]
    json.dumps(found)


@pytest.mark.usefixtures("exists")
def test_one_call_asks_for_everything_with_exact_dimensions(clients: dict[str, Any], declare: Declare) -> None:
    look(clients, declare, {}, "queued")
    (call,) = clients["cloudwatch"].calls
    assert (call["StartTime"], call["EndTime"]) == (SPAN.start, SPAN.end)
    stats = [query["MetricStat"] for query in call["MetricDataQueries"]]
    by_metric = {
        stat["Metric"]["MetricName"]: {d["Name"]: d["Value"] for d in stat["Metric"]["Dimensions"]} for stat in stats
    }
    assert by_metric["ApproximateBacklogSize"] == {"EndpointName": "rc-project-a-dev-queued-ep"}
    assert by_metric["ModelLatency"] == {"EndpointName": "rc-project-a-dev-queued-ep", "VariantName": "primary"}
    whole = {(s["Metric"]["MetricName"], s["Stat"]) for s in stats if s["Period"] == SPAN.seconds}
    assert {("ModelLatency", "p50"), ("ModelLatency", "p99"), ("TimeInBacklog", "p99")} <= whole
    assert {stat for _, stat in whole} == {"p50", "p99"}
    ids = [query["Id"] for query in call["MetricDataQueries"]]
    assert len(ids) == len(set(ids))


def test_a_call_has_at_most_500_queries_and_100800_points(clients: dict[str, Any], declare: Declare) -> None:
    many = {f"v{n}": {"model": KINDS["many"]["model"], "hosting": HOSTING} for n in range(10)}
    with Stubber(clients["sagemaker"]) as stub:
        for _ in range(2):
            stub.add_response("describe_endpoint", ENDPOINT)
            stub.add_response("describe_endpoint_config", CONFIG)
        environment = declare(it={"version": 1, "variants": many})
        clients["cloudwatch"] = CloudWatch({})
        Metrics(environment, TARGET).look("it", SPAN)
        sizes = [len(call["MetricDataQueries"]) for call in clients["cloudwatch"].calls]
        assert sizes == [500, sum(sizes) - 500]
        clients["cloudwatch"] = CloudWatch({})
        fortnight = Span(START, START + timedelta(days=14), 60, START + timedelta(days=14))
        Metrics(environment, TARGET).look("it", fortnight)
        assert {len(call["MetricDataQueries"]) for call in clients["cloudwatch"].calls} == {100_800 // (14 * 24 * 60)}


@pytest.mark.usefixtures("exists")
def test_pages_are_put_together_and_what_is_not_whole_is_said(cloudwatch: Stubber, declare: Declare) -> None:
    one = {"Id": "q0", "Timestamps": [MINUTES[1]], "Values": [5.0], "StatusCode": "PartialData"}
    other = {"Id": "q0", "Timestamps": [MINUTES[0]], "Values": [7.0], "StatusCode": "Complete"}
    lacking = {"Id": "q1", "Timestamps": [], "Values": [], "StatusCode": "InternalError"}
    said = [{"Code": "MaxMetricsExceeded", "Value": "Too many"}]
    cloudwatch.add_response("get_metric_data", {"MetricDataResults": [one], "NextToken": "n", "Messages": said})
    expected = {"MetricDataQueries": ANY, "StartTime": SPAN.start, "EndTime": SPAN.end, "NextToken": "n"}
    cloudwatch.add_response("get_metric_data", {"MetricDataResults": [other, lacking]}, expected)
    found = Metrics(declare(**KINDS), TARGET).look("plain", SPAN)
    assert figures(found, "Invocations").trend == at(7, 5)
    assert found.notes == ("MaxMetricsExceeded: Too many", "InvocationsPerInstance: InternalError")


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        ("ThrottlingException", "Rate exceeded", "AWS throttles these calls"),
        ("AccessDenied", "User: x is not authorized to perform: cloudwatch:GetMetricData", "not allowed: User: x"),
        ("ExpiredTokenException", "The security token included in the request is expired", "log in again"),
    ],
)
@pytest.mark.usefixtures("exists")
def test_what_cloudwatch_refuses_is_said_in_words(
    cloudwatch: Stubber, declare: Declare, code: str, words: str, said: str
) -> None:
    cloudwatch.add_client_error("get_metric_data", code, words)
    with pytest.raises(OperationError, match=said) as caught:
        Metrics(declare(**KINDS), TARGET).look("plain", SPAN)
    assert str(caught.value).startswith("read the metrics of rc-project-a-dev-plain-ep: ")


def test_metrics_outlive_their_endpoint(clients: dict[str, Any], sagemaker: Stubber, declare: Declare) -> None:
    sagemaker.add_client_error("describe_endpoint", "ValidationException", 'Could not find endpoint "arn:…".')
    found = look(clients, declare, LATENCIES)
    assert not found.exists
    assert found.has_data
    assert found.sections[0].owner.machine.types == ("ml.m5.large",)  # as declared


@pytest.mark.usefixtures("exists")
@pytest.mark.parametrize(
    ("name", "which", "sections"),
    [
        ("queued", {}, ["endpoint", "variant primary"]),
        ("queued", {"variant": "primary"}, ["variant primary"]),
        ("shared", {"component": "prices"}, ["component prices"]),
        ("shared", {"component": "iris", "variant": "primary"}, ["component iris", "variant primary"]),
    ],
)
def test_only_what_was_named_is_looked_at(
    clients: dict[str, Any], declare: Declare, name: str, which: dict[str, str], sections: list[str]
) -> None:
    assert [str(one.owner) for one in look(clients, declare, {}, name, **which).sections] == sections


@pytest.mark.usefixtures("exists")
@pytest.mark.parametrize(
    ("name", "which", "message"),
    [
        ("weighted", {"variant": "nwe"}, "weighted has no variant 'nwe': write one of those that there are: old, new"),
        ("plain", {"component": "x"}, "plain has no component 'x': write one of those that there are: none"),
    ],
)
def test_a_variant_or_component_that_is_not_there_is_wrong_usage(
    clients: dict[str, Any], declare: Declare, name: str, which: dict[str, str], message: str
) -> None:
    with pytest.raises(WrongOperation) as caught:
        look(clients, declare, {}, name, **which)
    assert str(caught.value) == message


@pytest.fixture
def command(clients: dict[str, Any], root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command, in an account whose CloudWatch has nothing yet."""
    monkeypatch.setattr(targets, "choose", lambda *_, **__: Target("aws", "111122223333", "eu-west-1", {}, "here"))
    monkeypatch.setattr("slipway.ops.metrics.span.now", lambda _: SPAN.now)
    clients["cloudwatch"] = CloudWatch({})
    return ["metrics", "iris", "--config", str(root / "config")]


@pytest.mark.usefixtures("exists")
def test_the_command_says_where_and_when_and_that_there_is_nothing(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--from", "2026-11-29T11:00+02:00", "--to", "2026-11-29T09:04"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        "here\nrc-project-a-dev-iris-ep · 2026-11-29 09:00 to 09:04 UTC, 4 periods of 1m\n"
        "\nvariant primary · ml.m5.xlarge: no data\n"
    )


@pytest.mark.usefixtures("exists")
def test_programs_get_json_and_nothing_else(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["endpoint"] == "rc-project-a-dev-iris-ep"
    assert captured.err == "here\n"


def test_an_endpoint_that_is_not_there_and_has_no_data_is_a_failure(
    command: list[str], sagemaker: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    sagemaker.add_client_error("describe_endpoint", "ValidationException", 'Could not find endpoint "arn:…".')
    assert main(command) == 1
    assert capsys.readouterr().err == "there is no endpoint rc-project-a-dev-iris-ep now\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["irsi"], "no endpoint is called 'irsi', did you mean iris?"),
        (["iris", "--from", "yesterday"], "'yesterday' is no time: write it like 2026-11-29T10:00 (UTC)"),
        (["iris", "--last", "3"], "'3' is not a duration: write it like 90s or 10m"),
        (["iris", "--last", "1h", "--from", "2026-11-01"], "say how much time: either `--last 3h`, or `--from`"),
        (["iris", "--period", "90s"], "a period of 1m30s: CloudWatch has multiples of 1m"),
        (["iris", "--png", "nowhere/at/all.png"], "--png nowhere/at/all.png: write a file in a folder that exists"),
    ],
)
@pytest.mark.usefixtures("command")
def test_wrong_usage_says_what_to_write(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    try:
        code: object = main(["metrics", *arguments, "--config", str(root / "config")])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert message in capsys.readouterr().err
