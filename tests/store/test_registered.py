"""Who registered or tried to, read from a store: found by name, number, address or peer; the worst first."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.peers import Peer, PeerKind, Privacy, Settings
from sipwatch.packet import SECOND
from sipwatch.store import schema
from sipwatch.store.days import TooLongError
from sipwatch.store.registered import RegisterSum, RegistrationsWanted, register_sums, registrations_in
from tests.each import for_each
from tests.export import records
from tests.export.records import START, at
from tests.store.attempts import attempt
from tests.test_daemon import PCAPS
from tests.track.registering import CHALLENGE, CREDENTIALS, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.store.attempts import RegisterAttempt
    from tests.store.stored import Stored

DAY = 86_400


def put(store: Stored, *attempts: RegisterAttempt) -> None:
    """Write attempts."""
    store.writer._attempts += attempts
    store.writer.write()


def whom(store: Stored, **wanted: object) -> list[str]:
    """Return the user parts of whom is found, in order."""
    return [row.number for row in registrations_in(store.read(), RegistrationsWanted(**wanted))]  # type: ignore[arg-type]


def test_the_worst_comes_first(store: Stored) -> None:
    """Who fails, above all if he was registered before; what ran out; who failed once; then the others."""
    put(
        store,
        attempt(1, "registered", "sip:fine@x"),
        attempt(2, "removed", "sip:left@x"),
        attempt(3, "refused", "sip:once@x"), attempt(4, "registered", "sip:once@x"),
        attempt(5, "registered", "sip:gone@x", until=at(60)), attempt(60, "expired", "sip:gone@x"),
        *[attempt(second, "auth_failed", "sip:never@x") for second in range(70, 75)],
        attempt(1, "registered", "sip:lost@x"), attempt(6, "not_responding", "sip:lost@x"),
        attempt(99, "auth_failed", "sip:guess@x"),
    )  # fmt: skip
    assert whom(store) == ["lost", "never", "guess", "gone", "once", "left", "fine"]


@for_each(
    "who, found",
    [
        ("4711", ["4711"]),
        ("*711", ["4711", "14711"]),
        ("471", ["4711", "14711"]),
        ("1471", ["14711"]),
        ("030 1234567", ["+49301234567"]),
        ("+49 30 1234567", ["+49301234567"]),
        ("ALICE", ["alice"]),
        ("pbx.example", ["4711", "+49301234567", "alice", "14711"]),
        ("192.0.2.81", ["alice"]),
        ("198.51.100.5", ["4711", "+49301234567", "alice", "14711"]),
        ("%", []),
        ("' OR 1 --", []),
    ],
)
def test_somebody_is_found_by_number_name_or_address(store: Stored, who: str, found: list[str]) -> None:
    put(
        store,
        attempt(4),
        attempt(3, aor="sip:+49301234567@pbx.example"),
        attempt(2, aor="sip:alice@PBX.example", device="192.0.2.81"),
        attempt(1, aor="sip:14711@pbx.example"),
    )
    assert whom(store, who=who, region="DE") == found


def test_somebody_is_found_by_either_peer(store: Stored) -> None:
    put(store, attempt(2), attempt(1, aor="sip:x@y", source="branch", destination="trunk"))
    assert [whom(store, peer=peer) for peer in ("phones", "trunk", "nobody")] == [["4711"], ["x"], []]


def test_days_become_one_and_who_was_not_seen_in_the_time_is_left_out(store: Stored) -> None:
    put(store, attempt(0), attempt(10, "refused"), attempt(DAY, "refused"), attempt(2 * DAY, aor="sip:later@x"))
    [row] = registrations_in(store.read(), RegistrationsWanted(START, at(2 * DAY - 1)))
    assert (row.registered, row.refused, row.streak, row.failing_since) == (1, 2, 2, at(10))
    assert whom(store, since=at(2 * DAY)) == ["later"]
    assert whom(store, since=at(60), until=at(120)) == []  # the day has them, this minute has not
    assert whom(store, until=at(5)) == ["4711"]


def test_sums_are_of_whole_hours_and_of_minutes_at_the_ends(store: Stored) -> None:
    put(store, *[attempt(60 * minute) for minute in range(-90, 90)], attempt(0, "refused"), attempt(30, "expired"))
    found = register_sums(store.read(), at(-3600 - 600), at(600))
    assert sorted(found) == [
        RegisterSum("phones", "pbx", "expired", 0, 1, 0, 0),
        RegisterSum("phones", "pbx", "refused", 403, 1, 0, 0),
        RegisterSum("phones", "pbx", "registered", 200, 80, 80, 80 * 20_000_000),
    ]


def test_files_of_versions_that_knew_no_registrations_have_none(
    stores: Callable[..., Stored], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read as they are, and brought to this version when they are written again."""
    with monkeypatch.context() as before:
        before.setitem(schema.MIGRATIONS, schema.CALLS, schema.MIGRATIONS[schema.CALLS][:2])
        old = stores()
        old.put(records.call())
        old.close()
    reader = old.read()
    assert registrations_in(reader, RegistrationsWanted()) == []
    assert register_sums(reader, None, None) == []
    store = stores()
    put(store, attempt(0))
    assert registrations_in(reader, RegistrationsWanted()) != []


