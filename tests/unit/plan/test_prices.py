"""Prices come from the Price List API into a file with its date; without one there is no money."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from slipway.plan import prices
from slipway.plan.data import data
from slipway.plan.documents import UnreadableError

from .pairs import CONFIG, POLICY, TARGET, edited, next_model, planned, template, without

TODAY = date(2026, 11, 21)


def product(type: str, price: str, unit: str = "Hrs") -> str:
    dimension = {"unit": unit, "pricePerUnit": {"USD": price}, "description": "…"}
    terms = {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": dimension}}}}
    return json.dumps({"product": {"attributes": {"instanceName": type, "component": "Hosting"}}, "terms": terms})


def pricing(region: str, *pages: list[str]) -> Any:
    client = boto3.client("pricing", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stubber = Stubber(client)
    filters = [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
        {"Type": "TERM_MATCH", "Field": "component", "Value": "Hosting"},
    ]
    for at, page in enumerate(pages):
        asked: dict[str, Any] = {"ServiceCode": "AmazonSageMaker", "Filters": filters}
        if at:
            asked["NextToken"] = str(at)
        more = {"NextToken": str(at + 1)} if at + 1 < len(pages) else {}
        stubber.add_response("get_products", {"PriceList": page, **more}, asked)
    stubber.activate()
    return client


def test_every_page_is_read_and_only_instances_by_the_hour_count() -> None:
    client = pricing(
        "eu-west-1",
        [product("ml.m5.large", "0.1280000000"), product("", "0.02")],
        [product("ml.c5.xlarge", "0.25"), product("ml.storage", "0.1", "GB-Mo")],
    )
    found = prices.fetch(client, ["eu-west-1", "eu-west-1"], TODAY)
    assert found == prices.Prices("2026-11-21", {"eu-west-1": {"ml.m5.large": 0.128, "ml.c5.xlarge": 0.25}})


def test_a_region_without_prices_is_an_error() -> None:
    with pytest.raises(UnreadableError, match=r"no prices .* in nowhere-1"):
        prices.fetch(pricing("nowhere-1", []), ["nowhere-1"], TODAY)


def test_an_answer_of_another_shape_is_an_error() -> None:
    with pytest.raises(UnreadableError, match="in a shape that is not known"):
        prices.fetch(pricing("eu-west-1", ['{"product": {}}']), ["eu-west-1"], TODAY)


def test_a_file_of_prices_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = prices.Prices("2026-11-21", {"eu-west-1": {"ml.m5.large": 0.128}})
    (tmp_path / "prices.json").write_text(prices.text(made))
    assert prices.read(tmp_path / "prices.json") == made


@pytest.mark.parametrize("text", ["{", "[]", '{"asked": "soon", "hourly_usd": {}}', '{"asked": "2026-11-21"}'])
def test_another_file_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.json").write_text(text)
    with pytest.raises(UnreadableError, match=r"is no file of prices .*slipway prices refresh"):
        prices.read(tmp_path / "prices.json")
    with pytest.raises(UnreadableError, match="cannot be read"):
        prices.read(tmp_path / "none.json")


def endpoint(old: Any, new: Any, known: prices.Prices | None) -> dict[str, Any]:
    found: dict[str, Any] = data(planned(old, new, prices=known))["stacks"][0]["endpoints"][0]
    return found


def test_money_is_hours_times_price() -> None:
    known = prices.Prices("2026-11-21", {"eu-west-1": {"ml.m5.large": 0.12}})
    found = endpoint(template(), next_model(template()), known)
    # A canary of 25 minutes beside 4 to 12 instances.
    assert found["double_running_hours"] == {"ml.m5.large": {"low": 1.6667, "high": 5.0}}
    assert found["double_running_usd"] == {"low": 0.2, "high": 0.6}
    assert found["monthly_usd"] == {"low": 0, "high": 0}


def test_a_change_of_the_type_costs_the_difference_each_month() -> None:
    free = without(template(), TARGET, POLICY)
    new = edited(free, **{f"{CONFIG}__ProductionVariants___0__InstanceType": "ml.c5.xlarge"})
    known = prices.Prices("2026-11-21", {"eu-west-1": {"ml.m5.large": 0.1, "ml.c5.xlarge": 0.3}})
    # Four instances, 730 hours, 20 cents more each.
    assert endpoint(free, new, known)["monthly_usd"] == {"low": 584.0, "high": 584.0}


def test_without_the_price_of_a_type_there_is_no_money_at_all() -> None:
    known = prices.Prices("2026-11-21", {"eu-west-1": {"ml.p5.48xlarge": 60.0}})
    for prices_known in (None, known):
        found = endpoint(template(), next_model(template()), prices_known)
        assert found["double_running_usd"] is None
        assert found["double_running_hours"]
