"""The record of an address: what was seen, what it seems to be, and whose it is."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from sipwatch.classify.peers import Directory, Peer, PeerKind, Privacy, Settings
from sipwatch.export.privacy import Policy
from sipwatch.report.ends import EndRecord, by_address, end_records
from tests.report.end_records import end
from tests.surveying import many, registers, survey


def recorded(script: str, others: str = "", settings: Settings | None = None) -> dict[str, EndRecord]:
    """Return the records by the letters of their addresses."""
    records = end_records(survey(script, others).ends(), Directory(settings or Settings()))
    return {chr(int(record.address.rpartition(".")[2])): record for record in records}


def test_everything_that_is_known_of_an_address() -> None:
    script = many("A", "P", 3) + "20 A>P INVITE call=x\n20.4 P>A 180 call=x\n25 P>A 200 call=x\n30 A>P INVITE call=y"
    found = recorded(script, registers("A", "P") + "1 P>A OPTIONS contact=-\n1.1 A>P 200 method=OPTIONS")
    phone, server = found["A"], found["P"]
    assert (phone.address, phone.name, phone.transports, phone.ports) == ("192.0.2.65", None, ["udp"], [5060])
    out = phone.calls_out
    assert (out.calls, out.answered, out.unfinished, out.answered_share) == (5, 1, 1, 0.25)
    assert out.status_codes == {"486": 3}
    assert out.first_progress_median_seconds == pytest.approx(0.4, rel=0.05)
    assert (out.numbers, server.calls_in.numbers) == (4, 4)
    assert (phone.registrations_out, server.registrations_in) == ({"registered": 1}, {"registered": 1})
    assert (server.options_out, phone.options_in) == ({"answered": 1}, {"answered": 1})
    assert (server.role, server.sure) == ("server", "sure")
    assert server.hosts == ["example.com", "p.example.com"]


def test_no_final_response_has_a_word_and_the_most_frequent_comes_first() -> None:
    script = "0 A>P INVITE call=x\n" + many("A", "P", 2, code=404) + "60 B>P OPTIONS"
    assert recorded(script)["P"].calls_in.status_codes == {"404": 2, "none": 1}


def test_whoever_is_configured_is_not_guessed_at() -> None:
    trunk = Peer("acme", PeerKind.TRUNK, [ip_network("192.0.2.80/32")])
    record = recorded("", registers("A", "P"), Settings(peers=[trunk]))["P"]
    assert (record.name, record.role, record.sure, record.why) == ("acme", "trunk", "configured", [])


def test_addresses_are_put_in_order_ipv4_first() -> None:
    found = by_address([end("2001:db8::1"), end("192.0.2.100"), end("192.0.2.9")])
    assert [record.address for record in found] == ["192.0.2.9", "192.0.2.100", "2001:db8::1"]


def test_software_and_hosts_are_named_as_the_policy_lets_them_be_seen() -> None:
    script = "0 A>P INVITE uri=sip:1@pbx-15550123.example.com h=User-Agent:_snom/10.1.46.16_15550123"
    records = end_records(survey(script).ends(), Directory(Settings()), Policy(Privacy(4)))
    phone, server = by_address(records)
    assert phone.software == ["snom/10.1.46.16 1555****"]
    assert server.hosts == ["pbx-1555****.example.com"]
    assert (phone.address, phone.ports) == ("192.0.2.65", [5060])
