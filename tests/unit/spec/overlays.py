"""What prod says about an endpoint or at the top, to be broken one key at a time; and how a mistake is found."""

from __future__ import annotations

MODEL = "{image: {framework: sklearn, tag: 1.4-2-cpu-py3}, artifact: s3://bucket/model.tar.gz}"
ONE = f"{{model: {MODEL}, hosting: {{instance_type: ml.m5.large}}}}"
ENDPOINT_OF_ITS_OWN = f"{{version: 1, model: {MODEL}, hosting: {{instance_type: ml.m5.large}}}}"


def variants(first: str = "{instance_type: ml.m5.large}", second: str = "{instance_type: ml.m5.large}") -> str:
    return f"""\
model: null
hosting: null
variants:
  one: {{model: {MODEL}, hosting: {first}}}
  two: {{model: {MODEL}, hosting: {second}}}
"""


WHERE = 'environment: prod\naccount: "123456789012"\nregion: eu-west-1\nnotify: [ml-oncall@example.com]\n'


def check(lines: list[str], place: str, says: tuple[str, ...]) -> None:
    assert len(lines) == 1, f"one mistake, one error: {lines}"
    assert lines[0].startswith(f"{place}: "), lines[0]
    for part in says:
        assert part in lines[0].removeprefix(place)
