"""A configuration to start from: correct as it stands, whatever strangers call themselves."""

from __future__ import annotations

import tomllib
from ipaddress import ip_address
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.peers import Directory
from sipwatch.config import parse
from sipwatch.report.starter import MAX_LISTED, starter
from tests.export.records import EVIL
from tests.report.end_records import calls, end

if TYPE_CHECKING:
    from sipwatch.report.ends import EndRecord

SITE = [
    end("198.51.100.10", "server", why=["it passes calls on (3)"], software=["Proxy 5"], hosts=["pbx.example"]),
    end("203.0.113.10", "trunk", software=["Gateway 3"], hosts=["sip.acme.example", "example.com"]),
    end("203.0.113.11", "trunk", software=["Gateway 3"], hosts=["example.com"]),
    end("203.0.113.20", "trunk", software=["Other 1"], hosts=["example.com"]),
    *(end(f"192.0.2.{place}") for place in (101, 102, 103)),
    end("198.51.100.77", "devices"),
    end("2001:db8::7", "devices"),
    end("198.51.100.99", None, why=["it only sends, and nobody answers it"], software=["friendly-scanner"]),
]


def test_each_role_becomes_a_peer_and_neighbours_are_one() -> None:
    text = starter(SITE, ["site.pcap"])
    peers = parse(text, "x").settings.peers
    assert [(peer.name, peer.kind) for peer in peers] == [
        ("server", "server"), ("trunk-1", "trunk"), ("trunk-2", "trunk"), ("devices", "devices"),
    ]  # fmt: skip
    assert [str(network) for network in peers[1].networks] == ["203.0.113.10/32", "203.0.113.11/32"]
    assert [str(network) for network in peers[3].networks] == ["192.0.2.0/24", "198.51.100.77/32", "2001:db8::7/128"]
    assert "# Taken for one, since they are neighbours with the same software: divide them if they are not." in text
    assert "# 203.0.113.10 (Gateway 3): likely: it registers" in text
    assert "# Met, too, and not known what for:\n# 198.51.100.99 (friendly-scanner): it only sends" in text


def test_a_name_is_proposed_where_nobody_else_is_called_by_it() -> None:
    text = starter(SITE, ["site.pcap"])
    assert 'hosts = ["sip.acme.example"]' in text
    assert 'hosts = ["pbx.example"]' in text
    assert "example.com" not in text


def test_who_is_configured_is_left_out() -> None:
    text = starter([end("203.0.113.10", "trunk", name="acme", sure="configured", why=[])], ["x"])
    assert parse(text, "x").settings.peers == []
    assert "# Nobody was met whom the present configuration does not name." in text


def test_a_trunks_frequent_codes_are_asked_about_in_lines_that_work_when_uncommented() -> None:
    trunk = end(
        "203.0.113.10", "trunk", calls_in=calls(100, 40, status_codes={"480": 12, "503": 11, "487": 30, "603": 2})
    )
    text = starter([trunk], ["x"])
    assert "# 12 of 100 calls to it ended with 480." in text
    assert "# 11 of 100 calls to it ended with 503." in text
    assert "487" not in text
    assert "603" not in text
    uncommented = "\n".join(
        line.removeprefix("# ") if line.startswith(("# [[peer.rule]]", "# status_code", "# outcome")) else line
        for line in text.splitlines()
    )
    assert [rule.status_code for rule in parse(uncommented, "x").settings.peers[0].rules] == [480, 503]


def test_a_slow_trunk_is_given_more_time() -> None:
    trunk = end("203.0.113.10", "trunk", calls_in=calls(10, 5, first_progress_95_seconds=11.6))
    assert "until something is heard: no_progress_after = 14" in starter([trunk], ["x"])


def test_a_crowd_is_not_spelt_out() -> None:
    crowd = [
        end(f"192.0.2.{place}", role)
        for role, first in (("devices", 0), (None, 100))
        for place in range(first, first + 60)
    ]
    text = starter(crowd, ["x"])
    assert text.count("# 192.0.2.") == 2 * MAX_LISTED
    assert text.count(f"# and {60 - MAX_LISTED} more") == 2


def test_nobody_at_all_is_a_correct_configuration() -> None:
    assert parse(starter([], ["x"]), "x").settings.peers == []


TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from([EVIL, '"""', "'", "\\", "\n[[peer]]", "]", "\u2028x", "\x7f", "\ud800"])
)
ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str), st.integers(0, 9).map(lambda last: f"192.0.2.{last}")
)
ENDS = st.builds(
    lambda address, role, software, hosts, why: end(address, role, software=software, hosts=hosts, why=why),
    ADDRESSES,
    st.sampled_from(["server", "trunk", "devices", None]),
    st.lists(TEXTS, max_size=2),
    st.lists(TEXTS, max_size=2),
    st.lists(TEXTS, max_size=2),
)


@given(st.lists(ENDS, max_size=8, unique_by=lambda record: record.address), st.lists(TEXTS, min_size=1, max_size=2))
def test_whatever_strangers_call_themselves_it_is_correct_and_finds_everybody(
    records: list[EndRecord], files: list[str]
) -> None:
    text = starter(records, files)
    text.encode()
    assert set(tomllib.loads(text)) <= {"peer"}
    directory = Directory(parse(text, "x").settings)
    for record in records:
        if record.role is not None:
            peer = directory.peer(ip_address(record.address).packed)
            assert peer.kind == record.role
