from __future__ import annotations

from pathlib import Path

import pytest

from slipway.cli import main
from slipway.drill.places import place
from slipway.ops.trouble import WrongOperation
from slipway.spec.load import load_unpublished


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_in_an_account_a_bad_model_is_for_development_only(root: Path, tmp_path: Path, name: str) -> None:
    environment = load_unpublished(root / "config", name)
    with pytest.raises(WrongOperation, match=f"is for dev only, not for {name}"), place(environment, "aws", tmp_path):
        pytest.fail("it went on")


@pytest.mark.parametrize("rate", ["0", "-1", "many", "6001"])
def test_a_rate_that_is_none_is_wrong_usage(rate: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["drill", "--rate", rate])
    assert ended.value.code == 2
    assert "write 1 to 6000 requests a minute" in capsys.readouterr().err
