"""Whether the account may run all instances that the update needs at one time."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from slipway.ops.preflight import quotas
from slipway.ops.preflight.quotas import Quotas
from slipway.ops.preflight.report import Finding, Outcome
from slipway.spec.deployment import Fleet
from tests.unit.ops.preflight.fakes import FULL, WHEN, Stubs

LARGE, GPU = "ml.m5.large", "ml.g5.xlarge"
OK, WARNING, FAILED = Outcome.OK, Outcome.WARNING, Outcome.FAILED


@pytest.fixture
def stubs() -> Stubs:
    return Stubs("service-quotas", "sagemaker")


def allows(stubs: Stubs, *pages: dict[str, float]) -> None:
    for number, page in enumerate(pages, 1):
        answer: dict[str, Any] = {
            "Quotas": [
                {"QuotaName": f"{type} for endpoint usage", "QuotaCode": f"L-{type[-5:].upper()}", "Value": value}
                for type, value in page.items()
            ]
        }
        if number < len(pages):
            answer["NextToken"] = str(number)
        stubs["service-quotas"].add_response("list_service_quotas", answer)


def runs(stubs: Stubs, endpoints: Mapping[str, Mapping[str, int]] | None = None, *, gone: bool = False) -> None:
    """Endpoints with one variant for each type."""
    sagemaker = stubs["sagemaker"]
    endpoints = endpoints or {}
    names = list(endpoints)
    summaries = [
        {
            "EndpointName": name,
            "EndpointArn": f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/{name}",
            "CreationTime": WHEN,
            "LastModifiedTime": WHEN,
            "EndpointStatus": "InService",
        }
        for name in names
    ]
    sagemaker.add_response("list_endpoints", {"Endpoints": summaries}, {"MaxResults": 100})
    if gone:
        sagemaker.add_client_error("describe_endpoint", "ValidationException", 'Could not find endpoint "x".')
        return
    for name, counts in zip(names, endpoints.values(), strict=True):
        variants = [
            {"VariantName": type.replace(".", "-"), "CurrentInstanceCount": count, "DesiredInstanceCount": count}
            for type, count in counts.items()
        ]
        sagemaker.add_response(
            "describe_endpoint",
            {
                **summaries[0],
                "EndpointName": name,
                "EndpointConfigName": name,
                "ProductionVariants": variants,
            },
            {"EndpointName": name},
        )
        sagemaker.add_response(
            "describe_endpoint_config",
            {
                "EndpointConfigName": name,
                "EndpointConfigArn": "arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/c",
                "CreationTime": WHEN,
                "ProductionVariants": [
                    {"VariantName": type.replace(".", "-"), "InstanceType": type, "InitialInstanceCount": count}
                    for type, count in counts.items()
                ],
            },
            {"EndpointConfigName": name},
        )


@pytest.fixture(autouse=True)
def one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stub answers in the order in which it was told."""
    monkeypatch.setattr(quotas, "_AT_ONCE", 1)


def look(stubs: Stubs, **peak: Fleet) -> list[Finding]:
    """Types are written with underscores."""
    wanted = {type.replace("_", ".").replace("..or..", " or "): fleet for type, fleet in peak.items()}
    with ThreadPoolExecutor(1) as pool:
        asked = Quotas(pool, stubs.clients, wanted)
    return list(asked.findings(FULL, wanted))


def test_a_peak_within_the_quota_is_well(stubs: Stubs) -> None:
    allows(stubs, {LARGE: 20})
    runs(stubs, {FULL: {LARGE: 4}, "other": {LARGE: 3, GPU: 9}})
    (found,) = look(stubs, ml_m5_large=Fleet(8, 16))
    assert found.outcome is OK
    assert found.text == (
        f"at most 16 × {LARGE} at one time; other endpoints run 3, and “{LARGE} for endpoint usage” allows 20"
    )


