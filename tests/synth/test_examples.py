"""The example configs: what each becomes in CloudFormation, and that nobody has anything against it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from slipway.spec.load import load
from slipway.spec.lock import PUBLISHED_KEY, read_lock
from tests import examples

Template = Callable[[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All examples, synthesized in one go, and held against cdk-nag."""
    folder = tmp_path_factory.mktemp("examples")
    examples.app(outdir=folder, checked=True).synth()
    return folder


@pytest.fixture(scope="module")
def template(assembly: Path) -> Template:
    """A stack of an example, by the example's name and the stack's last part."""

    def made(name: str, part: str) -> dict[str, Any]:
        stack = examples.environment(name).names.stack(part)
        found: dict[str, Any] = json.loads((assembly / f"{stack}.template.json").read_text())
        return found

    return made


def only_endpoint(name: str) -> str:
    (endpoint,) = examples.environment(name).endpoints
    return endpoint


@pytest.mark.parametrize("name", examples.NAMES)
def test_an_example_is_a_config_folder_with_a_project_and_one_endpoint_of_its_own(name: str) -> None:
    folder = examples.CONFIGS / name
    assert {path.name for path in folder.iterdir()} == {"base.yaml", "dev.yaml", "models.lock.json"}
    environment = examples.environment(name)
    assert (environment.company, environment.team, environment.project) == ("acme", "rc", name)
    assert len(environment.endpoints) == 1
    lines = (folder / "base.yaml").read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=../../../config/schema.json"
    assert len(lines) <= 30, "an example is what somebody reads and copies"


def test_the_page_on_the_examples_lists_each_of_them(root: Path) -> None:
    page = (root / "examples" / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| \[([\w-]+)\]\(configs/\1/base\.yaml\) \|", page, re.MULTILINE)) == list(
        examples.NAMES
    )


@pytest.mark.parametrize("name", examples.NAMES)
def test_nothing_about_an_example_is_doubtful_but_a_prefix_that_nothing_pins(name: str) -> None:
    doubts = [warning.problem.message for warning in load(examples.CONFIGS / name, "dev").warnings]
    assert len(doubts) == (name == "vision-language")
    assert all("the lock file holds no prefixes" in doubt for doubt in doubts)


@pytest.mark.parametrize("name", examples.NAMES)
def test_a_lock_file_holds_what_the_example_needs_and_no_more(name: str) -> None:
    from slipway.spec.sources import artifacts

    environment = examples.environment(name)
    (endpoint,) = environment.endpoints.items()
    needed = {artifact.key: artifact.several for artifact in artifacts(*endpoint, environment.names.bucket)}
    for key in read_lock(examples.CONFIGS / name / "models.lock.json"):
        assert PUBLISHED_KEY.fullmatch(key), key
        assert key in needed or any(key.startswith(prefix) for prefix, several in needed.items() if several)


@pytest.mark.parametrize("name", examples.NAMES)
def test_templates_are_what_was_reviewed(template: Template, snapshot: SnapshotAssertion, name: str) -> None:
    found = template(name, only_endpoint(name))
    # An asset's hash changes with its bytes; what a reviewer wants to see is where it is used.
    text = re.sub(r"[0-9a-f]{64}", "ASSET", json.dumps(found))
    assert json.loads(text) == snapshot(extension_class=JSONSnapshotExtension)


def test_what_an_example_adds_to_the_foundation_is_what_was_reviewed(
    template: Template, snapshot: SnapshotAssertion
) -> None:
    """Compared with the foundation of the plainest example, names aside."""

    def resources(name: str) -> dict[str, Any]:
        text = json.dumps(template(name, "foundation")["Resources"]).replace(f"rc-{name}-dev", "rc-NAME-dev")
        text = text.replace(json.dumps(name), '"NAME"')
        found: dict[str, Any] = json.loads(re.sub(r"[0-9a-f]{64}", "ASSET", text))
        return found

    plain = resources("real-time")
    added = {name: more(resources(name), plain) for name in examples.NAMES}
    assert {name: found for name, found in added.items() if found} == snapshot(extension_class=JSONSnapshotExtension)


def more(own: Any, plain: Any) -> Any:
    """What one document has that another has not, or has otherwise."""
    if isinstance(own, dict) and isinstance(plain, dict):
        return {key: more(value, plain.get(key)) for key, value in own.items() if plain.get(key) != value}
    if isinstance(own, list) and isinstance(plain, list):
        new, gone = ([item for item in one if item not in other] for one, other in ((own, plain), (plain, own)))
        return [more(new[0], gone[0])] if len(new) == len(gone) == 1 else new
    return own


def test_cdk_nag_has_nothing_against_any_example(assembly: Path) -> None:
    report = json.loads((assembly / "validation-report.json").read_text())
    (nag,) = [plugin for plugin in report["pluginReports"] if plugin["pluginName"] == "AwsSolutions"]
    assert (nag["conclusion"], nag["violations"]) == ("success", [])
    for finding in nag["suppressedViolations"]:
        assert finding["ruleName"].startswith(("AwsSolutions-IAM5[", "AwsSolutions-SQS3")), (
            "only wildcards are acknowledged, and dead letters without a queue of their own"
        )
    assert len(list(assembly.glob("*.template.json"))) == 3 * len(examples.NAMES)


def test_cfn_lint_accepts_every_template_of_every_example(assembly: Path) -> None:
    # The foundations differ by topics only; those of the project's own environments are linted too.
    stacks = [(name, only_endpoint(name)) for name in examples.NAMES] + [("asynchronous", "foundation")]
    templates = [assembly / f"{examples.environment(name).names.stack(part)}.template.json" for name, part in stacks]
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "parseable", *map(str, templates)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_an_example_alone_gives_the_same_templates_as_among_the_others(assembly: Path, tmp_path: Path) -> None:
    examples.app(["shadow"], outdir=tmp_path).synth()
    alone = sorted(tmp_path.glob("*.template.json"))
    assert len(alone) == 3
    for one in alone:
        assert one.read_bytes() == (assembly / one.name).read_bytes(), one.name


def test_what_the_examples_are_published_from_gives_the_locked_bytes(tmp_path: Path) -> None:
    from slipway.ops.publish.package import package

    train = examples.training(tmp_path)
    locked: dict[str, str] = {}
    for name in examples.NAMES:
        locked |= read_lock(examples.CONFIGS / name / "models.lock.json")
    made = {}
    for key in locked:
        of = PUBLISHED_KEY.fullmatch(key)
        assert of
        with package(train(of["model"], of["version"])) as packed:
            made[key] = packed.sha256
    assert made == locked
