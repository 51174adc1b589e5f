"""Every mistake that a config can hold is found where it stands, and its message says the limit and the cure."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from tests.unit.spec.overlays import ENDPOINT_OF_ITS_OWN, ONE, WHERE, check, variants

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Config

#: What is wrong, what prod says about the endpoint (from line 7 on), where it is found, and what the message says.
ENDPOINT: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # keys and types
    "unknown key": ("hostin: {instances: 2}", "7: hostin", ("is unknown, did you mean `hosting`?", "known here: version,")),
    "unknown key in a mapping": ("alarms: {latncy: 1s}", "7: alarms.latncy", ("did you mean `latency`?",)),
    "unknown key like none": ("x: 1", "7: x", ("is unknown (known here: version, model, hosting",)),
    "unknown key of an image": ("model: {image: {tga: x}}", "7: model.image.tga", ("did you mean `tag`?", "(known here: framework, tag)")),
    "key of another image": ("model: {image: {framework: sklearn, uri: x:1}}", "7: model.image.uri", ("is unknown (known here: framework, tag)",)),
    "text for a number": ("hosting: {instances: two}", "7: hosting.instances", ("'two' is not a whole number",)),
    "list for a number": ("hosting: {instances: [1]}", "7: hosting.instances", ("a list is not a whole number",)),
    "list for a mapping": ("hosting: [1]", "7: hosting", ("a list is not a mapping",)),
    "text for a mapping": ("scaling: many", "7: scaling", ("'many' is not a mapping",)),
    "mapping for a version": ("version: {a: 1}", "7: version", ("a mapping is not a whole number; a mapping is not text",)),
    "number for a version": ("version: 1.10", "7: version", ('write it in quotes, "1.10"',)),
    "octal version": ("version: 010", "7: version", ("YAML reads 010 as the number 8", '"010"')),
    "clock for a number": ("hosting: {instances: 1:30}", "7: hosting.instances", ("YAML reads 1:30 as the number 90",)),
    "infinite target": ("scaling: {invocations_per_minute: .inf}", "7: scaling.invocations_per_minute", ("inf is out of range: a finite number",)),
    "no number": ("alarms: {cpu: .nan}", "7: alarms.cpu", ("nan is out of range",)),
    "number for a switch": ("alarms: {surge: 0}", "7: alarms.surge", ("0 is out of range: more than 0",)),
    "zero for off": ("alarms: {latency: 0}", "7: alarms.latency", ("0 is not a duration", "`off` leaves it out")),
    "on": ("deployment: {rollback_alarms: on}", "7: deployment.rollback_alarms", ("true is not a mapping; `off` leaves it out",)),
    "missing in a mapping": ("sample: {content_type: text/csv}", "7: sample.body", ("is missing (What is sent)",)),
    "removed though needed": ("deployment: null", "7: deployment", ("is removed by `null` here and then is missing", "drop this line, or write a value")),
    "model removed": ("model: null", "7: model", ("removed by `null`", "or `variants`")),
    # units
    "bare seconds": ("deployment: {strategy: canary, wait: 600}", "7: deployment.wait", ("600 is not a duration: write it with its unit, like 90s or 10m",)),
    "unknown unit": ("deployment: {strategy: canary, wait: 5min}", "7: deployment.wait", ("'5min' is not a duration: write it like 90s",)),
    "bare share": ("alarms: {errors_5xx: 0.1}", "7: alarms.errors_5xx", ("0.1 is not a percentage: write it with its unit, like 25%", "`off` leaves it out")),
    "share above all": ("alarms: {errors_5xx: 101%}", "7: alarms.errors_5xx", ("101% is out of range: 0% to below 100%",)),
    "latency of nothing": ("alarms: {latency: 0s}", "7: alarms.latency", ("0s is out of range: 1ms to 1h",)),
    "half a second": ("deployment: {strategy: canary, wait: 1.5s}", "7: deployment.wait", ("no multiple of 1s: SageMaker counts whole seconds",)),
    "half a percent": ("deployment: {batch: 12.5%}", "7: deployment.batch", ("12.5% is no multiple of 1%: CapacitySize takes whole percents",)),
    "half a gigabyte": ("hosting: {volume: 30.5GB}", "7: hosting.volume", ("30.5GB is no multiple of 1GB",)),
    "large volume": ("hosting: {volume: 513GB}", "7: hosting.volume", ("513GB is out of range: 1GB to 512GB (API:VolumeSizeInGB)",)),
    "long wait": ("deployment: {strategy: rolling, wait: 4000s}", "7: deployment.wait", ("1h6m40s is out of range: 0s to 1h (API:WaitIntervalInSeconds",)),
    "long termination wait": (
        "deployment: {strategy: canary, termination_wait: 61m}",
        "7: deployment.termination_wait",
        ("1h1m is out of range: 0s to 1h",),
    ),
    "short timeout": ("deployment: {timeout: 9m}", "7: deployment.timeout", ("9m is out of range: 10m to 8h",)),
    "long timeout": ("deployment: {timeout: 9h}", "7: deployment.timeout", ("9h is out of range: 10m to 8h (API:MaximumExecutionTimeoutInSeconds)",)),
    "short startup": ("hosting: {startup_timeout: 30s}", "7: hosting.startup_timeout", ("30s is out of range: 1m to 1h",)),
    # what is served
    "no kind of image": ("model: {image: null}", "7: model.image", ("is removed by `null` here and then is missing: say what runs", "or name a model `package`")),
    "text for an image": ("model: {image: iris:1}", "7: model.image", ("'iris:1' is no image: write `framework` with `tag`, or `repository`",)),
    "unknown framework": ("model: {image: {framework: sklern}}", "7: model.image.framework", ("'sklern' is unknown", "Did you mean sklearn?")),
    "unknown repository": ("model: {image: {repository: iris, tag: a}}", "7: model.image.repository", ("'iris' is none of `repositories`", "add it: `repositories: [iris]`")),
    "latest, said": ("model: {image: {uri: 'example.com:5000/iris:latest'}}", "7: model.image.uri", ("`latest`", "pin a version tag or a digest")),
    "latest, implied": ("model: {image: {uri: 'example.com:5000/iris'}}", "7: model.image.uri", ("`latest` (said or implied)",)),
    "latest of a framework": ("model: {image: {tag: latest}}", "7: model.image.tag", ("`latest`",)),
    "artifact not published": ("version: 2", "7: version", ("models/iris/v2/model.tar.gz is not in models.lock.json (it knows models/iris/v1/model.tar.gz)", "slipway publish FOLDER --model iris --version 2")),
    "other artifact not published": ("model: {artifact: models/x.tar.gz}", "7: model.artifact", ("models/x.tar.gz is not in models.lock.json", "leave `artifact` out and publish the version first", "--model iris --version 1")),
    "artifact with a slash": ("model: {artifact: /x.tar.gz}", "7: model.artifact", ("neither a key nor an s3:// URI", "models/iris/v1/model.tar.gz")),
    "artifact from the web": ("model: {artifact: 'https://x/y.tar.gz'}", "7: model.artifact", ("neither a key nor an s3:// URI",)),
    "artifact of another kind": ("model: {artifact: x.zip}", "7: model.artifact", ("must end in .tar.gz, or in / for an uncompressed prefix",)),
    "no bucket": ("model: {artifact: 's3://'}", "7: model.artifact", ("'' is no bucket's name (3 to 63 lower-case", "s3://a-bucket/models/iris/v1/model.tar.gz")),
    "capital in a bucket": ("model: {artifact: 's3://Bucket/x.tar.gz'}", "7: model.artifact", ("'Bucket' is no bucket's name",)),
    "two letters for a bucket": ("model: {artifact: 's3://ab/x.tar.gz'}", "7: model.artifact", ("'ab' is no bucket's name",)),
    "bucket alone": ("model: {artifact: 's3://bucket'}", "7: model.artifact", ("names no key: write it like s3://bucket/models",)),
    "bucket and slash": ("model: {artifact: 's3://bucket/'}", "7: model.artifact", ("names no key",)),
    "pattern for an artifact": ("model: {artifact: 's3://bucket/m*.tar.gz'}", "7: model.artifact", ("holds '*', which would widen",)),
    "pattern for a key": ("model: {artifact: 'm?.tar.gz'}", "7: model.artifact", ("holds '?'", "name one object")),
    "parent folder": ("model: {artifact: 's3://bucket/a/../m.tar.gz'}", "7: model.artifact", ("'..' as a folder, which S3 takes literally",)),
    "URI of another kind": ("model: {artifact: 's3://bucket/m.zip'}", "7: model.artifact", ("must end in .tar.gz, or in /",)),
    "space in an artifact": ("model: {artifact: 's3://bucket/a b.tar.gz'}", "7: model.artifact", ("is not accepted",)),
    "unpublished by its URI": (
        "model: {artifact: 's3://acme-sm-rc-project-a-prod-eu-west-1/models/iris/v9/model.tar.gz'}",
        "7: model.artifact",
        ("models/iris/v9/model.tar.gz is not in models.lock.json", "slipway publish FOLDER --model iris --version 9"),
    ),
    "large environment": (f"model: {{environment: {{{', '.join(f'A{i}: {chr(120) * 1000}' for i in range(40))}}}}}", "7: model.environment", ("names and values have 40,110 bytes together, at most 32,768", "put what is long into the artifact")),
    "environment full with a script": (f"model: {{script: a.py, environment: {{{', '.join(f'A{i}: x' for i in range(99))}}}}}", "7: model.environment", ("has 101 entries with those that `script` sets, at most 100", "leave 1 out")),
    "version zero": ("version: 0", "7: version", ("0 is out of range: at least 1",)),
    # where
    "no instances": ("hosting: {instances: 0}", "7: hosting.instances", ("0 is out of range: at least 1",)),
    "too many instances to count": ("hosting: {instances: 10001}", "7: hosting.instances", ("10001 is out of range: at most 10000",)),
    "no instance type": ("hosting: {instance_type: m5.large}", "7: hosting.instance_type", ("'m5.large' is not accepted", "such as ml.m5.large")),
    "key on NVMe": ("hosting: {instance_type: ml.g5.xlarge, kms_key: alias/x}", "7: hosting.kms_key", ("local NVMe storage", "refuses KmsKeyId", "remove `kms_key`")),
    "volume on NVMe": ("hosting: {instance_type: ml.g5.xlarge, volume: 30GB}", "7: hosting.volume", ("refuses VolumeSizeInGB", "remove `volume`")),
    "no key": ("hosting: {kms_key: mine}", "7: hosting.kms_key", ("'mine' is not accepted: write a key id, an alias (alias/…) or the whole ARN of either",)),
    "key of half an ARN": ("hosting: {kms_key: 'arn:aws:kms:eu-west-1:123456789012:mine'}", "7: hosting.kms_key", ("is not accepted",)),
    "key beside NVMe": (
        variants("{instance_type: ml.m5.large, kms_key: alias/x}", "{instance_type: ml.g5.xlarge}") + "deployment: {strategy: canary}",
        "10: variants.one.hosting.kms_key",
        ("one key for all its variants, and ml.g5.xlarge of variant 'two' refuses one: remove `kms_key`", "such as ml.m5.large"),
    ),
    # variants
    "variants and one model": (f"variants: {{one: {ONE}}}\nhosting: null", "base.yaml:7: model", ("stands beside `variants`", "`model: null`")),
    "variants and one hosting": (f"variants: {{one: {ONE}}}\nmodel: null", "base.yaml:8: hosting", ("stands beside `variants`", "`hosting: null`")),
    "variants alike": (variants().replace("two:", "ONE:") + "deployment: {strategy: canary}", "11: variants.ONE", ("differs from 'one' by case only",)),
    "variants that share an alarm": (variants().replace("two:", "memory-one:") + "deployment: {strategy: canary}", "11: variants.memory-one", ("beside 'one' the name 'memory-one' is ambiguous", "such as 'one-memory'")),
    "variants that share a policy": (variants().replace("two:", "CPU-One:") + "deployment: {strategy: canary}", "11: variants.CPU-One", ("beside 'one' the name 'CPU-One' is ambiguous", "'cpu' is part of a metric's name")),
    "weights of zero": (variants().replace("}}\n", "}, weight: 0}\n") + "deployment: {strategy: canary}", "9: variants", ("all weights are 0", "give one a weight")),
    "no variants": ("variants: {}\nmodel: null\nhosting: null", "7: variants", ("has 0 entries, must have at least 1",)),
    "hyphen at the end of a variant": (variants().replace("two:", "two-:") + "deployment: {strategy: canary}", "11: variants.two-", ("'two-' is not accepted",)),
    "rolling with two variants": (variants() + "deployment: {strategy: rolling}", "12: deployment.strategy", ("rolling updates exclude endpoints with several variants", "use canary, linear or all_at_once")),
    # scaling
    "minimum above maximum": ("scaling: {min: 6}", "7: scaling.min", ("the minimum of 6 is above the maximum of 4", "write `max: 6` or more, or a lower `min`")),
    "minimum above maximum at times": (
        "scaling: {schedules: [{name: a, at: rate(1 day), min: 4, max: 3}]}",
        "7: scaling.schedules[0].min",
        ("the minimum of 4 is above the maximum of 3",),
    ),
    "one schedule twice": (
        "scaling: {schedules: [{name: a, at: rate(1 day), min: 2, max: 3}, {name: a, at: rate(2 days), min: 2, max: 3}]}",
        "7: scaling.schedules[1].name",
        ("'a' stands twice",),
    ),
    "no schedule expression": ("scaling: {schedules: [{name: a, at: daily, min: 2, max: 3}]}", "7: scaling.schedules[0].at", ("such as cron(0 7 ? * MON-FRI *)",)),
    "cron of five fields": ("scaling: {schedules: [{name: a, at: cron(0 7 * * *), min: 2, max: 3}]}", "7: scaling.schedules[0].at", ("has 5 fields, must have 6", "like cron(0 7 ? * MON-FRI *)")),
    "rate of weeks": ("scaling: {schedules: [{name: a, at: rate(1 week), min: 2, max: 3}]}", "7: scaling.schedules[0].at", ("'rate(1 week)' is no rate", "like rate(12 hours)")),
    "rate of nothing": ("scaling: {schedules: [{name: a, at: rate(0 days), min: 2, max: 3}]}", "7: scaling.schedules[0].at", ("is no rate",)),
    "thirtieth of February": ("scaling: {schedules: [{name: a, at: 'at(2026-02-30T08:00:00)', min: 2, max: 3}]}", "7: scaling.schedules[0].at", ("is no moment: write it like at(2026-12-24T08:00:00)",)),
    "moment without seconds": ("scaling: {schedules: [{name: a, at: 'at(2026-02-20T08:00)', min: 2, max: 3}]}", "7: scaling.schedules[0].at", ("is no moment",)),
    "mistyped time zone": ("scaling: {schedules: [{name: a, at: rate(1 day), timezone: Europe/Berln, min: 2, max: 3}]}", "7: scaling.schedules[0].timezone", ("'Europe/Berln' is no IANA time zone: did you mean Europe/Berlin?",)),
    "city for a time zone": ("scaling: {schedules: [{name: a, at: rate(1 day), timezone: New York, min: 2, max: 3}]}", "7: scaling.schedules[0].timezone", ("did you mean America/New_York?",)),
    "no time zone": ("scaling: {schedules: [{name: a, at: rate(1 day), timezone: qqqq, min: 2, max: 3}]}", "7: scaling.schedules[0].timezone", ("write one such as Europe/Berlin",)),
    "T type scaled": ("hosting: {instance_type: ml.t2.medium}", "6: scaling", ("ml.t2.medium is burstable", "`scaling: null`", "ml.m5.large")),
    "scaling on no GPU": ("scaling: {gpu: 50%}", "7: scaling.gpu", ("ml.m5.large has no GPU", "scale on `cpu` or invocations")),
    "scaling on an unknown machine": ("hosting: {instance_type: ml.zz9.large}\nscaling: {cpu: 50%}", "8: scaling.cpu", ("is not in the table: scale on invocations or concurrency",)),
    # the rest
    "unknown retention": ("log_retention: 45d", "7: log_retention", ("45d is no retention that CloudWatch Logs knows: write 30d", "400d")),
    "retention of hours": ("log_retention: 36h", "7: log_retention", ("1d12h is no retention",)),
    "tag like one of the project's": ("tags: {MODEL: x}", "7: tags.MODEL", ("'MODEL' differs from the tag 'Model' by case only", "use another key")),
    "bracket in a tag": ("tags: {a<b: x}", "7: tags.a<b", ("the tag's key 'a<b' holds '<': write letters, digits, spaces and _.:/=+-@ only",)),
    "tag of the project": ("tags: {Model: x}", "7: tags.Model", ("'Model' is set from the config", "use another key")),
}  # fmt: skip

#: The same for what stands at the top, from line 5 on.
TOP: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "unknown key": ("regoin: eu-west-1", "5: regoin", ("did you mean `region`?",)),
    "number for text": ("team: 5", "5: team", ('5 is not text: write it in quotes, "5"',)),
    "truth for text": ("team: on", "5: team", ('true is not text: write it in quotes, "on"',)),
    "hyphen in the team": ("team: a-b", "5: team", ("'a-b' is not accepted", "no hyphen")),
    "capital in the project": ("project: Iris", "5: project", ("lower-case words with single hyphens",)),
    "environment's name in the project": ("project: my-dev-x", "5: project", ("holds the environment name 'dev'", "leave 'dev' out")),
    "sm in the company": ("company: a-sm", "5: company", ("holds 'sm'", "leave it out")),
    "list for endpoints": ("endpoints: [iris]", "5: endpoints", ("a list is not a mapping",)),
    "number for an endpoint": ("endpoints: {iris: 5}", "5: endpoints.iris", ("5 is not a mapping",)),
    "endpoint called like a stack": (f"endpoints: {{iris: null, operations: {ENDPOINT_OF_ITS_OWN}}}", "5: endpoints.operations", ("name of a stack of its own",)),
    "endpoint of two words": (f"endpoints: {{my_model: {ENDPOINT_OF_ITS_OWN}}}", "5: endpoints.my_model", ("'my_model' is not accepted",)),
    "repository twice": ("repositories: [a, b, a]", "5: repositories[2]", ("'a' stands twice",)),
    "long repository": (f"repositories: [{'a' * 250}]", "5: repositories[0]", ("has 268 characters, at most 256", "shorten team, project or this name by 12")),
    "package group twice": ("model_package_groups: [a, a]", "5: model_package_groups[1]", ("'a' stands twice",)),
    "long package group": (f"model_package_groups: [{'a' * 46}]", "5: model_package_groups[0]", ("has 64 characters, at most 63", "by 1")),
    "hours of versions": ("bucket: {old_versions: 36h}", "5: bucket.old_versions", ("1d12h is no whole number of days: write it like 90d",)),
    "no access logs": ("bucket: {access_logs: 0s}", "5: bucket.access_logs", ("0s is no whole number of days",)),
    "unknown encryption": ("bucket: {encryption: none}", "5: bucket.encryption", ("'none' is not 's3' or 'kms'",)),
    "no subnets": ("network: {subnets: [], security_groups: [sg-0a1b2c3d]}", "5: network.subnets", ("has 0 entries, must have at least 1",)),
    "six security groups": (f"network: {{subnets: [subnet-0a1b2c3d], security_groups: [{'sg-0a1b2c3d, ' * 5}sg-0a1b2c3e]}}", "5: network.security_groups", ("has 6 entries, must have at most 5",)),
    "no security groups": ("network: {subnets: [subnet-0a1b2c3d]}", "5: network.security_groups", ("is missing (1 to 5 security groups)",)),
    "tag of the service": ("tags: {'aws:x': y}", "5: tags.aws:x", ("the service's own: use another key",)),
    "tag of the project": ("tags: {Team: x}", "5: tags.Team", ("'Team' is set from the config",)),
    "tag like the project's": ("tags: {team: x}", "5: tags.team", ("'team' differs from the tag 'Team' by case only",)),
    "tags alike": ("tags: {Cost: x, COST: y}", "5: tags.COST", ("differs from the tag 'Cost' by case only, and IAM takes them for one: write 'Cost'",)),
    "long tag": (f"tags: {{a: {'x' * 257}}}", "5: tags.a", ("the tag's value has 257 characters, 0 to 256 are allowed",)),
    "long key of a tag": (f"tags: {{{'x' * 129}: a}}", f"5: tags.{'x' * 129}", ("the tag's key has 129 characters, 1 to 128",)),
    "comma in a tag": ("tags: {a: 'x,y'}", "5: tags.a", ("the tag's value 'x,y' holds ','",)),
    "short subnet": ("network: {subnets: [subnet-0a], security_groups: [sg-0a1b2c3d]}", "5: network.subnets[0]", ("'subnet-0a' is not accepted: write the id of a subnet, such as subnet-0a1b2c3d4e5f60001",)),
    "short group": ("network: {subnets: [subnet-0a1b2c3d], security_groups: [sg-0a]}", "5: network.security_groups[0]", ("'sg-0a' is not accepted: write the id of a security group",)),
    "number for a tag": ("tags: {CostCenter: 0x10}", "5: tags.CostCenter", ('YAML reads 0x10 as the number 16: write it in quotes, "0x10"',)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "place", "says"), ENDPOINT.values(), ids=ENDPOINT)
def test_a_mistake_in_an_endpoint_is_one_error_in_its_place(
    config: Config, text: str, place: str, says: tuple[str, ...]
) -> None:
    line, key = place.rsplit(": ", 1)
    file = "" if line.startswith("base") else "prod.yaml:"
    check(config.endpoint("prod", text).errors("prod"), f"{file}{line}: endpoints.iris.{key}", says)


@pytest.mark.parametrize(("text", "place", "says"), TOP.values(), ids=TOP)
def test_a_mistake_at_the_top_is_one_error_in_its_place(
    config: Config, text: str, place: str, says: tuple[str, ...]
) -> None:
    check(config.overlay("prod", text).errors("prod"), f"prod.yaml:{place}", says)


@pytest.mark.parametrize(
    ("line", "instead", "place", "says"),
    [
        ('account: "123456789012"', "account: 123456789012", "2: account", ("as a number", 'account: "123456789012"')),
        ('account: "123456789012"', "account: 012345670123", "2: account", ('write it in quotes, "012345670123"',)),
        ('account: "123456789012"', "account: 1234-5678-9012", "2: account", ("is no account id", "twelve digits in quotes")),
        ('account: "123456789012"', 'account: "１２３４５６７８９０１２"', "2: account", ("is no account id",)),
        ('account: "123456789012"', "", "1: account", ("is missing (The AWS account, twelve digits in quotes)",)),
        ("region: eu-west-1", "region: Ireland", "3: region", ("'Ireland' is not accepted", "such as eu-west-1")),
        ("notify: [ml-oncall@example.com]", "", "1: notify", ("prod needs someone to hear its alarms", "`notify: [ml-oncall@example.com]`")),
        ("notify: [ml-oncall@example.com]", "notify: []", "4: notify", ("prod needs someone to hear its alarms",)),
        ("notify: [ml-oncall@example.com]", "notify: [nobody]", "4: notify[0]", ("'nobody' is no e-mail address, https URL, or ARN",)),
        ("notify: [ml-oncall@example.com]", "notify: [a@example.com, A@Example.com]", "4: notify[1]", ("'A@Example.com' stands twice in this list (case does not count)",)),
        ("notify: [ml-oncall@example.com]", "notify: ['https://a/b', 'https://a/b']", "4: notify[1]", ("'https://a/b' stands twice in this list: keep one",)),
        ("region: eu-west-1", "region: eu-wst-1", "3: region", ("'eu-wst-1' is no Region that the table of images knows: did you mean eu-west-1?", "slipway.spec.data.renew")),
        ("notify: [ml-oncall@example.com]", "notify: me@example.com", "4: notify", ("'me@example.com' is not a list",)),
        ("environment: prod", "environment: dev", "1: environment", ("says 'dev' for prod.yaml: write `environment: prod`",)),
        ("environment: prod", "environment: [dev]", "1: environment", ("says a list for prod.yaml",)),
    ],
)  # fmt: skip
def test_a_mistake_in_where_it_runs_is_one_error(
    config: Config, line: str, instead: str, place: str, says: tuple[str, ...]
) -> None:
    assert line in WHERE
    check(config.write("prod.yaml", WHERE.replace(line, instead)).errors("prod"), f"prod.yaml:{place}", says)


def test_a_framework_without_an_image_in_the_region_is_an_error(config: Config) -> None:
    config.write("prod.yaml", WHERE.replace("eu-west-1", "mx-central-1"))
    place = "base.yaml:7: endpoints.iris.model.image.framework"
    check(
        config.errors("prod"),
        place,
        ("'sklearn' has no known image in Region 'mx-central-1'", "write the image's full uri"),
    )


def test_every_name_that_is_too_long_is_found_with_its_length_and_limit(config: Config) -> None:
    project = "a-project-whose-name-goes-on-and-on-and-on"
    lines = config.overlay("prod", f"project: {project}\n").errors("prod")
    assert [line.split(" name '")[0] for line in lines] == [
        "prod.yaml:5: project: the S3 bucket's",
        "prod.yaml:5: project: the S3 bucket's",
        "prod.yaml:5: project: the IAM role's",
    ]
    assert all("characters, at most 6" in line and "shorten" in line for line in lines)


def test_an_endpoint_name_may_have_63_characters_and_no_more(config: Config) -> None:
    model = "m" * (63 - len("rc-project-a-prod--ep"))
    config.overlay("prod", f"endpoints:\n  {model}: {ENDPOINT_OF_ITS_OWN}\n")
    assert config.environment("prod").names.endpoint(model) == f"rc-project-a-prod-{model}-ep"
    config.overlay("prod", f"endpoints:\n  {model}m: {ENDPOINT_OF_ITS_OWN}\n")
    place = f"prod.yaml:6: endpoints.{model}m"
    check(config.errors("prod"), place, ("has 64 characters, at most 63 are allowed", f"or '{model}m' by 1"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hosting: {instance_type: ml.m5.lage}", "hosting.instance_type: 'ml.m5.lage' is not in the table of known types (did you mean ml.m5.large?)"),
        ("hosting: {instance_type: ml.g7e.2xlarge, volume: 30GB}", "hosting.volume: whether ml.g7e.2xlarge accepts `volume` is not documented"),
        ("model: {artifact: models/iris/v1/}", "model.artifact: the lock file holds no prefixes, so the bytes under models/iris/v1/ are not pinned"),
        ("model: {artifact: 's3://acme-sm-rc-project-a-prod-eu-west-1/models/x/'}", "model.artifact: the lock file holds no prefixes, so the bytes under models/x/"),
        ("alarms: {period: 30s}", "alarms.period: SageMaker publishes these metrics once a minute, so most datapoints of 30s hold nothing"),
        ("deployment: {rollback_alarms: {period: 30s, evaluations: 4}}", "deployment.rollback_alarms.period: SageMaker publishes these metrics once a minute"),
        ("hosting: {instance_type: ml.inf1.xlarge}", "deployment.strategy: the service silently updates ml.inf1.xlarge all at once"),
        ("hosting: {instance_type: ml.g7e.2xlarge}", "hosting.instance_type: despite `encrypt_volumes` the volumes of ml.g7e.2xlarge are not encrypted with the environment's key: whether ml.g7e.2xlarge accepts"),
        (variants(second="{instance_type: ml.g5.xlarge}") + "deployment: {strategy: canary}", "variants.one.hosting.instance_type: despite `encrypt_volumes` the volumes of ml.m5.large are not encrypted with the environment's key: ml.g5.xlarge refuses"),
        (variants("{instance_type: ml.m5.large, kms_key: alias/x}", "{instance_type: ml.zz9.large}") + "alarms: off\ndeployment: {strategy: canary}", "variants.one.hosting.kms_key: an endpoint config has one key for all its variants, and whether ml.zz9.large of variant 'two' accepts one is not documented"),
        (variants(), "variants: with `scaling` an update sets the weights by ExcludeRetainedVariantProperties, which AWS documents for updates only"),
        (variants() + "deployment: {apply_capacity: true, apply_weights: false}", "variants: with `scaling` an update sets the instance counts by ExcludeRetainedVariantProperties"),
        ("hosting: {instances: 5}", "hosting.instances: 5 is outside the scaling limits of 2 to 4"),
        ("deployment: {batch: 30%}", "deployment.batch: 30% of 2 to 4 instances is not always a whole number"),
        ("scaling: {max: 40}", "deployment.batch: no number of instances fits every fleet of 2 to 40, so 50% is used"),
        (variants("{instance_type: ml.m5.large, instances: 30}") + "scaling: null\ndeployment: {strategy: linear}", "deployment.step: no number of instances fits every fleet of 2 to 30"),
    ],
)  # fmt: skip
def test_what_is_only_doubtful_is_a_warning(config: Config, text: str, says: str) -> None:
    warnings = config.endpoint("prod", text).warnings("prod")
    assert any(f": warning: endpoints.iris.{says}" in warning for warning in warnings), warnings


def test_an_unknown_machine_goes_without_the_alarms_that_nobody_asked_for(config: Config) -> None:
    warnings = config.endpoint("prod", "hosting: {instance_type: ml.zz9.large}").warnings("prod")
    assert [warning.split(": ")[2] for warning in warnings] == [
        "endpoints.iris.alarms.cpu",
        "endpoints.iris.alarms.gpu",
        "endpoints.iris.alarms.gpu_memory",
        "endpoints.iris.hosting.instance_type",
        "endpoints.iris.hosting.instance_type",
    ]
    assert sum("so this alarm is left out" in warning for warning in warnings) == 3


def test_an_unknown_machine_takes_the_metrics_own_figures(config: Config) -> None:
    config.endpoint("prod", "hosting: {instance_type: ml.zz9.large}\nalarms: {cpu: 320, gpu: off, gpu_memory: off}")
    assert {w.split(": ")[2] for w in config.warnings("prod")} == {"endpoints.iris.hosting.instance_type"}


@pytest.mark.parametrize(
    "image", ["{uri: 'example.com:5000/iris:1'}", f"{{uri: 'example.com/iris@sha256:{'0' * 64}'}}"]
)
def test_a_pinned_image_is_fine_in_prod(config: Config, image: str) -> None:
    assert not config.endpoint("prod", f"model: {{image: {image}}}").warnings("prod")


@pytest.mark.parametrize("image", ["{uri: iris}", "{uri: 'iris:latest'}", "{framework: sklearn, tag: latest}"])
def test_latest_is_a_warning_in_development(config: Config, image: str) -> None:
    (warning,) = config.endpoint("dev", f"model: {{image: {image}}}").warnings("dev")
    assert "`latest`" in warning


def test_a_repository_image_needs_exactly_one_of_tag_and_digest(config: Config) -> None:
    for image in ("{repository: a}", f"{{repository: a, tag: x, digest: 'sha256:{'0' * 64}'}}"):
        config.overlay("prod", f"repositories: [a]\nendpoints:\n  iris:\n    model: {{image: {image}}}")
        check(
            config.errors("prod"),
            "prod.yaml:8: endpoints.iris.model.image",
            ("needs either `digest: sha256:…`", "or `tag`"),
        )


def test_a_mistyped_repository_gets_the_nearest(config: Config) -> None:
    config.overlay("prod", "repositories: [scorer]\nendpoints: {iris: {model: {image: {repository: scorr, tag: x}}}}")
    check(config.errors("prod"), "prod.yaml:6: endpoints.iris.model.image.repository", ("did you mean 'scorer'?",))


def test_an_arn_of_what_cannot_subscribe_is_refused(config: Config) -> None:
    stream = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/alarms"
    listed = f"notify: ['arn:aws:sqs:eu-west-1:123456789012:alarms', '{stream}']"
    config.write("prod.yaml", WHERE.replace("notify: [ml-oncall@example.com]", listed))
    check(config.errors("prod"), "prod.yaml:4: notify[1]", ("ARN of a queue or function",))


def test_two_variants_with_two_volume_keys_are_refused(config: Config) -> None:
    one = "{model: {image: {framework: sklearn, tag: x}}, hosting: {instance_type: ml.m5.large, kms_key: alias/%s}}"
    both = f"variants: {{a: {one % 'mine'}, b: {one % 'yours'}}}"
    config.endpoint("prod", f"model: null\nhosting: null\ndeployment: {{strategy: canary}}\n{both}")
    check(
        config.errors("prod"),
        "prod.yaml:10: endpoints.iris.variants.b.hosting.kms_key",
        ("one key for the volumes", "write 'alias/mine' here too"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "deployment: {wait: 2m}",
        "deployment: {rollback_alarms: {also: [a, b, c, d, e, f, g]}}",
        "deployment: {strategy: canary, timeout: 16m}",
        "alarms: {period: 5m, evaluations: 288}",
        "alarms: off",
        "scaling: {min: 4, max: 4}\nhosting: {instances: 4}",
        "hosting: {instances: 4}",
        "scaling: {schedules: [{name: a, at: rate(1 day), min: 4, max: 4}]}",
        "hosting: {instances: 4}\nscaling: null\ndeployment: {batch: 50%}",
        "hosting: {instances: 20}\nscaling: null\ndeployment: {batch: 5%, wait: 2m}",
        "hosting: {instances: 20}\nscaling: null\ndeployment: {strategy: linear, step: 10%}",
        "hosting: {instances: 3}\nscaling: null\ndeployment: {batch: 1, rollback_batch: 3}",
        "hosting: {volume: 512GB, kms_key: alias/x}",
        "log_retention: 1d",
        "model: {artifact: 's3://bucket/models/'}",
        "model: {artifact: 's3://my.bucket/m.tar.gz'}",
        "model: {artifact: 's3://acme-sm-rc-project-a-prod-eu-west-1/models/iris/v1/model.tar.gz'}",
        "alarms: {errors_5xx: 99.9%, memory: 99%, cpu: 199.9, period: 1m}",
        "hosting: {instance_type: ml.inf1.xlarge}\ndeployment: {strategy: all_at_once}",
        "hosting: {instance_type: ml.g5.xlarge}",
        "hosting: {kms_key: 'arn:aws:kms:eu-west-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef'}",
        "hosting: {kms_key: 01234567-89ab-cdef-0123-456789abcdef}",
        "deployment: {rollback_alarms: {also: [rc-project-a-prod-other-ep-rollback-latency]}}",
        "deployment: {rollback_alarms: {latency: off, also: [rc-project-a-prod-iris-ep-rollback-latency]}}",
        "scaling: {schedules: [{name: a, at: 'at(2028-02-29T08:00:00)', timezone: America/New_York, min: 2, max: 4}]}",
        "scaling: {schedules: [{name: a, at: rate(12 hours), timezone: Europe/Berlin, min: 2, max: 4}]}",
        "tags: {Größe: 'S/M + L: 1.5=x_y-z@k', empty: ''}",
        variants().replace("two:", "one-cpu:") + "deployment: {strategy: canary, apply_capacity: true}",
        variants() + "deployment: {strategy: canary}\nscaling: null",
        variants() + "deployment: {strategy: canary, apply_capacity: true, rollback_alarms: {also: [a, b, c, d]}}",
    ],
)
def test_what_is_just_allowed_has_no_finding(config: Config, text: str) -> None:
    assert config.endpoint("prod", text).warnings("prod") == []


def test_a_bucket_may_keep_versions_for_a_single_day(config: Config) -> None:
    assert config.overlay("prod", "bucket: {old_versions: 1d, access_logs: 1d}").warnings("prod") == []


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("hosting: {instances: 20}\nscaling: null\ndeployment: {batch: 5%, wait: 24m}", "9: deployment.wait", "add up to 8h"),
        ("hosting: {instances: 1}\nscaling: null\ndeployment: {strategy: all_at_once, termination_wait: 10m, timeout: 10m}", "9: deployment.timeout", "no longer than"),
        ("scaling: {min: 6}\ndeployment: {batch: 5, timeout: 10m}", "7: scaling.min", "write `max: 6`"),
        (variants("{instance_type: ml.g5.xlarge, volume: 30GB}") + "deployment: {strategy: canary}", "10: variants.one.hosting.volume", "remove `volume`"),
        ("hosting: {instances: 1}\nscaling: null", "6: deployment.strategy", "in parts, and can have 1 instance"),
    ],
)  # fmt: skip
def test_a_limit_is_refused_exactly_where_it_is(config: Config, text: str, place: str, says: str) -> None:
    line, key = place.split(": ")
    check(config.endpoint("prod", text).errors("prod"), f"prod.yaml:{line}: endpoints.iris.{key}", (says,))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("scaling: {min: 6, max: x}", "scaling.max"),
        ("scaling: {min: x, max: 1}", "scaling.min"),
        ("scaling: {schedules: [{name: a, at: rate(1 day), min: 5, max: x}]}", "scaling.schedules[0].max"),
        ("deployment: {strategy: canary, timeout: 15m, wait: x}", "deployment.wait"),
        ("deployment: {wait: x, rollback_alarms: {period: 10m}}", "deployment.wait"),
        ("deployment: {batch: x, timeout: 10m}", "deployment.batch"),
        ("hosting: {instances: x}\nscaling: null\ndeployment: {batch: 2}", "hosting.instances"),
        ("hosting: {instances: x}\nscaling: {min: 3}", "hosting.instances"),
        ("model: {artifact: 5}", "model.artifact"),
    ],
)
def test_what_only_follows_from_a_wrong_key_is_not_shown(config: Config, text: str, key: str) -> None:
    check(config.endpoint("prod", text).errors("prod"), f"prod.yaml:7: endpoints.iris.{key}", ())


def test_lengths_and_lists_are_not_judged_by_a_wrong_part(config: Config) -> None:
    config.overlay("prod", "team: A\nproject: a-project-whose-name-goes-on-and-on-and-on-and-on\n")
    check(config.errors("prod"), "prod.yaml:5: team", ())
    config.overlay("prod", "repositories: [A]\nendpoints: {iris: {model: {image: {repository: a, tag: x}}}}\n")
    check(config.errors("prod"), "prod.yaml:5: repositories[0]", ())


def test_a_name_is_judged_whatever_is_wrong_under_it(config: Config) -> None:
    model = "m" * 60
    broken = ENDPOINT_OF_ITS_OWN.replace("version: 1", "version: 1, hostin: 1")
    config.overlay("prod", f"endpoints:\n  operations: {broken}\n  {model}: {broken}\n")
    keys = [line.split(": ")[1] for line in config.errors("prod")]
    assert sorted(keys) == sorted(
        ["endpoints.operations", "endpoints.operations.hostin", f"endpoints.{model}", f"endpoints.{model}.hostin"]
    )
    config.endpoint("prod", variants("{instance_type: 5}").replace("two:", "ONE:") + "deployment: {strategy: canary}")
    keys = [line.split(": ")[1].removeprefix("endpoints.iris.variants.") for line in config.errors("prod")]
    assert keys == ["one.hosting.instance_type", "ONE"]


def test_a_tag_of_an_endpoint_may_override_one_of_all_but_not_by_case(config: Config) -> None:
    text = "tags: {Cost: a}\nendpoints:\n  iris:\n    tags: {%s: b}\n"
    assert config.overlay("prod", text % "Cost").warnings("prod") == []
    config.overlay("prod", text % "cost")
    check(config.errors("prod"), "prod.yaml:8: endpoints.iris.tags.cost", ("differs from the tag 'Cost' by case only",))


def test_a_region_is_checked_whatever_the_image(config: Config) -> None:
    where = WHERE.replace("eu-west-1", "eu-west-9")
    config.write("prod.yaml", f"{where}endpoints: {{iris: {{model: {{image: {{uri: 'a:1'}}}}}}}}")
    check(config.errors("prod"), "prod.yaml:3: region", ("'eu-west-9' is no Region",))


def test_a_machine_without_a_time_zone_database_leaves_the_zone_to_the_service(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.spec.scaling._timezones", frozenset)
    config.endpoint(
        "prod", "scaling: {schedules: [{name: a, at: rate(1 day), timezone: Europe/Berln, min: 2, max: 4}]}"
    )
    assert config.warnings("prod") == []


def test_volumes_that_nobody_wants_encrypted_are_no_finding(config: Config) -> None:
    mixed = variants(second="{instance_type: ml.g5.xlarge}") + "deployment: {strategy: canary, apply_capacity: true}\n"
    (warning,) = config.endpoint("prod", mixed).warnings("prod")
    assert "despite `encrypt_volumes`" in warning
    text = f"encrypt_volumes: false\nendpoints:\n  iris:\n{indent(mixed, '    ')}"
    assert config.overlay("prod", text).warnings("prod") == []
