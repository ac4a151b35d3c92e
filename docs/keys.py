"""The keys of sipwatch.toml: what people are told of each, and its JSON Schema, in one row.

Must not know: pages. Which keys there are is declared where they are read, in sipwatch.config; a key without a row here
stops both the tables and the schema.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sipwatch.budget import DEFAULT_MEMORY, written_size
from sipwatch.capture.bpf import DEFAULT_TCP_PORTS, MAX_TCP_PORTS, TUNNELS
from sipwatch.capture.hep import MAX_BUFFERED
from sipwatch.capture.merge import MAX_HELD_BYTES
from sipwatch.classify.numbers import MAX_NUMBER_LENGTH
from sipwatch.classify.outcomes import RULABLE
from sipwatch.classify.peers import PeerKind
from sipwatch.config import (
    AGENT_KEYS,
    CALLBACK_KEYS,
    CAPTURE_KEYS,
    CAUSE_PROTOCOLS,
    DEFAULT_RING,
    DEFAULT_WITHIN,
    HEP_KEYS,
    HOURS_KEYS,
    LIMITS_KEYS,
    LINKS_KEYS,
    MAX_ID,
    MAX_MASKED,
    MIN_SERIES,
    NODE_KEYS,
    PEER_KEYS,
    PRIVACY_KEYS,
    RULE_KEYS,
    SOFTWARE_KEYS,
    STORE_KEYS,
    TIMER_KEYS,
    room_for,
)
from sipwatch.config.agents import MAX_AGENTS, MAX_TEXT_LENGTH
from sipwatch.config.incidents import INCIDENTS_KEYS
from sipwatch.config.links import DEFAULT_APART, MAX_APART, MAX_HEADERS
from sipwatch.config.peers import MAX_SESSIONS, MIN_OBJECTIVE
from sipwatch.config.store import MAX_CALLS, MAX_DAYS, MIN_CALLS
from sipwatch.shell.hep_out import MAX_QUEUED_BYTES
from sipwatch.store.settings import DEFAULT_SIZE, KeepMessages, StoreSettings
from sipwatch.track.room import SERIES
from sipwatch.track.table import Heard

Schema = dict[str, Any]


class Key(NamedTuple):
    """One key: its value in words, what it is for, and its schema, which has no description of its own."""

    value: str
    meaning: str
    schema: Schema


_HEARD = [heard.name.lower() for heard in Heard]
_RULE_OUTCOMES = [outcome.value for outcome in RULABLE]
_TEXT: Schema = {"type": "string", "minLength": 1}
_HEADER: Schema = {"type": "string", "pattern": "^[A-Za-z0-9.!%*_+`'~-]{1,64}$"}
_FLAG: Schema = {"type": "boolean"}
_SIZE: Schema = {"type": "string", "pattern": "^[0-9]{1,9} ?([KMG]iB|kB|MB|GB)$"}


def _list(of: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": of, **more}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


_KEPT = StoreSettings()
_SECONDS: Schema = {"type": "number", "minimum": 0.001}

_TIMERS = {
    key: Key(f"{default}", f"The time in seconds after which {meaning}.", {**_SECONDS, "default": default})
    for key, (default, meaning) in TIMER_KEYS.items()
}
_PEER = {
    "name": Key(
        "text",
        "The label under which it is reported: letters, digits and `_ . : -`. Required.",
        {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$"},
    ),
    "kind": Key(
        " ".join(f"`{kind}`" for kind in PeerKind),
        "What stands there. Required.",
        {"enum": [kind.value for kind in PeerKind]},
    ),
    "addresses": Key(
        "list of text",
        "Addresses and networks, IPv4 and IPv6; the longest prefix wins. Required, if there are no `hosts`.",
        _list(_TEXT, minItems=1),
    ),
    "hosts": Key(
        "list of text", 'Host names, and `"*.example.com"` for all below one; see below.', _list(_TEXT, minItems=1)
    ),
    "sessions_limit": Key(
        "whole number from 1",
        "How many calls may be with it at a time, up or being set up: the channels that you pay for. Then "
        "`sipwatch_peer_sessions` counts them, and alerts say when they become scarce.",
        _whole(1, MAX_SESSIONS),
    ),
    "objective": Key(
        f"{MIN_OBJECTIVE} to below 1",
        "The share of the calls to it that shall not fail by a fault, such as `0.98`. `sipwatch rules` makes alerts of it; see "
        "below.",
        {"type": "number", "minimum": MIN_OBJECTIVE, "exclusiveMaximum": 1},
    ),
    "rule": Key("tables", "`[[peer.rule]]`, see below.", _list({"$ref": "#/$defs/rule"})),
}
_RULE = {
    "status_code": Key("200 to 699", "The final response's code.", _whole(200, 699)),
    "cause": Key("1 to 699", "A cause in a Reason header (RFC 3326) that counts, see above.", _whole(1, 699)),
    "cause_protocol": Key(
        " ".join(f"`{word}`" for word in CAUSE_PROTOCOLS),
        "Whose cause; without it, anybody's.",
        {"enum": list(CAUSE_PROTOCOLS)},
    ),
    "heard": Key(
        " ".join(f"`{heard}`" for heard in _HEARD), "The most that the callee's side had said.", {"enum": _HEARD}
    ),
    "reason_text": Key(
        "regular expression",
        "Found in the reason phrase, or in the text of a Reason value; upper and lower case are the same.",
        _TEXT,
    ),
    "header": Key(
        "text",
        "The name of a header that the final response has, in whatever case, long or compact.",
        _HEADER,
    ),
    "value": Key(
        "regular expression",
        "Found in that header, in any of its first lines if it has several; without it, the header need only be there.",
        _TEXT,
    ),
    "early_media": Key("`true` `false`", "Whether there was a 183 with SDP.", _FLAG),
    "outcome": Key(
        "an outcome",
        "What it means when all of the above that is given applies. Required.",
        {"enum": _RULE_OUTCOMES},
    ),
    "note": Key("text", "Why, for people.", {"type": "string"}),
}
_CAPTURE = {
    "tcp_ports": Key(
        f"list of up to {MAX_TCP_PORTS} ports",
        f"TCP is let through on these, SIP and SIP over WebSocket. Default: {', '.join(map(str, DEFAULT_TCP_PORTS))}.",
        _list(_whole(1, 65_535), maxItems=MAX_TCP_PORTS),
    ),
    "tunnels": Key(
        f"list of {' '.join(f'`{name}`' for name in TUNNELS)}",
        "Look into these as well. Default: none.",
        _list({"enum": list(TUNNELS)}),
    ),
    "ring": Key(
        "a size such as `64 MiB`",
        f"The ring of each interface, for bursts. Default: {written_size(DEFAULT_RING)}.",
        _SIZE,
    ),
}
_LIMITS = {
    "memory": Key(
        "a size such as `512 MiB`",
        "What the engine's tables may take: half of it calls, a tenth each other kind (docs/design.md). The program "
        "itself comes on top, and so do the ring of each interface and what HEP holds on its way: "
        f"{written_size(MAX_BUFFERED + MAX_HELD_BYTES)} for what comes in, {written_size(MAX_QUEUED_BYTES)} for each target "
        f"of what is sent on. Default: {written_size(DEFAULT_MEMORY)}.",
        _SIZE,
    ),
    "series": Key(
        f"whole number from {MIN_SERIES}",
        "How many series the figures of pairs of peers may be; what would begin another is counted with `source` and "
        f"`destination` `other`. Default, and most: what finds room in its tenth of `memory`, {SERIES} bytes each "
        f"({room_for(DEFAULT_MEMORY):,} in {written_size(DEFAULT_MEMORY)}).",
        {"type": "integer", "minimum": MIN_SERIES},
    ),
}
_HEP = {
    "key_file": Key(
        "path",
        "The file of the key that agents must send (chunk 0x000e; Asterisk's `capture_password`, heplify's `-hp`), all of it but "
        "line ends. What comes without it is discarded. Default: none is demanded.",
        _TEXT,
    ),
    "certificate": Key(
        "path", "The PEM file of the certificate for `--hep tls:...`, with those between it and its CA.", _TEXT
    ),
    "certificate_key": Key("path", "The PEM file of its private key.", _TEXT),
    "across_nat": Key(
        "`true` `false`",
        "Whether agents stand on either side of a NAT, or of something else that rewrites addresses, and report the same "
        "messages. Then copies are known by Call-ID, CSeq, branch, and method or status code, instead of ends and bytes. "
        "Default: false.",
        _FLAG,
    ),
    "node": Key("tables", "`[[hep.node]]`, see below.", _list({"$ref": "#/$defs/node"})),
    "send_id": Key(
        f"0 to {MAX_ID}", "The capture id that `--hep-to` gives to sipwatch itself. Default: 0.", _whole(0, MAX_ID)
    ),
    "send_key_file": Key("path", "The file of the key that `--hep-to` sends. Default: none.", _TEXT),
    "send_ca_file": Key(
        "path", "The PEM file of the CAs that vouch for `--hep-to tls:...`. Default: the system's.", _TEXT
    ),
}
_NODE = {
    "name": Key(
        "text",
        "The label `capture` under which it is counted: letters, digits and `_ . : -`. Required.",
        _PEER["name"].schema,
    ),
    "id": Key(f"0 to {MAX_ID}", "Its capture id. Required, if there is no `node`.", _whole(0, MAX_ID)),
    "node": Key("text", "The name that it gives itself (chunk 0x0013; heplify's `-hn`). It goes before the id.", _TEXT),
}
_HOURS = {
    "peers": Key("list of names", "For calls from or to these.", _list(_TEXT, minItems=1)),
    "numbers": Key(
        "list of text",
        "For calls to these dialled numbers, however they are written. With `peers`: both.",
        _list(_TEXT, minItems=1),
    ),
    "zone": Key("text", 'The time zone by its IANA name, such as `"Europe/Berlin"`. Required.', _TEXT),
    "open": Key(
        "list of text",
        'Days and times: `"Mon-Fri 09:00-18:00"`, `"Sat,Sun 22:00-02:00"`. Required.',
        _list(_TEXT, minItems=1),
    ),
    "holidays": Key(
        "list of text",
        'Days that are closed: `"2026-04-03"`, and `"12-25"` for every year.',
        _list({"type": "string", "pattern": "^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$"}),
    ),
}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT_LENGTH}
_AGENT = {
    "number": Key(
        "text",
        "An extension, a user name or a full number, in quotes. Full numbers are known in any notation.",
        {"type": "string", "minLength": 1, "maxLength": MAX_NUMBER_LENGTH},
    ),
    "name": Key("text", "Who that is.", _NAME),
    "group": Key("text", "The team, for the order of lists. Default: none.", _NAME),
    "file": Key(
        "path",
        "In the place of all others: a CSV file, relative to the configuration, whose first line names its columns, "
        f"`number`, `name` and, if there are groups, `group`. Not more than {MAX_AGENTS:,} agents in all.",
        _TEXT,
    ),
}
_SOFTWARE = {
    "name": Key("text", "The family's name, the value of the label `software`. Required.", _PEER["name"].schema),
    "pattern": Key(
        "regular expression",
        "Found in the User-Agent or Server; upper and lower case are the same. The first that matches decides. Required.",
        _TEXT,
    ),
}
_CALLBACK = {
    "within": Key(
        "seconds",
        f"How long after a missed call its caller has to be reached. Default: {DEFAULT_WITHIN}.",
        {"type": "number", "minimum": 1, "maximum": 30 * 86_400},
    ),
    "region": Key(
        "text",
        'The country whose people dial here, by its two letters (ISO 3166), such as `"DE"`.',
        {"type": "string", "pattern": "^[A-Z]{2}$"},
    ),
}
_LINKS = {
    "header": Key(
        f"text, or a list of up to {MAX_HEADERS}",
        "The name of a header of INVITEs that your B2BUA hands on as it came, or writes the Call-ID of the incoming call "
        "into. Default: none.",
        {"anyOf": [_HEADER, _list(_HEADER, maxItems=MAX_HEADERS)]},
    ),
    "session_id": Key(
        "`true` `false`", "Whether a UUID that is the same in two Session-IDs links (RFC 7989). Default: true.", _FLAG
    ),
    "transfers": Key(
        "`true` `false`",
        "Whether `Replaces` (RFC 3891) links with the call that is replaced, and `Referred-By` (RFC 3892) with the call in "
        "which a REFER to this number was, at most three minutes before. Default: true.",
        _FLAG,
    ),
    "by_numbers": Key(
        "`true` `false`",
        "Whether a call is linked with the one call that it can only come from: the same host has just received an INVITE "
        "with the same session description (its `o=` line, or the address and port of its first medium) and the same caller "
        "or callee, however the number is written, and has not answered it yet. Where two calls could be meant none is "
        "taken. Default: false.",
        _FLAG,
    ),
    "numbers_within": Key(
        f"seconds, up to {MAX_APART}",
        f"How long ago that INVITE may have come. Default: {DEFAULT_APART}.",
        {"type": "number", "minimum": 0.001, "maximum": MAX_APART, "default": DEFAULT_APART},
    ),
}
_ADDRESS: Schema = {"type": "string", "pattern": "^https?://"}
_INCIDENTS = {
    "webhook": Key("address", "Where incidents are posted to as JSON, when they begin and when they end.", _ADDRESS),
    "authorization_file": Key(
        "file",
        "A file with the value of the header `Authorization` in one line, such as `Bearer 4f1c0e`; relative to this file.",
        _TEXT,
    ),
    "pages": Key(
        "address",
        "How the address of the pages begins for those who are told, such as `https://voice.example.com/sipwatch`.",
        _ADDRESS,
    ),
}
_STORE = {
    "days": Key(
        "whole number",
        f"For how many days calls are kept, today not counted. Default: {_KEPT.days}.",
        {**_whole(1, MAX_DAYS), "default": _KEPT.days},
    ),
    "message_days": Key(
        "whole number",
        "For how many of these their messages are: most of the bytes, and wanted for a shorter time. Default: "
        f"{_KEPT.message_days}.",
        {**_whole(0, MAX_DAYS), "default": _KEPT.message_days},
    ),
    "calls": Key(
        "whole number",
        "How many calls there may be; then the oldest day goes, and of today the first ones. Default: "
        f"{_KEPT.calls:,}.",
        {**_whole(MIN_CALLS, MAX_CALLS), "default": _KEPT.calls},
    ),
    "size": Key(
        "size",
        "What all files may take; then messages go, the oldest day first, and when there are no older ones, calls. Default: "
        f'`"{written_size(DEFAULT_SIZE)}"`.',
        {**_SIZE, "default": written_size(DEFAULT_SIZE)},
    ),
    "spool": Key(
        "size",
        "What the messages of calls that are not over yet may take of the disk; it is taken over at the next start. Default: "
        f'`"{written_size(_KEPT.spool)}"`.',
        {**_SIZE, "default": written_size(_KEPT.spool)},
    ),
    "messages": Key(
        " ".join(f"`{word}`" for word in KeepMessages),
        "Whose messages are kept: of calls that failed, ended oddly or have findings or conditions (`troubled`), of all, or "
        f"of none. Default: `{_KEPT.messages}`.",
        {"enum": [word.value for word in KeepMessages], "default": _KEPT.messages.value},
    ),
    "sample": Key(
        "0 to 1",
        "Of calls without trouble, the share whose messages are kept all the same: to see what is well. Default: "
        f"{_KEPT.sample}.",
        {"type": "number", "minimum": 0, "maximum": 1, "default": _KEPT.sample},
    ),
}
_PRIVACY = {
    "mask": Key(
        f'0 to {MAX_MASKED}, or `"all"`',
        "How many digits at the end of each number are hidden. Default: 0.",
        {"anyOf": [_whole(0, MAX_MASKED), {"const": "all"}]},
    ),
    "names": Key("`true` `false`", "Whether display names are hidden. Default: false.", _FLAG),
    "pseudonyms": Key(
        "path",
        "The file of a key, relative to the configuration: pseudonyms in the place of numbers and names. Default: none.",
        _TEXT,
    ),
    "addresses": Key(
        "`true` `false`",
        "Whether addresses and the names of hosts are replaced as well. Needs `pseudonyms`. Default: false.",
        _FLAG,
    ),
}

AGENT = {key: _AGENT[key] for key in AGENT_KEYS}
STORE = {key: _STORE[key] for key in STORE_KEYS}
INCIDENTS = {key: _INCIDENTS[key] for key in INCIDENTS_KEYS}
SOFTWARE = {key: _SOFTWARE[key] for key in SOFTWARE_KEYS}
CALLBACK = {key: _CALLBACK[key] for key in CALLBACK_KEYS}
CAPTURE = {key: _CAPTURE[key] for key in CAPTURE_KEYS}
HEP = {key: _HEP[key] for key in HEP_KEYS}
NODE = {key: _NODE[key] for key in NODE_KEYS}
HOURS = {key: _HOURS[key] for key in HOURS_KEYS}
LIMITS = {key: _LIMITS[key] for key in LIMITS_KEYS}
LINKS = {key: _LINKS[key] for key in LINKS_KEYS}
PEER = {key: (_PEER | _TIMERS)[key] for key in PEER_KEYS}
PRIVACY = {key: _PRIVACY[key] for key in PRIVACY_KEYS}
RULE = {key: _RULE[key] for key in RULE_KEYS}
TIMERS = _TIMERS
