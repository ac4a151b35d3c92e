"""What links calls with others of the same conversation, [links]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sipwatch.classify.peers import Linking
from sipwatch.config.peers import read_seconds
from sipwatch.config.rules import HEADER_NAME
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from sipwatch.config.checks import Checks

LINKS_KEYS: Final = ("header", "session_id", "transfers", "by_numbers", "numbers_within")
DEFAULT_APART: Final = Linking().numbers_within // SECOND  # seconds
MAX_APART: Final = 32  # seconds: Timer B, after which nobody waits for a response
MAX_HEADERS: Final = 8  # each is looked for in every INVITE
# Every call has these, and they identify it alone, or nobody.
_OF_EVERY_CALL: Final = frozenset({
    "via", "v", "from", "f", "to", "t", "call-id", "i", "cseq", "max-forwards", "contact", "m", "content-length", "l",
    "content-type", "c", "allow", "supported", "k", "user-agent", "date", "expires",
})  # fmt: skip
_EXPECTED: Final = f'the name of a header, such as "X-Correlation-ID", or a list of up to {MAX_HEADERS} names'


def read_links(check: Checks, found: object) -> Linking:
    """Return what [links] says. Raises ConfigError."""
    table = check.table(found, ("links",))
    check.known(table, LINKS_KEYS, ("links",))
    return Linking(
        _headers(check, table.get("header", [])),
        _flag(check, table, "session_id", Linking().session_id),
        _flag(check, table, "transfers", Linking().transfers),
        _flag(check, table, "by_numbers", Linking().by_numbers),
        read_seconds(check, table.get("numbers_within", DEFAULT_APART), 0.001, MAX_APART, ("links", "numbers_within")),
    )


def _headers(check: Checks, given: object) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or len(names) > MAX_HEADERS:
        check.complain(("links", "header"), given, _EXPECTED)
    for name in names:
        if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
            check.complain(("links", "header"), name, _EXPECTED)
        if name.lower() in _OF_EVERY_CALL:
            check.complain(("links", "header"), name, "a header that only calls of one conversation share")
    return tuple({name.lower(): None for name in names})


def _flag(check: Checks, table: dict[str, Any], key: str, default: bool) -> bool:
    given = check.flag(table, key, ("links",))
    return default if given is None else given
