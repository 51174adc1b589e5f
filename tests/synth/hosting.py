"""What the tests of hosting modes share: one endpoint for each way of hosting, each synthesized once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.synth.conftest import Assembly

Declared = Callable[..., Assembly]
Json = dict[str, Any]

IMAGE: Json = {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}
MODEL: Json = {"image": IMAGE, "script": "inference.py"}
LARGE_MODEL: Json = {"image": {"uri": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/lmi:0.33"}}
HOSTING: Json = {"instance_type": "ml.m5.large"}
NETWORK: Json = {"subnets": ["subnet-0a1b2c3d"], "security_groups": ["sg-0a1b2c3d"]}
#: Fewer than two instances or copies cannot be updated in parts.
AT_ONCE: Json = {"strategy": "all_at_once", "rollback_alarms": False, "termination_wait": "0s"}
BASE, SHARED = "rc-project-a-staging-iris-ep", "rc-project-a-staging-iris--"

#: Each is laid over an endpoint with `MODEL` on `HOSTING`, in staging; the keys of the environment stand under `top`.
ENDPOINTS: Mapping[str, Json] = {
    "instances": {},
    "stepped": {
        "scaling": {
            "min": 2,
            "max": 8,
            "cpu": "60%",
            "steps": [
                {"metric": "cpu", "above": "90%", "add": 3},
                {"metric": "cpu", "above": "75%", "add": 1},
                {"metric": "memory", "above": "85%", "add": 2},
                {"metric": "latency", "above": "500ms", "add": 1},
            ],
            "scale_out_cooldown": "90s",
        }
    },
    "variants": {
        "model": None,
        "hosting": None,
        "variants": {
            "current": {"model": MODEL, "hosting": HOSTING, "weight": 90},
            "challenger": {"model": {**MODEL, "version": 2}, "hosting": HOSTING, "weight": 10},
        },
    },
    "shadow": {"shadow": {"model": {**MODEL, "version": 2}, "hosting": HOSTING, "share": "50%"}},
    "many": {"model": {**MODEL, "models": "models/many/", "cache": True}},
    "uncached": {"model": {**MODEL, "models": "s3://acme-models/many/", "cache": False}},
    "chain": {"model": {"containers": {"scale": MODEL, "predict": {**MODEL, "version": 7}}}},
    "direct": {"model": {"invocation": "direct", "containers": {"scale": MODEL, "predict": MODEL}}},
    "serverless": {"hosting": {"serverless": {"memory": "3GB", "concurrency": 5}}},
    "warm": {
        "hosting": {"serverless": {"memory": "2GB", "concurrency": 10, "provisioned": 2}},
        "scaling": {
            "min": 1,
            "max": 8,
            "schedules": [{"name": "morning", "at": "cron(0 7 ? * MON-FRI *)", "min": 4, "max": 8}],
        },
    },
    "asynchronous": {
        "asynchronous": {
            "concurrency": 4,
            "success_topic": "results",
            "error_topic": "arn:aws:sns:eu-west-1:111122223333:elsewhere",
            "include_response": ["error"],
            "kms_key": "alias/answers",
        },
        "top": {"topics": ["results"]},
    },
    "sleeping": {
        "asynchronous": {"output": "s3://acme-answers/iris/", "failures": "failures/iris/"},
        "deployment": AT_ONCE,
        "scaling": {
            "min": 0,
            "max": 4,
            "backlog": 3,
            "steps": [
                {"metric": "backlog", "above": 20, "add": 1},
                {"metric": "backlog", "above": 100, "add": 2},
            ],
        },
    },
    "components": {
        "model": None,
        "hosting": {"instance_type": "ml.m5.xlarge", "managed_scaling": {"min": 0, "max": 4}},
        "components": {
            # The same name as the fleet's variant, and one that ends like a metric's name begins.
            "primary": {
                "model": MODEL,
                "memory": "1GB",
                "cpus": 0.5,
                "scaling": {"min": 2, "max": 4, "concurrency": 3},
            },
            "memory-primary": {"model": {**MODEL, "version": 3}, "memory": "2GB", "cpus": 1, "scaling": False},
            "prices": {
                "model": MODEL,
                "memory": "1GB",
                "max_memory": "2GB",
                "cpus": 1,
                "scaling": {"min": 0, "max": 4},
                "deployment": AT_ONCE,
                "placement": {"strategy": "spread", "zone_imbalance": 1},
                "startup_timeout": "5m",
                "download_timeout": "10m",
                "cache": True,
            },
        },
    },
    "adapters": {
        "model": None,
        "hosting": {
            "instance_type": "ml.g5.12xlarge",
            "managed_scaling": {
                "min": 1,
                "max": 3,
                "scale_in": {"strategy": "consolidation", "step": 2, "cooldown": "30m"},
            },
        },
        "components": {
            "german": {"base": "llm", "model": {"artifact": "s3://acme-models/german/adapter.tar.gz"}},
            "llm": {
                "model": {**LARGE_MODEL, "artifact": "s3://acme-models/llm/model.tar.gz"},
                "memory": "64GB",
                "accelerators": 2,
                "scaling": {
                    "min": 2,
                    "max": 6,
                    "gpu": "60%",
                    "cpu": "50%",
                    "steps": [{"metric": "gpu", "above": "90%", "add": 1}],
                },
                "scrape": {"path": "/metrics", "every": "30s"},
            },
        },
        "metrics": {"detailed": True, "every": "30s"},
    },
    "pooled": {
        "model": None,
        "hosting": {
            "pools": [
                {"instance_type": "ml.g5.2xlarge", "priority": 1},
                {"instance_type": "ml.g6.2xlarge", "priority": 2},
            ],
            "managed_scaling": {"min": 2, "max": 4},
        },
        "components": {
            "llm": {
                "model": {**LARGE_MODEL, "artifact": "s3://acme-models/llm/model.tar.gz"},
                "on": {
                    "ml.g5.2xlarge": {"memory": "8GB", "accelerators": 1},
                    "ml.g6.2xlarge": {
                        "memory": "12GB",
                        "accelerators": 1,
                        "model": {**LARGE_MODEL, "artifact": "s3://acme-models/llm-fp8/model.tar.gz", "version": "fp8"},
                    },
                },
            }
        },
    },
    "observed": {
        "capture": {"share": "20%", "what": ["response"], "csv": ["text/csv"], "kms_key": "alias/captured"},
        "metrics": {"enhanced": True, "every": "10s"},
    },
    "explained": {
        "explainer": {
            "when": "`true`",
            "baseline": "1,2,3,4",
            "baseline_type": "text/csv",
            "samples": 100,
            "seed": 7,
            "logit": True,
            "input": {"features": ["a", "b", "c", "d"], "probability_index": 0, "most_records": 10},
        }
    },
    "options": {
        "hosting": {
            "pools": [
                {"instance_type": "ml.m5.xlarge", "priority": 2},
                {"instance_type": "ml.m5.large", "priority": 1},
            ],
            "provision_timeout": "20m",
            "core_dumps": {"destination": "dumps/", "kms_key": "alias/dumps"},
            "ssm_access": True,
            "routing": {"prefix_aware": {"concurrency": 64, "prefix": 4096}},
        },
    },
    "reserved": {
        "hosting": {
            "instance_type": "ml.p5.48xlarge",
            "capacity_reservation": "arn:aws:sagemaker:eu-west-1:111122223333:training-plan/mine",
            "ami": "al2-ami-sagemaker-inference-gpu-2",
        },
        "model": {**LARGE_MODEL, "artifact": "s3://acme-models/llm/"},
    },
    "private": {
        "model": {
            "image": {
                "uri": "registry.example.com/mine:3",
                "private": True,
                "credentials": "arn:aws:lambda:eu-west-1:111122223333:function:login",
            },
            "network_isolation": False,
            "artifact": False,
        },
        "top": {"network": NETWORK},
    },
    "package": {
        "model": {
            "package": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/4",
            "specification": "cpu",
        }
    },
    "hub": {
        "model": {
            **LARGE_MODEL,
            "artifact": "s3://jumpstart-private-cache-prod-eu-west-1/meta/llama/",
            "hub_content": "arn:aws:sagemaker:eu-west-1:aws:hub-content/SageMakerPublicHub/Model/llama/1.0.0",
            "accept_eula": True,
        },
    },
    "overridden": {
        "overrides": {
            "endpoint": {"DeploymentConfig": {"RollingUpdatePolicy": {"WaitIntervalInSeconds": 900}}},
            "config": {
                "ProductionVariants": {"0": {"VolumeSizeInGB": 99, "RoutingConfig": {"RoutingStrategy": "RANDOM"}}}
            },
            "models": {"primary": {"PrimaryContainer": {"ContainerHostname": "mine", "Environment": {"A": "b"}}}},
        },
    },
}


def hosted(declared: Declared, kind: str) -> Assembly:
    """Synthesize one of `ENDPOINTS`; whoever asks first pays."""
    endpoint = {"model": MODEL, "hosting": HOSTING, **ENDPOINTS[kind]}
    top = endpoint.pop("top", {})
    return declared(endpoint, **top)
