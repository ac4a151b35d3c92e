"""Which packets are a call's, as a display filter for Wireshark and tshark.

Must not know: how records come about. All text is escaped here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.wire.limits import MAX_IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.export.record import CallRecord


def display_filter(calls: Iterable[CallRecord]) -> str:
    """Return the filter that shows the packets of calls, each Call-ID once.

    It goes by what was on the wire: of a record with a hidden Call-ID it shows nothing. An identifier that was kept by
    its beginning, because it is very long, is looked for by that. Raises ValueError without calls.
    """
    filters = list(dict.fromkeys(_by_call_id(call.call_id) for call in calls))
    if not filters:
        raise ValueError("no calls to filter for")
    return " or ".join(filters)


def _by_call_id(call_id: str) -> str:
    if len(call_id.encode("utf-8", "replace")) > MAX_IDENTIFIER:
        return f"sip.Call-ID contains {_quoted(call_id[: MAX_IDENTIFIER // 4])}"
    return f"sip.Call-ID == {_quoted(call_id)}"


def _quoted(text: str) -> str:
    r"""Return a string of the filter language (wireshark-filter(4)): ``\`` and ``"`` escaped, the rest by its bytes."""
    raw = text.encode("utf-8", "replace")
    return '"' + "".join(_character(byte) for byte in raw) + '"'


def _character(byte: int) -> str:
    character = chr(byte)
    if character in '"\\':
        return "\\" + character
    return character if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
