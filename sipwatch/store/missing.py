"""Why no messages of a call are there: what the store itself can tell, and nothing else.

Must not know: pages, commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.store.settings import is_troubled

if TYPE_CHECKING:
    from sipwatch.store.reader import Stored


def why_no_messages(stored: Stored) -> str:
    """Say why no messages of a call are there, in sentences."""
    if stored.kept:
        return (
            f"Messages of this call were kept ({stored.kept:,}), and have been let go of since: messages are kept for"
            " fewer days than calls ([store] message_days), and give way first where room is short."
        )
    if not stored.record.legs:
        return "No message of this call was captured: its record has no hop."
    if is_troubled(stored.record):
        return (
            "No message of this call was stored, although it failed or had trouble: [store] messages says that none are"
            " kept, or they were lost on the way, as sipwatch_store_dropped_total counts."
        )
    return (
        "No message of this call was stored: it had no trouble, and of such calls [store] messages and sample say"
        " whose are kept."
    )
