"""The template of one endpoint: synthesized as an app would, with references read as the service would see them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from slipway.spec.environment import Environment

Properties = Mapping[str, Any]
Mode = Literal["instances", "serverless", "asynchronous", "components"]


@dataclass(frozen=True)
class Stack:
    """The resources of one endpoint's stack.

    Attributes
    ----------
    declared
        The endpoint, as the config says it.
    template
        What CDK made of it.
    """

    declared: Mapping[str, Any]
    template: Mapping[str, Any]

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """By logical id, as CloudFormation gets them."""
        found: Mapping[str, Mapping[str, Any]] = self.template["Resources"]
        return found

    @cached_property
    def resolved(self) -> Mapping[str, tuple[str, Properties]]:
        """By logical id: type and properties, with names in the place of references."""
        return {id: (r["Type"], self._resolve(r.get("Properties", {}))) for id, r in self.resources.items()}

    def of(self, type: str) -> Iterator[Properties]:
        """Properties of the resources of a type, such as ``SageMaker::Model``."""
        return (properties for found, properties in self.resolved.values() if found == f"AWS::{type}")

    @cached_property
    def config(self) -> Properties:
        """The endpoint config."""
        (found,) = self.of("SageMaker::EndpointConfig")
        return found

    @cached_property
    def endpoint(self) -> Properties:
        """The endpoint."""
        (found,) = self.of("SageMaker::Endpoint")
        return found

    @cached_property
    def models(self) -> Mapping[str, Properties]:
        """The models by name."""
        return {self._name(id): p for id, (type, p) in self.resolved.items() if type == "AWS::SageMaker::Model"}

    @property
    def variants(self) -> list[Properties]:
        """The production variants."""
        return list(self.config["ProductionVariants"])

    @property
    def shadows(self) -> list[Properties]:
        """The shadow variants."""
        return list(self.config.get("ShadowProductionVariants", []))

    @cached_property
    def mode(self) -> Mode:
        """How it is hosted, by what is deployed."""
        if any(self.of("SageMaker::InferenceComponent")):
            return "components"
        if "AsyncInferenceConfig" in self.config:
            return "asynchronous"
        return "serverless" if any("ServerlessConfig" in variant for variant in self.variants) else "instances"

    @staticmethod
    def types(variant: Properties) -> list[str]:
        """The instance types that a variant may run on."""
        pools = [pool["InstanceType"] for pool in variant.get("InstancePools", [])]
        return pools or [variant[key] for key in ("InstanceType",) if key in variant]

    @cached_property
    def ending_alarms(self) -> frozenset[str]:
        """Names of the alarms that end an update of the endpoint or of a component."""
        updated = [self.endpoint, *self.of("SageMaker::InferenceComponent")]
        configs = [one.get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {}) for one in updated]
        return frozenset(alarm["AlarmName"] for config in configs for alarm in config.get("Alarms", []))

    def live(self, variant: Properties) -> range:
        """The instance counts that a variant can have when an update comes."""
        scaled = self._scaled(f"endpoint/{self.endpoint['EndpointName']}/variant/{variant['VariantName']}")
        count = variant.get("InitialInstanceCount", 0)
        return scaled or range(count, count + 1)

    def copies(self, component: Properties) -> range:
        """The counts of copies that a component can have when an update comes."""
        count = component["RuntimeConfig"]["CopyCount"]
        scaled = self._scaled(f"inference-component/{component['InferenceComponentName']}")
        return scaled or range(count, count + 1)

    def _scaled(self, resource: str) -> range | None:
        for target in self.of("ApplicationAutoScaling::ScalableTarget"):
            if target["ResourceId"] == resource:
                limits = [target, *(action["ScalableTargetAction"] for action in target.get("ScheduledActions", []))]
                return range(min(one["MinCapacity"] for one in limits), max(one["MaxCapacity"] for one in limits) + 1)
        return None

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Ref"}:
            return self._ref(value["Ref"])
        if value.keys() == {"Fn::GetAtt"}:
            return self._attribute(*value["Fn::GetAtt"])
        assert not any(key.startswith("Fn::") for key in value), f"an intrinsic that is not read here: {value}"
        return {key: self._resolve(inner) for key, inner in value.items()}

    def _ref(self, id: str) -> str:
        resource = self.resources[id]
        properties = resource["Properties"]
        match resource["Type"]:
            case "AWS::CloudWatch::Alarm":
                return str(properties["AlarmName"])
            case "AWS::ApplicationAutoScaling::ScalableTarget":
                return id
            case "AWS::ApplicationAutoScaling::ScalingPolicy":
                return f"arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:{properties['PolicyName']}"
        raise AssertionError(f"a reference to {resource['Type']} is not read here")

    def _attribute(self, id: str, attribute: str) -> str:
        match attribute:
            case "ModelName" | "EndpointConfigName":
                return self._name(id)
            case "EndpointName":
                return str(self.resources[id]["Properties"]["EndpointName"])
        raise AssertionError(f"{attribute} of {self.resources[id]['Type']} is not read here")

    @staticmethod
    def _name(id: str) -> str:
        """What CloudFormation generates: part of the logical id, and something that differs."""
        return f"{id[-40:]}-AbCdEf0123"


def synthesize(environment: Environment, name: str, folder: Path) -> Mapping[str, Any]:
    """Make the template of one endpoint by the constructs of the app.

    Parameters
    ----------
    environment
        A checked environment.
    name
        The endpoint's short name.
    folder
        For the cloud assembly.

    Returns
    -------
    Mapping
        The template.
    """
    # Node takes a second to start, which whoever only collects the tests need not pay.
    from aws_cdk import App

    from stacks.endpoint_stack import EndpointStack
    from stacks.flags import FLAGS

    app = App(outdir=str(folder), context=dict(FLAGS), analytics_reporting=False)
    EndpointStack(app, environment=environment, name=name)
    app.synth()
    found: Mapping[str, Any] = json.loads((folder / f"{environment.names.stack(name)}.template.json").read_text())
    return found
