"""Serve the model of the rollback drill: it answers with its version, or fails, as often as model.json says."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any


def model_fn(model_dir: str) -> dict[str, Any]:
    """Read the model."""
    parameters: dict[str, Any] = json.loads((Path(model_dir) / "model.json").read_text(encoding="utf-8"))
    return parameters


def input_fn(request_body: str | bytes, content_type: str) -> str | bytes:  # noqa: ARG001 - the container's signature
    """Take whatever comes."""
    return request_body


def predict_fn(data: str | bytes, model: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - the container's signature
    """Answer with the version; fail on purpose as often as the model is to."""
    if random.random() < model["failing"]:  # noqa: S311 - traffic, not secrets
        raise RuntimeError("this model fails on purpose: it belongs to a drill")
    return {"model": "drill", "version": model["version"]}


def output_fn(prediction: dict[str, Any], accept: str) -> tuple[str, str]:  # noqa: ARG001 - the container's signature
    """Write the answer as JSON."""
    return json.dumps(prediction), "application/json"
