"""The function that removes idle endpoints: its code, its role, its log and its dead letters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aws_cdk import Duration, IgnoreMode
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

import idle_endpoint_cleanup
from idle_endpoint_cleanup.permissions import statements
from idle_endpoint_cleanup.settings import Settings
from slipway.spec.cleanup import Cleanup
from slipway.spec.cleanup_settings import variables
from slipway.spec.environment import Environment
from slipway_cdk.acknowledge import acknowledge, acknowledge_wildcards
from slipway_cdk.cleanup_alarms import cleanup_alarms
from slipway_cdk.cleanup_schedules import CleanupSchedules
from slipway_cdk.named_keys import any_key
from slipway_cdk.resource import declare

#: The longest that Lambda has.
_FIFTEEN_MINUTES = 900
_PACKAGE = Path(idle_endpoint_cleanup.__file__).parent
_TAGS = "changing them takes this environment's tags, those of dev and disposable"
#: Why the wildcards of the role are there, by what the resource ends with.
_REASONS = {
    "*": "lists, metrics and the search for a resource's stack authorize on everything or nothing; they only read",
    "endpoint/*": f"which endpoints are idle shows when they are looked at; {_TAGS}",
    "endpoint-config/*": f"their names are generated; {_TAGS}",
    "model/*": f"their names are generated; {_TAGS}",
    "inference-component/*": f"those of whichever endpoint is idle; {_TAGS}",
    "monitoring-schedule/*": f"those of whichever endpoint is idle; {_TAGS}",
    "stack/*": f"the stack of whichever endpoint is idle; {_TAGS}",
    "scalable-target/*": f"their ids are generated; {_TAGS}",
}
#: cdk-nag finds those who name a queue by CDK's classes, and the function is declared plainly.
_OF_DEAD_LETTERS = "it is itself the queue of dead letters, of the function and of its schedules"


class IdleCleanup(Construct):
    """Looks for idle endpoints and retired revisions on a schedule; removes them in dev, and only reports elsewhere.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    cleanup
        How it was declared.

    Attributes
    ----------
    function
        The function; its name is literal, so that it can be invoked by name.
    role
        What it may do: with ``mode: report`` only look.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, cleanup: Cleanup) -> None:
        super().__init__(scope, id)
        names = environment.names
        told = variables(environment, cleanup)
        settings = Settings.read(told)
        queue_name = f"{names.cleanup}-dead-letters"
        dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=queue_name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(dead_letters, {"AwsSolutions-SQS3": _OF_DEAD_LETTERS})
        log_group = declare(
            # One level down, as CDK's own classes have it: the logical id stays what it was with those.
            Construct(self, "Log"),
            "Resource",
            "AWS::Logs::LogGroup",
            {"LogGroupName": _log_group(environment), "RetentionInDays": 90},
            removed="Delete",
            replaced="Delete",
        )
        self.role = self._role(environment, settings, names.arn("sqs", queue_name))
        code = s3_assets.Asset(
            self,
            "Code",
            # The package, and nothing that lies beside it; the archive has it as a folder, as the handler's name says.
            path=str(_PACKAGE.parent),
            exclude=["/*", f"!/{_PACKAGE.name}", "__pycache__"],
            ignore_mode=IgnoreMode.GIT,
        )
        # CDK's Function would add statements to the role, and a dependency that cfn-lint finds superfluous. Loading its
        # module takes 0.12 s besides, which every synth would pay.
        self.function = declare(
            self,
            "Function",
            "AWS::Lambda::Function",
            {
                "FunctionName": names.cleanup,
                "Description": f"Idle endpoints of {names.prefix}; mode: {cleanup.mode}",
                # cdk-nag tells functions by CDK's class, so a test sees to it that this is the newest.
                "Runtime": "python3.14",
                "Architectures": ["arm64"],
                "Handler": f"{_PACKAGE.name}.handler.handle",
                "Code": {"S3Bucket": code.s3_bucket_name, "S3Key": code.s3_object_key},
                # What it keeps in mind grows with the endpoints; `make bench` measures 2,000 of them.
                "MemorySize": 256,
                "Timeout": _FIFTEEN_MINUTES,
                "Environment": {"Variables": told},
                "Role": self.role.role_arn,
                "LoggingConfig": {"LogGroup": log_group.ref},
                "DeadLetterConfig": {"TargetArn": dead_letters.queue_arn},
                "ReservedConcurrentExecutions": cleanup.reserved_concurrency,
            },
        )
        CleanupSchedules(
            self,
            "Schedules",
            environment=environment,
            cleanup=cleanup,
            function_arn=self.function.get_att("Arn").to_string(),
            dead_letters_arn=dead_letters.queue_arn,
        )
        cleanup_alarms(
            self, environment=environment, settings=settings, dead_letters=queue_name, log_group=_log_group(environment)
        )

    def _role(self, environment: Environment, settings: Settings, dead_letters_arn: str) -> iam.Role:
        names = environment.names
        own_log = names.arn("logs", f"log-group:{_log_group(environment)}:*")
        allowed: list[dict[str, Any]] = statements(
            partition=names.partition,
            region=environment.region,
            account=environment.account,
            opt_in=settings.opt_in,
            topic=settings.topic,
            records=settings.records,
            delete=settings.delete,
        )
        reasons = {
            resource: _REASONS[resource.rpartition(":")[2]]
            for statement in allowed
            for resource in statement["Resource"]
            if resource.rpartition(":")[2] in _REASONS
        }
        allowed.append(_allow("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], own_log))
        reasons[own_log] = "the streams of its own log group; their names are generated"
        allowed.append(_allow("GiveUp", ["sqs:SendMessage"], dead_letters_arn))
        if settings.delete:
            allowed.append(_topic_key(environment))
            reasons[any_key(environment)] = "keys are told apart by their alias, which the condition requires"
            reasons[names.arn("ssm", f"parameter{settings.records}/*")] = "one parameter for each endpoint that went"
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What the cleanup of idle endpoints may do in {names.prefix}",
            inline_policies={"Cleanup": iam.PolicyDocument.from_json({"Version": "2012-10-17", "Statement": allowed})},
        )
        acknowledge_wildcards(role, reasons)
        return role


def _log_group(environment: Environment) -> str:
    return f"/aws/lambda/{environment.names.cleanup}"


def _allow(sid: str, actions: list[str], resource: str, **conditions: object) -> dict[str, Any]:
    condition = {"Condition": conditions} if conditions else {}
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": [resource], **condition}


def _topic_key(environment: Environment) -> dict[str, Any]:
    """Allow what publishing to the alarm topic takes beside: the use of its key, through SNS only."""
    suffix = ".cn" if environment.names.partition == "aws-cn" else ""
    return _allow(
        "EncryptNotices",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        any_key(environment),
        **{
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": [environment.names.key_alias]},
            "StringEquals": {"kms:ViaService": f"sns.{environment.region}.amazonaws.com{suffix}"},
        },
    )
