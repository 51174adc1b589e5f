"""What all tests need: the pinned Node before anything imports CDK, Ctrl-C, and the paths of the project."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from stacks.pinned_node import pin_node

pin_node()
# A shell in the background leaves Ctrl-C ignored to all that it starts, and so to the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
