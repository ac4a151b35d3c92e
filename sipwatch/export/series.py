"""Every metric there is, as data: name, type, labels, buckets, meaning (DESIGN §6). docs/metrics.md is made of it.

Must not know: how anything is counted, nor Prometheus' libraries.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from enum import StrEnum
from typing import NamedTuple

from sipwatch.packet import SECOND

PREFIX = "sipwatch_"


class MetricKind(StrEnum):
    """Metric types of Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Level(StrEnum):
    """What a metric counts."""

    CALL = "calls"
    LEG = "INVITE transactions, hop by hop"
    MESSAGE = "messages and registrations"
    SELF = "sipwatch itself"


class Series(NamedTuple):
    """One metric. ``name`` is that of the family: counters get ``_total`` at exposition. Buckets are seconds."""

    name: str
    kind: MetricKind
    level: Level
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()

    @property
    def exposed(self) -> str:
        """Return the full name as it stands in queries."""
        return PREFIX + self.name + ("_total" if self.kind is MetricKind.COUNTER else "")


_ENDS = ("source", "destination")
_C, _G, _H = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM

# A bound costs a series of every pair of peers: as few as the heatmaps need.
_QUICK = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 32)
_PROGRESS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 10, 15, 20, 30, 60)
_SETUP = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 32, 60)
_RING = (2, 5, 10, 15, 20, 25, 30, 45, 60, 120)
_ANSWER = (1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 180)
_TALK = (5, 10, 20, 30, 60, 180, 300, 600, 1800, 3600, 7200, 14400)

