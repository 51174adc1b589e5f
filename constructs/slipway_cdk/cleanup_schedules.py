"""When the cleanup of idle endpoints runs: one schedule for the endpoints, one for retired revisions."""

from __future__ import annotations

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from slipway.spec.cleanup import Cleanup
from slipway.spec.environment import Environment

#: What the function is asked for, as its handler names it.
TASKS = ("endpoints", "revisions")


class CleanupSchedules(Construct):
    """Two schedules in a group of their own, and the role that invokes this one function.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    cleanup
        How it was declared.
    function_arn, dead_letters_arn
        What is invoked, and where an invocation goes that the function never took.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        cleanup: Cleanup,
        function_arn: str,
        dead_letters_arn: str,
    ) -> None:
        super().__init__(scope, id)
        names = environment.names
        group = scheduler.CfnScheduleGroup(self, "Group", name=names.cleanup)
        role = iam.Role(
            self,
            "Role",
            description=f"Lets the schedules of {names.cleanup} invoke it",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={
                    "StringEquals": {
                        "aws:SourceAccount": environment.account,
                        "aws:SourceArn": names.arn("scheduler", f"schedule-group/{names.cleanup}"),
                    }
                },
            ),
            inline_policies={
                "Invoke": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(sid="Invoke", actions=["lambda:InvokeFunction"], resources=[function_arn]),
                        iam.PolicyStatement(sid="GiveUp", actions=["sqs:SendMessage"], resources=[dead_letters_arn]),
                    ]
                )
            },
        )
        for task in TASKS:
            scheduler.CfnSchedule(
                self,
                task.capitalize(),
                name=task,
                group_name=group.ref,
                description=f"Looks at the {task} of {names.prefix}",
                schedule_expression=cleanup.at,
                schedule_expression_timezone=cleanup.timezone,
                flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
                target=scheduler.CfnSchedule.TargetProperty(
                    arn=function_arn,
                    role_arn=role.role_arn,
                    input=json.dumps({"task": task}),
                    retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=3600, maximum_retry_attempts=3
                    ),
                    dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead_letters_arn),
                ),
            )
