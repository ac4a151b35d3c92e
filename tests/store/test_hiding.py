"""What may be read of people, on the way into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.peers import Privacy
from tests.test_daemon import PCAPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.store.stored import Stored


def contents(store: Stored) -> bytes:
    """Return every byte of every file."""
    store.close()
    return b"".join(path.read_bytes() for path in sorted(store.folder.iterdir()))


def test_numbers_that_are_hidden_are_in_no_file(stores: Callable[..., Stored]) -> None:
    """Neither in calls nor in messages, nor with their digits turned."""
    captures = [PCAPS / "situations" / name for name in ("refusal_streak.pcap", "idle_busy.pcap", "call_backs.pcap")]
    open_ = stores()
    for capture in captures:
        open_.capture(capture)
    numbers = {
        row[0] for row in open_.ask("SELECT caller FROM calls UNION SELECT callee FROM calls") if len(row[0]) > 8
    }
    assert len(numbers) >= 3
    before = contents(open_)
    assert all(number.encode() in before for number in numbers)
    for path in open_.folder.iterdir():
        path.unlink()
    hidden = stores(privacy=Privacy(mask=4))
    for capture in captures:
        hidden.capture(capture)
    after = contents(hidden)
    assert [number for number in numbers if number.encode() in after] == []
    assert [number for number in numbers if number[::-1].strip("+").encode() in after] == []
    assert all(number[:-4].encode() in after for number in numbers)


def test_passwords_are_hidden_always_and_what_is_not_touched_keeps_its_packet(store: Stored) -> None:
    """A message of which something was hidden has no packet any more: its checksum would be wrong, or tell."""
    store.capture(PCAPS / "recorded" / "auth.pcap")
    rows = store.ask("SELECT raw, link_type FROM messages", kind="messages")
    with_password = [(raw, link_type) for raw, link_type in rows if b"response=" in raw and b"Digest" in raw]
    assert with_password
    assert {link_type for _, link_type in with_password} == {None}
    assert sum(link_type is not None for _, link_type in rows) > 5
