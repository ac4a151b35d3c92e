"""Plain names for what sipwatch says of itself: why packets gave no message, what it remembers, what it noticed.

Must not know: queries and panels.
"""

from __future__ import annotations

from grafana.make.words import Look, Looks
from sipwatch.track.tracker import Notice
from sipwatch.wire.discards import Discard
from sipwatch.wire.heads import FIRST_FRAGMENT_ONLY

_LINK, _NETWORK, _TRANSPORT, _SIP = "purple", "blue", "green", "orange"

STAGES: Looks = {
    "link": Look("Link (Ethernet, ...)", _LINK),
    "network": Look("Network (IP, ...)", _NETWORK),
    "transport": Look("Transport (UDP, TCP, ...)", _TRANSPORT),
    "sip": Look("SIP itself", _SIP),
}

# Grey is no loss: nothing that tracking could have used.
DISCARDS: Looks = {
    Discard.LINK_TYPE: Look("Unknown kind of link", "dark-purple"),
    Discard.LINK_TRUNCATED: Look("Cut off in the link header", "purple"),
    Discard.NOT_IP: Look("Not IP (ARP, ...)", "#8e8e8e"),
    Discard.IP_MALFORMED: Look("Malformed IP", "dark-blue"),
    Discard.IP_TRUNCATED: Look("Cut off in the IP header", "blue"),
    Discard.IP_PROTOCOL: Look("Neither UDP nor TCP", "#a0a0a0"),
    Discard.ESP: Look("Encrypted (ESP)", "yellow"),
    Discard.SCTP: Look("SCTP, for --deep", "dark-yellow"),
    Discard.ICMP: Look("ICMP about something else", "#b7b7b7"),
    Discard.TUNNEL_DEPTH: Look("Too many tunnels in tunnels", "light-blue"),
    Discard.TUNNEL_MALFORMED: Look("Malformed tunnel", "light-blue"),
    Discard.FRAGMENT_REPEATED: Look("Fragment captured twice", "#a0a0a0"),
    Discard.FRAGMENT_OVERLAP: Look("Fragments overlap", "dark-red"),
    Discard.FRAGMENT_TIMEOUT: Look("Fragments missing", "red"),
    Discard.FRAGMENT_EVICTED: Look("Too many fragments waiting", "semi-dark-red"),
    Discard.UDP_MALFORMED: Look("Malformed UDP", "dark-green"),
    Discard.MEDIA: Look("Media (RTP, RTCP)", "#8e8e8e"),
    Discard.KEEPALIVE: Look("Keep-alive", "#a0a0a0"),
    Discard.TCP_MALFORMED: Look("Malformed TCP", "dark-green"),
    Discard.TCP_CONTROL: Look("TCP without payload", "#b7b7b7"),
    Discard.TCP_RETRANSMITTED: Look("TCP sent again", "#c8c8c8"),
    Discard.TCP_GAP: Look("TCP stream with a gap", "red"),
    Discard.TCP_NOT_SIP: Look("TCP of something else", "#8e8e8e"),
    Discard.TCP_EVICTED: Look("Too many TCP streams", "semi-dark-red"),
    Discard.TLS: Look("Encrypted (TLS)", "yellow"),
    Discard.WEBSOCKET_MALFORMED: Look("Malformed WebSocket", "dark-yellow"),
    Discard.HEP_MALFORMED: Look("Malformed HEP", "dark-yellow"),
    Discard.DUPLICATE: Look("Captured twice", "#a0a0a0"),
    Discard.NOT_SIP: Look("UDP of something else", "#b7b7b7"),
    Discard.SIP_START_LINE: Look("No request or status line", "dark-orange"),
    Discard.SIP_VERSION: Look("Another version of SIP", "orange"),
    Discard.SIP_TRUNCATED: Look("Cut off within SIP headers", "semi-dark-orange"),
    Discard.SIP_TOO_LONG: Look("SIP message too long", "light-orange"),
}

NOTICES: Looks = {
    Notice.RESPONSE_WITHOUT_REQUEST: Look("Response without its request", "orange"),
    Notice.RESPONSE_BEFORE_REQUEST: Look("Response captured before its request", "yellow"),
    Notice.REQUEST_IN_UNKNOWN_DIALOG: Look("Call that was up before", "#8e8e8e"),
    Notice.CALL_ID_REUSED: Look("Call-ID used again", "purple"),
    Notice.UNTRACKABLE: Look("No Call-ID or CSeq", "red"),
    Notice.TIME_STEPPED_BACK: Look("Time stepped back", "dark-red"),
    FIRST_FRAGMENT_ONLY: Look("Message read from its first fragment", "light-yellow"),
}

TABLES: Looks = {
    "calls": Look("Calls", "green"),
    "legs": Look("Legs of one call", "dark-green"),
    "messages": Look("Messages of one call", "light-green"),
    "early": Look("Responses waiting for a request", "yellow"),
    "timers": Look("Timers", "#8e8e8e"),
    "registrations": Look("Registered contacts", "purple"),
    "transactions": Look("REGISTER and OPTIONS under way", "light-purple"),
    "paths": Look("Pairs of addresses", "blue"),
    "duplicates": Look("Packets to compare with", "#a0a0a0"),
    "fragments": Look("Fragments of IP packets", "orange"),
    "streams": Look("TCP streams", "light-blue"),
    "closed_streams": Look("TCP streams just closed", "super-light-blue"),
    "connections": Look("TCP connections that carried SIP", "dark-blue"),
    "associations": Look("ESP that encrypts nothing", "light-orange"),
}
