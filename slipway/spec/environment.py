"""One environment: where it runs, its foundation, and its endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from idle_endpoint_cleanup.tags import DEVELOPMENT, DISPOSABLE, KEEP, KEEP_UNTIL, MODEL, STACK
from slipway.spec.base import Off, ShortName, Spec
from slipway.spec.budget import Budget
from slipway.spec.cleanup import Cleanup
from slipway.spec.endpoint import Endpoint
from slipway.spec.names import WORD, Names
from slipway.spec.units import Duration

EnvironmentName = Literal["dev", "test", "staging", "prod"]

#: CloudWatch Logs keeps log groups for these numbers of days only (API:PutRetentionPolicy).
RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)


#: The end of a VPC resource's id; the short ones are from before 2018.
_HEX = "([0-9a-f]{8}|[0-9a-f]{17})"


class Network(Spec):
    """Subnets and security groups of every model (API:VpcConfig)."""

    subnets: Annotated[
        tuple[Annotated[str, Field(pattern=rf"^subnet-{_HEX}$")], ...],
        Field(min_length=1, max_length=16, strict=False),
    ]
    """1 to 16 subnets; several availability zones in production."""
    security_groups: Annotated[
        tuple[Annotated[str, Field(pattern=rf"^sg-{_HEX}$")], ...],
        Field(min_length=1, max_length=5, strict=False),
    ]
    """1 to 5 security groups."""


class Bucket(Spec):
    """The model bucket."""

    encryption: Literal["s3", "kms"]
    """S3's own keys, or the environment's KMS key. Default: kms where guarded, else s3."""
    old_versions: Duration = Duration(90 * 86400)
    """How long overwritten or deleted objects can be restored."""
    access_logs: Duration = Duration(365 * 86400)
    """How long access logs are kept."""
    studio_upload: bool = False
    """Let SageMaker Studio upload from the browser: a CORS rule, and a bucket whose name starts with `sagemaker`."""
    account_in_name: bool = False
    """Add the account to the buckets' names, where somebody else has taken the short ones."""


class Environment(Spec):
    """Everything that one environment is made of."""

    company: ShortName
    """First part of the bucket's name; must be unique in the world with the rest."""
    team: Annotated[str, Field(pattern=f"^{WORD}$")]
    """One word."""
    project: ShortName
    """Words with single hyphens; none of them an environment's name."""
    environment: EnvironmentName
    """Which one this is; the file's own name."""
    account: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    """The AWS account, twelve digits in quotes."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    """Such as `eu-west-1`; one that the table of images knows."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags on everything, besides Team, Project, Environment and Model."""
    notify: tuple[Annotated[str, Field(pattern=r"^\S+$")], ...] = Field(default=(), strict=False)
    """Who hears of alarms: e-mail addresses, https URLs, or ARNs of SQS queues and functions. Required in prod."""
    network: Network | None = None
    """Where the models' network interfaces are; SageMaker's own network otherwise."""
    bucket: Bucket
    """The model bucket."""
    encrypt_volumes: bool
    """Encrypt the instances' volumes with the environment's key, where every variant's type accepts one.
    Default: where guarded."""
    repositories: tuple[ShortName, ...] = Field(default=(), strict=False)
    """ECR repositories, by short name."""
    model_package_groups: tuple[ShortName, ...] = Field(default=(), strict=False)
    """Model package groups of the registry, by short name."""
    topics: tuple[ShortName, ...] = Field(default=(), strict=False)
    """Topics that asynchronous endpoints tell of answers and failures, by short name."""
    budget: Budget | None = None
    """What the whole environment may cost."""
    cleanup: Cleanup | Off
    """Removal of idle development endpoints and of retired revisions. Default: on; it only reports outside dev."""
    endpoints: dict[ShortName, Endpoint] = Field(default_factory=dict)
    """The endpoints, by model."""

    @property
    def guarded(self) -> bool:
        """Whether this environment's updates are guarded by default: staging and prod."""
        return self.environment in ("staging", "prod")

    @property
    def names(self) -> Names:
        """What everything is called."""
        return Names(
            company=self.company,
            team=self.team,
            project=self.project,
            environment=self.environment,
            account=self.account,
            region=self.region,
            bucket_with_account=self.bucket.account_in_name,
        )

    @property
    def own_tags(self) -> Mapping[str, str]:
        """Tags on everything."""
        return {
            "Team": self.team,
            "Project": self.project,
            "Environment": self.environment,
            **self.tags,
        }

    def tags_of(self, name: str) -> Mapping[str, str]:
        """Tags on everything of one endpoint, and on its stack.

        Parameters
        ----------
        name
            The endpoint's short name.

        Returns
        -------
        Mapping of str to str
            The project's own, those that the cleanup goes by in dev, and those that the config gives.
        """
        endpoint = self.endpoints[name]
        own = {**self.own_tags, MODEL: name}
        if self.environment == DEVELOPMENT:
            own |= {DISPOSABLE: "true", STACK: self.names.stack(name)}
            if endpoint.keep is True:
                own[KEEP] = "true"
            elif endpoint.keep:
                own[KEEP_UNTIL] = endpoint.keep
        return {**own, **endpoint.tags}