def test_who_takes_too_long_over_many_days_gives_up(store: Stored) -> None:
    """Also where it is not the question that takes so long, but what is made of its answers."""
    put(store, attempt(0), attempt(DAY))
    reader = store.read()
    asked = iter((False, True))
    reader.give_up = lambda: next(asked)
    with pytest.raises(TooLongError):
        registrations_in(reader, RegistrationsWanted())


# From packets

PEERS = Settings(
    peers=[
        Peer("phones", PeerKind.DEVICES, [IPv4Network("192.0.2.65/32")]),
        Peer("pbx", PeerKind.SERVER, [IPv4Network("192.0.2.80/32")]),
    ]
)
WRONG_PASSWORD = "".join(
    f"{60 * n} A>P REGISTER cseq={2 * n + 1}\n{60 * n}.1 P>A 401 cseq={2 * n + 1} {CHALLENGE}\n"
    f"{60 * n}.2 A>P REGISTER cseq={2 * n + 2} {CREDENTIALS}\n{60 * n}.3 P>A 403 cseq={2 * n + 2}\n"
    for n in range(3)
)


def test_what_a_phone_tried_is_there_a_moment_later(store: Stored) -> None:
    store.watch(said(WRONG_PASSWORD), PEERS)
    [row] = registrations_in(store.read(), RegistrationsWanted())
    assert row.aor == "sip:alice@example.com"
    assert (row.source, row.destination, row.device) == ("phones", "pbx", "192.0.2.65")
    assert (row.streak, row.refused, row.status_code, row.credentials) == (3, 3, 403, 0)
    assert row.failing_since == START + round(0.2 * SECOND)
    assert row.failing_since // SECOND == START // SECOND


def test_a_registration_that_runs_out_is_told_of_its_device(store: Stored) -> None:
    store.watch(said("0 A>P REGISTER\n0.1 P>A 200 h=Expires:_60"), PEERS, until=START + 100 * SECOND)
    [row] = registrations_in(store.read(), RegistrationsWanted())
    assert (row.expired, row.ran_out) == (1, START + round(60.1 * SECOND))
    assert sorted((one.outcome, one.attempts) for one in register_sums(store.read(), None, None)) == [
        ("expired", 1),
        ("registered", 1),
    ]


def test_a_file_that_is_read_twice_counts_once(stores: Callable[..., Stored]) -> None:
    """By the same writer, and by another one later."""
    capture = PCAPS / "situations" / "unregistered_503.pcap"
    store = stores()
    store.capture(capture)
    before = registrations_in(store.read(), RegistrationsWanted()), register_sums(store.read(), None, None)
    assert before[0]
    store.capture(capture)
    again = stores()
    again.capture(capture)
    assert (registrations_in(again.read(), RegistrationsWanted()), register_sums(again.read(), None, None)) == before


def test_what_is_hidden_is_in_no_file(stores: Callable[..., Stored]) -> None:
    """Neither whom a REGISTER is about, nor where he is named in what sent it, nor his digits turned."""
    script = WRONG_PASSWORD.replace("REGISTER", "REGISTER aor=030555123 h=User-Agent:_Phone_of_030555123")
    store = stores(privacy=Privacy(mask=4, key=b"k" * 32, addresses=True))
    store.watch(said(script), PEERS)
    [row] = registrations_in(store.read(), RegistrationsWanted())
    assert "030555123" not in "".join(map(str, row))
    assert (row.source, row.refused) == ("phones", 3)
    store.close()
    together = b"".join(path.read_bytes() for path in store.folder.iterdir() if path.is_file())
    assert b"030555123" not in together
    assert b"321555030" not in together
    assert b"192.0.2.65" not in together
