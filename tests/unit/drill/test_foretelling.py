from __future__ import annotations

import pytest

from slipway.drill.foretelling import Foretold

BAD = Foretold(rolled_back=True, seconds=300, requests=600, bad=30, ended_by="errors")


@pytest.mark.parametrize(
    ("requests", "bad", "explained"),
    [
        (600, 30, True),
        (600, 51, True),
        (600, 55, False),
        (1200, 60, True),
        (1200, 30, True),
        (1200, 15, False),
        (600, 0, False),
        (0, 0, False),
    ],
)
def test_chance_explains_so_many_bad_requests_and_no_more(requests: int, bad: int, *, explained: bool) -> None:
    assert BAD.explains(requests, bad, step=3) is explained


def test_of_a_good_model_no_request_may_be_bad() -> None:
    good = Foretold(rolled_back=False, seconds=900, requests=1800, bad=0, ended_by="")
    assert good.share == 0
    assert good.explains(1800, 0, step=0)
    assert not good.explains(1800, 20, step=0)
