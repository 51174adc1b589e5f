"""YAML as people write it: odd files end in one clear line, and every value knows where it stands."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slipway.spec.hosting import Hosting
from slipway.spec.model import Model
from slipway.spec.source import MOST_VALUES, find, from_plain, locate, merge, read_yaml, to_plain

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Config

HEAD = 'environment: prod\naccount: "123456789012"\nregion: eu-west-1\nnotify: [me@example.com]\n'

FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "prod.yaml:1: is empty: write at least what this environment is"),
    "comments only": ("# nothing\n", "prod.yaml:1: is empty"),
    "a list": ("- a\n- b\n", "prod.yaml:1: must be a mapping (`key: value`) at its top"),
    "a word": ("prod\n", "prod.yaml:1: must be a mapping"),
    "null": ("null\n", "prod.yaml:1: must be a mapping"),
    "wrong indentation": ("environment: prod\n  account: 1\n", "prod.yaml:2: is not YAML: mapping values are not allowed"),
    "an open bracket": ("environment: prod\ntags: {a: b\n", "prod.yaml:3: is not YAML"),
    "an open quote": ('environment: prod\nteam: "a\n', "prod.yaml:3: is not YAML"),
    "a tab": ("environment: prod\nendpoints:\n\tiris: 1\n", "prod.yaml:3: is not YAML: while scanning for the next token, found character that cannot start"),
    "two documents": (HEAD + "---\na: b\n", "prod.yaml:5: is not YAML: expected a single document"),
    "an unknown anchor": (HEAD + "tags: *nowhere\n", "prod.yaml:5: is not YAML: found undefined alias"),
    "Latin-1": (b"environment: prod\nteam: caf\xe9\n", "prod.yaml:2: byte 0xe9 is not UTF-8: save the file in that encoding"),
    "UTF-16": ("environment: prod\n".encode("utf-16"), "prod.yaml:1: byte 0xff is not UTF-8"),
    "a zero byte": (b"environment: prod\nteam: \x00\n", "prod.yaml:2: is not YAML: the character U+0000 is not allowed: remove it"),
    "a bell after an umlaut": ("environment: prod\nü: ü\nteam: \x07\n", "prod.yaml:3: is not YAML: the character U+0007 is not allowed"),
    "a key twice": (HEAD + "tags: {a: x,\n  a: y}\n", "prod.yaml:6: tags.a: stands twice in this mapping (first in line 5): keep one of them"),
    "a list as a key": (HEAD + "? [a]\n: b\n", "prod.yaml:5: a key must be a plain word"),
    "an impossible date": (HEAD + "tags: {a: 2026-13-41}\n", "prod.yaml:5: tags.a: YAML cannot read this value: month must be in 1..12; if it is text, write it in quotes"),
    "an object of Python": (HEAD + "tags: {a: !!python/object:os.system x}\n", "prod.yaml:5: tags.a: YAML cannot read this value: could not determine a constructor"),
    "an intrinsic function": (HEAD + "tags: {a: !Ref x}\n", "prod.yaml:5: tags.a: YAML cannot read this value"),
    "a tagged mapping": (HEAD + "tags: !Sub {a: x}\n", "prod.yaml:5: tags: has the tag !Sub, which means nothing here: remove it"),
    "octal": (HEAD + "tags: {a: 007}\n", 'prod.yaml:5: tags.a: YAML reads 007 as the number 7: write it in quotes, "007"'),
    "underscores": (HEAD + "tags: {a: 1_000}\n", 'prod.yaml:5: tags.a: YAML reads 1_000 as the number 1000'),
    "a clock time": (HEAD + "tags: {a: 12:30}\n", 'prod.yaml:5: tags.a: YAML reads 12:30 as the number 750'),
    "an alias of its own mapping": (HEAD + "tags: &t\n  a: *t\n", "prod.yaml:6: tags.a: is an alias of something around itself: write the value instead"),
    "an alias of its own list": (HEAD + "repositories: &r [*r]\n", "prod.yaml:5: repositories[0]: is an alias of something around itself"),
    "an alias of the document": ("&all\n" + HEAD + "tags: *all\n", "prod.yaml:6: tags: is an alias of something around itself"),
    "a merge of itself": (HEAD + "tags: &t\n  <<: *t\n  a: b\n", "prod.yaml:6: tags: is an alias of something around itself"),
    "a merge of a number": (HEAD + "tags: {<<: 5, a: b}\n", "prod.yaml:5: tags.<<: takes an alias of a mapping, such as `<<: *common`"),
    "a merge of a list of numbers": (HEAD + "tags: {<<: [5], a: b}\n", "prod.yaml:5: tags.<<: takes an alias of a mapping"),
    "nesting without end": (HEAD + "tags: " + "{a: " * 500 + "b" + "}" * 500, "prod.yaml:1: nests deeper than 40 levels"),
    "aliases of aliases": (
        HEAD + "x0: &x0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(f"x{i}: &x{i} [{','.join([f'*x{i - 1}'] * 10)}]\n" for i in range(1, 9)),
        f"prod.yaml:1: has more than {MOST_VALUES:,} values, aliases included",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "says"), FILES.values(), ids=FILES)
def test_an_odd_file_ends_in_one_clear_line_and_soon(config: Config, content: str | bytes, says: str) -> None:
    start = time.monotonic()
    (line,) = config.write("prod.yaml", content).errors("prod")
    assert line.startswith(says), line
    assert time.monotonic() - start < 5


def test_a_file_that_cannot_be_read_says_so(config: Config) -> None:
    (config.folder / "base.yaml").unlink()
    (config.folder / "base.yaml").mkdir()
    # A folder is no file: there is no base then.
    assert any("company: is missing" in line for line in config.errors("prod"))


def test_a_date_is_text(config: Config) -> None:
    config.endpoint(
        "prod",
        "version: 2026-11-21\nmodel: {artifact: s3://bucket/m.tar.gz}\ntags: {since: 2026-11-21, at: 2026-11-21T08:00:00Z}",
    )
    iris = config.environment("prod").endpoints["iris"]
    assert iris.version == "2026-11-21"
    assert iris.tags == {"since": "2026-11-21", "at": "2026-11-21T08:00:00Z"}


def test_a_word_that_yaml_takes_for_a_truth_value_can_be_a_key(config: Config) -> None:
    assert config.overlay("prod", "tags: {on: a, 5: b, yes: c}").environment("prod").tags == {
        "on": "a",
        "5": "b",
        "yes": "c",
    }


def test_off_is_understood_as_yaml_1_1_and_as_1_2_read_it(config: Config) -> None:
    for off in ("off", "'off'", "false", "no"):
        alarms = config.endpoint("prod", f"alarms: {{latency: {off}}}").environment("prod").endpoints["iris"].alarms
        assert alarms
        assert alarms.latency is False


def test_an_alias_is_the_value_of_its_anchor_and_errors_point_to_where_it_is_written(config: Config) -> None:
    base = (config.folder / "base.yaml").read_text()
    config.write(
        "base.yaml",
        base.replace("hosting: {", "hosting: &small {")
        + "  two:\n    version: 1\n    hosting: *small\n    model: {image: {uri: 'a:1'}, artifact: s3://bucket/m.tar.gz}\n",
    )
    two = config.environment("prod").endpoints["two"]
    assert two.hosting == config.environment("prod").endpoints["iris"].hosting
    config.write("base.yaml", (config.folder / "base.yaml").read_text().replace("ml.m5.large", "small"))
    lines = config.errors("prod")
    assert [line.split(": ")[:2] for line in lines] == [
        ["base.yaml:8", "endpoints.iris.hosting.instance_type"],
        ["base.yaml:8", "endpoints.two.hosting.instance_type"],
    ]


def test_a_merge_key_brings_in_what_is_not_said_and_the_first_of_several_wins(config: Config) -> None:
    config.overlay(
        "prod",
        """\
