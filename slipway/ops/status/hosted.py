"""How a variant or a component is hosted, in words: read from what the service describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def variants(
    found: Mapping[str, Any], config: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], bool]]:
    """Each variant as it is, as its config has it, and whether it is a shadow."""
    for kind in ("ProductionVariants", "ShadowProductionVariants"):
        declared = {variant["VariantName"]: variant for variant in config.get(kind, [])}
        for live in found.get(kind, []):
            yield live, declared.get(live["VariantName"], {}), kind.startswith("Shadow")


def mode(config: Mapping[str, Any], variant: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """Name how a variant is hosted, as far as it is more than one model on instances that answers at once."""
    containers = model.get("Containers") or [model.get("PrimaryContainer") or {}]
    pipeline = (model.get("InferenceExecutionConfig") or {}).get("Mode", "Serial").lower()
    said = {
        "asynchronous": bool(config.get("AsyncInferenceConfig")),
        "serverless": "ServerlessConfig" in variant,
        "components": not variant.get("ModelName"),
        "multi-model": any(container.get("Mode") == "MultiModel" for container in containers),
        f"pipeline, {pipeline}": len(containers) > 1,
    }
    return ", ".join(word for word, so in said.items() if so)


def traffic(found: Mapping[str, Any], live: Mapping[str, Any], *, shadow: bool) -> str:
    """Name a variant's share of the requests where there are several, and of how many a shadow gets a copy."""
    weights = [variant.get("CurrentWeight", 0.0) for variant in found.get("ProductionVariants", [])]
    if not (shadow or len(weights) > 1) or not sum(weights):
        return ""
    share = live.get("CurrentWeight", 0.0) / sum(weights)
    return f"{share:.0%} copied" if shadow else f"{share:.0%}"


def capacity(live: Mapping[str, Any], declared: Mapping[str, Any]) -> str:
    """Name how much there is now: instances and their type, or memory and concurrency."""
    serverless = {**declared.get("ServerlessConfig", {}), **live.get("CurrentServerlessConfig", {})}
    if serverless:
        warm = serverless.get("ProvisionedConcurrency")
        size = f"{serverless.get('MemorySizeInMB', 0) / 1024:g} GB × {serverless.get('MaxConcurrency', '?')}"
        return f"{size}, {warm} warm" if warm else size
    pools = live.get("InstancePools") or declared.get("InstancePools") or []
    kinds = [declared["InstanceType"]] if "InstanceType" in declared else [pool["InstanceType"] for pool in pools]
    return f"{live.get('CurrentInstanceCount', '?')} × {' or '.join(kinds) or '?'}"


def reserved(component: Mapping[str, Any]) -> str:
    """What each copy of a component reserves, where it is the same on every instance type."""
    needs = component.get("Specification", {}).get("ComputeResourceRequirements", {})
    parts = [
        (needs.get("NumberOfCpuCoresRequired"), "cores"),
        (needs.get("NumberOfAcceleratorDevicesRequired"), "accelerators"),
        (needs["MinMemoryRequiredInMb"] / 1024 if needs.get("MinMemoryRequiredInMb") else None, "GB"),
    ]
    said = [f"{value:g} {unit.removesuffix('s') if value == 1 else unit}" for value, unit in parts if value]
    return f" × {', '.join(said)}" if said else ""


def strategy(config: Mapping[str, Any] | None, *, guardable: bool = True) -> str:
    """Name the strategy of the last update, in the config's words; where there are no guardrails, only if there is."""
    if not config:
        return "all_at_once" if guardable else ""
    if "RollingUpdatePolicy" in config:
        size: Any = config["RollingUpdatePolicy"]["MaximumBatchSize"]
        return f"rolling, {_size(size)} a batch"
    policy = config.get("BlueGreenUpdatePolicy")
    if policy is None:
        return "all_at_once"
    routing = policy["TrafficRoutingConfiguration"]
    kind = routing["Type"]
    if kind == "CANARY":
        return f"canary, {_size(routing.get('CanarySize'))}"
    if kind == "LINEAR":
        return f"linear, {_size(routing.get('LinearStepSize'))} a step"
    return "all_at_once"


def _size(size: Any) -> str:  # noqa: ANN401  (three services' shapes of one thing)
    if not size:
        return "?"
    return f"{size['Value']}%" if size["Type"] == "CAPACITY_PERCENT" else f"{size['Value']}"
