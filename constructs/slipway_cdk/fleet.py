"""The immutable half of an endpoint: its models and its endpoint config."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnTag
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from slipway.spec import instances
from slipway.spec.endpoint import Variant
from slipway.spec.environment import Environment
from slipway.spec.model import Model
from slipway.spec.sources import Artifact, artifacts, image_uri
from slipway_cdk.retention import keep_replaced

ROUTING = {"least_outstanding_requests": "LEAST_OUTSTANDING_REQUESTS", "random": "RANDOM"}


class Fleet(Construct):
    """The models of an endpoint's variants and the config that puts them on instances.

    SageMaker changes neither: every property but the tags means replacement. So CloudFormation generates their names, and
    what is replaced stays, since after a silent rollback the old config is the live one.

    Parameters
    ----------
    scope, id
        Place in the tree.
    environment
        The environment.
    name
        The endpoint's short name.

    Attributes
    ----------
    config_name
        Name of the endpoint config, known at deployment.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment, name: str) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._environment = environment
        self._endpoint = endpoint = environment.endpoints[name]
        variants = [
            self._production_variant(artifact, endpoint.fleet[artifact.variant]) for artifact in artifacts(name, endpoint)
        ]
        key = self._volume_key()
        self.config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=variants,
            kms_key_id=key,
            tags=[CfnTag(key="Version", value=str(endpoint.version))],
        )
        keep_replaced(self.config, environment)
        self.config_name = self.config.attr_endpoint_config_name

    def _volume_key(self) -> str | None:
        """The one key of the config: what a variant names, else the environment's where every type accepts one."""
        hostings = [variant.hosting for variant in self._endpoint.fleet.values()]
        named = next((hosting.kms_key for hosting in hostings if hosting.kms_key), None)
        if named is not None or not self._environment.encrypt_volumes:
            return named
        plain = all(instances.refuses_kms_key(hosting.instance_type) is False for hosting in hostings)
        return self._environment.names.key_alias if plain else None

    def _model(self, artifact: Artifact, variant: Variant) -> sagemaker.CfnModel:
        environment, model = self._environment, variant.model
        uri = artifact.uri(environment)
        prefix = uri.endswith("/")
        container = sagemaker.CfnModel.ContainerDefinitionProperty(
            image=image_uri(environment, model),
            model_data_url=None if prefix else uri,
            model_data_source=sagemaker.CfnModel.ModelDataSourceProperty(
                s3_data_source=sagemaker.CfnModel.S3DataSourceProperty(
                    compression_type="None", s3_data_type="S3Prefix", s3_uri=uri
                )
            )
            if prefix
            else None,
            environment=dict(self._container_environment(model)) or None,
        )
        network = environment.network
        cfn = sagemaker.CfnModel(
            self,
            f"Model-{artifact.variant}",
            execution_role_arn=environment.names.execution_role_arn,
            primary_container=container,
            enable_network_isolation=model.network_isolation or None,
            vpc_config=sagemaker.CfnModel.VpcConfigProperty(
                security_group_ids=list(network.security_groups), subnets=list(network.subnets)
            )
            if network
            else None,
            tags=[CfnTag(key="Version", value=artifact.version)],
        )
        keep_replaced(cfn, environment)
        return cfn

    def _container_environment(self, model: Model) -> Mapping[str, str]:
        if model.script is None:
            return model.environment
        # The framework containers run a script that lies in the artifact only when both are set.
        script = {"SAGEMAKER_PROGRAM": model.script, "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
        return {**script, **model.environment}

    def _production_variant(
        self, artifact: Artifact, variant: Variant
    ) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        hosting = variant.hosting
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name=artifact.variant,
            model_name=self._model(artifact, variant).attr_model_name,
            instance_type=hosting.instance_type,
            initial_instance_count=hosting.instances,
            initial_variant_weight=variant.weight,
            volume_size_in_gb=round(hosting.volume) if hosting.volume else None,
            model_data_download_timeout_in_seconds=hosting.download_timeout.seconds if hosting.download_timeout else None,
            container_startup_health_check_timeout_in_seconds=hosting.startup_timeout.seconds
            if hosting.startup_timeout
            else None,
            inference_ami_version=hosting.ami,
            routing_config=sagemaker.CfnEndpointConfig.RoutingConfigProperty(routing_strategy=ROUTING[hosting.routing])
            if hosting.routing
            else None,
        )
