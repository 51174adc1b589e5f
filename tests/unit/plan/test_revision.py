"""The project of a git revision is synthesized beside the working tree, which is left alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from slipway.plan.documents import UnreadableError
from slipway.plan.revision import SynthError, against, synthesized

APP = """
import json, os, pathlib, sys
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
said = (pathlib.Path(context["config"]) / (context["env"] + ".yaml")).read_text()
if said == "broken":
    sys.exit("config/prod.yaml:1: is broken")
import naming  # a module of the revision, not of the working tree
template = {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": naming.PREFIX + said}}}}
out = pathlib.Path(os.environ["CDK_OUTDIR"])
(out / "s.template.json").write_text(json.dumps(template))
stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "s.template.json"}}
(out / "manifest.json").write_text(json.dumps({"artifacts": {"s": stack}}))
"""


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "constructs").mkdir()
    (tmp_path / "constructs" / "naming.py").write_text('PREFIX = "old-"')
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "prod.yaml").write_text("one")
    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    git("tag", "first")
    (tmp_path / "constructs" / "naming.py").write_text('PREFIX = "new-"')
    (tmp_path / "config" / "prod.yaml").write_text("two")
    return tmp_path


def topic(found: object) -> str:
    (stack,) = found.stacks.values()  # type: ignore[attr-defined]
    return str(stack.template["Resources"]["T"]["Properties"]["TopicName"])


def test_both_sides_are_synthesized_from_their_own_code_and_config(project: Path) -> None:
    old = against("first", "prod", Path("config"))
    assert topic(old) == "old-one"
    assert old.source.startswith("git first (")
    assert topic(synthesized(project, "prod", Path("config"), "working tree")) == "new-two"


def test_nothing_is_left_behind(project: Path) -> None:
    against("first", "prod", Path("config"))
    listed = subprocess.run(["git", "worktree", "list"], capture_output=True, text=True, check=True).stdout
    assert len(listed.splitlines()) == 1
    assert (project / "config" / "prod.yaml").read_text() == "two"


def test_an_unknown_revision_says_what_to_do(project: Path) -> None:
    assert project.is_dir()
    with pytest.raises(UnreadableError, match="no revision 'nowhere' here: fetch it first"):
        against("nowhere", "prod", Path("config"))
    with pytest.raises(UnreadableError, match="no revision"):
        against("--output=x", "prod", Path("config"))


def test_what_cannot_be_synthesized_is_said_in_its_own_words_and_leaves_nothing(project: Path) -> None:
    (project / "config" / "prod.yaml").write_text("broken")
    git("commit", "-am", "broken")
    with pytest.raises(SynthError, match=r"config/prod\.yaml:1: is broken"):
        against("HEAD", "prod", Path("config"))
    listed = subprocess.run(["git", "worktree", "list"], capture_output=True, text=True, check=True).stdout
    assert len(listed.splitlines()) == 1


def test_a_folder_without_an_app_or_a_repository_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnreadableError, match=r"has no app\.py"):
        synthesized(tmp_path, "prod", Path("config"), "working tree")
    with pytest.raises(UnreadableError, match=r"git rev-parse: .*not a git repository"):
        against("main", "prod", Path("config"))
