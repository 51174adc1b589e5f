"""What an endpoint config has once for all its variants: asynchronous answers, data capture, explanations, metrics."""

from __future__ import annotations

from typing import Any

from slipway.spec.endpoint import Endpoint
from slipway.spec.environment import Environment
from slipway.spec.explainer import Explainer
from slipway.spec.sources import asynchronous_places, capture_place, topic_arn
from slipway_cdk.resource import present


def asynchronous(environment: Environment, name: str) -> dict[str, Any] | None:
    """Write where asynchronous answers go, and who hears of them.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.

    Returns
    -------
    dict or None
        AsyncInferenceConfig.
    """
    declared = environment.endpoints[name].asynchronous
    if declared is None:
        return None
    places = asynchronous_places(environment, name)
    topics = ("SuccessTopic", declared.success_topic), ("ErrorTopic", declared.error_topic)
    notification: dict[str, Any] = {key: topic_arn(environment, topic) for key, topic in topics if topic}
    if declared.include_response:
        included = [
            f"{'SUCCESS' if which == 'success' else 'ERROR'}_NOTIFICATION_TOPIC" for which in declared.include_response
        ]
        notification["IncludeInferenceResponseIn"] = included
    return present(
        {
            "ClientConfig": {"MaxConcurrentInvocationsPerInstance": declared.concurrency}
            if declared.concurrency
            else None,
            "OutputConfig": present(
                {
                    "S3OutputPath": places.output,
                    "S3FailurePath": places.failures,
                    "KmsKeyId": declared.kms_key,
                    "NotificationConfig": notification or None,
                }
            ),
        }
    )


def data_capture(environment: Environment, name: str) -> dict[str, Any] | None:
    """Write what is captured of requests and responses.

    Parameters
    ----------
    environment
        The environment.
    name
        The endpoint's short name.

    Returns
    -------
    dict or None
        DataCaptureConfig.
    """
    declared = environment.endpoints[name].capture
    if declared is None:
        return None
    types = {"CsvContentTypes": list(declared.csv), "JsonContentTypes": list(declared.json_types)}
    return present(
        {
            "EnableCapture": declared.enabled,
            "InitialSamplingPercentage": round(declared.share),
            "DestinationS3Uri": capture_place(environment, name),
            "KmsKeyId": declared.kms_key,
            "CaptureOptions": [{"CaptureMode": "Input" if what == "request" else "Output"} for what in declared.what],
            "CaptureContentTypeHeader": {key: given for key, given in types.items() if given} or None,
        }
    )


def metrics(endpoint: Endpoint) -> dict[str, Any] | None:
    """Write which metrics are published beyond the usual ones.

    Parameters
    ----------
    endpoint
        The endpoint.

    Returns
    -------
    dict or None
        MetricsConfig. Newer documentation gives EnableDetailedObservability another default, so it is always said.
    """
    if endpoint.metrics is None:
        return None
    return {
        "EnableEnhancedMetrics": endpoint.metrics.enhanced,
        "EnableDetailedObservability": endpoint.metrics.detailed,
        "MetricPublishFrequencyInSeconds": endpoint.metrics.every.seconds,
    }


def explainer(endpoint: Endpoint) -> dict[str, Any] | None:
    """Write how answers are explained.

    Parameters
    ----------
    endpoint
        The endpoint.

    Returns
    -------
    dict or None
        ExplainerConfig.
    """
    declared = endpoint.explainer
    if declared is None:
        return None
    return {
        "ClarifyExplainerConfig": present(
            {
                "EnableExplanations": declared.when,
                "InferenceConfig": _inference(declared) or None,
                "ShapConfig": _shap(declared),
            }
        )
    }


def _inference(declared: Explainer) -> dict[str, Any]:
    given = declared.input
    return present(
        {
            "FeaturesAttribute": given.features_at,
            "ContentTemplate": given.content_template,
            "FeatureHeaders": list(given.features) if given.features else None,
            "FeatureTypes": list(given.types) if given.types else None,
            "ProbabilityAttribute": given.probability_at,
            "ProbabilityIndex": given.probability_index,
            "LabelAttribute": given.label_at,
            "LabelIndex": given.label_index,
            "LabelHeaders": list(given.labels) if given.labels else None,
            "MaxRecordCount": given.most_records,
            "MaxPayloadInMB": given.most_megabytes,
        }
    )


def _shap(declared: Explainer) -> dict[str, Any]:
    uri = declared.baseline is not None and declared.baseline.startswith("s3://")
    return present(
        {
            "ShapBaselineConfig": present(
                {
                    "MimeType": declared.baseline_type,
                    "ShapBaseline": None if uri else declared.baseline,
                    "ShapBaselineUri": declared.baseline if uri else None,
                }
            ),
            "NumberOfSamples": declared.samples,
            "Seed": declared.seed,
            "UseLogit": declared.logit,
            "TextConfig": {"Granularity": declared.text.granularity, "Language": declared.text.language}
            if declared.text
            else None,
        }
    )
