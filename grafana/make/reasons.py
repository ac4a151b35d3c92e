"""Plain names for what sipwatch says of itself: why packets gave no message, what it remembers, what it noticed.

Must not know: queries and panels.
"""

from __future__ import annotations

from grafana.make import colours
from grafana.make.words import Look, Looks, looks
from sipwatch.track.events import Notice
from sipwatch.wire.discards import Discard
from sipwatch.wire.heads import FIRST_FRAGMENT_ONLY

STAGES: Looks = {
    "link": Look("Link (Ethernet, ...)", "purple"),
    "network": Look("Network (IP, ...)", "blue"),
    "transport": Look("Transport (UDP, TCP, ...)", "green"),
    "sip": Look("SIP itself", "orange"),
}

_LINK, _NETWORK, _TRANSPORT, _SIP = colours.PURPLES, colours.BLUES, colours.TEALS, colours.ORANGES
_LOST, _CLOSED, _USUAL = colours.ROSES, colours.YELLOWS, colours.GREYS

DISCARDS: Looks = looks(
    (Discard.LINK_TYPE, "Unknown link type", _LINK),
    (Discard.LINK_TRUNCATED, "Cut off in the link header", _LINK),
    (Discard.NOT_IP, "Not IP (ARP, ...)", _USUAL),
    (Discard.IP_MALFORMED, "Malformed IP", _NETWORK),
    (Discard.IP_TRUNCATED, "Cut off in the IP header", _NETWORK),
    (Discard.IP_PROTOCOL, "Neither UDP nor TCP", _USUAL),
    (Discard.ESP, "Encrypted (ESP)", _CLOSED),
    (Discard.SCTP, "SCTP, for --deep", _CLOSED),
    (Discard.ICMP, "ICMP about something else", _USUAL),
    (Discard.TUNNEL_DEPTH, "Too many tunnels in tunnels", _NETWORK),
    (Discard.TUNNEL_MALFORMED, "Malformed tunnel", _NETWORK),
    (Discard.FRAGMENT_REPEATED, "Fragment captured twice", _USUAL),
    (Discard.FRAGMENT_OVERLAP, "Fragments overlap", _LOST),
    (Discard.FRAGMENT_TIMEOUT, "Fragments missing", _LOST),
    (Discard.FRAGMENT_EVICTED, "Too many fragments waiting", _LOST),
    (Discard.UDP_MALFORMED, "Malformed UDP", _TRANSPORT),
    (Discard.MEDIA, "Media (RTP, RTCP)", _USUAL),
    (Discard.KEEPALIVE, "Keep-alive", _USUAL),
    (Discard.TCP_MALFORMED, "Malformed TCP", _TRANSPORT),
    (Discard.TCP_CONTROL, "TCP without payload", _USUAL),
    (Discard.TCP_RETRANSMITTED, "TCP retransmitted", _USUAL),
    (Discard.TCP_GAP, "TCP stream with a gap", _LOST),
    (Discard.TCP_NOT_SIP, "TCP of something else", _USUAL),
    (Discard.TCP_EVICTED, "Too many TCP streams", _LOST),
    (Discard.TLS, "Encrypted (TLS)", _CLOSED),
    (Discard.WEBSOCKET_MALFORMED, "Malformed WebSocket", _TRANSPORT),
    (Discard.HEP_MALFORMED, "Malformed HEP", _TRANSPORT),
    (Discard.HEP_COMPRESSED, "HEP that cannot be uncompressed", _TRANSPORT),
    (Discard.HEP_UNAUTHORIZED, "HEP without the right key", _TRANSPORT),
    (Discard.HEP_OWN, "HEP that comes to us or from us anyway", _USUAL),
    (Discard.DUPLICATE, "Captured twice", _USUAL),
    (Discard.NOT_SIP, "UDP of something else", _USUAL),
    (Discard.SIP_START_LINE, "No request or status line", _SIP),
    (Discard.SIP_VERSION, "Not SIP/2.0", _SIP),
    (Discard.SIP_TRUNCATED, "Cut off within SIP headers", _SIP),
    (Discard.SIP_TOO_LONG, "SIP message too long", _SIP),
)

NOTICES: Looks = looks(
    (Notice.RESPONSE_WITHOUT_REQUEST, "Response without its request", colours.ORANGES),
    (Notice.RESPONSE_BEFORE_REQUEST, "Response captured before its request", colours.YELLOWS),
    (Notice.REQUEST_IN_UNKNOWN_DIALOG, "Request in a call that was up before", colours.GREYS),
    (Notice.CALL_ID_REUSED, "Call-ID used again", colours.PURPLES),
    (Notice.UNTRACKABLE, "No Call-ID or CSeq", colours.ROSES),
    (Notice.TIME_STEPPED_BACK, "Time stepped back", colours.BLUES),
    (FIRST_FRAGMENT_ONLY, "Message read from its first fragment", colours.YELLOWS),
)

