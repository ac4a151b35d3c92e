"""What a 2xx grants, and who is bound from when to when on which hop."""

from __future__ import annotations

import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from sipwatch.track.bindings import (
    DEFAULT_EXPIRES,
    MAX_CONTACTS,
    MAX_EXPIRES,
    MAX_NAME_LENGTH,
    Bindings,
    address_of_record,
    canonical_uri,
    contacts_of,
    delta_seconds,
    granted,
    short,
)
from sipwatch.track.registrar import RegistrarLimits
from sipwatch.track.timers import TimerQueue
from sipwatch.wire.message import Request, Response
from tests.conversation import path
from tests.each import for_each
from tests.track.registering import Registered, said, watch

if TYPE_CHECKING:
    from sipwatch.track.events import Event

A, B, C = "<sip:a@192.0.2.65>", "<sip:b@192.0.2.66>", "<sip:c@192.0.2.67>"
FLOW = '<sip:x@192.0.2.65:{port}>;+sip.instance="<urn:uuid:1>";reg-id={reg}'
MINUTE = "h=Expires:_60"


@for_each(
    "asked, answer, lifetimes",
    [
        (f"contact={A};expires=60 h=Expires:_70", f"contact={A};expires=50 h=Expires:_40", [50]),
        (f"contact={A};expires=60 h=Expires:_70", f"contact={A} h=Expires:_40", [40]),
        (f"contact={A};expires=60 h=Expires:_70", f"contact={A}", [60]),
        (f"contact={A} h=Expires:_70", f"contact={A}", [70]),
        (f"contact={A}", f"contact={A}", [DEFAULT_EXPIRES]),
        (f"contact={A}", "", [DEFAULT_EXPIRES]),  # lists nothing: believed
        (f"contact={A}", "h=Expires:_40", [40]),
        (f"contact={A},_{B}", f"contact={B};expires=20,_{A};expires=10", [10, 20]),
        (f"contact={A},_{B}", f"contact={B};expires=20,_{C};expires=10", [0, 20]),  # A is left out
        (f"contact={A};expires=0,_{B}", f"contact={B};expires=20", [0, 20]),
        (f"contact={A};expires=0,_{B}", f"contact={A};expires=0 h=Expires:_20", [0, 20]),
        (f"contact={A}", f"contact={C};expires=10", [10]),  # rewritten on the way
        (f"contact={A}", f"contact={B};expires=10,_{C};expires=20", [DEFAULT_EXPIRES]),
        (f"contact={A}", f"contact={A};expires=0", [0]),  # granted nothing
        (f"contact={A} h=Expires:_0", f"contact={B};expires=10", [0]),
        ("contact=<sip:a@PHONE.example;line=1>", "contact=<sip:a@phone.example;received=x>;expires=10,_" + B, [10]),
        (
            f"contact={FLOW.format(port=1, reg=1)}",
            f"contact={B};expires=9,_{FLOW.format(port=2, reg=1)};expires=8",
            [8],
        ),
        ("contact=sip:a@192.0.2.65;expires=33", "", [33]),  # without brackets it is the header's parameter
    ],
)
def test_what_a_2xx_grants(asked: str, answer: str, lifetimes: list[int]) -> None:
    """The 2xx's contact, its Expires, the request's contact, its Expires, an hour (RFC 3261 §10.2.4, §10.3)."""
    request, response = said(f"0 A>P REGISTER {asked}\n1 P>A 200 {answer}")
    assert isinstance(request, Request)
    assert isinstance(response, Response)
    assert granted(contacts_of(request), request, response) == lifetimes


@for_each(
    "text, read",
    [
        (b"3600", 3600),
        (b" 0 ", 0),
        (b"000000000000060", 60),
        (b"2147483648", MAX_EXPIRES),
        (b"4294967295", MAX_EXPIRES),
        (b"9" * 5000, MAX_EXPIRES),
        (b"", -1),
        (b"-1", -1),
        (b"+1", -1),
        (b"1_0", -1),
        (b"1.5", -1),
        ("\u0663".encode(), -1),
        (b"Mon, 05 Jan 2026 09:00:00 GMT", -1),  # RFC 2543 allowed dates
    ],
)
def test_seconds_are_read_or_not_there(text: bytes, read: int) -> None:
    """Nothing overflows, nothing is negative but what is absent."""
    assert delta_seconds(text) == read


