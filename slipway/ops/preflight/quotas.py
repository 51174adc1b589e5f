"""The check of quotas: whether the account may run all instances that the update needs at one time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from slipway.ops.preflight.report import Finding, failed, ok, warning
from slipway.ops.trouble import OperationError, code, is_denied, is_missing
from slipway.plan.courses import quota, types
from slipway.plan.endpoints import config_variants

if TYPE_CHECKING:
    from types_boto3_sagemaker import SageMakerClient

    from slipway.ops.preflight.clients import Clients
    from slipway.spec.deployment import Fleet

#: More endpoints are not counted one by one: two calls for each would take too long.
MOST_ENDPOINTS = 300
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of the account: its code, and how many instances it allows."""

    code: str
    value: int


class Quotas:
    """What the account may run, and what it runs.

    Parameters
    ----------
    pool
        Where questions go.
    clients
        To ask; takes servicequotas:ListServiceQuotas, sagemaker:ListEndpoints, and to describe all endpoints and their
        configs.
    wanted
        Instance types, as a plan calls them.
    """

    def __init__(self, pool: Executor, clients: Clients, wanted: Collection[str]) -> None:
        self._clients = clients
        self._wanted = {quota(one) for type in wanted for one in types(type)}
        self._values: Future[Mapping[str, Quota]] = pool.submit(self._list)
        self._running: Future[Mapping[str, Mapping[str, int]]] = pool.submit(self._count)

    def findings(self, full: str, peak: Mapping[str, Fleet]) -> Iterator[Finding]:
        """Hold the peak of an update against the quotas.

        Parameters
        ----------
        full
            The endpoint's full name.
        peak
            By instance type: at the counts of now, and when autoscaling is at its most.

        Yields
        ------
        Finding
            One for each type.
        """
        if not peak:
            yield ok("it has no instances of its own")
        for type, needed in peak.items():
            names = " and ".join(f"“{quota(one)}”" for one in types(type))
            try:
                yield self._finding(full, type, needed, names)
            except (ClientError, BotoCoreError, OperationError) as error:
                yield warning(
                    f"the update needs {needed.highest} × {type} at one time; whether {names} allows that could not be "
                    f"told: {_why(error)}",
                    f"look at {names} under Service Quotas, SageMaker",
                )

    def _finding(self, full: str, type: str, needed: Fleet, names: str) -> Finding:
        found = [self._values.result().get(quota(one)) for one in types(type)]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            raise OperationError("Service Quotas does not list it")
        others = sum(
            counts.get(one, 0)
            for endpoint, counts in self._running.result().items()
            if endpoint != full
            for one in types(type)
        )
        allowed = sum(one.value for one in known)
        beside = f"; other endpoints run {others}, and {names} allows {allowed}"
        raised = (
            "aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code "
            f"{known[0].code} --desired-value {known[0].value + needed.highest + others - allowed}"
        )
        if needed.lowest + others > allowed:
            return failed(f"the update needs {needed.lowest} × {type} at one time{beside}", raised)
        if needed.highest + others > allowed:
            return warning(
                f"the update needs {needed.lowest} × {type} at one time, but {needed.highest} when autoscaling is at "
                f"its most{beside}",
                raised,
            )
        return ok(f"at most {needed.highest} × {type} at one time{beside}")

    def _list(self) -> Mapping[str, Quota]:
        found: dict[str, Quota] = {}
        for page in self._clients.service_quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"):
            for one in page["Quotas"]:
                if one["QuotaName"] in self._wanted:
                    found[one["QuotaName"]] = Quota(one["QuotaCode"], int(one["Value"]))
            if found.keys() >= self._wanted:  # SageMaker has thousands of them
                break
        return found

    def _count(self) -> Mapping[str, Mapping[str, int]]:
        sagemaker = self._clients.sagemaker
        pages = sagemaker.get_paginator("list_endpoints").paginate(PaginationConfig={"PageSize": 100})
        names = []
        for page in pages:
            names += [one["EndpointName"] for one in page["Endpoints"]]
            if len(names) > MOST_ENDPOINTS:
                raise OperationError(f"more than {MOST_ENDPOINTS} endpoints run, too many to count their instances")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(names, pool.map(lambda name: _instances(sagemaker, name), names), strict=True))


def _instances(sagemaker: SageMakerClient, endpoint: str) -> Mapping[str, int]:
    """How many instances of each type an endpoint runs; of several pools all count as the one that is tried first."""
    try:
        found = sagemaker.describe_endpoint(EndpointName=endpoint)
        config = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
    except ClientError as error:
        if is_missing(error):  # it, or its config, was deleted meanwhile
            return {}
        raise
    kinds = {variant.name: next(types(variant.type)) for variant in config_variants(config)}
    counts: Counter[str] = Counter()
    for variant in (*found.get("ProductionVariants", ()), *found.get("ShadowProductionVariants", ())):
        count = max(variant.get("CurrentInstanceCount", 0), variant.get("DesiredInstanceCount", 0))
        counts[kinds.get(variant["VariantName"], "")] += count
    return counts


def _why(error: Exception) -> str:
    if is_denied(error):
        return "it takes servicequotas:ListServiceQuotas, and sagemaker:List* and Describe* of all endpoints"
    return code(error) or str(error)
