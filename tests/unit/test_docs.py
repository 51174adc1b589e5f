"""The documentation stays true: links lead somewhere, fragments load, and every key is described."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.spec import (
    alarms,
    asynchronous,
    budget,
    capture,
    cleanup,
    component,
    deployment,
    endpoint,
    environment,
    explainer,
    hosting,
    metrics,
    model,
    overrides,
    sample,
    scaling,
)
from slipway.spec.base import Spec
from slipway.spec.load import load_unpublished

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REFERENCE = ROOT / "docs" / "configuration.md"

#: What every fragment is laid over; a fragment's own keys win.
BASE = """\
company: acme
team: rc
project: project-a
notify: [ml-oncall@example.com]
endpoints:
  iris:
    version: 1
    model: {image: {framework: sklearn, tag: 1.4-2-cpu-py3}}
    hosting: {instance_type: ml.m5.large}
"""
PLACE = 'account: "111122223333"\nregion: eu-west-1\n'
_FRAGMENT = re.compile(r"<!-- config: (?P<env>\w+) -->\n```yaml\n(?P<text>.*?)```", re.DOTALL)
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_KEYS = re.compile(r"<!-- keys: (?P<names>[\w ]+) -->\n\n(?P<table>(?:\|.*\n)+)")


def fragments() -> Iterator[tuple[str, str, str]]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _FRAGMENT.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{page.name}:{line}", found["env"], found["text"]


def anchors(page: Path) -> set[str]:
    """Anchors that GitHub gives to a page's headings."""
    prose = _FENCED.sub("", page.read_text(encoding="utf-8"))
    heads = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"<!--.*?-->", "", head).strip().lower()).replace(" ", "-") for head in heads
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    prose = _FENCED.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for found in _LINK.finditer(prose):
        target = found["target"]
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", index))
    assert listed == {page.name for page in PAGES} - {"README.md"}


@pytest.mark.parametrize(("where", "env", "text"), list(fragments()), ids=lambda value: str(value).split("\n")[0][:40])
def test_every_fragment_of_a_config_loads(where: str, env: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
    overlay = text if "account:" in text else PLACE + text
    (tmp_path / f"{env}.yaml").write_text(overlay, encoding="utf-8")
    assert load_unpublished(tmp_path, env).endpoints, where


def test_there_are_fragments_to_try() -> None:
    assert len(list(fragments())) > 15


def _models() -> dict[str, type[Spec]]:
    modules = (
        *(alarms, asynchronous, budget, capture, cleanup, component, deployment, endpoint, environment, explainer),
        *(hosting, metrics, model, overrides, sample, scaling),
    )
    return {
        name: made
        for module in modules
        for name, made in vars(module).items()
        if isinstance(made, type) and issubclass(made, Spec) and made is not Spec and not name.startswith("_")
    }


def test_the_reference_has_exactly_the_keys_of_every_model() -> None:
    models = _models()
    described: set[str] = set()
    for found in _KEYS.finditer(REFERENCE.read_text(encoding="utf-8")):
        names = found["names"].split()
        described |= set(names)
        wanted = {key for name in names for key in models[name].model_fields}
        keys = re.findall(r"^\| `(\w+)` \|", found["table"], re.MULTILINE)
        assert set(keys) == wanted, names
        assert len(keys) == len(set(keys)), names
    assert described == set(models)


def test_every_direct_dependency_is_explained_with_its_pinned_version() -> None:
    pins = dict(re.findall(r"^([\w-]+)(?:\[.*\])?==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    npm = json.loads((ROOT / "package.json").read_text())["dependencies"]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w-]+)(?:\[.*?\])?(?: \(npm\))? \| (\d\S*) \|", page, re.MULTILINE)
    assert dict(rows) == {**pins, **npm}
