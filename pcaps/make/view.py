"""The shape of a view: calls seen from one place, with all that a person concludes of each."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Seen:
    """What became of one call, as far as it could be seen.

    ``legs`` are outcomes in the order that the legs began; ``inferred`` says of some of them, by their place, what
    was concluded without being captured. ``conditions`` are kinds. ``talk`` is in seconds, None where nobody knows.
    """

    outcome: str
    code: int | None
    by: str | None
    reached: str
    legs: list[str]
    ending: str | None = None
    talk: float | None = None
    conditions: list[str] = field(default_factory=list)
    inferred: dict[int, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """Several calls in one capture (their Call-IDs are the keys of ``calls``).

    ``until``, ``errors`` and ``resets`` are those of a ``Situation``.
    """

    what: str
    script: str
    calls: dict[str, Seen]
    until: float
    errors: list[tuple[str, str, str, float]] = field(default_factory=list)
    resets: list[tuple[str, str, str]] = field(default_factory=list)