endpoints:
  iris: null
  one: &one
    version: 3
    dashboard: false
    hosting: {instance_type: ml.m5.large}
    model: &model {image: {uri: 'a:1'}, artifact: s3://bucket/m.tar.gz, script: a.py}
  two:
    <<: *one
    hosting: {instance_type: ml.c5.xlarge}
    scaling: null
  three:
    version: 4
    <<: [{dashboard: true, log_retention: 5d}, *one]
    model: {<<: *model, script: b.py}
""",
    )
    endpoints = config.environment("prod").endpoints
    two, three = endpoints["two"], endpoints["three"]
    assert (two.version, two.dashboard, two.scaling) == (3, False, None)
    assert isinstance(two.hosting, Hosting)
    assert (two.hosting.instance_type, two.hosting.instances) == ("ml.c5.xlarge", 2)
    assert (three.version, three.dashboard, str(three.log_retention)) == (4, True, "5d")
    assert isinstance(three.model, Model)
    assert (three.model.script, three.model.artifact) == ("b.py", "s3://bucket/m.tar.gz")


def test_a_mistake_in_what_is_merged_in_points_to_where_it_is_written(config: Config) -> None:
    config.overlay(
        "prod",
        "endpoints:\n  iris: &iris\n    hostin: {}\n  two:\n    <<: *iris\n    version: 1\n    hosting: {instance_type: ml.m5.large}\n    model: {image: {uri: 'a:1'}, artifact: s3://bucket/m.tar.gz}\n",
    )
    lines = config.errors("prod")
    assert [line.split(": is")[0] for line in lines] == [
        "prod.yaml:7: endpoints.iris.hostin",
        "prod.yaml:7: endpoints.two.hostin",
    ]


def test_a_very_long_value_is_cut_in_the_message(config: Config) -> None:
    (line,) = config.overlay("prod", f"team: {'x' * 100_000}Y").errors("prod")
    assert "(100001 characters) is not accepted" in line
    assert len(line) < 400
    for wrong in ("wait: " + "9" * 5000 + "h", "wait: [" + "a, " * 5000 + "b]"):
        (line,) = config.endpoint("prod", f"deployment: {{{wrong}}}").errors("prod")
        assert len(line) < 300


def test_nodes_know_their_lines_and_find_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a:\n  b:\n    - c: 1\n    - c: 2\n")
    document = read_yaml(path)
    assert document.problems == ()
    assert to_plain(document.top) == {"a": {"b": [{"c": 1}, {"c": 2}]}}
    assert locate(document.top, ("a", "b", 1, "c")) == (str(path), 4)
    assert locate(document.top, ("a", "b", 1, "d")) == (str(path), 4)
    assert locate(document.top, ("a", "x", "y")) == (str(path), 1)
    assert locate(document.top, ("z",)) == (str(path), 1)
    found = find(document.top, ("a", "b", 0, "c"))
    assert found is not None
    assert (found.value, found.text) == (1, "1")
    assert find(document.top, ("a", "b", 2)) is None
    assert find(document.top, ("a", "x")) is None


def test_merging_leaves_what_it_merges_as_it_was() -> None:
    below = from_plain({"a": {"b": 1, "c": 2}, "d": [1]}, "below")
    above = from_plain({"a": {"b": None, "e": {"f": None, "g": 3}}, "d": []}, "above")
    assert to_plain(merge(below, above)) == {"a": {"c": 2, "e": {"g": 3}}, "d": []}
    assert to_plain(below) == {"a": {"b": 1, "c": 2}, "d": [1]}
    assert to_plain(above) == {"a": {"b": None, "e": {"f": None, "g": 3}}, "d": []}


@pytest.mark.parametrize(
    ("below", "above", "merged"),
    [
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ({"a": {"b": 2}}, {"a": 1}, {"a": 1}),
        ({"a": {"b": 2}}, {"a": {}}, {"a": {"b": 2}}),
        ({"a": {"b": 2}}, {"a": None}, {}),
        ({"a": 1}, {"a": {"b": None}}, {"a": {}}),
        ({"a": 1}, {"a": False}, {"a": False}),
        ({}, {"a": None, "b": ""}, {"b": ""}),
        ({"image": {"framework": "x", "tag": "t"}}, {"image": {"tag": "u"}}, {"image": {"framework": "x", "tag": "u"}}),
        ({"image": {"framework": "x", "tag": "t"}}, {"image": {"uri": "u"}}, {"image": {"uri": "u"}}),
        ({"image": {"framework": "x", "tag": "t"}}, {"image": {"framework": "y"}}, {"image": {"framework": "y", "tag": "t"}}),
        ({"deployment": {"strategy": "a", "w": 1}}, {"deployment": {"strategy": "b"}}, {"deployment": {"strategy": "b"}}),
        ({"deployment": {"strategy": "a", "w": 1}}, {"deployment": {"x": 2}}, {"deployment": {"strategy": "a", "w": 1, "x": 2}}),
        ({"deployment": {"w": 1}}, {"deployment": {"strategy": "b"}}, {"deployment": {"strategy": "b"}}),
        ({"model": {"strategy": "a", "w": 1}}, {"model": {"strategy": "b"}}, {"model": {"strategy": "b", "w": 1}}),
        ({"hosting": {"instances": 1}}, {"hosting": {"serverless": {}}}, {"hosting": {"serverless": {}}}),
        ({"hosting": {"serverless": {"memory": 1}}}, {"hosting": {"pools": []}}, {"hosting": {"pools": []}}),
        ({"hosting": {"serverless": {"memory": 1}}}, {"hosting": {"serverless": {"concurrency": 2}}}, {"hosting": {"serverless": {"memory": 1, "concurrency": 2}}}),
        ({"hosting": {"instance_type": "a"}}, {"hosting": {"instances": 2}}, {"hosting": {"instance_type": "a", "instances": 2}}),
        ({"model": {"image": {}, "script": "a"}}, {"model": {"containers": {}}}, {"model": {"containers": {}}}),
        ({"model": {"containers": {"a": 1}}}, {"model": {"containers": {"b": 2}}}, {"model": {"containers": {"a": 1, "b": 2}}}),
        ({"model": {"containers": {"a": 1}}}, {"model": {"artifact": "x"}}, {"model": {"artifact": "x"}}),
        ({"model": {"image": {}, "version": 1}}, {"model": {"package": "p"}}, {"model": {"package": "p"}}),
        ({"model": {"package": "p"}}, {"model": {"version": 2}}, {"model": {"package": "p", "version": 2}}),
        ({"model": {"script": "a"}}, {"model": {"image": {}}}, {"model": {"script": "a", "image": {}}}),
        ({"containers": {"a": {"image": {}, "script": "s"}}}, {"containers": {"a": {"package": "p"}}}, {"containers": {"a": {"package": "p"}}}),
    ],
)  # fmt: skip
def test_merge(below: object, above: object, merged: object) -> None:
    assert to_plain(merge(from_plain(below, "below"), from_plain(above, "above"))) == merged