def test_a_peak_that_the_quota_does_not_allow_now_fails_and_says_how_to_raise_it(stubs: Stubs) -> None:
    allows(stubs, {LARGE: 10})
    runs(stubs, {"other": {LARGE: 3}})
    (found,) = look(stubs, ml_m5_large=Fleet(8, 16))
    assert found.outcome is FAILED
    assert found.text.startswith(f"the update needs 8 × {LARGE} at one time; other endpoints run 3")
    assert found.do.endswith("--service-code sagemaker --quota-code L-LARGE --desired-value 19")


def test_a_peak_that_only_autoscaling_at_its_most_would_reach_is_a_warning(stubs: Stubs) -> None:
    allows(stubs, {LARGE: 12})
    runs(stubs, {"other": {LARGE: 3}})
    (found,) = look(stubs, ml_m5_large=Fleet(8, 16))
    assert found.outcome is WARNING
    assert "needs 8 × ml.m5.large at one time, but 16 when autoscaling is at its most" in found.text


def test_of_several_pools_the_quotas_of_all_count_together(stubs: Stubs) -> None:
    allows(stubs, {LARGE: 4, GPU: 5})
    runs(stubs, {"other": {GPU: 1}})
    with ThreadPoolExecutor(1) as pool:
        asked = Quotas(pool, stubs.clients, [f"{LARGE} or {GPU}"])
    (found,) = asked.findings(FULL, {f"{LARGE} or {GPU}": Fleet(8, 8)})
    assert found.outcome is OK
    (found,) = asked.findings(FULL, {f"{LARGE} or {GPU}": Fleet(9, 9)})
    assert found.outcome is FAILED


def test_pages_are_read_until_all_is_known(stubs: Stubs) -> None:
    allows(stubs, {GPU: 1}, {LARGE: 20}, {"ml.p5.48xlarge": 0})
    runs(stubs)
    (found,) = look(stubs, ml_m5_large=Fleet(8, 8))
    assert found.outcome is OK
    with pytest.raises(AssertionError):
        stubs["service-quotas"].assert_no_pending_responses()  # the last page was not asked for


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("AccessDeniedException", "it takes servicequotas:ListServiceQuotas"),
        ("TooManyRequestsException", "TooManyRequestsException"),
    ],
)
def test_a_quota_that_cannot_be_asked_for_is_a_warning_with_the_figure(stubs: Stubs, code: str, why: str) -> None:
    stubs["service-quotas"].add_client_error("list_service_quotas", code, "no")
    runs(stubs)
    (found,) = look(stubs, ml_m5_large=Fleet(8, 16))
    assert found.outcome is WARNING
    assert found.text.startswith(f"the update needs 16 × {LARGE} at one time; whether “{LARGE} for endpoint usage”")
    assert why in found.text


def test_a_quota_that_is_not_listed_is_a_warning(stubs: Stubs) -> None:
    allows(stubs, {GPU: 1})
    runs(stubs)
    (found,) = look(stubs, ml_m5_large=Fleet(8, 16))
    assert (found.outcome, "Service Quotas does not list it" in found.text) == (WARNING, True)


def test_an_endpoint_that_went_meanwhile_runs_nothing(stubs: Stubs) -> None:
    allows(stubs, {LARGE: 8})
    runs(stubs, {"other": {LARGE: 3}}, gone=True)
    (found,) = look(stubs, ml_m5_large=Fleet(8, 8))
    assert found.outcome is OK


def test_too_many_endpoints_are_not_counted(stubs: Stubs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "MOST_ENDPOINTS", 1)
    allows(stubs, {LARGE: 20})
    runs(stubs, {"first": {LARGE: 1}, "second": {LARGE: 1}})
    (found,) = look(stubs, ml_m5_large=Fleet(8, 8))
    assert (found.outcome, "more than 1 endpoints run" in found.text) == (WARNING, True)


def test_what_has_no_instances_needs_no_quota(stubs: Stubs) -> None:
    with ThreadPoolExecutor(1) as pool:
        (found,) = Quotas(pool, stubs.clients, []).findings(FULL, {})
    assert (found.outcome, found.text) == (OK, "it has no instances of its own")
