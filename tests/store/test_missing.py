"""Why no messages of a call are there: only what is known is said."""

from __future__ import annotations

from sipwatch.store.missing import why_no_messages
from sipwatch.store.reader import Stored
from sipwatch.store.wanted import Position
from tests.each import for_each
from tests.export import records


@for_each(
    "call, kept, said",
    [
        (records.call(), 3, "Messages of this call were kept (3), and have been let go of since: "),
        (records.call(legs=[]), 0, "No message of this call was captured: its record has no hop."),
        (records.call("server_error"), 0, "although it failed or had trouble: [store] messages says that none are"),
        (records.answered(), 0, "No message of this call was stored: it had no trouble, and of such calls"),
    ],
    ids=["gone", "not captured", "failed", "good"],
)
def test_what_is_known_is_said(call: object, kept: int, said: str) -> None:
    """Never that calls which failed have theirs kept, of a call that failed and has none."""
    told = why_no_messages(Stored(call, False, kept, Position(0, 0)))  # type: ignore[arg-type]
    assert said in told
    assert "those of calls that failed" not in told
