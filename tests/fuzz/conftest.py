"""How much is tried: the same 200 declarations in each `make test`, 2,000 by a seed in `make fuzz`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.fuzz.ways import WAYS

#: Without the phase that explains a failure, which takes longer than to find it.
_PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
#: A synth takes long for a property-based test, and the declarations are large for one.
_COMMON = settings(deadline=None, database=None, phases=_PHASES, suppress_health_check=list(HealthCheck))
settings.register_profile("tests", parent=_COMMON, max_examples=200 // len(WAYS), derandomize=True)
settings.register_profile("fuzz", parent=_COMMON, max_examples=2000 // len(WAYS))


@pytest.fixture(scope="session")
def profile(pytestconfig: pytest.Config) -> settings:
    """What `--hypothesis-profile` names, else the one of `make test`."""
    return settings.get_profile(pytestconfig.getoption("--hypothesis-profile") or "tests")
