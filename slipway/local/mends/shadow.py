"""Shadow variants: copies of requests, whose answers nobody sees."""

import logging
import random
import threading
from collections.abc import Callable

from slipway.local.engine.documents import Document
from slipway.local.mends.routing import Call, InvalidError
from slipway.local.model_server import ModelServerError

log = logging.getLogger(__name__)


def copy(call: Call, send: Callable[[Call], object]) -> None:
    """Send copies of a request to the shadow variants, in the background; how they fare changes nothing.

    Parameters
    ----------
    call
        The request, which a production variant got.
    send
        Sends a copy; what it returns is dropped.
    """
    for variant in call.config.shadow_variants:
        if random.random() < share(call, variant):  # noqa: S311 - traffic, not secrets
            copied = call.shadow(variant)
            threading.Thread(target=_try, args=(copied, send), daemon=True, name="shadow").start()


def share(call: Call, shadow: Document) -> float:
    """Return the share of requests that are copied: the shadow's weight by the production variant's, at most 1."""
    own = float(call.live_variant.get("CurrentWeight", 1.0))
    return min(1.0, float(shadow.get("InitialVariantWeight", 1.0)) / own) if own else 1.0


def _try(call: Call, send: Callable[[Call], object]) -> None:
    try:
        send(call)
    except (InvalidError, ModelServerError) as error:
        log.debug("shadow variant %s of %s: %s", call.variant_name, call.endpoint.endpoint_name, error)
