"""Filter patterns of log groups."""

import pytest

from slipway.local.metrics.filters import Pattern, UnsupportedPatternError


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR] it failed", True),
        ("ERROR", "an error", False),
        ("ERROR failed", "failed with ERROR", True),
        ("ERROR failed", "ERROR only", False),
        ('"timed out"', "Task timed out after 3.00 seconds", True),
        ('"timed out"', "timed it out", False),
        (r'"a \"quoted\" word"', 'a "quoted" word', True),
        ("?ERROR ?WARN", "WARN", True),
        ("?ERROR ?WARN", "INFO", False),
        ("ERROR -harmless", "ERROR", True),
        ("ERROR -harmless", "ERROR, harmless", False),
        ('-"not this"', "not this", False),
    ],
)
def test_terms_and_phrases(pattern: str, message: str, matches: bool) -> None:  # noqa: FBT001 - a table's column
    assert Pattern.read(pattern).matches(message) is matches


@pytest.mark.parametrize("pattern", ["{ $.level = ERROR }", "[ip, user, ...]", "%ERROR%"])
def test_other_kinds_of_patterns_are_refused_with_what_to_do_instead(pattern: str) -> None:
    with pytest.raises(UnsupportedPatternError, match=r"terms and phrases only, .* embedded metric format instead"):
        Pattern.read(pattern)
