"""When the cleanup of idle endpoints runs: one schedule for the endpoints, one for retired revisions."""

from __future__ import annotations

import json

from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.spec.cleanup import Cleanup
from slipway.spec.environment import Environment
from slipway_cdk.resource import declare

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
        group = declare(self, "Group", "AWS::Scheduler::ScheduleGroup", {"Name": names.cleanup})
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
            declare(
                self,
                task.capitalize(),
                "AWS::Scheduler::Schedule",
                {
                    "Name": task,
                    "GroupName": group.ref,
                    "Description": f"Looks at the {task} of {names.prefix}",
                    "ScheduleExpression": cleanup.at,
                    "ScheduleExpressionTimezone": cleanup.timezone,
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {
                        "Arn": function_arn,
                        "RoleArn": role.role_arn,
                        "Input": json.dumps({"task": task}),
                        "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 3},
                        "DeadLetterConfig": {"Arn": dead_letters_arn},
                    },
                },
            )
