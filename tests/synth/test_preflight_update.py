"""What the checklist takes an update to be is what the templates declare, so what it checks is what comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from slipway.ops.preflight.update import ending_alarms, policy_of, update_of
from slipway.plan.assembly import load
from slipway.plan.changes import resources
from slipway.plan.courses import policy_of as policy_of_template
from slipway.plan.endpoints import Declared, alarm_names
from slipway.plan.endpoints import declared as declared_in

LARGE: Mapping[str, Any] = {"hosting": {"instance_type": "ml.m5.large"}}
MODEL: Mapping[str, Any] = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
COMPONENT = {"model": MODEL, "memory": "1GB", "cpus": 1}
WAYS: Mapping[str, Mapping[str, Any]] = {
    "as it is": {},
    "without scaling": {"scaling": None, "hosting": {"instance_type": "ml.m5.large", "instances": 3}},
    "canary": {"deployment": {"strategy": "canary", "size": 1, "wait": "20m", "termination_wait": "10m"}},
    "canary by default": {"deployment": {"strategy": "canary"}, "scaling": {"min": 10, "max": 20}},
    "linear": {"deployment": {"strategy": "linear", "step": "20%", "timeout": "2h"}},
    "rolling": {"deployment": {"strategy": "rolling", "batch": 1, "rollback_batch": 1}},
    "at once": {"deployment": {"strategy": "all_at_once", "termination_wait": "15m"}},
    "no alarms": {"deployment": {"strategy": "all_at_once", "rollback_alarms": "off"}},
    "some alarms": {"deployment": {"strategy": "rolling", "rollback_alarms": {"latency": "off", "also": ["mine"]}}},
    "capacity applied": {"deployment": {"strategy": "rolling", "apply_capacity": True}},
    "several variants": {
        "model": None,
        "hosting": None,
        "variants": {
            "blue": {"model": MODEL, **LARGE, "weight": 9},
            "green": {"model": MODEL, "hosting": {"instance_type": "ml.m5.xlarge", "instances": 4}, "weight": 1},
        },
        "deployment": {"strategy": "canary", "apply_weights": False},
    },
    "a shadow": {"shadow": {"model": MODEL, **LARGE, "share": "50%"}},
    "serverless": {"hosting": {"serverless": {"memory": "2GB"}}},
    "asynchronous": {"asynchronous": {}},
    "pools": {
        "hosting": {
            "pools": [{"instance_type": "ml.m5.large", "priority": 2}, {"instance_type": "ml.m5.xlarge", "priority": 1}]
        }
    },
    "schedules": {"scaling": {"schedules": [{"name": "night", "at": "cron(0 19 ? * * *)", "min": 2, "max": 9}]}},
    "components": {
        "model": None,
        "components": {"first": COMPONENT, "second": {**COMPONENT, "deployment": {"strategy": "all_at_once"}}},
        "hosting": {"instance_type": "ml.m5.xlarge", "managed_scaling": {"min": 1, "max": 4}},
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_the_update_is_the_one_that_the_templates_declare(declared: Callable[..., Any], way: str) -> None:
    assembly = declared(WAYS[way])
    stack = load(assembly.folder).stacks[assembly.environment.names.stack("iris")]
    found = resources(stack)
    (template,) = declared_in(found)
    config = update_of(assembly.environment, "iris", None, None, {}).new

    assert _comparable(config) == _comparable(template)
    assert policy_of(assembly.environment, "iris") == policy_of_template(None, template)
    policies = [
        one.properties.get("DeploymentConfig")
        for one in found.values()
        if one.type in ("AWS::SageMaker::Endpoint", "AWS::SageMaker::InferenceComponent")
    ]
    named = {alarm for policy in policies for alarm in alarm_names(policy)}
    assert set(ending_alarms(assembly.environment, "iris").names) == named


def _comparable(side: Declared) -> object:
    variants = [
        (one.name, one.count, one.type, one.weight, bool(one.model), bool(one.serverless), one.shadow, one.managed)
        for one in side.variants
    ]
    return side.name, variants, side.retained, set(side.targets), dict(side.limits), side.asynchronous
