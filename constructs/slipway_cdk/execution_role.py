"""The role that endpoints run as: what their modes need, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from slipway.spec import images
from slipway.spec.endpoint import Endpoint
from slipway.spec.environment import Environment
from slipway.spec.hosting import Hosting
from slipway.spec.model import Container, UriImage
from slipway.spec.sources import artifacts, image_uri
from slipway_cdk.acknowledge import acknowledge_wildcards
from slipway_cdk.named_keys import any_key
from slipway_cdk.stored_data import stored_data_statements
from slipway_cdk.volume_keys import volume_key_statements

_ECR_URI = re.compile(r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/(?P<repository>[^:@]+)")


class ExecutionRole(Construct):
    """Least privilege for what the environment's endpoints use, and no more.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    key
        The environment's key; used only where artifacts or volumes are encrypted with it.

    Attributes
    ----------
    role
        The role.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self._environment = environment
        self._wildcards = {
            any_key(environment): "keys are told apart by their alias, which the condition requires",
            "*": "ecr:GetAuthorizationToken, ec2:Describe* and ssmmessages authorize on everything or nothing; "
            "cloudwatch:PutMetricData is limited to SageMaker's namespaces by condition",
        }
        names = environment.names
        statements = [
            *self._artifacts(),
            *self._hub_content(),
            *self._images(),
            *self._registry_logins(),
            *self._logs_and_metrics(),
            *self._rollback_alarms(),
            *self._network(),
            *self._shells(),
            *self._keys(key),
            *stored_data_statements(environment, key, self._wildcards),
        ]
        self.role = iam.Role(
            self,
            "Role",
            role_name=names.execution_role,
            description=f"SageMaker endpoints of {names.prefix}",
            # SageMaker passes an ARN of its own choosing, so it may be no narrower than this.
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": environment.account},
                    "ArnLike": {"aws:SourceArn": names.arn("sagemaker", "*")},
                },
            ),
            inline_policies={"endpoints": iam.PolicyDocument(statements=statements)},
        )
        self.role.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        acknowledge_wildcards(self.role, self._wildcards)

    def _endpoints(self) -> Iterator[tuple[str, Endpoint]]:
        yield from self._environment.endpoints.items()

    def _containers(self) -> Iterator[Container]:
        for _, endpoint in self._endpoints():
            yield from (container for served in endpoint.served for _, _, container in served.containers)

    def _artifacts(self) -> Iterator[iam.PolicyStatement]:
        names, partition = self._environment.names, self._environment.names.partition
        objects = {f"arn:{partition}:s3:::{names.bucket}/models/*": None}
        self._wildcards[next(iter(objects))] = (
            "every version of every model of this environment lies there, and nothing else"
        )
        prefixes: dict[str, set[str]] = {}
        for name, endpoint in self._endpoints():
            for artifact in artifacts(name, endpoint, names.bucket):
                bucket, _, path = artifact.uri(self._environment).removeprefix("s3://").partition("/")
                if path.endswith("/"):
                    prefixes.setdefault(bucket, set()).add(path)
                if bucket != names.bucket or not path.startswith("models/"):
                    arn = f"arn:{partition}:s3:::{bucket}/{path}{'*' if path.endswith('/') else ''}"
                    objects[arn] = None
                    self._wildcards[arn] = "the artifact is an uncompressed prefix"
        yield iam.PolicyStatement(sid="ReadArtifacts", actions=["s3:GetObject"], resources=list(objects))
        for at, (bucket, paths) in enumerate(sorted(prefixes.items())):
            yield iam.PolicyStatement(
                sid=f"ListArtifacts{at}",
                actions=["s3:ListBucket"],
                resources=[f"arn:{partition}:s3:::{bucket}"],
                conditions={"StringLike": {"s3:prefix": [f"{path}*" for path in sorted(paths)]}},
            )

    def _images(self) -> Iterator[iam.PolicyStatement]:
        environment, names = self._environment, self._environment.names
        repositories = {
            names.arn("ecr", f"repository/{names.repository(name)}"): None for name in environment.repositories
        }
        # All of AWS's framework repositories, whichever are declared now: the foundation is updated first, and the old
        # fleet must still be able to start instances while the new one bakes. They are AWS's and can only be read.
        for framework in images.frameworks():
            if environment.region in images.regions(framework):
                account, repository = images.registry(framework, environment.region)
                repositories[names.arn("ecr", f"repository/{repository}", account=account)] = None
        for container in self._containers():
            found = _ECR_URI.match(image_uri(environment, container) or "")
            if found:
                resource = f"repository/{found['repository']}"
                repositories[names.arn("ecr", resource, region=found["region"], account=found["account"])] = None
        yield iam.PolicyStatement(sid="RegistryLogin", actions=["ecr:GetAuthorizationToken"], resources=["*"])
        if repositories:
            yield iam.PolicyStatement(
                sid="PullImages",
                actions=["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
                resources=sorted(repositories),
            )

    def _hub_content(self) -> Iterator[iam.PolicyStatement]:
        """Reading a hub's content is authorized on the hub too; the artifact itself is read like any other."""
        contents = {container.hub_content for container in self._containers() if container.hub_content}
        resources = set()
        for content in contents:
            place, _, path = content.partition(":hub-content/")
            hub, kind, name, *_ = path.split("/")
            resources |= {f"{place}:hub/{hub}", f"{place}:hub-content/{hub}/{kind}/{name}", content}
        if resources:
            yield iam.PolicyStatement(
                sid="ReadHubContent", actions=["sagemaker:DescribeHubContent"], resources=sorted(resources)
            )

    def _registry_logins(self) -> Iterator[iam.PolicyStatement]:
        images_ = [container.image for container in self._containers()]
        functions = {image.credentials for image in images_ if isinstance(image, UriImage) and image.credentials}
        if functions:
            yield iam.PolicyStatement(
                sid="FetchRegistryLogins", actions=["lambda:InvokeFunction"], resources=sorted(functions)
            )

    def _logs_and_metrics(self) -> Iterator[iam.PolicyStatement]:
        names = self._environment.names
        kinds = ["Endpoints"]
        if any(endpoint.components for _, endpoint in self._endpoints()):
            kinds.append("InferenceComponents")
        groups = [names.arn("logs", f"log-group:/aws/sagemaker/{kind}/{names.prefix}-*") for kind in kinds]
        for group in groups:
            self._wildcards[group] = "one log group for each endpoint and component of this environment"
        yield iam.PolicyStatement(
            sid="WriteLogs",
            actions=[
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "logs:DescribeLogStreams",
            ],
            resources=groups,
        )
        yield iam.PolicyStatement(
            sid="WriteMetrics",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={
                "StringEquals": {
                    "cloudwatch:namespace": ["AWS/SageMaker", *(f"/aws/sagemaker/{kind}" for kind in kinds)]
                }
            },
        )

    def _rollback_alarms(self) -> Iterator[iam.PolicyStatement]:
        names = self._environment.names
        alarms = {f"{names.prefix}-*": None}
        self._wildcards[names.arn("cloudwatch", f"alarm:{names.prefix}-*")] = (
            "the rollback alarms of this environment's endpoints"
        )
        for _, endpoint in self._endpoints():
            rollback = endpoint.deployment.rollback_alarms
            alarms |= {
                name: None for name in (rollback.also if rollback else ()) if not name.startswith(f"{names.prefix}-")
            }
        yield iam.PolicyStatement(
            sid="ReadRollbackAlarms",
            actions=["cloudwatch:DescribeAlarms"],
            resources=[names.arn("cloudwatch", f"alarm:{alarm}") for alarm in alarms],
        )

    def _network(self) -> Iterator[iam.PolicyStatement]:
        network, names = self._environment.network, self._environment.names
        if network is None:
            return
        interfaces = names.arn("ec2", "network-interface/*")
        self._wildcards[interfaces] = (
            "network interfaces get their ids at creation; subnets and security groups are named"
        )
        places = [
            *(names.arn("ec2", f"subnet/{subnet}") for subnet in network.subnets),
            *(names.arn("ec2", f"security-group/{group}") for group in network.security_groups),
        ]
        yield iam.PolicyStatement(
            sid="AttachToNetwork",
            actions=["ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission"],
            resources=[*places, interfaces],
        )
        yield iam.PolicyStatement(
            sid="DetachFromNetwork",
            actions=["ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission"],
            resources=[interfaces],
        )
        yield iam.PolicyStatement(
            sid="FindNetwork",
            actions=[
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            resources=["*"],
        )

    def _shells(self) -> Iterator[iam.PolicyStatement]:
        """Developer Guide, "Access containers through SSM"."""
        hostings = [
            member.hosting
            for _, endpoint in self._endpoints()
            for member in (*endpoint.fleet.values(), *endpoint.shadows.values())
        ]
        if any(isinstance(hosting, Hosting) and hosting.ssm_access for hosting in hostings):
            yield iam.PolicyStatement(
                sid="OpenShells",
                actions=[
                    "ssmmessages:CreateControlChannel",
                    "ssmmessages:CreateDataChannel",
                    "ssmmessages:OpenControlChannel",
                    "ssmmessages:OpenDataChannel",
                ],
                resources=["*"],
            )

    def _keys(self, key: kms.IKey) -> Iterator[iam.PolicyStatement]:
        environment = self._environment
        if environment.bucket.encryption == "kms":
            yield iam.PolicyStatement(sid="DecryptArtifacts", actions=["kms:Decrypt"], resources=[key.key_arn])
        yield from volume_key_statements(environment, key)
