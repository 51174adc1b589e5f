from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slipway.drill.declaration import BAD, DRILL, GOOD, declaration
from slipway.ops.trouble import WrongOperation
from slipway.spec.environment import Environment
from slipway.spec.load import from_mapping, load_unpublished

TRAINING = Path("examples/models/drill/train.py")
IRIS = {
    "version": 7,
    "model": {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}},
    "hosting": {"instance_type": "ml.m5.large"},
}


def environment(kind: str = "dev", **endpoints: Mapping[str, Any]) -> Environment:
    return from_mapping(
        {
            "company": "acme",
            "team": "rc",
            "project": "project-a",
            "environment": kind,
            "account": "123456789012",
            "region": "eu-west-1",
            "endpoints": endpoints or {"iris": IRIS},
        }
    ).environment


def test_a_drill_has_the_strategy_hosting_and_alarms_of_what_is_declared(root: Path, tmp_path: Path) -> None:
    prod = load_unpublished(root / "config", "prod")
    declared = declaration(prod, tmp_path / "config", like=None, strategies=(), alone=True)
    declared.know(root / TRAINING)
    made = declared.write(BAD, "canary")
    drill, iris = made.endpoints[DRILL], prod.endpoints["iris"]
    assert list(made.endpoints) == [DRILL]
    assert declared.strategies == ("canary",)
    assert drill.version == BAD
    assert (drill.deployment, drill.alarms, drill.hosting) == (iris.deployment, iris.alarms, iris.hosting)
    assert drill.scaling is None
    assert (made.account, made.region, made.network) == (prod.account, prod.region, prod.network)


def test_in_an_account_the_other_endpoints_stay_declared(root: Path, tmp_path: Path) -> None:
    dev = load_unpublished(root / "config", "dev")
    declared = declaration(dev, tmp_path / "config", like="iris", strategies=("rolling",), alone=False)
    made = declared.write(GOOD, "rolling")
    assert list(made.endpoints) == ["iris", DRILL]
    assert made.endpoints["iris"] == dev.endpoints["iris"]
    hosting = made.endpoints[DRILL].hosting
    assert hosting is not None
    assert hosting.instances == 2  # type: ignore[union-attr]  # the least that can be updated in stages
    assert made.endpoints[DRILL].deployment.rollback_alarms


@pytest.mark.parametrize(
    ("endpoints", "like", "message"),
    [
        ({}, "irs", "no endpoint is called 'irs'. There is: iris"),
        ({}, None, "iris: its updates have no stages with alarms: name a strategy, such as `--strategy canary`"),
        (
            {"small": {**IRIS, "hosting": {"serverless": {"memory": "2GB", "concurrency": 5}}}},
            None,
            "small: a drill is of a model on instances",
        ),
        (
            {"slow": {**IRIS, "asynchronous": {}}},
            "slow",
            "slow: a drill is of one model that answers at once, without a shadow",
        ),
    ],
)
def test_what_cannot_be_drilled_says_why(
    endpoints: Mapping[str, Any], like: str | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(WrongOperation, match=re.escape(message)):
        declaration(environment(**endpoints), tmp_path, like=like, strategies=(), alone=True)


def test_a_drill_where_its_model_is_not_says_where_to_run_it(tmp_path: Path) -> None:
    declared = declaration(environment(), tmp_path / "config", like=None, strategies=("canary",), alone=True)
    with pytest.raises(WrongOperation, match="run this where `examples/` is"):
        declared.know(tmp_path / "train.py")
