"""Traffic that is shifted on a local AWS: real alarms on real requests, and processes that are interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.cli import main
from slipway.local import control
from slipway.ops import target as targets
from slipway.ops.lease import OPERATION
from slipway.ops.shift import shift as shifting
from slipway.ops.shift.plan import in_stages
from slipway.ops.shift.shift import Shifter, Tripped
from slipway.ops.trouble import BusyError
from slipway.spec.lock import LOCK_PATH, record
from slipway.spec.units import Duration
from tests.local.conftest import LocalAws, archive
from tests.local.hosting import BUCKET, ECHO
from tests.local.operating import HOSTING, MODEL, PLACE, Advancing, Site

VARIANTS = {name: {"model": MODEL, "hosting": HOSTING, "weight": weight} for name, weight in (("old", 90), ("new", 10))}
DECLARED = {"version": 1, "variants": VARIANTS}
BAKE = Duration.parse("10m")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shifted")


@pytest.fixture(scope="module")
def own_aws(home: Path) -> Iterator[LocalAws]:
    """A local AWS whose clock is moved; the others' is not."""
    aws = LocalAws(control.start(home / ".slipway", port=0).url)
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield aws
    control.stop(home / ".slipway")


@pytest.fixture
def site(own_aws: LocalAws) -> Site:
    site = Site(own_aws, DECLARED)
    own_aws.client("s3").put_object(
        Bucket=BUCKET, Key=f"{site.name}.tar.gz", Body=archive({"code/inference.py": ECHO, "name.txt": "echo"})
    )
    site.serve(ModelDataUrl=f"s3://{BUCKET}/{site.name}.tar.gz")
    for variant in VARIANTS:
        dimensions = {"EndpointName": site.full, "VariantName": variant}
        site.cloudwatch.put_metric_alarm(
            AlarmName=f"{site.full}-errors-5xx-{variant}",
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            Statistic="Average",
            Period=60,
            EvaluationPeriods=2,
            Threshold=0.01,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
    return site


def requests(site: Site, body: str, variant: str | None = None) -> None:
    runtime = site.aws.client("sagemaker-runtime")
    for _ in range(5):
        options = {"TargetVariant": variant} if variant else {}
        try:
            runtime.invoke_endpoint(
                EndpointName=site.full, Body=json.dumps(body), ContentType="application/json", **options
            )
        except runtime.exceptions.ModelError:
            assert body == "fail"


def shifter(site: Site, *meanwhile: Any) -> Shifter:
    clock = Advancing(site.target, *meanwhile)
    return Shifter(site.environment, site.name, site.target, clock=clock, say=site.said.append, warn=site.said.append)


def test_a_variant_that_answers_gets_all_the_traffic(site: Site) -> None:
    mover = shifter(site, lambda: requests(site, "x", "new"))
    mover.run(mover.plan(in_stages("new", (25, 50, 100))), BAKE)
    assert site.weights == {"old": 0, "new": 100}
    assert site.status == "InService"
    assert OPERATION not in site.tags
    assert sum("requests to new" in line for line in site.said) == 3
    assert not any("no request" in line for line in site.said)


def test_a_variant_that_fails_loses_its_traffic_again(site: Site) -> None:
    mover = shifter(site, lambda: requests(site, "fail", "new"))
    with pytest.raises(Tripped, match=f"new 25%: {site.full}-errors-5xx-new is in ALARM: Threshold Crossed") as caught:
        mover.run(mover.plan(in_stages("new", (25, 50, 100))), BAKE)
    assert caught.value.put_back
    assert site.weights == {"old": 90, "new": 10}
    assert OPERATION not in site.tags


def test_a_bake_without_requests_is_doubted(site: Site) -> None:
    mover = shifter(site)
    mover.run(mover.plan(in_stages("new", (50,))), BAKE)
    assert "no request to new was seen" in site.said[-1]


def test_of_two_operators_the_second_is_told(site: Site) -> None:
    second = shifter(site)
    plan = second.plan(in_stages("new", (100,)))
    told: list[str] = []

    def meanwhile() -> None:
        if not told:
            with pytest.raises(BusyError) as caught:
                second.run(plan, BAKE)
            told.append(str(caught.value))

    first = shifter(site, meanwhile)
    first.run(first.plan(in_stages("new", (50,))), BAKE)
    assert "another operator works on it (shift by" in told[0]
    assert site.weights == {"old": 50, "new": 50}


@pytest.fixture
def config(site: Site, tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    declared = {key: value for key, value in PLACE.items() if key in ("company", "team", "project")}
    base = {**declared, "endpoints": {site.name: DECLARED}}
    (folder / "base.yaml").write_text(yaml.safe_dump(base, sort_keys=False))
    place = {key: PLACE[key] for key in ("environment", "account", "region")}
    (folder / "dev.yaml").write_text(yaml.safe_dump(place))
    record(folder / LOCK_PATH.name, f"models/{site.name}/v1/model.tar.gz", "0" * 64)
    return folder


def test_the_command_says_what_to_write_and_how_it_ended(
    site: Site, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bodies = iter(["x"] * 1000)
    monkeypatch.setattr(targets, "choose", lambda *_, **__: site.target)
    monkeypatch.setattr(
        shifting, "AwsClock", lambda target: Advancing(target, lambda: requests(site, next(bodies), "new"))
    )
    place = ["--config", str(config)]
    assert main(["shift", site.name, "new", "--stages", "50", "--bake", "5m", *place]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "here"
    assert out[-3:] == [
        f"the config declares old 90%, new 10%, which the next update of {site.name} sets again. So that it agrees:",
        f"  endpoints.{site.name}.variants.old.weight: 50",
        f"  endpoints.{site.name}.variants.new.weight: 50",
    ]
    bodies = iter(["fail"] * 1000)
    assert main(["shift", site.name, "new", "--bake", "5m", *place]) == 3
    err = capsys.readouterr().err
    assert "putting the weights back: old 50%, new 50%" in err
    assert f"new 100%: {site.full}-errors-5xx-new is in ALARM" in err
    assert main(["shift", site.name, "--json", *place]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["variants"]["new"] == {"weight": 50.0, "share": 50.0, "declared": 10.0}
    site.advance(hours=1)
    assert main(["shift", site.name, "--to", "old=9,new=1", *place]) == 0
    assert "the config declares the same shares" in capsys.readouterr().out
    assert main(["shift", site.name, "nwe", *place]) == 2
    assert "no variant is called 'nwe', did you mean new?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["new", "--to", "new=1"], ["--to", "new=1", "--stages", "5"], ["--stages", "5"], ["new", "--json"]],
    ids=" ".join,
)
def test_arguments_that_do_not_go_together_are_wrong_usage(arguments: list[str], config: Path) -> None:
    assert main(["shift", "any", *arguments, "--config", str(config)]) == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_a_process_that_is_interrupted_puts_the_weights_back(
    site: Site, home: Path, config: Path, number: int, code: int
) -> None:
    command = [sys.executable, "-m", "slipway.cli", "shift", site.name, "new", "--bake", "1h", "--config", str(config)]
    process = subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while site.weights["new"] == 10 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
    assert site.weights == {"old": 50, "new": 50}
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "undone: the weights: old 90%, new 10%" in err
    assert site.weights == {"old": 90, "new": 10}
    assert OPERATION not in site.tags
