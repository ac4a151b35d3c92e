"""How registering went last, and whether that explains a refusal."""

from __future__ import annotations

import pytest

from sipwatch.classify.findings import Evidence
from sipwatch.classify.registered import MAX_LINES, Groups, Registered, Registrations
from tests.conversation import address, nanoseconds, path
from tests.track.registering import CHALLENGE, CREDENTIALS, watch

P, A, B, Q = address("P"), address("A"), address("B"), address("Q")


def registered(script: str, *, until: str | None = None) -> Registrations:
    """Return what is known after a conversation of REGISTERs."""
    known = Registrations()
    for result in watch(script, until=until).results:
        known.add(result)
    return known


def accepted(time: float, hop: str = "A>P", expires: int = 60, more: str = "", aor: str = "alice") -> str:
    back = f"{hop[2]}>{hop[0]}"
    name = f"call=r{time}{aor} branch=z9hG4bK{time}{aor}"
    return f"{time} {hop} REGISTER h=Expires:_{expires} aor={aor} {name} {more}\n{time + 0.1} {back} 200 h=Expires:_{expires} aor={aor} {name}\n"


def refused(time: float, code: int = 403, hop: str = "A>P", aor: str = "alice") -> str:
    back = f"{hop[2]}>{hop[0]}"
    name = f"call=r{time}{aor} branch=z9hG4bK{time}{aor} aor={aor}"
    return f"{time} {hop} REGISTER {name}\n{time + 0.1} {back} {code} {name}\n"


def outcome(entry: Registered | None) -> str | None:
    return None if entry is None else entry.outcome


@pytest.mark.parametrize(("moment", "found"), [("60.1", None), ("60.100000001", "registered")])
def test_a_registration_lasts_until_it_runs_out(moment: str, found: str | None) -> None:
    """60 s from its 2xx."""
    known = registered(accepted(0))
    assert outcome(known.inactive_user(P, b"alice", nanoseconds(moment))) == found
    assert outcome(known.inactive_source(A, P, nanoseconds(moment))) == found


def test_of_whom_nothing_is_known_nothing_is_said() -> None:
    known = registered(accepted(0))
    late = nanoseconds("900")
    assert known.inactive_user(P, b"bob", late) is None
    assert known.inactive_user(Q, b"alice", late) is None
    assert known.inactive_user(P, b"", late) is None
    assert known.inactive_source(B, P, late) is None
    assert (known.knows_user(P, b"alice"), known.knows_user(P, b"bob"), known.knows_user(P, b"")) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("script", "until", "found"),
    [
        (refused(0), None, "refused"),
        (refused(0, 503), None, "refused"),
        ("0 A>P REGISTER\n0.5 A>P REGISTER\n", "40", "not_responding"),
        (f"0 A>P REGISTER\n0.1 P>A 401 {CHALLENGE}\n", "40", "auth_failed"),
        (
            f"0 A>P REGISTER\n0.1 P>A 401 {CHALLENGE}\n0.2 A>P REGISTER cseq=2 {CREDENTIALS}\n0.3 P>A 401 cseq=2 {CHALLENGE}\n",
            None,
            "auth_failed",
        ),
        (accepted(0, expires=0), None, "removed"),
    ],
)
def test_a_failure_is_inactive_at_once(script: str, until: str | None, found: str) -> None:
    entry = registered(script, until=until).inactive_user(P, b"alice", nanoseconds("50"))
    assert entry is not None
    assert (entry.outcome, entry.until) == (found, 0)


def test_the_last_attempt_counts_also_while_the_one_before_would_last() -> None:
    """A registrar that refuses a refresh has probably lost the account, whatever it granted before."""
    known = registered(accepted(0, expires=3600) + refused(30))
    assert outcome(known.inactive_user(P, b"alice", nanoseconds("60"))) == "refused"
    known = registered(refused(0) + accepted(30, expires=3600))
    assert known.inactive_user(P, b"alice", nanoseconds("60")) is None


def test_a_late_conclusion_does_not_overrule_a_newer_result() -> None:
    """A challenge that nobody answers is concluded 32 s later."""
    known = registered(
        f"0 A>P REGISTER call=old\n0.1 P>A 401 call=old {CHALLENGE}\n" + accepted(10, expires=3600), until="60"
    )
    assert known.inactive_user(P, b"alice", nanoseconds("60")) is None
    assert known.inactive_source(A, P, nanoseconds("60")) is None


