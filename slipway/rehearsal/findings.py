"""What is wrong with alarms and updates, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the alarms of an update miss or get wrong, or that a rehearsal cannot say.

    Attributes
    ----------
    code
        What it is, such as ``both-fleets``, for pipelines that accept it.
    text
        What it is, why, and what to write instead.
    alarm
        The alarm that it is about.
    faults
        The faults that show it.
    gap
        Whether the alarms have a gap there; otherwise it is a remark on the rehearsal.
    """

    code: str
    text: str
    alarm: str = ""
    faults: tuple[str, ...] = ()
    gap: bool = True