@pytest.mark.parametrize(
    ("uri", "written"),
    [
        (b"sip:alice@Example.COM", b"sip:alice@example.com"),
        (b"SIP:Alice@example.com:5060;transport=tcp?x=y", b"sip:Alice@example.com:5060"),
        (b"sip:+15550100;npdi=yes@example.com;user=phone", b"sip:+15550100;npdi=yes@example.com"),
        (b"sip:Example.com;lr", b"sip:example.com"),
        (b"tel:+15550100;phone-context=x", b"tel:+15550100"),
        (b"nonsense", b"nonsense"),
        (b"", b""),
    ],
)
def test_an_address_of_record_has_one_form(uri: bytes, written: bytes) -> None:
    """§10.3, step 5: without parameters; case counts in the user part alone."""
    assert canonical_uri(uri) == written


def test_the_address_of_record_is_the_to_uri() -> None:
    """Not From, which may be a third party's (§10.2)."""
    (request,) = said("0 A>P REGISTER aor=Bob")
    assert address_of_record(request) == b"sip:Bob@example.com"


def test_contacts_are_bounded_and_long_names_kept_as_digests() -> None:
    """What a stranger writes takes no more room than this."""
    (request,) = said("0 A>P REGISTER contact=" + ",".join([A] * (MAX_CONTACTS + 5)))
    assert len(contacts_of(request)) == MAX_CONTACTS
    assert short(b"x" * MAX_NAME_LENGTH) == b"x" * MAX_NAME_LENGTH
    assert len(short(b"x" * (MAX_NAME_LENGTH + 1))) == 16
    assert short(b"x" * 500) != short(b"x" * 501)


def test_a_binding_runs_out_at_its_own_deadline() -> None:
    """Just under, and at; counted from its 2xx."""
    seen = watch(f"0 A>P REGISTER {MINUTE}\n0.5 P>A 200", until="60.499999999")
    assert seen.log[1:] == ["A>P bound"]
    assert seen.until("60.5").log[1:] == ["A>P bound", "A>P expired"]
    assert (seen.active, seen.registrar.tracked["registrations"]) == ({"A>P": 0}, 0)


def test_a_refresh_prolongs_and_is_no_second_binding() -> None:
    """As often as it comes; it may shorten, too."""
    script = "".join(f"{n * 50} A>P REGISTER cseq={n} {MINUTE}\n{n * 50}.5 P>A 200 cseq={n}\n" for n in range(1, 6))
    seen = watch(script, until="310.499999999")
    assert seen.log == ["A>P registered 200", "A>P bound", *["A>P registered 200"] * 4]
    assert seen.until("310.5").log[-1] == "A>P expired"
    shorter = watch("0 A>P REGISTER\n0.5 P>A 200\n1 A>P REGISTER cseq=2 h=Expires:_9\n1.5 P>A 200 cseq=2", until="10.5")
    assert shorter.log[-1] == "A>P expired"


def test_a_failed_refresh_lets_it_run_out() -> None:
    """A 503 takes nothing away and prolongs nothing."""
    seen = watch(f"0 A>P REGISTER {MINUTE}\n0.5 P>A 200\n50 A>P REGISTER cseq=2\n50.5 P>A 503 cseq=2", until="60.5")
    assert seen.log[2:] == ["A>P refused 503", "A>P expired"]


def test_a_refresh_too_late_is_a_new_binding() -> None:
    """It had run out."""
    seen = watch(f"0 A>P REGISTER {MINUTE}\n0.5 P>A 200\n60.5 A>P REGISTER cseq=2\n60.6 P>A 200 cseq=2")
    assert seen.log[1:] == ["A>P bound", "A>P expired", "A>P registered 200", "A>P bound"]


def test_the_longest_expiry_is_far_away_and_harmless() -> None:
    """2**31 s from now is still a moment; and who binds and unbinds for ever leaves nothing behind."""
    seen = Registered()
    for n in range(1, 41):
        contact = f"contact=<sip:a@192.0.2.65:{n}>;expires="
        seen.say(f"{n} A>P REGISTER cseq={n} {contact}99999999999\n{n}.1 P>A 200 cseq={n}")
        seen.say(f"{n}.2 A>P REGISTER cseq={n + 100} {contact}0\n{n}.3 P>A 200 cseq={n + 100}")
    assert seen.results[0].expires == MAX_EXPIRES
    assert seen.until("80").active == {"A>P": 0}
    assert len(seen.queue) == 0