def test_a_device_that_moved_is_registered_from_where_it_is_now() -> None:
    known = registered(accepted(0) + accepted(50, "B>P", 3600))
    assert known.inactive_user(P, b"alice", nanoseconds("100")) is None
    assert outcome(known.inactive_source(A, P, nanoseconds("100"))) is None  # by the same user's newer success


def test_another_device_with_a_wrong_password_leaves_the_first_registered() -> None:
    known = registered(accepted(0, expires=3600) + refused(30, hop="B>P"))
    assert known.inactive_user(P, b"alice", nanoseconds("60")) is None


def test_a_user_registered_at_the_other_half_of_a_pair_is_registered() -> None:
    known = registered(accepted(0) + accepted(50, "A>Q", 3600))
    assert known.inactive_user(P, b"alice", nanoseconds("100")) is None
    assert known.inactive_source(A, P, nanoseconds("100")) is None
    assert outcome(known.inactive_user(P, b"alice", nanoseconds("4000"))) == "registered"


def test_an_office_behind_one_address_is_inactive_only_if_nobody_is_registered() -> None:
    known = registered(accepted(0, expires=3600) + refused(10, aor="bob"))
    assert outcome(known.inactive_user(P, b"bob", nanoseconds("60"))) == "refused"
    assert known.inactive_source(A, P, nanoseconds("60")) is None
    known = registered(accepted(0) + refused(10, aor="bob"))
    assert outcome(known.inactive_source(A, P, nanoseconds("100"))) == "refused"  # the latest


def test_who_takes_one_contact_away_keeps_the_others() -> None:
    """The 2xx lists them (RFC 3261 §10.3, step 8): the app signs off, the desk phone stays."""
    gone = "0 A>P REGISTER contact=<sip:app@192.0.2.65>;expires=0\n"
    kept = gone + "0.1 P>A 200 contact=<sip:desk@192.0.2.65>;expires=300\n"
    known = registered(kept)
    assert known.inactive_user(P, b"alice", nanoseconds("200")) is None
    assert outcome(known.inactive_user(P, b"alice", nanoseconds("301"))) == "registered"
    assert outcome(registered(gone + "0.1 P>A 200\n").inactive_user(P, b"alice", nanoseconds("1"))) == "removed"
    echoed = gone + "0.1 P>A 200 contact=<sip:app@192.0.2.65>;expires=0\n"
    assert outcome(registered(echoed).inactive_user(P, b"alice", nanoseconds("1"))) == "removed"


def test_a_capture_that_ends_first_says_nothing() -> None:
    seen = watch("0 A>P REGISTER\n").over()
    known = Registrations()
    for result in seen.results:
        known.add(result)
    assert [result.outcome for result in seen.results] == ["unfinished"]
    assert known.inactive_user(P, b"alice", nanoseconds("100")) is None


def test_the_private_contact_of_a_device_is_known_by_its_end() -> None:
    private = accepted(0).replace("REGISTER", "REGISTER contact=<sip:alice@192.168.1.20:5060>")
    device = registered(private).device(path("A", "P").source)
    assert device is not None
    assert device.private_contact == "192.168.1.20"
    assert registered(private).device("192.0.2.65:5062") is None
    plain = registered(accepted(0)).device(path("A", "P").source)
    assert plain is not None
    assert plain.private_contact == ""


def test_a_device_registers_and_is_no_registrar_itself() -> None:
    """A server that registers at its provider takes calls for many, and is no device."""
    known = registered(accepted(0) + accepted(1, "P>T", aor="trunk"))
    assert (known.is_device(A), known.is_device(P), known.is_device(address("T"))) == (True, False, False)
    assert not registered(refused(0)).is_device(A)


# Bounds


def entry(at: int) -> Registered:
    return Registered("refused", 403, at, at, 0, Evidence(at, 0, ""), "", b"", b"")