CALLS_STARTED = Series("calls_started", _C, Level.CALL, ("source",), "Calls begun, by who sent the first INVITE.")
CALLS = Series(
    "calls",
    _C,
    Level.CALL,
    (*_ENDS, "outcome", "category"),
    "Calls by what became of them, counted when the verdict falls.",
)
CALL_FINALS = Series(
    "call_final_responses",
    _C,
    Level.CALL,
    (*_ENDS, "status_code"),
    "Final response of each call's upstream leg; none if none was seen.",
)
CALLS_TIMED_OUT = Series(
    "calls_timed_out",
    _C,
    Level.CALL,
    (*_ENDS, "timer"),
    "Calls whose INVITE got no final response, by the timer that ended them: B (nothing heard at all), C (a "
    "provisional response, then silence), cancel (nothing came after the CANCEL).",
)
CALLS_PENDING = Series(
    "calls_pending",
    _G,
    Level.CALL,
    ("source", "phase"),
    "Calls being set up right now, by the most the callee's side has said.",
)
CALLS_ESTABLISHED = Series("calls_established", _G, Level.CALL, _ENDS, "Answered calls that nobody has ended yet.")
PEER_SESSIONS = Series(
    "peer_sessions",
    _G,
    Level.CALL,
    ("peer",),
    "Calls with a peer that has sessions_limit, up or being set up right now; one that goes back to where it came from "
    "takes two.",
)
PEER_SESSIONS_LIMIT = Series(
    "peer_sessions_limit", _G, Level.CALL, ("peer",), "How many calls there may be with a peer, by its sessions_limit."
)
OBJECTIVE_RATIO = Series(
    "objective_ratio",
    _G,
    Level.CALL,
    ("destination",),
    "The share of the calls to a peer that shall not fail by a fault (technical, capacity), by its objective.",
)
CALLS_ENDED = Series(
    "calls_ended",
    _C,
    Level.CALL,
    (*_ENDS, "ended_by", "ending"),
    "Answered calls that ended, by who ended them and how, counted when that is known.",
)
TAGGED_CALLS = Series(
    "tagged_calls",
    _C,
    Level.CALL,
    (*_ENDS, "tag"),
    "Calls by the marks they got, counted when all their marks are known; a call may have several, most have none.",
)
SOFTWARE_CALLS = Series(
    "software_calls",
    _C,
    Level.CALL,
    ("peer", "software", "side", "result"),
    "Calls by the configured family of software at each of their ends, caller and callee, counted when the verdict "
    "falls: success, failure, or neither. None without [[software]] in the configuration.",
)
REQUEST_DELAY = Series(
    "session_request_delay_seconds",
    _H,
    Level.CALL,
    (*_ENDS, "result"),
    "RFC 6076 SRD: from the INVITE that was not challenged to the first response above 100, or to the failing final.",
    _SETUP,
)
RING_DURATION = Series(
    "ring_duration_seconds",
    _H,
    Level.CALL,
    (*_ENDS, "category"),
    "From the first 180 or 183 to the final response, by the category of the call's outcome.",
    _RING,
)
ANSWER_DELAY = Series("answer_delay_seconds", _H, Level.CALL, _ENDS, "From the first INVITE to the 2xx.", _ANSWER)
SESSION_DURATION = Series(
    "session_duration_seconds", _H, Level.CALL, _ENDS, "RFC 6076 SDT: from the 2xx to the BYE of answered calls.", _TALK
)
DISCONNECT_DELAY = Series(
    "session_disconnect_delay_seconds",
    _H,
    Level.CALL,
    _ENDS,
    "RFC 6076 SDD: from the BYE to its 2xx; its count is the calls answered and ended by a BYE with a 2xx.",
    _QUICK,
)
INVITES = Series(
    "invites",
    _C,
    Level.LEG,
    (*_ENDS, "outcome"),
    "INVITE transactions by what became of them, hop by hop, retries included.",
)
INVITE_FINALS = Series(
    "invite_final_responses",
    _C,
    Level.LEG,
    (*_ENDS, "status_code"),
    "Final response of each INVITE transaction; none if none was seen.",
)
CONDITIONS = Series(
    "invite_conditions",
    _C,
    Level.LEG,
    (*_ENDS, "condition"),
    "Conditions (something wrong now), at the moment they are raised.",
)
RESOLVED = Series(
    "invite_conditions_resolved",
    _C,
    Level.LEG,
    (*_ENDS, "condition", "resolution"),
    "Conditions that are over, by how they ended.",
)
IN_CONDITION = Series(
    "invites_in_condition", _G, Level.LEG, (*_ENDS, "condition"), "INVITE transactions with something wrong right now."
)
CAUSES = Series(
    "reason_causes",
    _C,
    Level.LEG,
    (*_ENDS, "protocol", "cause"),
    "Reason header (RFC 3326) of the final response, or of the CANCEL: the value that decided, else the first.",
)
RETRANSMISSIONS = Series(
    "retransmissions",
    _C,
    Level.LEG,
    (*_ENDS, "method"),
    "Requests and final responses sent again, by the request's method.",
)
TRYING_DELAY = Series(
    "trying_delay_seconds", _H, Level.LEG, _ENDS, "From the INVITE to the first response of any kind.", _QUICK
)
PROGRESS_DELAY = Series(
    "progress_delay_seconds",
    _H,
    Level.LEG,
    (*_ENDS, "status_code"),
    "From the 100 to the first other response: 180, 181, 182, 183, 199 or final.",
    _PROGRESS,
)
EARLY_PROGRESS = Series(
    "early_progress_seconds",
    _H,
    Level.LEG,
    _ENDS,
    "From the first 183 to the first 180: how long a carrier searched before the phone really rang.",
    _PROGRESS,
)
REQUESTS = Series("requests", _C, Level.MESSAGE, (*_ENDS, "method"), "SIP requests seen, retransmissions included.")
RESPONSES = Series(
    "responses", _C, Level.MESSAGE, (*_ENDS, "method", "status_code"), "SIP responses seen, retransmissions included."
)
REGISTRATIONS = Series(
    "registrations",
    _C,
    Level.MESSAGE,
    (*_ENDS, "outcome", "status_code"),
    "Attempts to register, by how they ended; a challenged one is one attempt.",
)
REGISTRATIONS_ACTIVE = Series(
    "registrations_active",
    _G,
    Level.MESSAGE,
    _ENDS,
    "Contacts registered and not expired, as far as their REGISTER was seen.",
)
REGISTRATIONS_EXPIRED = Series(
    "registrations_expired", _C, Level.MESSAGE, _ENDS, "Registered contacts that ran out without being refreshed."
)
REGISTER_DELAY = Series(
    "registration_request_delay_seconds",
    _H,
    Level.MESSAGE,
    _ENDS,
    "RFC 6076 RRD: from the REGISTER to its 2xx, challenge excluded.",
    _QUICK,
)
OPTIONS = Series("options", _C, Level.MESSAGE, (*_ENDS, "outcome"), "OPTIONS requests by what came back.")
OPTIONS_DELAY = Series(
    "options_response_delay_seconds",
    _H,
    Level.MESSAGE,
    _ENDS,
    "From the OPTIONS, as last sent, to its final response.",
    _QUICK,
)
LAST_SEEN = Series(
    "peer_last_seen_timestamp_seconds",
    _G,
    Level.MESSAGE,
    ("peer",),
    "When the peer last sent anything, seconds since 1970.",
)
LAST_RESPONSE = Series(
    "peer_last_response_timestamp_seconds",
    _G,
    Level.MESSAGE,
    ("peer",),
    "When the peer last answered, seconds since 1970.",
)
CAPTURE_PACKETS = Series(
    "capture_packets", _C, Level.SELF, ("capture",), "Packets read, by interface, listener (HEP) or file."
)
CAPTURE_DROPPED = Series(
    "capture_dropped", _C, Level.SELF, ("capture",), "Packets the kernel dropped because sipwatch was too slow."
)
CAPTURE_UP = Series(
    "capture_up", _G, Level.SELF, ("capture",), "1 while the interface is there and up, or the listener (HEP)."
)
LATE = Series(
    "late_messages",
    _C,
    Level.SELF,
    ("capture",),
    "Messages over HEP that came after their time had passed, and were taken at the time they came.",
)
HEP_MESSAGES = Series(
    "hep_messages", _C, Level.SELF, ("capture",), "Messages that a capture node reported over HEP, copies included."
)
HEP_LAST_SEEN = Series(
    "hep_node_last_seen_timestamp_seconds",
    _G,
    Level.SELF,
    ("capture",),
    "When the capture node last sent anything, seconds since 1970; 0 if never.",
)
HEP_SKEW = Series(
    "hep_clock_skew_seconds",
    _G,
    Level.SELF,
    ("capture",),
    "How far the capture node's clock is ahead of ours; the way of its messages to us makes it seem behind.",
)
HEP_CONNECTIONS = Series("hep_connections", _G, Level.SELF, ("capture",), "Connections of agents, by listener.")
HEP_CLOSED = Series(
    "hep_connections_closed", _C, Level.SELF, ("reason",), "Connections of agents that are over, by why."
)
HEP_SENT = Series("hep_sent", _C, Level.SELF, ("target",), "Messages sent on as HEP.")
HEP_UNSENT = Series(
    "hep_unsent", _C, Level.SELF, ("target", "reason"), "Messages that were to be sent on as HEP, and were dropped."
)
HEP_TARGET_UP = Series("hep_target_up", _G, Level.SELF, ("target",), "1 while there is a connection to the target.")
CAPTURE_STALLS = Series(
    "capture_stalls", _C, Level.SELF, (), "Times that sipwatch stood still so long that packets were lost."
)
CLOCK_STEPS = Series(
    "capture_clock_steps",
    _C,
    Level.SELF,
    (),
    "Times that the clock was set by which packets are stamped; timers and durations go on as if it had not been.",
)
DUPLICATES = Series("capture_duplicates", _C, Level.SELF, (), "Datagrams captured twice and counted once.")
DISCARDS = Series(
    "discards", _C, Level.SELF, ("stage", "reason"), "Packets and pieces of streams that gave no message, by why."
)
NOTICES = Series("notices", _C, Level.SELF, ("reason",), "What tracking met out of the ordinary.")
TRACKED = Series("tracked", _G, Level.SELF, ("table",), "Entries in each table right now.")
TRACKED_BYTES = Series(
    "tracked_bytes", _G, Level.SELF, ("table",), "What a table takes of memory right now, where it is bounded by that."
)
EVICTED = Series("evicted", _C, Level.SELF, ("table",), "Entries given up because a table was full.")
FOLDED = Series(
    "series_folded",
    _C,
    Level.SELF,
    (),
    "How often something was counted with source and destination other because there were as many series as may be.",
)
CLOCK_LAG = Series(
    "clock_lag_seconds",
    _G,
    Level.SELF,
    (),
    "How far the engine's packet time is behind the clock; below 0, ahead.",
)
STORE_DROPPED = Series(
    "store_dropped",
    _C,
    Level.SELF,
    ("what", "reason"),
    "What could not be stored (call, message, tag, answer, attempt to register, registration of a device) and why: "
    "queue (the disk did not keep up), disk (it refused), spool (messages of open calls took too much), file (it is "
    "damaged, or of a later version), room (more devices on a day than are kept: whoever never registered gives way).",
)
STORE_CALLS = Series("store_calls", _C, Level.SELF, (), "Calls stored.")
STORE_WAITING = Series("store_calls_waiting", _G, Level.SELF, (), "Calls that wait to be stored.")
STORE_SIZE = Series("store_size_bytes", _G, Level.SELF, (), "What the store takes on disk.")
INCIDENTS = Series(
    "incidents",
    _G,
    Level.SELF,
    (),
    "Incidents that go on: shares of failed calls, or of odd endings, above what is usual for their peer.",
)
WEBHOOK = Series(
    "webhook_posts",
    _C,
    Level.SELF,
    ("result",),
    "News of incidents for the webhook: sent, failed after all tries, or dropped for want of room.",
)
LOG_SUPPRESSED = Series("log_suppressed", _C, Level.SELF, ("event",), "Log lines left out because there were too many.")
LOG_FAILED = Series(
    "log_failed",
    _C,
    Level.SELF,
    (),
    "Log lines that the output did not take at once: the disk is full, or who reads the log stands still.",
)
BUILD_INFO = Series("build_info", _G, Level.SELF, ("version", "implementation"), "1; which sipwatch this is.")
RELOADED = Series(
    "config_last_reload_successful", _G, Level.SELF, (), "1 when the configuration was right when last read."
)
RELOADED_AT = Series(
    "config_last_reload_success_timestamp_seconds",
    _G,
    Level.SELF,
    (),
    "When the configuration in use was read, seconds since 1970.",
)

