"""Budgets: whose costs they count, whom they tell, and where they stand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Declared = Callable[..., Any]
KIND = "AWS::Budgets::Budget"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:rc-project-a-staging-alarms"


def budgets(assembly: Any, part: str) -> dict[str, dict[str, Any]]:
    return {r["Properties"]["Budget"]["TimeUnit"]: r["Properties"] for r in assembly.resources(part, KIND)}


def matched(expression: dict[str, Any]) -> dict[str, list[str]]:
    """What costs have to bear to be counted."""
    assert set(expression) == {"And"}
    return {one["Key"]: one["Values"] for part in expression["And"] for one in part.values()}


def told(properties: dict[str, Any]) -> list[tuple[str, float]]:
    found = []
    for one in properties["NotificationsWithSubscribers"]:
        assert one["Subscribers"] == [{"SubscriptionType": "SNS", "Address": TOPIC}]
        notification = one["Notification"]
        assert notification["ThresholdType"] == "PERCENTAGE"
        assert notification["ComparisonOperator"] == "GREATER_THAN"
        found.append((notification["NotificationType"], notification["Threshold"]))
    return found


def test_there_is_no_budget_unless_somebody_asks(declared: Declared) -> None:
    assembly = declared({})
    for part in ("foundation", "iris", "operations"):
        assert not assembly.resources(part, KIND)
    assert "budgets" not in json.dumps(assembly.template("foundation"))


def test_an_endpoints_budget_stands_in_its_own_stack_and_counts_its_costs_only(declared: Declared) -> None:
    assembly = declared({"budget": {"daily": "100USD", "monthly": "2500.50USD"}})
    assert not assembly.resources("operations", KIND)
    found = budgets(assembly, "iris")
    assert {unit: p["Budget"]["BudgetLimit"] for unit, p in found.items()} == {
        "DAILY": {"Amount": 100, "Unit": "USD"},
        "MONTHLY": {"Amount": 2500.5, "Unit": "USD"},
    }
    for properties in found.values():
        assert properties["Budget"]["BudgetType"] == "COST"
        assert properties["Budget"]["Metrics"] == ["UnblendedCost"]
        assert matched(properties["Budget"]["FilterExpression"]) == {
            "Team": ["rc"],
            "Project": ["project-a"],
            "Environment": ["staging"],
            "Model": ["iris"],
            "REGION": ["eu-west-1"],
        }
        assert {t["Key"]: t["Value"] for t in properties["ResourceTags"]}["Model"] == "iris"


def test_an_environments_budget_counts_all_of_its_costs_and_no_other_projects(declared: Declared) -> None:
    assembly = declared({}, budget={"monthly": "9000USD"})
    assert not assembly.resources("iris", KIND)
    properties = budgets(assembly, "operations")["MONTHLY"]
    assert matched(properties["Budget"]["FilterExpression"]) == {
        "Team": ["rc"],
        "Project": ["project-a"],
        "Environment": ["staging"],
        "REGION": ["eu-west-1"],
    }


def test_shares_of_the_limit_are_told_and_the_forecast_only_if_asked(declared: Declared) -> None:
    budget = {"daily": "100USD", "monthly": "2500USD"}
    usual = budgets(declared({"budget": budget}), "iris")
    assert told(usual["DAILY"]) == told(usual["MONTHLY"]) == [("ACTUAL", 80), ("ACTUAL", 100)]
    asked = budgets(declared({"budget": {**budget, "notify_at": ["50%", "99.5%"], "forecast": True}}), "iris")
    assert told(asked["DAILY"]) == [("ACTUAL", 50), ("ACTUAL", 99.5)]
    assert told(asked["MONTHLY"]) == [("ACTUAL", 50), ("ACTUAL", 99.5), ("FORECASTED", 100)]


def test_other_notifications_mean_another_name_since_cloudformation_replaces_the_budget(declared: Declared) -> None:
    def name(**budget: Any) -> str:
        made: str = budgets(declared({"budget": budget}), "iris")["DAILY"]["Budget"]["BudgetName"]
        return made

    assert name(daily="100USD").startswith("rc-project-a-staging-iris-eu-west-1-daily-")
    assert name(daily="100USD") == name(daily="200USD")
    assert name(daily="100USD") != name(daily="100USD", notify_at=["90%"])


@pytest.mark.parametrize(
    ("endpoint", "top"), [({"budget": {"daily": "1USD"}}, {}), ({}, {"budget": {"monthly": "1USD"}})]
)
def test_aws_budgets_reaches_the_alarm_topic_only_where_there_is_a_budget(
    declared: Declared, endpoint: dict[str, Any], top: dict[str, Any]
) -> None:
    assembly = declared(endpoint, **top)
    (document,) = [r["Properties"]["PolicyDocument"] for r in assembly.resources("foundation", "AWS::SNS::TopicPolicy")]
    published = {s.get("Sid"): s for s in document["Statement"]}["Budgets"]
    assert (published["Effect"], published["Action"]) == ("Allow", "sns:Publish")
    assert published["Principal"] == {"Service": "budgets.amazonaws.com"}
    assert published["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": "arn:aws:budgets::111122223333:*"},
    }
    key = assembly.only("foundation", "AWS::KMS::Key")["KeyPolicy"]["Statement"]
    used = {s.get("Sid"): s for s in key}["BudgetsToTopic"]
    assert used["Principal"] == {"Service": "budgets.amazonaws.com"}
    assert used["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def test_the_deployer_manages_this_environments_budgets_only_where_there_are_any(declared: Declared) -> None:
    def statement(assembly: Any) -> Any:
        policies = [r["Properties"] for r in assembly.resources("foundation", "AWS::IAM::ManagedPolicy")]
        (deployer,) = [p for p in policies if p["ManagedPolicyName"].endswith("-Deployer")]
        found = {s.get("Sid"): s for s in deployer["PolicyDocument"]["Statement"]}
        return found.get("Budget")

    assert statement(declared({})) is None
    found = statement(declared({"budget": {"daily": "1USD"}}))
    assert found["Resource"] == "arn:aws:budgets::111122223333:budget/rc-project-a-staging-*"
