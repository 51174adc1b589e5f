"""Loading an environment: base and overlay merge, defaults fit the environment, and all mistakes come at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from slipway import cli
from slipway.spec.errors import ConfigError
from slipway.spec.load import environments, from_mapping, load, load_unpublished
from slipway.spec.sources import artifacts

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Config

ROOT = Path(__file__).parents[3]


# -- all mistakes at once


def break_much(config: Config) -> list[str]:
    """Break both files in many ways; says what is to be found, in order."""
    config.write(
        "base.yaml",
        """\
company: acme
team: r-c
project: project-a
endpoints:
  iris:
    version: 1
    model: {image: {framework: sklern, tag: 1.4-2-cpu-py3}}
    hosting: {instance_type: ml.t2.medium, instanses: 3}
  fraud:
    model: {image: {uri: 'example.com/fraud'}, artifact: s3://bucket/model.tar.gz}
    hosting: {instance_type: m5.large}
    alarms: {latency: 500}
    log_retention: 45d
  churn:
    version: 010
    version: 2
    model: {image: {uri: 'example.com/churn:1'}, artifact: churn.zip}
    hosting: {instance_type: ml.m5.large, volume: 30}
""",
    ).write(
        "prod.yaml",
        """\
environment: staging
account: 123456789012
region: eu-west-1
notify: [me@example.com, nobody]
tags: {Project: x}
endpoints:
  iris:
    deployment: {strategy: canary, size: 60%, timeout: 10m, rollback_alarms: {period: 7s}}
    scaling: {min: 6}
  fraud:
    deployment: {strategy: caneri, size: 70%}
    scaling: {schedules: [{name: a, at: daily, min: 3, max: 2}]}
  churn:
    hosting: {instances: 0}
    scaling: null
    deployment: {wait: 1m, batch: 3}
""",
    ).write("models.lock.json", "{\n<<<<<<<\n}\n")
    return [
        "base.yaml:2: team:",
        "base.yaml:7: endpoints.iris.model.image.framework:",
        "base.yaml:8: endpoints.iris.hosting.instanses:",
        "base.yaml:10: endpoints.fraud.model.image.uri:",
        "base.yaml:11: endpoints.fraud.hosting.instance_type:",
        "base.yaml:12: endpoints.fraud.alarms.latency:",
        "base.yaml:13: endpoints.fraud.log_retention:",
        "base.yaml:15: endpoints.churn.version:",
        "base.yaml:16: endpoints.churn.version:",
        "base.yaml:17: endpoints.churn.model.artifact:",
        "base.yaml:18: endpoints.churn.hosting.volume:",
        "models.lock.json:2: not JSON",
        "prod.yaml:1: environment:",
        "prod.yaml:2: account:",
        "prod.yaml:4: notify[1]:",
        "prod.yaml:5: tags.Project:",
        "prod.yaml:8: endpoints.iris.deployment.rollback_alarms.period:",
        "prod.yaml:8: endpoints.iris.deployment.size:",
        "prod.yaml:9: endpoints.iris.scaling.min:",
        "prod.yaml:9: endpoints.iris.scaling:",
        "prod.yaml:10: endpoints.fraud.version:",
        "prod.yaml:11: endpoints.fraud.deployment.strategy:",
        "prod.yaml:12: endpoints.fraud.scaling.schedules[0].at:",
        "prod.yaml:12: endpoints.fraud.scaling.schedules[0].min:",
        "prod.yaml:14: endpoints.churn.hosting.instances:",
        "prod.yaml:16: endpoints.churn.deployment.rollback_alarms:",
    ]


def test_many_mistakes_in_several_files_come_at_once_and_none_that_another_one_causes(config: Config) -> None:
    expected = break_much(config)
    lines = config.errors("prod")
    places = [(file, int(line)) for file, line, _ in (text.split(":", 2) for text in lines)]
    assert places == sorted(places)
    assert sorted(e for e in expected if not any(line.startswith(e) for line in lines)) == []
    assert sorted(line for line in lines if not any(line.startswith(e) for e in expected)) == []
    assert len(lines) == len(expected)


def test_the_check_command_shows_them_and_exits_2(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    expected = break_much(config)
    assert cli.main(["config", "check", "--config", str(config.folder), "--env", "prod"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == len(expected)
    assert f"{config.folder}/base.yaml:2: team: 'r-c' is not accepted" in err


@pytest.mark.parametrize("command", [["config", "show"], ["status"], ["deploy"]])
def test_no_command_works_on_a_broken_config(
    config: Config, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    break_much(config)
    assert cli.main([*command, "--config", str(config.folder), "--env", "prod"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "base.yaml:2: team:" in err


def test_one_broken_environment_fails_the_check_of_all(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    config.overlay("staging", "regoin: x")
    assert cli.main(["config", "check", "--config", str(config.folder)]) == 2
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines()] == ["dev", "prod"]
    assert "staging.yaml:5: regoin: is unknown" in err


def test_synth_of_a_broken_config_exits_2_and_leaves_nothing(config: Config, tmp_path: Path) -> None:
    expected = break_much(config)
    output = tmp_path / "cdk.out"
    context = f'{{"env": "prod", "config": "{config.folder}"}}'
    done = subprocess.run(
        [sys.executable, ROOT / "app.py"],
        cwd=tmp_path,
        env={**os.environ, "CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(output), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == len(expected)
    assert not output.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config"]


@pytest.mark.parametrize(
    ("wrong", "also"),
    [
        ("account: 1", "deployment: {strategy: canary, size: 60%}"),
        ("team: A", "deployment: {strategy: canary, size: 60%}"),
        ("region: x", "deployment: {strategy: canary, size: 60%}"),
        ("notify: ['a b']", "deployment: {strategy: canary, size: 60%}"),
        ("encrypt_volumes: maybe", "deployment: {strategy: canary, size: 60%}"),
        ("bucket: null", "deployment: {strategy: canary, size: 60%}"),
        ("network: {}", "deployment: {strategy: canary, size: 60%}"),
        ("repositories: [A]", "deployment: {strategy: canary, size: 60%}"),
    ],
)
def test_a_wrong_key_at_the_top_hides_nothing_below(config: Config, wrong: str, also: str) -> None:
    where = {"account": '"123456789012"', "region": "eu-west-1", "notify": "[me@example.com]"}
    where.pop(wrong.split(":")[0], None)
    head = "".join(f"{key}: {value}\n" for key, value in where.items())
    lines = config.write("prod.yaml", f"{head}{wrong}\nendpoints:\n  iris:\n    {also}\n").errors("prod")
    assert any(".deployment.size: 60% is out of range" in line for line in lines), lines
    assert any(wrong.split(":")[0] in line for line in lines), lines
    assert not any("name" in line and "characters" in line for line in lines)


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ("version: null", "version"),
        ("model: {image: 5}", "model.image"),
        ("model: {image: {framework: null, uri: null, tag: null}}", "model.image"),
        ("model: {image: {tag: null}}", "model.image.tag"),
        ("model: []", "model"),
        ("hosting: {instance_type: 5}", "hosting.instance_type"),
        ("hosting: {instances: x}", "hosting.instances"),
        ("hosting: []", "hosting"),
        ("log_retention: null", "log_retention"),
        ("scaling: {schedules: [{name: a, at: rate(1 day), min: 1}]}", "scaling.schedules[0].max"),
        ("scaling: {schedules: [{at: rate(1 day), min: 1, max: 2}]}", "scaling.schedules[0].name"),
        ("scaling: {schedules: [null, {name: a, at: rate(1 day), min: 3, max: 3}]}", "scaling.schedules[0]"),
        ("scaling: {min: x, cpu: 50}", "scaling.min"),
    ],
)
def test_a_wrong_key_hides_nothing_beside_it(config: Config, wrong: str, key: str) -> None:
    lines = config.endpoint("prod", f"{wrong}\nalarms: {{period: 90s}}\n").errors("prod")
    assert any(f": endpoints.iris.{key}: " in line for line in lines), lines
    assert any(".alarms.period: 1m30s is no period" in line for line in lines), lines
    assert all(key.rsplit(".", 1)[0] in line or "alarms.period" in line or "cpu" in line for line in lines), lines


# -- files


def test_an_environment_that_is_none_is_refused_with_those_that_are(config: Config) -> None:
    (line,) = config.errors("qa")
    assert line.endswith(
        "config: an environment is one of dev, test, staging, prod, not 'qa'; there is dev, staging, prod"
    )
    (line,) = config.errors("test")
    assert line.endswith("config: has no test.yaml; there is dev, staging, prod")


@pytest.mark.parametrize("name", ["../prod", "", "PROD", "prod.yaml"])
def test_a_path_is_no_environment(config: Config, name: str) -> None:
    (line,) = config.errors(name)
    assert "an environment is one of" in line


def test_a_missing_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        ConfigError, match=r"nowhere: is no folder: run this where `config/` is, or name it with --config"
    ):
        load(tmp_path / "nowhere", "dev")
    assert cli.main(["config", "check", "--config", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().out == ""


def test_an_empty_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"has no dev.yaml; there is no environment yet"):
        load(tmp_path, "dev")
    assert cli.main(["config", "check", "--config", str(tmp_path)]) == 2
    assert "write" in capsys.readouterr().err


def test_environments_come_in_the_order_of_their_kind(config: Config) -> None:
    assert environments(config.folder) == ("dev", "staging", "prod")


def test_an_environment_may_do_without_a_base_and_without_endpoints(config: Config) -> None:
    (config.folder / "base.yaml").unlink()
    config.overlay("dev", "company: acme\nteam: rc\nproject: project-a\n")
    assert config.environment("dev").endpoints == {}


def test_both_broken_files_are_named(config: Config) -> None:
    config.write("base.yaml", "a: [").write("prod.yaml", "")
    first, second = config.errors("prod")
    assert first.startswith("base.yaml:2: is not YAML")
    assert second.startswith("prod.yaml:1: is empty")


def test_the_environment_is_the_files_name_when_it_is_not_said(config: Config) -> None:
    config.write("dev.yaml", 'account: "123456789012"\nregion: eu-west-1\n')
    assert config.environment("dev").environment == "dev"


def test_what_is_not_published_yet_can_be_loaded_to_publish_it(config: Config) -> None:
    (config.folder / "models.lock.json").unlink()
    assert load_unpublished(config.folder, "prod").endpoints["iris"].version == 1
    (line,) = config.errors("prod")
    assert "is not in models.lock.json: publish it first" in line


def test_plain_data_is_checked_like_files_but_without_places() -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping({"environment": "dev", "team": "a-b", "regoin": "x"})
    lines = str(caught.value).splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["account", "company", "project", "region", "regoin", "team"]


# -- showing


RICH = """
repositories: [scorer]
tags: {CostCenter: "007"}
network: {subnets: [subnet-0a1b2c3d], security_groups: [sg-0a1b2c3d]}
endpoints:
  iris:
    deployment: {strategy: linear, step: 50%, wait: 7m30s, rollback_alarms: {latency: 1500ms, errors_5xx: off}}
    scaling: {min: 2, max: 8, cpu: 60%, schedules: [{name: night, at: "cron(0 20 * * ? *)", min: 2, max: 3}]}
    alarms: {gpu: off, overhead: 250ms, errors_4xx: 0.25%, cpu: 180}
    hosting: {volume: 30GB, kms_key: alias/x, startup_timeout: 20m}
    model: {image: {repository: scorer, tag: a}, environment: {A: "1"}}
    sample: {body: "[1, 2]"}
"""


UNKNOWN_MACHINE = "endpoints: {iris: {hosting: {instance_type: ml.zz9.large}}}"


#: One endpoint of each hosting mode.
MODES = """
topics: [results]
endpoints:
  trial:
    version: 1
    model: &model {image: {framework: sklearn, tag: x}, artifact: s3://bucket/m.tar.gz}
    hosting:
      pools: [{instance_type: ml.m5.large, priority: 1}]
      routing: {prefix_aware: {concurrency: 4, prefix: 1024}}
    shadow: {model: *model, hosting: {instance_type: ml.m5.large}, share: 50%}
    capture: {share: 10%, what: [request]}
    explainer: {baseline: "1,2", when: "`true`"}
    metrics: {enhanced: true}
    budget: {monthly: 100USD, notify_at: [50%]}
  small: {version: 1, model: *model, hosting: {serverless: {memory: 3GB, provisioned: 2}}, scaling: {max: 4}}
  many:
    version: 1
    model: {<<: *model, artifact: null, models: s3://bucket/many/}
    hosting: {instance_type: ml.m5.large}
  chain: {version: 1, model: {containers: {one: *model, two: *model}}, hosting: {instance_type: ml.m5.large}}
  batch:
    version: 1
    model: {<<: *model, artifact: off}
    hosting: {instance_type: ml.m5.large}
    asynchronous: {success_topic: results}
    scaling: {min: 2, steps: [{metric: backlog, above: 100, add: 2}]}
  shared:
    version: 1
    hosting: {instance_type: ml.m5.xlarge}
    components:
      one: {model: *model, memory: 512MB, scaling: off, alarms: off}
      two: {base: one, model: {artifact: s3://bucket/two.tar.gz}, deployment: {strategy: rolling, batch: 50%}}
"""


@pytest.mark.parametrize("text", ["", RICH, MODES, UNKNOWN_MACHINE])
@pytest.mark.parametrize("flag", [[], ["--json"]])
@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_what_show_prints_loads_again_to_the_same(
    config: Config, name: str, text: str, flag: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = config.overlay(name, text).load(name)
    assert cli.main(["config", "show", "--config", str(config.folder), "--env", name, *flag]) == 0
    shown = capsys.readouterr().out
    (config.folder / "base.yaml").unlink()
    after = config.write(f"{name}.yaml", shown).load(name)
    assert after.environment == before.environment
    assert after.environment.model_dump() == before.environment.model_dump()


def test_show_writes_units_and_no_secrets_of_python(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    config.overlay("prod", RICH)
    cli.main(["config", "show", "--config", str(config.folder), "--env", "prod"])
    shown: dict[str, Any] = yaml.safe_load(capsys.readouterr().out)
    iris = shown["endpoints"]["iris"]
    assert iris["deployment"]["wait"] == "7m30s"
    assert iris["deployment"]["rollback_alarms"] == {
        "latency": "1s500ms",
        "errors_5xx": False,
        "period": "1m",
        "evaluations": 2,
        "also": [],
    }
    assert iris["alarms"]["errors_4xx"] == "0.25%"
    assert iris["hosting"]["volume"] == "30GB"
    assert shown["tags"] == {"CostCenter": "007"}


def test_a_config_of_a_hundred_endpoints_loads_in_a_second(config: Config) -> None:
    one = "{version: 1, hosting: {instance_type: ml.m5.large}, model: {image: {framework: sklearn, tag: x}, artifact: s3://bucket/m.tar.gz}}"
    config.overlay("prod", "endpoints:\n" + "".join(f"  m{i}: {one}\n" for i in range(100)))
    start = time.monotonic()
    assert len(config.environment("prod").endpoints) == 101
    assert time.monotonic() - start < 5  # a second here, with room for a busy machine


def test_a_uri_in_the_model_bucket_is_its_key_and_one_in_another_stays_a_uri(config: Config) -> None:
    bucket = "acme-sm-rc-project-a-prod-eu-west-1"
    for artifact, key, elsewhere in (
        (f"s3://{bucket}/models/iris/v1/model.tar.gz", "models/iris/v1/model.tar.gz", False),
        (f"s3://{bucket}-logs/models/iris/v9/model.tar.gz", f"s3://{bucket}-logs/models/iris/v9/model.tar.gz", True),
    ):
        environment = config.endpoint("prod", f"model: {{artifact: '{artifact}'}}").environment("prod")
        (found,) = artifacts("iris", environment.endpoints["iris"], environment.names.bucket)
        assert (found.key, found.elsewhere) == (key, elsewhere)
        assert found.uri(environment) == artifact


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("deployment: {strategy: x}", "deployment.strategy"),
        ("hosting: {serverless: {memory: 7GB}}", "hosting.serverless.memory"),
        ("version: v 1", "version"),
    ],
)
def test_what_is_wrong_under_a_wrong_name_hides_nothing_elsewhere(config: Config, text: str, key: str) -> None:
    model = "model: {image: {framework: sklearn, tag: x}}"
    odd = f"endpoints:\n  A:\n    {model}\n    {text}\n  iris: {{log_retention: 2d}}\n"
    keys = [line.split(": ")[1].removeprefix("endpoints.") for line in config.overlay("dev", odd).errors("dev")]
    assert {"A", f"A.{key}", "iris.log_retention"} <= set(keys)
