"""What SageMaker Studio uploaded is published before it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Config

UPLOADS = "sagemaker-acme-sm-rc-project-a-prod-eu-west-1"


@pytest.mark.parametrize(("key", "path"), [("artifact", "fraud/model.tar.gz"), ("models", "fraud/")])
def test_an_upload_is_not_served(config: Config, key: str, path: str) -> None:
    endpoint = f"endpoints: {{iris: {{model: {{{key}: 's3://{UPLOADS}/{path}'}}}}}}\n"
    config.overlay("prod", f"bucket: {{studio_upload: true}}\n{endpoint}")
    (line,) = config.errors("prod")
    assert line.startswith(f"prod.yaml:6: endpoints.iris.model.{key}: lies in {UPLOADS}, where uploads wait")
    assert f"--model iris --version VERSION`) and leave `{key}` out" in line
    # Without the option there is no such bucket of ours.
    config.overlay("prod", endpoint)
    assert [w for w in config.warnings("prod") if "uploads wait" in w] == []
