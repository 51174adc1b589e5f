"""What a run of the cleanup costs with 2,000 endpoints of three variants, 20 of them idle, on the local AWS.

Measured is the worst day, on which ten are removed with their stacks while ten others are announced, and the day before
it. Beside it the usual way, a description of each endpoint and a metric call for each of its variants, which is run for
100 of the endpoints and scaled up. Endpoints that no stack declares cost more to remove, since nothing tells who else
refers to their configs: that is measured too, and has no limit.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from slipway.local import control, steering
from slipway.local.steering import Seeded

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION = "111122223333", "eu-west-1"
VARIANTS = ("a", "b", "c")
TAGS = {"Environment": "dev", "Project": "project-a", "Team": "rc", "slipway:disposable": "true"}
RECORDS = "/slipway/rc-project-a-dev/removed"
DAY = timedelta(days=1)
#: Of the endpoints that the usual way is run for.
SAMPLE = 100
#: Of the data of one PutMetricData call.
BATCH = 1000


@dataclass(frozen=True)
class Measured:
    """One way through the endpoints.

    Attributes
    ----------
    calls
        To AWS, each page and each try counted.
    seconds, megabytes
        How long it took, and the most memory (2**20 bytes) that its process had.
    by_operation
        The calls by operation.
    marked, deleted
        How many endpoints.
    """

    calls: int
    seconds: float
    megabytes: float
    by_operation: dict[str, int]
    marked: int = 0
    deleted: int = 0


# -- in a process of its own


def peak() -> float:
    """Return the most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def counted() -> Counter[str]:
    """Count the requests of every client that is made from now on."""
    counts: Counter[str] = Counter()

    def count(event_name: str, **_: Any) -> None:
        counts[event_name.rpartition(".")[2]] += 1

    boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION is not None
    boto3.DEFAULT_SESSION.events.register("before-send", count)
    return counts


def cleanup(ahead: float) -> Measured:
    """Run the cleanup as its function does, at the time of the local AWS."""
    counts = counted()
    sys.path.insert(0, str(ROOT / "lambda"))
    from idle_endpoint_cleanup.handler import perform
    from idle_endpoint_cleanup.run import Clients, Run
    from idle_endpoint_cleanup.settings import Settings

    def clock() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=ahead)

    begun = time.perf_counter()
    record: Any = perform("endpoints", Run(Clients(), Settings.read(os.environ), clock=clock))
    seconds = time.perf_counter() - begun
    if record["failures"]:
        raise SystemExit(f"the run failed: {record['failures']}")
    return Measured(
        counts.total(), seconds, peak(), dict(counts.most_common()), len(record["marked"]), len(record["deleted"])
    )


def usual(ahead: float) -> Measured:
    """Describe each endpoint and ask for the metric of each of its variants, one call each."""
    counts = counted()
    sagemaker, cloudwatch = boto3.client("sagemaker"), boto3.client("cloudwatch")
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    begun = time.perf_counter()
    pages = sagemaker.get_paginator("list_endpoints").paginate(PaginationConfig={"PageSize": 100, "MaxItems": SAMPLE})
    for endpoint in [one["EndpointName"] for page in pages for one in page["Endpoints"]]:
        for variant in sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]:
            cloudwatch.get_metric_statistics(
                Namespace="AWS/SageMaker",
                MetricName="Invocations",
                Dimensions=[
                    {"Name": "EndpointName", "Value": endpoint},
                    {"Name": "VariantName", "Value": variant["VariantName"]},
                ],
                StartTime=now - 7 * DAY,
                EndTime=now,
                Period=3600,
                Statistics=["Sum"],
            )
    return Measured(counts.total(), time.perf_counter() - begun, peak(), dict(counts.most_common()))


WAYS = {"cleanup": cleanup, "usual": usual}


# -- what starts it


