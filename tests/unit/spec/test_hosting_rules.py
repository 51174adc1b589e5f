"""A fleet's options fit its machines and each other, and serverless hosting its limits."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.spec.endpoints import component, fleet, serverless, shared, variants

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Look

POOLS = "pools: [{instance_type: ml.g5.2xlarge, priority: 1}, {instance_type: ml.g6.2xlarge, priority: 2}]"
RESERVATION = "arn:aws:sagemaker:eu-west-1:111122223333:training-plan/inference"


def pools(*each: tuple[str, int]) -> str:
    listed = ", ".join(f"{{instance_type: {kind}, priority: {priority}}}" for kind, priority in each)
    return fleet(f"{{pools: [{listed}]}}")


def managed(text: str) -> str:
    return shared(hosting=f"{{instance_type: ml.m5.xlarge, managed_scaling: {text}}}")


#: What is wrong, the endpoint, the key, and what the message says.
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "no type": (fleet("{instances: 2}"), "hosting.instance_type", ("is missing: say `instance_type: ml.m5.large` or another one, `pools` of several, or `serverless`",)),
    "type and pools": (fleet(f"{{instance_type: ml.g5.2xlarge, {POOLS}}}"), "hosting.pools", ("stands beside `instance_type`: keep one of them (`instance_type: null` removes",)),
    "no pools": (fleet("{pools: []}"), "hosting.pools", ("has 0 entries, must have at least 1",)),
    "six pools": (pools(*((f"ml.m5.{size}", 1) for size in ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge"))), "hosting.pools", ("has 6 entries, must have at most 5",)),
    "one priority twice": (pools(("ml.g5.2xlarge", 1), ("ml.g6.2xlarge", 1)), "hosting.pools[1].priority", ("1 stands twice in `pools`: give each pool its own, 1 for the first choice",)),
    "one type twice": (pools(("ml.g5.2xlarge", 1), ("ml.g5.2xlarge", 2)), "hosting.pools[1].instance_type", ("'ml.g5.2xlarge' stands twice in `pools`: keep one of them",)),
    "sixth priority": (pools(("ml.g5.2xlarge", 6)), "hosting.pools[0].priority", ("6 is out of range: at most 5",)),
    "volume in a pool of NVMe": (fleet(f"{{{POOLS}, volume: 30GB}}"), "hosting.volume", ("ml.g5.2xlarge has local NVMe storage", "remove `volume`")),
    "managed minimum above maximum": (managed("{min: 5, max: 4}"), "hosting.managed_scaling.min", ("the minimum of 5 is above the maximum of 4: write `max: 5` or more, or a lower `min`",)),
    "no instances at most": (managed("{min: 0, max: 0}"), "hosting.managed_scaling.max", ("0 is out of range: at least 1",)),
    "step of released instances": (managed("{min: 1, max: 4, scale_in: {strategy: idle_release, step: 2}}"), "hosting.managed_scaling.scale_in.step", ("belongs to `consolidation` (API:ManagedInstanceScalingScaleInPolicy), and the strategy is `idle_release`: remove it, or write `strategy: consolidation`",)),
    "cooldown of released instances": (managed("{min: 1, max: 4, scale_in: {strategy: idle_release, cooldown: 20m}}"), "hosting.managed_scaling.scale_in.cooldown", ("belongs to `consolidation`",)),
    "unknown way to scale in": (managed("{min: 1, max: 4, scale_in: {strategy: idle, step: 2}}"), "hosting.managed_scaling.scale_in.strategy", ("'idle' is not 'idle_release' or 'consolidation'",)),
    "short cooldown": (managed("{min: 1, max: 4, scale_in: {strategy: consolidation, cooldown: 4m}}"), "hosting.managed_scaling.scale_in.cooldown", ("4m is out of range: 5m to 1d",)),
    "half a minute's cooldown": (managed("{min: 1, max: 4, scale_in: {strategy: consolidation, cooldown: 330s}}"), "hosting.managed_scaling.scale_in.cooldown", ("no multiple of 1m: SageMaker counts whole minutes here",)),
    "large step": (managed("{min: 1, max: 4, scale_in: {strategy: consolidation, step: 101}}"), "hosting.managed_scaling.scale_in.step", ("101 is out of range: at most 100",)),
    "reservation elsewhere": (fleet(f"{{instance_type: ml.p5.48xlarge, capacity_reservation: '{RESERVATION.replace('eu-west-1', 'us-east-1')}'}}"), "hosting.capacity_reservation", ("is a reservation in us-east-1, and the instances start in eu-west-1: name one there, or leave it out",)),
    "reservation by name": (fleet("{instance_type: ml.p5.48xlarge, capacity_reservation: mine}"), "hosting.capacity_reservation", ("'mine' is not accepted: write the ARN of a reservation",)),
    "short provisioning": (fleet("{instance_type: ml.m5.large, provision_timeout: 4m}"), "hosting.provision_timeout", ("4m is out of range: 5m to 1h (API:VariantInstanceProvisionTimeoutInSeconds)",)),
    "dumps nowhere": (fleet("{instance_type: ml.m5.large, core_dumps: {destination: dumps}}"), "hosting.core_dumps.destination", ("'dumps' is not accepted: write a prefix in the model bucket or an s3:// URI, ending in /",)),
    "unknown routing": (fleet("{instance_type: ml.m5.large, routing: sticky}"), "hosting.routing", ("'sticky' is not 'least_outstanding_requests' or 'random'",)),
    "short prefix": (fleet("{instance_type: ml.m5.large, routing: {prefix_aware: {concurrency: 4, prefix: 1000}}}"), "hosting.routing.prefix_aware.prefix", ("1000 is out of range: at least 1024",)),
    "half a step of serverless memory": (serverless(hosting="{serverless: {memory: 1536MB}}"), "hosting.serverless.memory", ("1536MB is no multiple of 1GB: serverless memory comes in steps of 1 GB",)),
    "too much serverless memory": (serverless(hosting="{serverless: {memory: 7GB}}"), "hosting.serverless.memory", ("7GB is out of range: 1GB to 6GB (API:ServerlessMemorySizeInMB)",)),
    "bare serverless memory": (serverless(hosting="{serverless: {memory: 2048}}"), "hosting.serverless.memory", ("2048 is not a size of memory: write it with its unit, like 512MB or 2GB",)),
    "no concurrency": (serverless(hosting="{serverless: {concurrency: 0}}"), "hosting.serverless.concurrency", ("0 is out of range: at least 1",)),
    "much concurrency": (serverless(hosting="{serverless: {concurrency: 201}}"), "hosting.serverless.concurrency", ("201 is out of range: at most 200",)),
    "warmer than allowed": (serverless(hosting="{serverless: {concurrency: 5, provisioned: 6}}"), "hosting.serverless.provisioned", ("6 kept warm are more than the `concurrency` of 5 (API:ServerlessProvisionedConcurrency): write 5 or less, or more `concurrency`",)),
    "serverless without limits": (serverless(hosting="{serverless: off}"), "hosting.serverless", ("false is not a mapping",)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "says"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_a_hosting_is_one_error(look: Look, text: str, key: str, says: tuple[str, ...]) -> None:
    errors = look(text).errors
    assert len(errors) == 1, f"one mistake, one error: {errors}"
    assert errors[0].startswith(f"{key}: "), errors[0]
    for part in says:
        assert part in errors[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (fleet("{instance_type: ml.m5.large, managed_scaling: {min: 1, max: 2}}"), "hosting.managed_scaling: is documented for fleets of inference components, and what it does to any other is not: use the endpoint's `scaling`"),
        (managed("{min: 2, max: 4}"), "hosting.instances: 1 is outside the limits of `managed_scaling`, 2 to 4: SageMaker would change it at once, or refuse it"),
        (shared(hosting="{instance_type: ml.m5.xlarge, instances: 5, managed_scaling: {min: 1, max: 4}}"), "hosting.instances: 5 is outside the limits of `managed_scaling`, 1 to 4"),
        (fleet(f"{{{POOLS}, capacity_reservation: '{RESERVATION}'}}"), "hosting.capacity_reservation: a reservation is for one instance type, and what it does to `pools` of several is not documented"),
        (fleet("{instance_type: ml.m5.large, ami: al2-ami-sagemaker-inference-gpu-2}"), "hosting.ami: has drivers for GPUs, which ml.m5.large does not have: leave `ami` out, or host on another type"),
        (fleet("{instance_type: ml.g5.2xlarge, ami: al2-ami-sagemaker-inference-neuron-2}"), "hosting.ami: has drivers for Inferentia2 and Trainium, which ml.g5.2xlarge does not have"),
        (fleet("{instance_type: ml.m5.large, routing: {prefix_aware: {concurrency: 4, prefix: 1024}}}"), "hosting.routing: prefix-aware routing does nothing with one instance (API:ProductionVariantRoutingConfig): have at least 2"),
    ],
)  # fmt: skip
def test_what_is_doubtful_about_a_hosting_is_a_warning(look: Look, text: str, says: str) -> None:
    (warning,) = look(text).warnings
    assert warning.startswith(says)


@pytest.mark.parametrize(
    "text",
    [
        fleet(f"{{{POOLS}}}"),
        pools(*((f"ml.m5.{size}", i + 1) for i, size in enumerate(("large", "xlarge", "2xlarge", "4xlarge", "12xlarge")))),
        fleet(f"{{instance_type: ml.p5.48xlarge, capacity_reservation: '{RESERVATION}'}}"),
        fleet("{instance_type: ml.g5.2xlarge, ami: al2023-ami-sagemaker-inference-gpu-4-1}"),
        fleet("{instance_type: ml.inf2.xlarge, ami: al2-ami-sagemaker-inference-neuron-2}"),
        fleet("{instance_type: ml.m5.large, instances: 2, routing: {prefix_aware: {concurrency: 4, prefix: 1024}}}"),
        fleet("{instance_type: ml.m5.large, core_dumps: {destination: s3://bucket/dumps/, kms_key: alias/x}, ssm_access: true}"),
        fleet("{instance_type: ml.m5.large, provision_timeout: 5m}"),
        managed("{min: 0, max: 1}"),
        managed("{min: 1, max: 1, scale_in: {strategy: idle_release}}"),
        managed("{min: 1, max: 4, scale_in: {strategy: consolidation, step: 100, cooldown: 5m}}"),
        serverless(hosting="{serverless: {memory: 1GB, concurrency: 1, provisioned: 1}}"),
        serverless(hosting="{serverless: {memory: 6144MB, concurrency: 200, provisioned: 200}}"),
        variants("{pools: [{instance_type: ml.m5.large, priority: 1}]}"),
        shared(component(), component(), hosting="{instance_type: ml.m5.xlarge, instances: 3}"),
    ],
)  # fmt: skip
def test_what_a_hosting_may_say_has_no_finding(look: Look, text: str) -> None:
    found = look(text)
    assert (found.errors, found.warnings) == ((), ())


def test_unknown_types_may_have_any_accelerator(look: Look) -> None:
    found = look(fleet("{instance_type: ml.zz9.large, ami: al2-ami-sagemaker-inference-gpu-2}\nalarms: off"))
    assert [warning.split(":")[0] for warning in found.warnings] == ["hosting.instance_type"]
