"""Prices of instances that serve endpoints: a file with its date, and how it is made from the AWS Price List API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from slipway.plan.documents import UnreadableError

SERVICE = "AmazonSageMaker"
#: The Price List API answers in these Regions only; the prices are of all Regions.
API_REGION = "us-east-1"


class PricingClient(Protocol):
    """What is needed of boto3's ``pricing`` client."""

    def get_paginator(self, operation_name: str, /) -> Any:  # noqa: ANN401  (boto3 makes it at run time)
        """Return the paginator of ``get_products``."""


@dataclass(frozen=True)
class Prices:
    """On-demand prices of instances that serve endpoints.

    Attributes
    ----------
    asked
        The day on which they were asked for, such as ``2026-11-21``.
    hourly
        By Region and instance type: US dollars an hour.
    """

    asked: str
    hourly: Mapping[str, Mapping[str, float]]

    def of(self, region: str, type: str) -> float | None:
        """The price of a type; ``None`` where it is not known, also where a name stands for several types."""
        return self.hourly.get(region, {}).get(type)


def read(path: Path) -> Prices:
    """Read a file of prices.

    Parameters
    ----------
    path
        Such as ``prices.json``.

    Returns
    -------
    Prices
        As ``slipway prices refresh`` wrote them.

    Raises
    ------
    UnreadableError
        When it is not there, or no such file.
    """
    try:
        given: Any = json.loads(path.read_text(encoding="utf-8"))
        asked = date.fromisoformat(given["asked"]).isoformat()
        hourly = {
            str(region): {str(type): float(price) for type, price in prices.items()}
            for region, prices in given["hourly_usd"].items()
        }
    except OSError as error:
        raise UnreadableError(
            f"{path}: cannot be read: {error.strerror}: make it with `slipway prices refresh`"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableError(
            f"{path}: is no file of prices ({error!r}): make it with `slipway prices refresh`"
        ) from None
    return Prices(asked, hourly)


def text(prices: Prices) -> str:
    """A file of prices, as ``read`` takes it; the same prices make the same text."""
    hourly = {region: dict(sorted(of.items())) for region, of in sorted(prices.hourly.items())}
    return json.dumps({"asked": prices.asked, "source": "AWS Price List API", "hourly_usd": hourly}, indent=2) + "\n"


def fetch(client: PricingClient, regions: Iterable[str], today: date) -> Prices:
    """Ask the AWS Price List API.

    Parameters
    ----------
    client
        boto3's ``pricing`` client, in a Region where that API answers.
    regions
        For which Regions.
    today
        The day, which is written into the file.

    Returns
    -------
    Prices
        Of every instance type that hosts models there.

    Raises
    ------
    UnreadableError
        When a Region has no prices, which is a wrong name, or an answer of another shape than is known.
    """
    hourly: dict[str, dict[str, float]] = {}
    for region in dict.fromkeys(regions):
        # The attributes of the offer file: component tells hosting from training and notebooks.
        filters = [
            {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
            {"Type": "TERM_MATCH", "Field": "component", "Value": "Hosting"},
        ]
        pages = client.get_paginator("get_products").paginate(ServiceCode=SERVICE, Filters=filters)
        try:
            found = dict(price for page in pages for one in page["PriceList"] for price in _hourly(json.loads(one)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnreadableError(f"the AWS Price List API answers in a shape that is not known ({error!r})") from None
        if not found:
            raise UnreadableError(
                f"the AWS Price List API has no prices of {SERVICE} hosting in {region}: is that a Region?"
            )
        hourly[region] = found
    return Prices(today.isoformat(), hourly)


def _hourly(product: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The on-demand price of a product, if it is an instance type."""
    type = product["product"]["attributes"].get("instanceName", "")
    if not type.startswith("ml."):
        return
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"].lower() in ("hrs", "hours") and "USD" in dimension["pricePerUnit"]:
                yield type, float(dimension["pricePerUnit"]["USD"])
