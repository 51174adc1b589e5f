"""Many endpoints at once, for measurements: by the API, four thousand calls make two thousand of them."""

from moto.sagemaker.models import sagemaker_backends

from slipway.local.engine.documents import Document
from slipway.local.mends.hosted_endpoint import HostedEndpoint
from slipway.local.mends.hosting import HostedConfig, HostedModel

_MODEL = "seeded"


def seed(account: str, region: str, wanted: list[Document]) -> int:
    """Make endpoints as CreateModel, CreateEndpointConfig and CreateEndpoint would, without a call for each.

    Parameters
    ----------
    account, region
        Where.
    wanted
        For each its EndpointName, VariantNames, and Tags as a map. Its config has the endpoint's name; all have one
        model, and one ml.m5.large for each variant.

    Returns
    -------
    int
        How many there are by now.

    Raises
    ------
    ValueError
        When a name is taken; then nothing was made.
    """
    backend = sagemaker_backends[account][region]
    taken = [one["EndpointName"] for one in wanted if one["EndpointName"] in backend.endpoints]
    if taken:
        raise ValueError(f"There are endpoints of these names already: {', '.join(taken[:10])}.")
    model = HostedModel(account, region, {"ModelName": _MODEL, "PrimaryContainer": {"Image": "none"}})
    backend._models[_MODEL] = model
    instances = {"ModelName": _MODEL, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    for one in wanted:
        name, tags = one["EndpointName"], [{"Key": key, "Value": item} for key, item in one["Tags"].items()]
        variants = [{"VariantName": variant, **instances} for variant in one["VariantNames"]]
        request = {"EndpointConfigName": name, "ProductionVariants": variants, "Tags": tags}
        config = HostedConfig(account, region, request, {_MODEL: model})
        backend.endpoint_configs[name] = config
        backend.endpoints[name] = HostedEndpoint(account, region, name, config, list(tags), None)
    return len(backend.endpoints)
