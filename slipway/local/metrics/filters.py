"""Filter patterns of log groups, for text: terms, phrases, ``?`` for any of several, ``-`` for none.

As the CloudWatch Logs User Guide has them ("Filter pattern syntax"). Patterns for JSON and for columns are not here.
"""

import re
from dataclasses import dataclass

_TERM = re.compile(r'(?P<sign>[?-]?)(?:"(?P<phrase>(?:\\.|[^"\\])*)"|(?P<word>[^\s"]+))')


class UnsupportedPatternError(ValueError):
    """A pattern that the local AWS cannot match."""


@dataclass(frozen=True)
class Pattern:
    """What a message has to hold: all of some terms, any of others, none of a third group."""

    every: tuple[str, ...]
    some: tuple[str, ...]
    none: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> "Pattern":
        """Read a pattern; the empty one matches every message.

        Raises
        ------
        UnsupportedPatternError
            When it is one for JSON, for columns, or a regular expression.
        """
        if text.strip()[:1] in ("{", "[", "%"):
            raise UnsupportedPatternError(
                f"The local AWS matches terms and phrases only, not {text}. Print what a metric needs in the embedded "
                "metric format instead."
            )
        terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
        for found in _TERM.finditer(text):
            phrase = found["phrase"]
            terms[found["sign"]].append(found["word"] if phrase is None else re.sub(r"\\(.)", r"\1", phrase))
        return cls(tuple(terms[""]), tuple(terms["?"]), tuple(terms["-"]))

    def matches(self, message: str) -> bool:
        """Tell whether a message matches; case counts."""
        return (
            all(term in message for term in self.every)
            and (not self.some or any(term in message for term in self.some))
            and not any(term in message for term in self.none)
        )
