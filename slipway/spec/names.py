"""What everything is called: literal names by convention, each within its service's limit.

Stacks refer to each other by these names, never by exports, which would lock them to one another. Whatever is not
regional
(buckets, roles, policies, dashboards) carries the Region, so that one project can live in two. The environment
stands before
the model, so that a policy can be scoped by prefix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

#: The names an environment can have. No project may have one as a part of its own name, so that
#: ``{team}-{project}-{env}-`` is never a prefix of another project's names.
ENVIRONMENTS = ("dev", "test", "staging", "prod")
#: Model names that would collide with the project's own stacks.
RESERVED_MODELS = ("foundation", "operations")

WORD = r"[a-z][a-z0-9]*"
WORDS = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"


def partition(region: str) -> str:
    """Name the partition of a Region.

    Parameters
    ----------
    region
        Such as ``eu-west-1``.

    Returns
    -------
    str
        ``aws``, ``aws-cn`` or ``aws-us-gov``.
    """
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


@dataclass(frozen=True)
class Limit:
    """What a service accepts as a name.

    Attributes
    ----------
    what
        The kind of resource, as a reader would call it.
    longest
        Characters.
    """

    what: str
    longest: int


@dataclass(frozen=True)
class Names:
    """Every name of one environment.

    Attributes
    ----------
    company, team, project, environment
        The parts; lower case, see ``WORD`` and ``WORDS``.
    account
        Twelve digits.
    region
        Such as ``eu-west-1``.
    bucket_with_account
        Add the account to bucket names, where another account already took the short one.
    """

    company: str
    team: str
    project: str
    environment: str
    account: str
    region: str
    bucket_with_account: bool = False

    @property
    def prefix(self) -> str:
        """What every regional name of this environment starts with."""
        return f"{self.team}-{self.project}-{self.environment}"

    @property
    def partition(self) -> str:
        """The partition of the Region."""
        return partition(self.region)

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """Write an ARN in this environment's partition, Region and account.

        Parameters
        ----------
        service, resource
            Such as ``sns`` and a topic's name.
        region, account
            Others than the environment's; empty for global services.

        Returns
        -------
        str
            The ARN.
        """
        where = self.region if region is None else region
        whose = self.account if account is None else account
        return f"arn:{self.partition}:{service}:{where}:{whose}:{resource}"

    def endpoint(self, model: str) -> str:
        """Endpoint of a model."""
        return f"{self.prefix}-{model}-ep"

    def component(self, model: str, component: str) -> str:
        """Inference component of a model's endpoint; the two hyphens keep `a-b` of `c` apart from `a` of `b-c`."""
        return f"{self.prefix}-{model}--{component}"

    def stack(self, part: str) -> str:
        """Stack of a model, or the foundation's or operations' one."""
        return f"{self.prefix}-{part}"

    @property
    def bucket(self) -> str:
        """Bucket of the model artifacts."""
        account = f"-{self.account}" if self.bucket_with_account else ""
        return f"{self.company}-sm-{self.team}-{self.project}-{self.environment}-{self.region}{account}"

    @property
    def log_bucket(self) -> str:
        """Bucket of the model bucket's access logs."""
        return f"{self.bucket}-logs"

    @property
    def execution_role(self) -> str:
        """Role that the endpoints run as."""
        return f"SageMaker-{self.prefix}-{self.region}-ExecutionRole"

    @property
    def execution_role_arn(self) -> str:
        """ARN of the execution role."""
        return self.arn("iam", f"role/{self.execution_role}", region="")

    @property
    def deployer_policy(self) -> str:
        """Managed policy for whoever manages endpoints."""
        return f"SageMaker-{self.prefix}-{self.region}-Deployer"

    @property
    def operator_policy(self) -> str:
        """Managed policy for whoever watches over endpoints."""
        return f"SageMaker-{self.prefix}-{self.region}-Operator"

    @property
    def invoker_policy(self) -> str:
        """Managed policy for applications that invoke endpoints."""
        return f"SageMaker-{self.prefix}-{self.region}-Invoker"

    def repository(self, name: str) -> str:
        """ECR repository, by its short name."""
        return f"{self.prefix}-{name}"

    def repository_uri(self, name: str) -> str:
        """Registry address of a repository, without tag or digest."""
        suffix = ".cn" if self.partition == "aws-cn" else ""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com{suffix}/{self.repository(name)}"

    def package_group(self, name: str) -> str:
        """Model package group, by its short name."""
        return f"{self.prefix}-{name}"

    @property
    def topic(self) -> str:
        """Topic to which all alarms go."""
        return f"{self.prefix}-alarms"

    def results_topic(self, name: str) -> str:
        """Topic of asynchronous answers, by its short name."""
        return f"{self.prefix}-{name}"

    def budget(self, period: str, model: str | None = None) -> str:
        """Budget of a model's endpoint, or the environment's own; ``period`` is ``daily`` or ``monthly``."""
        return f"{self.prefix}-{model}-{self.region}-{period}" if model else f"{self.prefix}-{self.region}-{period}"

    @property
    def upload_bucket(self) -> str:
        """Bucket that SageMaker Studio uploads to; its name has to start with ``sagemaker``."""
        return f"sagemaker-{self.bucket}"

    @property
    def topic_arn(self) -> str:
        """ARN of the alarm topic."""
        return self.arn("sns", self.topic)

    @property
    def key_alias(self) -> str:
        """Alias of the environment's KMS key."""
        return f"alias/{self.prefix}"

    @property
    def cleanup(self) -> str:
        """Function that removes idle endpoints; its alarms and its queue begin with it.

        A bucket's name that is short enough leaves it, too, within Lambda's limit of 64.
        """
        return f"{self.prefix}-idle-cleanup"

    @property
    def removals(self) -> str:
        """Path of the SSM parameters that tell which idle endpoints were removed, one for each."""
        return f"/slipway/{self.prefix}/removed"

    def dashboard(self, model: str | None = None) -> str:
        """Dashboard of a model, or the environment's own."""
        return f"{self.prefix}-{model}-{self.region}" if model else f"{self.prefix}-{self.region}"

    def alarm(self, model: str, what: str) -> str:
        """Alarm of a model's endpoint."""
        return f"{self.endpoint(model)}-{what}"

    def log_group(self, model: str) -> str:
        """Log group into which SageMaker writes the containers' output."""
        return f"/aws/sagemaker/Endpoints/{self.endpoint(model)}"

    def component_log_group(self, model: str, component: str) -> str:
        """Log group into which SageMaker writes the output of an inference component's copies."""
        return f"/aws/sagemaker/InferenceComponents/{self.component(model, component)}"

    def of_environment(self) -> Iterator[tuple[Limit, str]]:
        """Every name that does not depend on a model, with its limit."""
        yield Limit("S3 bucket", 63), self.bucket
        yield Limit("S3 bucket", 63), self.log_bucket
        yield Limit("IAM role", 64), self.execution_role
        yield Limit("IAM policy", 128), self.deployer_policy
        yield Limit("IAM policy", 128), self.operator_policy
        yield Limit("IAM policy", 128), self.invoker_policy
        yield Limit("SNS topic", 256), self.topic
        yield Limit("KMS alias", 256), self.key_alias
        yield Limit("CloudWatch dashboard", 255), self.dashboard()
        yield Limit("CloudFormation stack", 128), self.stack("foundation")
        yield Limit("CloudFormation stack", 128), self.stack("operations")

    def of_model(self, model: str) -> Iterator[tuple[Limit, str]]:
        """Every name that a model brings, with its limit."""
        yield Limit("endpoint", 63), self.endpoint(model)
        yield Limit("CloudFormation stack", 128), self.stack(model)
        yield Limit("CloudWatch dashboard", 255), self.dashboard(model)
        yield Limit("log group", 512), self.log_group(model)


def environment_within(project: str) -> str | None:
    """Find an environment's name among the parts of a project's name.

    Parameters
    ----------
    project
        Such as ``project-a``.

    Returns
    -------
    str or None
        The part that is an environment's name.
    """
    return next((part for part in project.split("-") if part in ENVIRONMENTS), None)
