"""What all tests need: the pinned Node before anything imports CDK, and the paths of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks.pinned_node import pin_node

pin_node()

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