_CALLS, _REGISTERED, _FINDINGS = colours.GREENS, colours.PURPLES, colours.BLUES
TABLES: Looks = looks(
    ("series", "Series of figures", colours.TEALS),
    ("calls", "Calls", _CALLS),
    ("legs", "Legs of one call", _CALLS),
    ("messages", "Messages of one call", _CALLS),
    ("early", "Responses waiting for their requests", _CALLS),
    ("timers", "Timers", colours.GREYS),
    ("callbacks", "Missed calls waiting for a callback", _CALLS),
    ("callbacks_answered", "Callers spoken to lately", _CALLS),
    ("transactions", "REGISTER and OPTIONS under way", _REGISTERED),
    ("registrations", "Registered contacts", _REGISTERED),
    ("addresses_of_record", "Addresses of record", _REGISTERED),
    ("registered_devices", "Registered devices", _REGISTERED),
    ("registered_ends", "Addresses that registered", _REGISTERED),
    ("registered_sources", "Sources of registrations", _REGISTERED),
    ("registered_users", "Registered users", _REGISTERED),
    ("registrars", "Registrars", _REGISTERED),
    ("paths", "Pairs of addresses", colours.TEALS),
    ("paths_heard", "Paths that messages came along", colours.TEALS),
    ("duplicates", "Packets to compare with", colours.GREYS),
    ("copies", "Messages to compare with", colours.GREYS),
    ("hep_senders", "Senders of HEP", colours.TEALS),
    ("fragments", "Fragments of IP packets", colours.ORANGES),
    ("streams", "TCP streams", colours.TEALS),
    ("closed_streams", "TCP streams closed recently", colours.TEALS),
    ("connections", "TCP connections that carried SIP", colours.TEALS),
    ("associations", "ESP that encrypts nothing", colours.ORANGES),
    ("findings", "Findings", _FINDINGS),
    ("devices", "Devices watched", _FINDINGS),
    ("connections_refused", "TCP connections refused", _FINDINGS),
    ("icmp_errors", "ICMP errors", _FINDINGS),
    ("large_answered", "Large requests answered", _FINDINGS),
    ("large_requests", "Large requests", _FINDINGS),
    ("link_descriptions", "Session descriptions to compare with", _FINDINGS),
    ("link_identifiers", "What links calls", _FINDINGS),
    ("linked_calls", "Calls linked with others", _FINDINGS),
    ("numbers", "Numbers answered", _FINDINGS),
    ("numbers_not_found", "Numbers not found", _FINDINGS),
    ("pauses", "Pauses asked for (Retry-After)", _FINDINGS),
    ("refusal_rows", "Refusals in a row", _FINDINGS),
    ("refused_calls", "Calls refused in a row", _FINDINGS),
    ("refused_hops", "Hops that refused", _FINDINGS),
    ("refused_invites", "INVITEs refused", _FINDINGS),
    ("sent_again", "Requests sent again", _FINDINGS),
    ("silent_ends", "Addresses that are silent", _FINDINGS),
    ("small_answered", "Small requests answered", _FINDINGS),
    ("transferring_calls", "Calls being transferred", _FINDINGS),
    ("transfers", "Transfers", _FINDINGS),
    ("trunks", "Trunks", _FINDINGS),
    ("turns", "INVITEs that went to and fro", _FINDINGS),
)
# Why something was not stored.
STORE_DROPS: Looks = looks(
    ("queue", "The disk does not keep up", _LOST),
    ("disk", "The disk refuses", _TRANSPORT),
    ("spool", "Open calls have too many messages", _SIP),
    ("file", "A file is damaged, or of a later version", _CLOSED),
    ("room", "More devices on a day than are kept", _SIP),
)
# Why an agent's connection is over, and why a message was not sent on.
HEP_CLOSED: Looks = looks(
    ("ended", "Closed by the agent", _USUAL),
    ("cut_short", "Closed within a packet", _LOST),
    ("malformed", "Not HEP", _TRANSPORT),
    ("too_slow", "Too slow", _TRANSPORT),
    ("too_many", "Too many connections", _LOST),
    ("too_much", "Too many bytes waiting", _LOST),
    ("tls_failed", "TLS failed", _CLOSED),
)
HEP_UNSENT: Looks = looks(
    ("queue_full", "Queue full", _LOST),
    ("too_large", "Too large for HEP", _TRANSPORT),
    ("connection_lost", "Connection lost", _LOST),
)
