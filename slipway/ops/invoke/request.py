"""What is asked of an endpoint, and whether it fits how that is hosted: by variant, archive, container or component."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from slipway.ops.invoke.errors import WrongRequest
from slipway.spec.model import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.spec.endpoint import Endpoint
    from slipway.spec.sample import Sample


@dataclass(frozen=True)
class Request:
    """What is asked, and of which part of the endpoint.

    Attributes
    ----------
    body, content_type
        What is sent.
    variant
        A production variant; by weight otherwise.
    target_model
        The archive of a multi-model endpoint, from its prefix on.
    container
        The container of a direct pipeline.
    component
        Short name of an inference component.
    accept
        The type that the answer is to have; the container's own by default.
    """

    body: bytes
    content_type: str
    variant: str | None = None
    target_model: str | None = None
    container: str | None = None
    component: str | None = None
    accept: str | None = None


def sample_of(endpoint: Endpoint, component: str | None = None) -> Sample | None:
    """Find the sample that is declared for an endpoint, or for one of its components.

    Parameters
    ----------
    endpoint
        The endpoint.
    component
        Short name of one of its components.

    Returns
    -------
    Sample or None
        What is declared.
    """
    if component is None:
        return endpoint.sample
    declared = (endpoint.components or {}).get(component)
    return declared.sample if declared else None


def request_of(endpoint: Endpoint, sample: Sample, component: str | None = None) -> Request:
    """Make the request that a sample stands for.

    Parameters
    ----------
    endpoint
        The endpoint.
    sample
        From `sample_of`.
    component
        The component whose sample it is.

    Returns
    -------
    Request
        Its target is an archive or a container, as the endpoint is hosted.
    """
    direct = bool(_containers(endpoint))
    return Request(
        sample.body.encode(),
        sample.content_type,
        target_model=None if direct else sample.target,
        container=sample.target if direct else None,
        component=component,
    )


def check(name: str, endpoint: Endpoint, request: Request) -> None:
    """Hold a request against how an endpoint is hosted.

    Parameters
    ----------
    name
        The endpoint's short name.
    endpoint
        The endpoint.
    request
        What is asked.

    Raises
    ------
    WrongRequest
        With all that does not fit, and what to write.
    """
    wrong = list(_faults(endpoint, request))
    if wrong:
        raise WrongRequest("\n".join(f"{name}: {fault}" for fault in wrong))


def _faults(endpoint: Endpoint, request: Request) -> Iterator[str]:
    yield from _fault("--component", request.component, tuple(endpoint.components or {}), needed=True)
    yield from _fault("--container", request.container, _containers(endpoint), needed=True)
    # Asynchronous requests and those to a component cannot name a variant (API:InvokeEndpointAsync).
    variants = () if endpoint.mode in ("asynchronous", "components") else tuple(endpoint.fleet)
    yield from _fault("--variant", request.variant, variants, needed=False)
    multi_model = _multi_model(endpoint)
    if multi_model and request.target_model is None:
        known = endpoint.sample.target if endpoint.sample else None
        yield f"--target-model is missing: name an archive under the prefix, such as {known or 'NAME/v1/model.tar.gz'}"
    if not multi_model and request.target_model is not None:
        yield "--target-model is for multi-model endpoints: leave it out"


def _fault(option: str, given: str | None, known: tuple[str, ...], *, needed: bool) -> Iterator[str]:
    if given is None:
        if needed and known:
            yield f"{option} is missing: name one of {', '.join(known)}"
    elif not known:
        yield f"{option} is not for an endpoint hosted like this: leave it out"
    elif given not in known:
        close = get_close_matches(given, known, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        yield f"{option} {given}: there is no such one; {hint}There is: {', '.join(known)}"


def _containers(endpoint: Endpoint) -> tuple[str, ...]:
    """Names of the containers that a request must choose from: those of a direct pipeline."""
    models = [member.model for member in endpoint.fleet.values()]
    direct = [m for m in models if isinstance(m, Pipeline) and m.invocation == "direct"]
    return tuple(dict.fromkeys(name for model in direct for name in model.containers))


def _multi_model(endpoint: Endpoint) -> bool:
    return any(container.models for served in endpoint.served for _, _, container in served.containers)