def test_the_star_takes_all_contacts_of_one_address_of_record() -> None:
    """And of no other."""
    script = f"""
    0   A>P REGISTER contact={A},_{B}
    0.1 P>A 200
    1   C>P REGISTER aor=bob contact={C} call=c2
    1.1 P>C 200 call=c2
    2   A>P REGISTER contact=* h=Expires:_0 cseq=2
    2.1 P>A 200 cseq=2
    """
    seen = watch(script)
    assert seen.log[-3:] == ["A>P removed 200", "A>P unbound", "A>P unbound"]
    assert seen.active == {"A>P": 0, "C>P": 1}


def proxied(cseq: int, at: int, *, outer: str = A, inner: str = A, how: str = MINUTE, near: str = "") -> str:
    """Write a REGISTER through a proxy; ``near`` stands in the 2xx on the client's own hop."""
    return f"""
    {at}.0 A>P REGISTER cseq={cseq} contact={outer} {how}
    {at}.1 P>R REGISTER cseq={cseq} vias=2 contact={inner} {how}
    {at}.2 R>P 200 cseq={cseq} vias=2
    {at}.3 P>A 200 cseq={cseq} {near}
    """


@pytest.mark.parametrize("inner", [A, "<sip:a-x7f3@192.0.2.80>"])
def test_two_hops_bind_once(inner: str) -> None:
    """The registrar's hop holds it, also when the proxy rewrites the contact; both refresh it."""
    seen = watch(proxied(1, 0, inner=inner) + proxied(2, 50, inner=inner), until="110.299999999")
    assert (seen.log.count("P>R bound"), seen.active) == (1, {"P>R": 1})
    assert seen.until("110.3").log[-1] == "P>R expired"
    assert seen.active == {"P>R": 0}


def test_two_hops_remove_once() -> None:
    """Whichever says so first."""
    seen = watch(proxied(1, 0) + proxied(2, 50, how="h=Expires:_0"))
    assert seen.log[3:] == ["P>R removed 200", "P>R unbound", "A>P removed 200"]


def test_the_clients_hop_holds_where_nothing_else_is_captured() -> None:
    """And keeps holding when the other hop is seen later on."""
    seen = watch(f"0 A>P REGISTER {MINUTE} contact={A}\n0.1 P>A 200" + proxied(2, 50))
    assert (seen.log.count("A>P bound"), seen.active) == (1, {"A>P": 1})


def test_a_proxy_that_wants_keep_alives_shortens_only_its_own_hop() -> None:
    """The registrar still holds what it granted; the other hop prolongs, it never shortens."""
    seen = watch(proxied(1, 0, near="h=Expires:_10"), until="60.199999999")
    assert seen.active == {"P>R": 1}
    seen = watch(
        proxied(1, 0) + f"50 A>P REGISTER cseq=2 contact={A} {MINUTE}\n50.1 P>A 200 cseq=2", until="110.099999999"
    )
    assert seen.active == {"P>R": 1}
    assert seen.until("110.1").active == {"P>R": 0}


def test_one_registration_seen_on_both_sides_of_a_nat_is_one_binding() -> None:
    """Same Call-ID and CSeq number to the same server: not moved, only seen twice."""
    script = "".join(
        f"{n}0 A>R REGISTER cseq={n}\n{n}0.1 N>R REGISTER cseq={n}\n{n}0.2 R>N 200 cseq={n} {MINUTE}\n{n}0.3 R>A 200 cseq={n} h=Expires:_9\n"
        for n in range(1, 4)
    )
    seen = watch(script, until="90.199999999")
    assert seen.log == [
        "N>R registered 200",
        "N>R bound",
        "A>R registered 200",
        *["N>R registered 200", "A>R registered 200"] * 2,
    ]
    assert seen.until("90.2").log[-1] == "N>R expired"


