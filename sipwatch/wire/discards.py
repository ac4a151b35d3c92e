"""The closed vocabulary of why bytes did not become a message.

A discard is a value that is counted, never an exception.
"""

from enum import StrEnum


class Discard(StrEnum):
    """Why a frame, datagram or stretch of a stream gave no message."""

    # link
    LINK_TYPE = "link_type"  # a link type nobody here decodes
    LINK_TRUNCATED = "link_truncated"  # too short for its own link header
    NOT_IP = "not_ip"  # ARP, LLDP, ...
    # network
    IP_MALFORMED = "ip_malformed"
    IP_TRUNCATED = "ip_truncated"  # cut by the snap length before anything useful
    IP_PROTOCOL = "ip_protocol"  # neither UDP, TCP nor a tunnel we open
    ESP = "esp"  # encrypted, or not known to be plain
    SCTP = "sctp"  # needs the deep decoder
    ICMP = "icmp"  # an ICMP message that quotes no SIP
    TUNNEL_DEPTH = "tunnel_depth"  # tunnels in tunnels beyond the limit
    TUNNEL_MALFORMED = "tunnel_malformed"
    FRAGMENT_REPEATED = "fragment_repeated"  # captured twice, like DUPLICATE, but no beginning of a SIP message
    FRAGMENT_OVERLAP = "fragment_overlap"
    FRAGMENT_TIMEOUT = "fragment_timeout"  # the rest never came
    FRAGMENT_EVICTED = "fragment_evicted"  # the fragment table was full
    # transport
    UDP_MALFORMED = "udp_malformed"
    MEDIA = "media"  # UDP whose first payload bits say RTP or RTCP (version 2): cannot be SIP
    KEEPALIVE = "keepalive"  # CRLF, single bytes and empty datagrams that hold NAT bindings open
    TCP_MALFORMED = "tcp_malformed"
    TCP_CONTROL = "tcp_control"  # a segment without payload: SYN, ACK, FIN, ...
    TCP_RETRANSMITTED = "tcp_retransmitted"  # bytes seen before
    TCP_GAP = "tcp_gap"  # bytes missing from a stream that carried SIP
    TCP_NOT_SIP = "tcp_not_sip"  # segment of a stream that is something else
    TCP_EVICTED = "tcp_evicted"  # the stream table was full
    TLS = "tls"  # encrypted: needs the deep decoder and a key log
    WEBSOCKET_MALFORMED = "websocket_malformed"
    HEP_MALFORMED = "hep_malformed"
    HEP_COMPRESSED = "hep_compressed"  # a compressed payload that cannot be opened, or holds more than a message may
    HEP_UNAUTHORIZED = "hep_unauthorized"  # without the key that is demanded, or with another one
    HEP_OWN = "hep_own"  # seen on an interface, and on its way to one of our listeners, or from us
    # SIP
    DUPLICATE = "duplicate"  # the same datagram captured twice; copies of what is no SIP are what they are
    NOT_SIP = "not_sip"
    SIP_START_LINE = "sip_start_line"  # begins like SIP but is no request or status line
    SIP_VERSION = "sip_version"  # SIP of another version than 2.0
    SIP_TRUNCATED = "sip_truncated"  # cut before the headers that tracking needs
    SIP_TOO_LONG = "sip_too_long"


# Where a packet's way ended, for a label.
_STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("link", ("link_type", "link_truncated", "not_ip")),
    ("transport", ("udp", "media", "keepalive", "tcp", "tls", "sctp", "websocket", "hep")),
    ("sip", ("duplicate", "not_sip", "sip")),
    ("network", ("ip_", "icmp", "esp", "tunnel", "fragment")),
)
STAGE: dict[Discard, str] = {
    reason: stage for stage, starts in _STAGES for reason in Discard if reason.value.startswith(starts)
}
