"""Endpoints: what one serves, how it was last deployed, and where an update of it stands.

moto's endpoints are in service at once, and cannot be updated.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from moto.sagemaker.models import FakeEndpoint

from slipway.local.engine.documents import Document
from slipway.local.mends import alarms
from slipway.local.mends.hosting import HostedConfig, Ready, instance_types, named, now, summaries
from slipway.local.mends.progress import Progress, pace_of
from slipway.local.pace import SETTINGS, Flaw
from slipway.local.runtime import FLEET
from slipway.rollout.fleets import Instances, Update, Variant
from slipway.rollout.policy import Policy
from slipway.rollout.policy import read as read_policy
from slipway.rollout.stages import Capacity, Kind, Outcome, Side, Stage, Standing


@dataclass
class _Moving:
    """A creation or an update under way.

    Attributes
    ----------
    config
        The endpoint config that it moves to.
    variants
        The production variants as they will be.
    progress
        Where it stands.
    created
        Whether the endpoint is new.
    """

    config: HostedConfig
    variants: list[dict[str, Any]]
    progress: Progress
    created: bool


class Choice(NamedTuple):
    """A variant of one fleet, and the share of requests that it gets.

    Attributes
    ----------
    config
        The endpoint config that the fleet serves.
    variant, live
        The variant as the config declares it, and as it is now.
    weight
        Relative to the others.
    """

    config: HostedConfig
    variant: Document
    live: Document
    weight: float


class HostedEndpoint(Ready, FakeEndpoint):
    """An endpoint: what it serves now, how it was last deployed, and what is under way."""

    def __init__(
        self,
        account: str,
        region: str,
        name: str,
        config: HostedConfig,
        tags: list[dict[str, str]],
        deployment: Document | None,
    ) -> None:
        self._failure: str = ""
        self._lock = threading.RLock()
        self._moving: _Moving | None = None
        self._rescaled_at = 0.0
        self._status = "InService"
        super().__init__(
            account_id=account,
            region_name=region,
            endpoint_name=name,
            endpoint_config_name=config.endpoint_config_name,
            production_variants=[],
            data_capture_config={},
            tags=tags,
        )
        self._where = (account, region)
        self.config = config
        self.last_deployment_config = deployment
        self.production_variants = summaries(config.production_variants, config)
        # A DeploymentConfig changes nothing about a creation.
        self._begin(config, Policy(), self.production_variants, created=True)

    # -- what is under way

    def deploy(
        self,
        config: HostedConfig,
        deployment: Document | None,
        retained: Iterable[str],
        *,
        retain_deployment: bool = False,
    ) -> None:
        """Begin to serve another config.

        Parameters
        ----------
        config
            The new one.
        deployment
            The DeploymentConfig of the update.
        retained
            Which of DesiredInstanceCount and DesiredWeight keep their live values.
        retain_deployment
            Take the last DeploymentConfig again.

        Raises
        ------
        DeclarationError
            When the service would refuse the DeploymentConfig.
        """
        kept = set(retained)
        live = {v["VariantName"]: v for v in self.production_variants}
        fresh = summaries(config.production_variants, config)
        for variant in fresh:
            before = live.get(variant["VariantName"], {})
            for member in ("InstanceCount", "Weight"):
                desired = f"Desired{member}"
                if desired in kept and desired in before and desired in variant:
                    for state in ("Desired", "Current"):
                        variant[f"{state}{member}"] = before[f"{state}{member}"]
        policy = read_policy(self.last_deployment_config if retain_deployment else deployment)
        self.last_deployment_config = deployment or self.last_deployment_config
        self._begin(config, policy, fresh, created=False)

    def _begin(self, config: HostedConfig, policy: Policy, fresh: list[dict[str, Any]], *, created: bool) -> None:
        flaws = SETTINGS.flaws(*self._where, self.endpoint_name)
        variants = tuple(
            Variant(
                one["VariantName"],
                Instances(0 if created else self._count(one["VariantName"]), self._type(one["VariantName"])),
                Instances(int(one.get("CurrentInstanceCount", 0)), _type_of(config, one["VariantName"])),
                float(one["CurrentWeight"]),
            )
            for one in fresh
        )
        update = Update(policy, variants, pace_of(flaws), exclusion_of(config))
        unhealthy = f"The {_primary(fresh)} did not pass the ping health check. Please check CloudWatch logs for this "
        progress = Progress(*self._where, update, unhealthy=f"{unhealthy}endpoint." if Flaw.UNHEALTHY in flaws else "")
        with self._lock:
            self._failure = ""
            self.last_modified_time = now()
            self._moving = _Moving(config, fresh, progress, created)
            alarms.follow(progress.followed, self.settle)
        self.settle()

    def settle(self) -> None:
        """Bring everything to this moment: the stage of an update, its end, the end of a rescaling."""
        with self._lock:
            present, moving = time.time(), self._moving
            if moving is None:
                if self._rescaled_at and present >= self._rescaled_at:
                    self._rescaled_at = 0.0
                    for variant in self.production_variants:
                        if "DesiredInstanceCount" in variant:
                            variant["CurrentInstanceCount"] = variant["DesiredInstanceCount"]
                return
            moving.progress.settle(present)
            if moving.progress.over(present):
                self._moving = None
                alarms.follow(moving.progress.followed, None)
                self._end(moving)

    def _end(self, moving: _Moving) -> None:
        updated = moving.progress.rollout.outcome is Outcome.UPDATED
        gone = self.config if updated else moving.config
        if updated:
            self.config = moving.config
            self.endpoint_config_name = moving.config.endpoint_config_name
            self.production_variants = moving.variants
        elif moving.created:
            self._status = "Failed"
        elif Flaw.ROLLBACK_FAILS in SETTINGS.flaws(*self._where, self.endpoint_name):
            self._status = "UpdateRollbackFailed"
            self._failure = "The rollback could not bring the former instances back."
        if updated or not (moving.created or self._failure):
            self._status = "InService"
        # After a rollback by alarms the reason stays empty, and all that tells is the name of the config.
        self._failure = self._failure or moving.progress.failure
        self.last_modified_time = datetime.fromtimestamp(moving.progress.ended, UTC).replace(tzinfo=None)
        if gone is not self.config:
            for variant in gone.production_variants:
                FLEET.retire((*self._where, self.endpoint_name, variant["VariantName"], "", gone.endpoint_config_name))

    @property
    def endpoint_status(self) -> str:
        """The status at this moment."""
        self.settle()
        if self._moving is None:
            if Flaw.SYSTEM_UPDATE in SETTINGS.flaws(*self._where, self.endpoint_name):
                return "SystemUpdating"
            return "Updating" if self._rescaled_at else self._status
        if self._moving.created:
            return "Creating"
        return "RollingBack" if self._moving.progress.rollout.outcome is Outcome.ROLLED_BACK else "Updating"

    @endpoint_status.setter
    def endpoint_status(self, status: str) -> None:
        self._status = status

    # -- its fleets

    def _count(self, variant: str) -> int:
        return int((named(self.production_variants, variant) or {}).get("CurrentInstanceCount", 0))

    def _type(self, variant: str) -> str:
        return _type_of(self.config, variant)

    def live_variant(self, name: str) -> dict[str, Any] | None:
        """Return a production variant as it is now, with its live weight and capacity."""
        return named(self.production_variants, name)

    def choices(self) -> list[Choice]:
        """Return the variants of the old and, during an update, of the new fleet, with the share that each gets."""
        self.settle()
        with self._lock:
            moving = self._moving
            stage = moving.progress.stage(time.time()) if moving else None
            shifted = {one.variant.name: one.shifted for one in stage.variants} if stage else {}
            over = stage.traffic.new if stage else 0.0
            found = []
            for live in self.production_variants:
                declared = self.config.variant(live["VariantName"])
                if declared is not None:
                    left = 1 - shifted.get(live["VariantName"], over)
                    found.append(Choice(self.config, declared, live, float(live.get("CurrentWeight", 1.0)) * left))
            for live in moving.variants if moving and stage else ():
                declared = moving.config.variant(live["VariantName"]) if moving else None
                if declared is not None and moving is not None and shifted[live["VariantName"]]:
                    weight = float(live.get("CurrentWeight", 1.0)) * shifted[live["VariantName"]]
                    found.append(Choice(moving.config, declared, live, weight))
            return found

    def rescale(self, wanted: Document) -> None:
        """Give a variant another weight or capacity, as UpdateEndpointWeightsAndCapacities has them."""
        variant = self.live_variant(wanted["VariantName"]) or {}
        members = {key: wanted[f"Desired{key}"] for key in ("Weight", "InstanceCount") if f"Desired{key}" in wanted}
        if wanted.get("ServerlessUpdateConfig"):
            members["ServerlessConfig"] = {**variant["CurrentServerlessConfig"], **wanted["ServerlessUpdateConfig"]}
        waits = SETTINGS.pace.provision if members.get("InstanceCount", 0) > self._count(wanted["VariantName"]) else 0.0
        for key, value in members.items():
            variant[f"Desired{key}"] = value
            if key != "InstanceCount" or not waits:
                variant[f"Current{key}"] = value
        if waits:
            self._rescaled_at = time.time() + waits
        self.last_modified_time = now()

    @property
    def response_object(self) -> Document:
        """What DescribeEndpoint answers."""
        with self._lock:
            status, moving = self.endpoint_status, self._moving
            request = self.config.request
            described: Document = {
                "EndpointName": self.endpoint_name,
                "EndpointArn": self.arn,
                "EndpointConfigName": self.endpoint_config_name,
                "ProductionVariants": self.production_variants,
                "EndpointStatus": status,
                "FailureReason": self._failure,
                "CreationTime": self.creation_time,
                "LastModifiedTime": self.last_modified_time,
                "LastDeploymentConfig": self.last_deployment_config,
                "AsyncInferenceConfig": request.get("AsyncInferenceConfig"),
                "ExplainerConfig": request.get("ExplainerConfig"),
                "ShadowProductionVariants": summaries(self.config.shadow_variants, self.config),
            }
            if moving is not None:
                stage = moving.progress.stage(time.time())
                described["PendingDeploymentSummary"] = {
                    "EndpointConfigName": moving.config.endpoint_config_name,
                    "StartTime": datetime.fromtimestamp(moving.progress.started, UTC),
                    "ProductionVariants": [moved(one, stage, "new", moving.progress) for one in moving.variants],
                }
                described["ProductionVariants"] = (
                    []
                    if moving.created
                    else [moved(o, stage, "old", moving.progress) for o in self.production_variants]
                )
        capture = request.get("DataCaptureConfig")
        if capture:
            enabled = bool(capture.get("EnableCapture", True))
            described["DataCaptureConfig"] = {
                "EnableCapture": enabled,
                "CaptureStatus": "Started" if enabled else "Stopped",
                "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
                "DestinationS3Uri": capture["DestinationS3Uri"],
                "KmsKeyId": capture.get("KmsKeyId", ""),
            }
        return {key: item for key, item in described.items() if item not in (None, [])}


def moved(variant: Document, stage: Stage, side: Side, progress: Progress) -> Document:
    """Describe a variant of one fleet during an update: its instances, and what happens to them.

    Parameters
    ----------
    variant
        As it is before or after the update.
    stage
        Where the update stands.
    side
        Which fleet.
    progress
        The update.
    """
    standing = next((one for one in stage.variants if one.variant.name == variant["VariantName"]), None)
    described = dict(variant)  # weights are among variants; what each fleet gets, no member says
    if standing is not None and "CurrentInstanceCount" in variant:
        described["CurrentInstanceCount"] = getattr(standing, side).ready
    status = _status(stage, side)
    if status:
        begun = datetime.fromtimestamp(progress.started + stage.start, UTC)
        words = _words(stage, standing, side) if standing is not None else ""
        described["VariantStatus"] = [{"Status": status, "StatusMessage": words, "StartTime": begun}]
    return described


def _status(stage: Stage, side: Side) -> str:
    """The variant status of a fleet; the fleet to which nothing happens has none."""
    coming: Side = "old" if stage.rolling_back else "new"
    if stage.kind is Kind.TERMINATE:
        return "" if side == coming else "Deleting"
    words = {Kind.PROVISION: "Creating", Kind.SHIFT: "ActivatingTraffic", Kind.BAKE: "Baking"}
    return {**words, Kind.FINAL_BAKE: "Baking"}.get(stage.kind, "") if side == coming else ""


def _words(stage: Stage, standing: Standing, side: Side) -> str:
    """What happens to a variant, in the words of the Developer Guide's example (EventBridge, "Endpoint deployment")."""
    fleet: Capacity = getattr(standing, side)
    served = round(standing.shifted * standing.variant.new.count)
    if side == "old":
        served = standing.variant.old.count - served
    share = "full" if standing.shifted == 1 else "canary"
    capacity = f"{share} capacity of {served} instance(s)."
    match stage.kind:
        case Kind.PROVISION:
            return f"Launching {fleet.starting} instance(s)."
        case Kind.SHIFT:
            return f"Activating traffic on {capacity}"
        case Kind.TERMINATE:
            return f"Terminating {fleet.stopping} instance(s)."
    wait = "TerminationWaitInSeconds" if stage.kind is Kind.FINAL_BAKE else "WaitIntervalInSeconds"
    return f"Baking for {stage.seconds:.0f} seconds ({wait}) with traffic enabled on {capacity}"


def exclusion_of(config: HostedConfig) -> str:
    """Why the service has no guardrails for an endpoint of this config; empty when it has."""
    if any(variant.get("ServerlessConfig") for variant in config.production_variants):
        return "serverless endpoints"
    return "endpoints of inference components" if config.hosts_components else ""


def _primary(variants: list[dict[str, Any]]) -> str:
    return f"primary container for production variant {variants[0]['VariantName']}"


def _type_of(config: HostedConfig, variant: str) -> str:
    return " or ".join(instance_types(config.variant(variant) or {}))