def test_groups_are_bounded_in_all_and_say_when_they_are_no_longer_whole() -> None:
    groups = Groups(4)
    for user in b"abc":
        groups.add((b"office", P), bytes([user]), entry(1))
    groups.add((b"home", P), b"x", entry(2))
    groups.add((b"home", P), b"x", entry(3))
    assert (len(groups), groups.evicted) == (4, 0)
    groups.add((b"home", P), b"y", entry(4))
    office = groups.get((b"office", P))
    assert office is not None
    assert (len(groups), groups.evicted, office.cut, list(office.entries)) == (4, 1, True, [b"b", b"c"])
    for number in range(10):
        groups.add((b"home", P), b"%d" % number, entry(5))
    assert (len(groups), groups.get((b"office", P))) == (4, None)


def test_a_group_that_is_not_whole_explains_nothing() -> None:
    """Who was forgotten may be registered."""
    known = registered(refused(0) + refused(1, aor="bob"))
    assert outcome(known.inactive_source(A, P, nanoseconds("60"))) == "refused"
    group = known.ends.get((A, P))
    assert group is not None
    group.cut = True
    assert known.inactive_source(A, P, nanoseconds("60")) is None


def test_every_table_is_counted() -> None:
    known = registered(accepted(0) + accepted(1, "P>T", aor="trunk"))
    assert {name: len(table) for name, table in known.tables.items()} == {
        "registered_users": 2, "registered_ends": 2, "registered_devices": 2, "registered_sources": 2, "registrars": 2,
        "addresses_of_record": 2,
    }  # fmt: skip


# Whose device it is


def user_at(script: str, asked: bytes, moment: str = "50") -> bytes:
    """Return whose device stands at A when P asks for somebody there."""
    return registered(script).user_at(A, P, asked, nanoseconds(moment))


def test_the_only_one_who_is_registered_from_there_is_whose_device_it_is_whoever_was_asked_for() -> None:
    assert user_at(accepted(0), b"alice") == b"alice"
    assert user_at(accepted(0), b"group") == b"alice"
    assert user_at(accepted(0), b"x7d2k9.made.up") == b"alice"


def test_of_several_at_one_address_it_is_the_one_who_was_asked_for_or_nobody_can_say() -> None:
    both = accepted(0) + accepted(1, aor="bob")
    assert (user_at(both, b"alice"), user_at(both, b"bob"), user_at(both, b"group")) == (b"alice", b"bob", b"")


def test_of_several_behind_one_address_it_is_whose_device_made_up_the_name_that_was_asked_for() -> None:
    """Browsers behind the router of an office."""
    both = accepted(0, more="contact=<sip:x7d2@192.0.2.65>") + accepted(
        1, aor="bob", more="contact=<sip:q9k4@192.0.2.65>"
    )
    found = (user_at(both, b"x7d2"), user_at(both, b"q9k4"), user_at(both, b"group"), user_at(both, b""))
    assert found == (b"alice", b"bob", b"", b"")


def test_who_is_no_longer_registered_has_no_device_there() -> None:
    both = accepted(0) + accepted(1, aor="bob", expires=600)
    assert user_at(accepted(0), b"alice", "61") == b""
    assert user_at(both, b"alice", "61") == b"bob"
    assert user_at(refused(0), b"alice") == b""


def test_whom_another_registrar_knows_or_nobody_is_nobody_here() -> None:
    assert user_at(accepted(0, hop="A>Q"), b"alice") == b""
    assert user_at("", b"alice") == b""


def test_a_name_that_was_too_long_to_keep_is_not_told() -> None:
    long = "a" * 300
    assert user_at(accepted(0, aor=long), b"group") == b""
    assert user_at(accepted(0, aor=long), long.encode()) == long.encode()
    known = Registrations()
    known.ends.add(
        (A, P), b"alice", Registered("registered", 200, 0, 0, 9, Evidence(0, 0, ""), "", b"sip:digest@x", b"")
    )
    assert known.user_at(A, P, b"group", 5) == b""


def test_an_office_behind_one_address_is_not_looked_through() -> None:
    """All but one have run out: that could be told, but it takes time for every call."""
    many = "".join(accepted(place / 100, aor=f"u{place}") for place in range(MAX_LINES)) + accepted(
        5, aor="last", expires=600
    )
    assert user_at(many, b"last", "70") == b"last"
    assert user_at(many, b"group", "70") == b""
    few = accepted(0) + accepted(5, aor="last", expires=600)
    assert user_at(few, b"group", "70") == b"last"