def apart(way: str, url: str) -> Measured:
    """Run one way in a process of its own, which sees the local AWS only."""
    ahead = steering.clock(url).ahead.total_seconds()
    told = {
        "OPT_IN_TAGS": json.dumps({key: TAGS[key] for key in ("Environment", "Project", "Team")}),
        "MODE": "delete",
        "TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:notices",
        "RECORD_PATH": RECORDS,
    }
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, __file__, "--way", way, "--ahead", str(ahead)],
        env={**clean, **control.environment(url, ACCOUNT, REGION), **told},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def client(url: str, service: str) -> Any:
    """Return a client of the local AWS."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",
    )


def invoke(url: str, endpoints: list[str], value: float) -> None:
    """Publish what an invocation of the last variant publishes: the one that is found last."""
    cloudwatch = client(url, "cloudwatch")
    data = [
        {
            "MetricName": "Invocations",
            "Dimensions": [{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": variant}],
            "Value": value if variant == VARIANTS[-1] else 0.0,
        }
        for name in endpoints
        for variant in VARIANTS
    ]
    for at in range(0, len(data), BATCH):
        cloudwatch.put_metric_data(Namespace="AWS/SageMaker", MetricData=data[at : at + BATCH])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, default=2000, help="how many there are (default: 2000)")
    parser.add_argument("--idle", type=int, default=20, help="how many of them are idle (default: 20)")
    parser.add_argument("--most-calls", type=int, default=150, help="most calls allowed in a run (default: 150)")
    parser.add_argument("--most-memory", type=int, default=256, help="most memory allowed, in MB (default: 256)")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--ahead", type=float, default=0.0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        print(json.dumps(asdict(WAYS[args.way](args.ahead))))
        return
    with tempfile.TemporaryDirectory() as home:
        url = control.start(Path(home), port=0).url
        try:
            compare(url, args)
        finally:
            control.stop(Path(home))


def compare(url: str, args: argparse.Namespace) -> None:
    """Let the days pass, measure each way, and hold the cleanup against its limits."""
    names = [f"rc-project-a-dev-m{at:04}-ep" for at in range(args.endpoints)]
    half, by_hand = args.idle // 2, names[-1]
    idle = names[: args.idle]
    for name in idle:
        launch(url, name)
    steering.seed_endpoints(url, ACCOUNT, REGION, [Seeded(name, VARIANTS, TAGS) for name in names[args.idle :]])
    client(url, "sns").create_topic(Name="notices")
    steering.advance_clock(url, 8 * DAY)
    print(f"{args.endpoints} endpoints of {len(VARIANTS)} variants, {args.idle} of them idle")
    print(f"{'':<48}{'calls':>7}{'s':>7}{'MB':>6}")

    def day(what: str, unused: list[str], announced: int, removed: int) -> Measured:
        invoke(url, [name for name in names if name not in unused], 1.0)
        invoke(url, [name for name in unused if name != by_hand], 0.0)
        steering.advance_clock(url, timedelta(hours=1))  # series that are new take a while to be listed
        found = apart("cleanup", url)
        if (found.marked, found.deleted) != (announced, removed):
            raise SystemExit(f"{what}: {found.marked} were announced and {found.deleted} removed")
        line(what, found.calls, found.seconds, found.megabytes)
        return found

    keep(url, idle[half:], kept=True)
    days = [day(f"cleanup: {half} are announced", idle, half, 0)]
    keep(url, idle[half:], kept=False)
    steering.advance_clock(url, DAY)
    days.append(day(f"cleanup: {half} are removed, {half} announced", idle, half, half))
    one = apart("usual", url)
    scale = args.endpoints / SAMPLE
    line(f"one by one (run for {SAMPLE}, times {scale:g})", round(one.calls * scale), one.seconds * scale, None)
    keep(url, idle[half:], kept=True)
    steering.advance_clock(url, 8 * DAY)
    gone = [*idle[half:], by_hand]
    day("the day before the next", gone, 1, 0)
    steering.advance_clock(url, DAY)
    day("one that no stack declares is removed (no limit)", gone, 0, 1)
    most = max(days, key=lambda found: found.calls)
    print(f"\nthe most calls: {', '.join(f'{count} {name}' for name, count in most.by_operation.items())}")
    memory = max(found.megabytes for found in days)
    if most.calls > args.most_calls or memory > args.most_memory:
        raise SystemExit(f"above the allowed {args.most_calls} calls or {args.most_memory} MB")


def launch(url: str, name: str) -> None:
    """Make an endpoint as a deployment does: by a stack with its tags, and with a role of its own."""
    stack = name.removesuffix("-ep")
    listed = [{"Key": key, "Value": value} for key, value in {**TAGS, "slipway:stack": stack}.items()]
    role = f"arn:aws:iam::{ACCOUNT}:role/deployment"
    variants = [
        {
            "VariantName": variant,
            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": 1,
        }
        for variant in VARIANTS
    ]
    properties: dict[str, dict[str, Any]] = {
        "Model": {"ExecutionRoleArn": role, "PrimaryContainer": {"Image": "image"}},
        "EndpointConfig": {"ProductionVariants": variants},
        "Endpoint": {
            "EndpointName": name,
            "EndpointConfigName": {"Fn::GetAtt": ["EndpointConfig", "EndpointConfigName"]},
        },
    }
    resources = {
        kind: {"Type": f"AWS::SageMaker::{kind}", "Properties": {**its, "Tags": listed}}
        for kind, its in properties.items()
    }
    client(url, "cloudformation").create_stack(
        StackName=stack, TemplateBody=json.dumps({"Resources": resources}), RoleARN=role, Tags=listed
    )


def keep(url: str, names: list[str], *, kept: bool) -> None:
    """Tag endpoints as kept, or no longer."""
    sagemaker = client(url, "sagemaker")
    for name in names:
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{name}"
        if kept:
            sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "slipway:keep", "Value": "for now"}])
        else:
            sagemaker.delete_tags(ResourceArn=arn, TagKeys=["slipway:keep"])


def line(what: str, calls: int, seconds: float, megabytes: float | None) -> None:
    """Print a row."""
    print(f"{what:<48}{calls:>7}{seconds:>7.1f}{'' if megabytes is None else f'{megabytes:.0f}':>6}", flush=True)


if __name__ == "__main__":
    main()
