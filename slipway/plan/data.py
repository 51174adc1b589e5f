"""A plan as plain data, for programs: the JSON output, which all others are held against."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slipway.plan import costs
from slipway.plan.changes import Change, PropertyChange
from slipway.plan.courses import Course, Span
from slipway.plan.findings import Finding
from slipway.plan.story import EndpointPlan, Plan, StackPlan
from slipway.rollout.stages import Rollout, Stage

#: Raised when a key changes its meaning or goes; new keys do not count.
VERSION = 1
Data = dict[str, Any]


def text(plan: Plan) -> str:
    """The JSON of a plan.

    Parameters
    ----------
    plan
        What to write.

    Returns
    -------
    str
        The same for the same plan.
    """
    return json.dumps(data(plan), indent=2, ensure_ascii=False) + "\n"


def data(plan: Plan) -> Data:
    """A plan in dicts and lists. Durations are minutes, shares are from 0 to 1, money is in US dollars.

    Parameters
    ----------
    plan
        What to write.

    Returns
    -------
    dict
        With ``version``.
    """
    return {
        "version": VERSION,
        "old": plan.old,
        "new": plan.new,
        "stacks": [_stack(stack, plan) for stack in plan.stacks],
        "quotas": [
            {
                "name": quota.name,
                "account": quota.account,
                "region": quota.region,
                "instance_type": quota.type,
                "least": quota.least,
                "endpoints": quota.endpoints,
            }
            for quota in plan.quotas
        ],
        "prices": plan.prices.asked if plan.prices else None,
        "assumptions": list(plan.assumptions),
    }


def _stack(stack: StackPlan, plan: Plan) -> Data:
    return {
        "name": stack.name,
        "account": stack.account,
        "region": stack.region,
        "action": stack.action,
        "findings": [_finding(one) for one in stack.findings],
        "endpoints": [_endpoint(one, stack, plan) for one in stack.endpoints],
        "tags": [_property(one) for one in stack.tags],
        "changes": [_change(one) for one in stack.changes],
    }


def _finding(finding: Finding) -> Data:
    return {
        "kind": finding.kind,
        "text": finding.text,
        "details": list(finding.details),
        "steps": list(finding.steps),
        "where": finding.where,
    }


def _property(one: PropertyChange) -> Data:
    return {"path": one.path, "old": one.old, "new": one.new, "replaces": one.replaces}


def _change(change: Change) -> Data:
    return {
        "action": change.action,
        "logical_id": change.logical_id,
        "type": change.type,
        "because": list(change.because),
        "kept": change.kept,
        "loses": change.loses,
        "conditional": change.conditional,
        "properties": [_property(one) for one in change.properties],
    }


def _endpoint(endpoint: EndpointPlan, stack: StackPlan, plan: Plan) -> Data:
    return {
        "name": endpoint.name,
        "logical_id": endpoint.logical_id,
        "kinds": list(endpoint.kinds),
        "rolls": endpoint.rolls,
        "why": endpoint.why,
        "models": [_property(one) for one in endpoint.models],
        "instances": {
            "before": _spans(endpoint.before),
            "after": _spans(endpoint.after),
            "peak": _spans(endpoint.peak),
        },
        "double_running_hours": _spans(endpoint.extra_hours),
        "double_running_usd": _money(costs.rollout(endpoint, stack, plan.prices)),
        "monthly_usd": _money(costs.monthly(endpoint, stack, plan.prices)),
        "findings": [_finding(one) for one in endpoint.findings],
        "rollouts": [_course(one) for one in endpoint.courses],
    }


def _spans(spans: Mapping[str, Span]) -> Data:
    return {type: _span(span) for type, span in spans.items()}


def _span(span: Span) -> Data:
    # Adding zero makes a negative zero a plain one.
    return {"low": round(span.low, 4) + 0.0, "high": round(span.high, 4) + 0.0}


def _money(span: Span | None) -> Data | None:
    return None if span is None else {"low": round(span.low, 2) + 0.0, "high": round(span.high, 2) + 0.0}


def _course(course: Course) -> Data:
    found: Data = {
        "subject": course.subject,
        "unit": course.unit,
        "strategy": course.policy.name,
        "alarms": list(course.policy.alarms),
        "minutes": _span(course.minutes),
        "bake_minutes": _span(course.bakes),
        "peak": _spans(course.peak),
        "highest": _rollout(course.highest),
    }
    if course.lowest != course.highest:
        found["lowest"] = _rollout(course.lowest)
    if course.live is not None:
        found["live"] = _rollout(course.live)
    return found


def _rollout(rollout: Rollout) -> Data:
    return {
        "outcome": rollout.outcome,
        "ended_by": rollout.ending.why if rollout.ending else None,
        "minutes": round(rollout.duration / 60, 4),
        "stages": [_stage(stage) for stage in rollout.stages],
    }


def _stage(stage: Stage) -> Data:
    return {
        "kind": stage.kind,
        "step": stage.step,
        "steps": stage.steps,
        "start": round(stage.start / 60, 4),
        "end": round(stage.end / 60, 4),
        "new_traffic": round(stage.traffic.new, 4),
        "old_running": stage.running("old"),
        "new_running": stage.running("new"),
        "new_ready": stage.ready("new"),
        "watched": stage.watched,
        "rolling_back": stage.rolling_back,
    }
