"""The rollback drill with the real CDK command-line interface: it ends as a rehearsal of its template foretold."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from slipway.drill.declaration import DRILL, STRATEGIES, declaration
from slipway.drill.drill import Drill, Trial
from slipway.drill.places import place, remove
from slipway.local import steering
from slipway.ops.live import describe, stack_config
from slipway.ops.target import Target
from slipway.ops.watch.following import Quiet
from slipway.spec.environment import Environment
from slipway.spec.load import load_unpublished


@dataclass(frozen=True)
class Drilled:
    """A drill that is over, and the place where it was."""

    target: Target
    environment: Environment
    trials: dict[tuple[str, str], Trial]
    said: list[str]


@pytest.fixture(scope="module")
def drilled(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drilled]:
    environment = load_unpublished(root / "config", "prod")
    home = tmp_path_factory.mktemp("drill")
    declared = declaration(environment, home / "config", like="iris", strategies=STRATEGIES, alone=True)
    said: list[str] = []
    with place(environment, "local", home) as target:
        trials = list(Drill(target, declared, home, rate=60, say=said.append, show=Quiet).run())
        yield Drilled(target, environment, {(one.strategy, one.what): one for one in trials}, said)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_bad_model_is_rolled_back_with_as_many_bad_requests_as_the_rehearsal_foretold(
    drilled: Drilled, strategy: str
) -> None:
    trial = drilled.trials[strategy, "a bad model"]
    assert trial.outcome == "rolled back"
    assert trial.foretold.rolled_back
    assert "rollback" in trial.foretold.ended_by
    assert trial.bad > 0
    assert trial.as_foretold, json.dumps(trial.as_dict())
    # The first part of a minute may pass without a bad request, by chance; then the alarm goes off a minute later.
    assert trial.seconds == pytest.approx(trial.foretold.seconds, abs=90)


def test_a_good_model_is_deployed_without_a_bad_request(drilled: Drilled) -> None:
    trial = drilled.trials[STRATEGIES[0], "a good model"]
    assert (trial.outcome, trial.foretold.rolled_back, trial.bad) == ("deployed", False, 0)
    assert trial.as_foretold
    assert trial.seconds == pytest.approx(trial.foretold.seconds, abs=30)


def test_the_endpoint_serves_the_good_model_and_its_stack_holds_the_bad_one(drilled: Drilled) -> None:
    names = drilled.environment.names
    live = describe(drilled.target.client("sagemaker"), names.endpoint(DRILL))
    held = stack_config(drilled.target.client("cloudformation"), names.stack(DRILL))
    assert live.status == "InService"
    assert live.failure == ""
    assert live.config.casefold() != held.casefold()
    runtime = drilled.target.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=live.name, Body=b"1", ContentType="application/json")
    assert json.loads(answer["Body"].read()) == {"model": "drill", "version": 2}


def test_what_is_left_of_a_drill_in_an_account_can_be_removed(drilled: Drilled) -> None:
    names = drilled.environment.names
    # Nothing moves the clock any more, and a deletion does not wait for instances.
    steering.reset_clock(drilled.target.environ["AWS_ENDPOINT_URL"])
    remove(drilled.environment, drilled.target)
    sagemaker = drilled.target.client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    left = drilled.target.client("s3").list_object_versions(Bucket=names.bucket, Prefix="models/drill/")
    assert "Versions" not in left