ALL: tuple[Series, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Series))

Key = tuple[str, ...]
CallKey = tuple[bytes, bytes, int]  # Call-ID, From tag, start: what a call's short id is made of


class Seen:
    """The latest call behind a figure: an exemplar. ``value`` as counted (ns for delays), ``at`` packet time in ns."""

    __slots__ = ("at", "call", "value")

    def __init__(self, call: CallKey, value: int, at: int) -> None:
        self.call = call
        self.value = value
        self.at = at


class Histogram:
    """Durations counted in buckets; ns in, exact. ``latest`` has each bucket's latest call."""

    __slots__ = ("_bounds", "counts", "latest", "total")

    def __init__(self, bounds: list[int]) -> None:
        self._bounds = bounds
        self.counts = array("Q", bytes(8 * (len(bounds) + 1)))  # copied at once, and no work for the garbage collector
        self.latest: list[Seen | None] = [None] * (len(bounds) + 1)
        self.total = 0

    def observe(self, nanoseconds: int, call: CallKey | None, at: int) -> None:
        """Count a duration; one that is negative, when packets step back in time, is none."""
        if nanoseconds < 0:
            return
        place = bisect_left(self._bounds, nanoseconds)
        self.counts[place] += 1
        self.total += nanoseconds
        if call is not None:
            self.latest[place] = Seen(call, nanoseconds, at)


def bounds(series: Series) -> list[int]:
    """Return a histogram's upper bounds in ns."""
    return [round(bound * SECOND) for bound in series.buckets]
