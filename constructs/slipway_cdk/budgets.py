"""What an endpoint or an environment may cost: AWS Budgets, which tell the alarm topic."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from constructs import Construct

from slipway.spec.budget import Budget
from slipway.spec.environment import Environment
from slipway.spec.units import Dollars
from slipway_cdk.resource import declare, tags

#: The period in a budget's name, and as AWS Budgets calls it.
_UNITS = {"daily": "DAILY", "monthly": "MONTHLY"}


def has_budget(environment: Environment) -> bool:
    """Whether anything in an environment has a budget.

    Parameters
    ----------
    environment
        The environment.

    Returns
    -------
    bool
        Whether AWS Budgets needs to reach the alarm topic.
    """
    declared = (environment.budget, *(endpoint.budget for endpoint in environment.endpoints.values()))
    return any(True for budget in declared if budget is not None for _ in _limits(budget))


def cost_budgets(scope: Construct, *, environment: Environment, name: str | None = None) -> None:
    """Declare the budgets of an endpoint, or of the whole environment.

    Parameters
    ----------
    scope
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name; without it, the environment's own budget.
    """
    budget = environment.budget if name is None else environment.endpoints[name].budget
    if budget is None:
        return
    for period, limit in _limits(budget):
        notifications = list(_notifications(environment, budget, period))
        declare(
            scope,
            f"Budget-{period}",
            "AWS::Budgets::Budget",
            {
                "Budget": {
                    "BudgetName": _name(environment, period, name, notifications),
                    "BudgetType": "COST",
                    "TimeUnit": _UNITS[period],
                    "BudgetLimit": {"Amount": round(float(limit), 2), "Unit": "USD"},
                    "FilterExpression": _filter(environment, name),
                    "Metrics": ["UnblendedCost"],
                },
                "NotificationsWithSubscribers": notifications,
                "ResourceTags": tags(environment, name),
            },
        )


def _limits(budget: Budget) -> Iterator[tuple[str, Dollars]]:
    for period, limit in (("daily", budget.daily), ("monthly", budget.monthly)):
        if limit is not None:
            yield period, limit


def _name(environment: Environment, period: str, name: str | None, notifications: list[dict[str, Any]]) -> str:
    """Notifications cannot be changed: other ones mean another budget, which then needs another name."""
    known = hashlib.sha256(json.dumps(notifications, sort_keys=True).encode()).hexdigest()[:8]
    return f"{environment.names.budget(period, name)}-{known}"


def _filter(environment: Environment, name: str | None) -> dict[str, Any]:
    """All of these, not any: CostFilters would count whatever bears one of the tags."""
    ours = {"Team": environment.team, "Project": environment.project, "Environment": environment.environment}
    if name is not None:
        ours["Model"] = name
    expressions: list[Mapping[str, Any]] = [{"Tags": {"Key": key, "Values": [value]}} for key, value in ours.items()]
    # The same project may live in another Region, under the same tags.
    expressions.append({"Dimensions": {"Key": "REGION", "Values": [environment.region]}})
    return {"And": expressions}


def _notifications(environment: Environment, budget: Budget, period: str) -> Iterator[dict[str, Any]]:
    told = [("ACTUAL", float(share)) for share in budget.notify_at]
    if budget.forecast and period == "monthly":
        told.append(("FORECASTED", 100.0))
    for kind, share in told:
        yield {
            "Notification": {
                "NotificationType": kind,
                "ComparisonOperator": "GREATER_THAN",
                "Threshold": share,
                "ThresholdType": "PERCENTAGE",
            },
            "Subscribers": [{"SubscriptionType": "SNS", "Address": environment.names.topic_arn}],
        }