def test_a_device_that_moves_takes_its_binding_along() -> None:
    """RFC 5626 §6: same instance and flow from another address, another contact, another Call-ID."""
    flow = FLOW.format(port=1, reg=1), FLOW.format(port=2, reg=1)
    seen = watch(
        f"0 A>P REGISTER contact={flow[0]}\n0.1 P>A 200\n9 B>P REGISTER contact={flow[1]} call=c2\n9.1 P>B 200 call=c2"
    )
    assert seen.log == ["A>P registered 200", "A>P bound", "B>P registered 200", "A>P unbound", "B>P bound"]


def test_two_flows_of_an_instance_are_two_bindings() -> None:
    """RFC 5626: one over each proxy."""
    seen = watch(
        f"0 A>P REGISTER contact={FLOW.format(port=1, reg=1)}\n0.1 P>A 200\n"
        f"1 A>P REGISTER cseq=2 contact={FLOW.format(port=1, reg=2)}\n1.1 P>A 200 cseq=2"
    )
    assert seen.active == {"A>P": 2}


def test_an_instance_without_a_flow_keeps_its_contacts_apart() -> None:
    """RFC 5627: one instance may have several."""
    contact = '<sip:x@192.0.2.65:{}>;+sip.instance="<urn:uuid:1>"'.format
    seen = watch(
        f"0 A>P REGISTER contact={contact(1)}\n0.1 P>A 200\n1 A>P REGISTER cseq=2 contact={contact(2)}\n1.1 P>A 200 cseq=2"
    )
    assert seen.active == {"A>P": 2}


def test_two_contacts_of_one_register_are_two_bindings() -> None:
    """As are the same contact's of two addresses of record."""
    assert watch(f"0 A>P REGISTER contact={A},_{B}\n0.1 P>A 200").active == {"A>P": 2}
    script = f"0 A>P REGISTER contact={A}\n0.1 P>A 200\n1 A>P REGISTER contact={A} aor=bob cseq=2\n1.1 P>A 200 cseq=2"
    assert watch(script).active == {"A>P": 2}


def test_the_oldest_binding_is_given_up_when_there_are_too_many() -> None:
    """Of all, or of one address of record."""
    seen = Registered(RegistrarLimits(bindings=3))
    for n in range(5):
        seen.say(f"{n} A>P REGISTER call=c{n} aor=u{n}\n{n}.1 P>A 200 call=c{n}")
    assert (seen.active, seen.registrar.evicted) == ({"A>P": 3}, {"registrations": 2})
    seen = Registered()
    for n in range(MAX_CONTACTS + 2):
        seen.say(f"{n} A>P REGISTER cseq={n} contact=<sip:a@192.0.2.65:{n}>\n{n}.1 P>A 200 cseq={n}")
    assert (seen.active, seen.registrar.evicted) == ({"A>P": MAX_CONTACTS}, {"registrations": 2})


def test_a_long_contact_and_address_of_record_are_found_again() -> None:
    """By their digests."""
    long = f"contact=<sip:{'a' * 999}@192.0.2.65> aor={'b' * 999}"
    seen = watch(f"0 A>P REGISTER {long}\n0.1 P>A 200\n1 A>P REGISTER cseq=2 {long}\n1.1 P>A 200 cseq=2")
    assert seen.active == {"A>P": 1}
    assert len(seen.results[0].aor) > 999
    assert seen.say(f"2 A>P REGISTER cseq=3 {long} h=Expires:_0\n2.1 P>A 200 cseq=3").active == {"A>P": 0}


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="counts CPython's bytes")
def test_a_binding_takes_little_memory() -> None:
    """Some 600 bytes each, its place in the queue included."""
    events: list[Event] = []
    bindings = Bindings(events, TimerQueue(), iter(range(1, 10_000)).__next__, 10_000)
    way = path("A", "P")
    tracemalloc.start()
    try:
        for n in range(2000):
            (request,) = said(
                f"0 A>P REGISTER call={n} aor=user{n} contact=<sip:user{n}@192.0.2.65:5060;transport=udp>"
            )
            assert isinstance(request, Request)
            request.path = way  # the wire layer gives one object for one path
            (contact,) = contacts_of(request)
            bindings.bind(address_of_record(request), contact, request, 3600, request.time)
            del request, contact
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(bindings) == 2000
    assert used / 2000 < 700
