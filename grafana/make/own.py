"""The third page: sipwatch itself, whether it sees everything and is well.

Must not know: how panels are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.make import colours, reasons, words
from grafana.make.board import Row, board
from grafana.make.panels import (
    ANY_IS_WORTH_A_LOOK,
    NO_DATA,
    SHARE,
    YES_OR_NO,
    Face,
    Query,
    Step,
    lines,
    stats,
)
from grafana.make.queries import (
    RATE,
    busiest,
    count,
    ever_counted,
    ever_most,
    happening,
    of_sipwatch,
    per_minute,
    per_second,
    series,
    total,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

UID = "sipwatch-own"

_NOT_SCRAPED = "Not scraped"
_WORDS = 24  # pixels: several words in a panel of a quarter's width
_NOT_LIVE = "Not live"  # a replay is no process, has no interfaces, and nobody scrapes it
_NO_HEP = "No HEP"
_NO_STORE = "No store"  # live without --store
_LAG = (NO_DATA, Step(0, colours.GOOD), Step(5, colours.ORANGE), Step(30, colours.RED))  # of this moment


def made() -> Dashboard:
    """Make the page."""
    about = "Does sipwatch see everything, and is it well? What it does not see, no other page can tell."
    parts = (_state(), _incoming(), _hep(), _memory(), _store(), _process())
    return board(UID, "SIP calls: sipwatch itself", about, (), parts)


def _state() -> Row:
    panels = (
        _scraped(),
        _capturing(),
        _lost(),
        _stalls(),
        _late(),
        _gave_up(),
        _clock_set(),
        _configuration(),
        _read_at(),
        _version(),
        _started(),
    )
    return Row("Does it see everything right now?", panels)


def _scraped() -> stat.Panel:
    about = "Whether Prometheus reaches it. If not: is it running, and is the port open? Alert: SipwatchDown."
    query = Query(of_sipwatch("up"), "{{instance}}")
    face = Face("Does Prometheus reach it?", about, "short", _NOT_LIVE, 4, 4)
    return stats(face, query, steps=YES_OR_NO, values=words.WATCHING)


def _capturing() -> stat.Panel:
    about = "Whether each interface is there and up. Alert: SipCaptureBlind."
    query = Query(series("capture_up"), "{{capture}}")
    face = Face("Is it capturing?", about, "short", _NOT_LIVE, 4, 4)
    return stats(face, query, steps=YES_OR_NO, values=words.WATCHING)


def _lost() -> stat.Panel:
    about = (
        "Packets that the kernel dropped in the time shown because sipwatch was too slow. Calls among them are judged "
        "wrongly: unfinished, or stuck. Make [capture] ring larger, or give it more CPU. Alert: SipCaptureDropping."
    )
    query = Query(count("capture_dropped_total"), "Packets")
    face = Face("Packets lost by the kernel", about, "short", _NOT_SCRAPED, 4, 4)
    return stats(face, query, steps=ANY_IS_WORTH_A_LOOK, decimals=0)


def _stalls() -> stat.Panel:
    about = (
        "Times that sipwatch stood still so long that packets were lost: a stopped process, a machine that slept. What "
        "was open then, and stayed silent, ends unfinished; no condition is raised for it."
    )
    query = Query(count("capture_stalls_total"), "Stalls")
    return stats(Face("Stood still", about, "short", _NOT_LIVE, 4, 4), query, steps=ANY_IS_WORTH_A_LOOK, decimals=0)


def _late() -> stat.Panel:
    about = "How far the time of the packets is behind the clock. Up to a second or two is as it should be."
    query = Query(f"max({series('clock_lag_seconds')})", "Behind")
    return stats(Face("Lag behind the clock", about, "s", _NOT_LIVE, 4, 4), query, steps=_LAG, decimals=1)


def _gave_up() -> stat.Panel:
    about = "Calls and other entries that were evicted in the time shown because a table was full. See below which."
    query = Query(count("evicted_total"), "Entries")
    face = Face("Entries evicted", about, "short", _NOT_SCRAPED, 4, 4)
    return stats(face, query, steps=ANY_IS_WORTH_A_LOOK, decimals=0)


def _clock_set() -> stat.Panel:
    about = (
        "Times that the clock was set by which packets are stamped. Timers and durations go on as if it had not been; times "
        "are written by the new clock. The log says by how much (clock_stepped). Alert: SipwatchClockSet."
    )
    query = Query(count("capture_clock_steps_total"), "Steps")
    return stats(Face("Clock was set", about, "short", _NOT_LIVE, 4, 4), query, steps=ANY_IS_WORTH_A_LOOK, decimals=0)


def _configuration() -> stat.Panel:
    about = (
        "Whether the configuration in use is the one in the file. If the file has a mistake, the log names its line, and "
        "sipwatch goes on with the old one."
    )
    query = Query(f"min({series('config_last_reload_successful')})", "Configuration")
    face = Face("Configuration", about, "short", _NOT_LIVE, 5, 4)
    return stats(face, query, steps=YES_OR_NO, values=words.READ_WELL)


def _read_at() -> stat.Panel:
    about = "When the configuration in use was read: at the start, or at the last `systemctl reload sipwatch`."
    query = Query(f"1000 * max({series('config_last_reload_success_timestamp_seconds')})", "Configuration read")
    return stats(Face("Configuration read", about, "dateTimeFromNow", _NOT_LIVE, 5, 4), query, size=_WORDS)


def _version() -> stat.Panel:
    about = "Version, and whether the engine is compiled or interpreted."
    query = Query(series("build_info"), "{{version}}, {{implementation}}")
    return stats(Face("Version", about, "short", _NOT_SCRAPED, 5, 4), query, by_name=True, size=_WORDS)


def _started() -> stat.Panel:
    about = "When the process started."
    query = Query(of_sipwatch("1000 * process_start_time_seconds"), "{{instance}}")
    return stats(Face("Running since", about, "dateTimeFromNow", _NOT_LIVE, 5, 4), query, size=_WORDS)


def _incoming() -> Row:
    panels = (_packets(), _dropped(), _messages(), _duplicates(), _discards(), _stages())
    return Row("What comes in, and what is discarded?", panels)


def _packets() -> timeseries.Panel:
    about = "Packets that got as far as sipwatch, after its filter in the kernel. None: the wrong interface, or a dead mirror."
    query = Query(per_second("capture_packets_total", by="capture"), "{{capture}}")
    return lines(Face("Packets per second", about, "pps", _NOT_SCRAPED), query, named=True)


def _dropped() -> timeseries.Panel:
    about = "Packets per second that the kernel dropped because sipwatch was too slow."
    query = Query(per_second("capture_dropped_total", by="capture"), "{{capture}}")
    return lines(Face("Lost by the kernel, packets per second", about, "pps", _NOT_SCRAPED), query, named=True)


def _messages() -> timeseries.Panel:
    about = "SIP messages per second, retransmissions included. Packets without messages are in the discards below."
    queries = (
        Query(per_second("requests_total"), "Requests"),
        Query(per_second("responses_total"), "Responses"),
    )
    looks = {"Requests": words.Look("Requests", "blue"), "Responses": words.Look("Responses", "green")}
    return lines(Face("SIP messages per second", about, "reqps", _NOT_SCRAPED), *queries, looks=looks, stacked=True)


def _discards() -> timeseries.Panel:
    about = (
        "Packets and pieces of streams per minute that gave no message, by reason. Grey is no loss. Encrypted (TLS) cannot "
        "be read from the wire; gaps and missing fragments mean that the capture loses packets."
    )
    query = Query(happening("discards_total", by="reason"), "{{reason}}")
    face = Face("Discards per minute by reason", about, "short", "Nothing was discarded", 15, 9)
    return lines(face, query, looks=reasons.DISCARDS, stacked=True)


def _stages() -> timeseries.Panel:
    about = "The same by the layer at which it ended."
    query = Query(happening("discards_total", by="stage"), "{{stage}}")
    face = Face("Discards per minute by layer", about, "short", "Nothing was discarded", 9, 9)
    return lines(face, query, looks=reasons.STAGES, stacked=True)


def _duplicates() -> timeseries.Panel:
    about = "Datagrams that were captured twice and counted once: usual for mirror ports and for `-i any`."
    query = Query(f"60 * {per_second('capture_duplicates_total')}", "Duplicates")
    return lines(Face("Duplicates per minute", about, "short", _NOT_SCRAPED), query)


def _hep() -> Row:
    panels = (
        _silence(),
        _skew(),
        _reported(),
        _too_late(),
        _connections(),
        _hung_up(),
        _targets(),
        _sent_on(),
        _not_sent(),
    )
    return Row("What comes and goes over HEP?", panels)


def _silence() -> timeseries.Panel:
    about = "Since when each capture node has sent nothing. Alert: SipCaptureNodeSilent."
    query = Query(f"time() - ({series('hep_node_last_seen_timestamp_seconds')} > 0)", "{{capture}}")
    return lines(Face("Silence of each node", about, "s", _NO_HEP, 8), query, named=True)


def _skew() -> timeseries.Panel:
    about = "How far each capture node's clock is ahead of ours. Times are corrected by it; more than a second is worth a look at NTP."
    query = Query(series("hep_clock_skew_seconds"), "{{capture}}")
    return lines(Face("Clocks of nodes, ahead", about, "s", _NO_HEP, 8), query, named=True)


def _reported() -> timeseries.Panel:
    about = "Messages that each capture node reports, copies included."
    query = Query(per_second("hep_messages_total", by="capture"), "{{capture}}")
    return lines(Face("Messages per second by node", about, "reqps", _NO_HEP, 8), query, named=True)


def _too_late() -> timeseries.Panel:
    about = "Messages per minute that came after their time had passed: their delays are too long."
    query = Query(f"60 * {per_second('late_messages_total', by='capture')}", "{{capture}}")
    return lines(Face("Late messages per minute by node", about, "short", _NO_HEP, 8), query, named=True)


def _connections() -> timeseries.Panel:
    about = "Connections of agents to each listener."
    query = Query(total("hep_connections", by="capture"), "{{capture}}")
    return lines(Face("Connections", about, "short", _NO_HEP, 8), query, named=True)


def _hung_up() -> timeseries.Panel:
    about = "Connections of agents that are over, per minute, by reason. Grey is no trouble."
    query = Query(happening("hep_connections_closed_total", by="reason"), "{{reason}}")
    face = Face("Connections closed per minute", about, "short", "None was closed", 8)
    return lines(face, query, looks=reasons.HEP_CLOSED, stacked=True)


def _targets() -> stat.Panel:
    about = "Whether there is a connection to each target of --hep-to."
    query = Query(series("hep_target_up"), "{{target}}")
    return stats(Face("Connected to", about, "short", _NO_HEP, 8), query, steps=YES_OR_NO, values=words.WATCHING)


def _sent_on() -> timeseries.Panel:
    about = "Messages per second that are sent on to each target of --hep-to."
    query = Query(per_second("hep_sent_total", by="target"), "{{target}}")
    return lines(Face("Sent on, messages per second", about, "reqps", _NO_HEP, 8), query, named=True)


def _not_sent() -> timeseries.Panel:
    about = "Messages per minute that were not sent on, by reason: the target is away, or too slow."
    query = Query(happening("hep_unsent_total", by="reason"), "{{reason}}")
    face = Face("Not sent on, messages per minute", about, "short", "None was dropped", 8)
    return lines(face, query, looks=reasons.HEP_UNSENT, stacked=True)


def _memory() -> Row:
    return Row("What does it remember?", (_tracked(), _tracked_bytes(), _evicted(), _folded(), _notices()))


def _tracked() -> timeseries.Panel:
    about = "Entries in the ten largest tables. All are bounded; one that only grows will evict its oldest entries."
    query = Query(busiest(total("tracked", by="table"), "table", ever_most("tracked")), "{{table}}")
    return lines(Face("Entries in tables", about, "short", _NOT_SCRAPED, 8), query, looks=reasons.TABLES)


def _tracked_bytes() -> timeseries.Panel:
    about = (
        "What the ten largest tables take of memory, where bytes are what bounds them: `[limits] memory` is for all."
    )
    query = Query(busiest(total("tracked_bytes", by="table"), "table", ever_most("tracked_bytes")), "{{table}}")
    return lines(Face("Memory of tables", about, "bytes", _NOT_SCRAPED, 8), query, looks=reasons.TABLES)


def _evicted() -> timeseries.Panel:
    about = (
        "Entries evicted per minute because their table was full: more traffic than sipwatch is made for, or an attack."
    )
    evicted = busiest(happening("evicted_total", by="table"), "table", ever_counted("evicted_total"))
    query = Query(evicted, "{{table}}")
    return lines(
        Face("Entries evicted per minute", about, "short", "Nothing was evicted", 8), query, looks=reasons.TABLES
    )


def _folded() -> timeseries.Panel:
    about = (
        "What was counted between `other` and `other`, per minute, because all the series that there may be are taken: more "
        "pairs of peers than `[limits] series` allows."
    )
    query = Query(per_minute("series_folded_total"), "Figures")
    return lines(Face("Counted together per minute", about, "short", _NOT_SCRAPED), query)


def _notices() -> timeseries.Panel:
    about = "What is odd about the messages, per minute. Responses without their requests: one direction is not seen."
    query = Query(happening("notices_total", by="reason"), "{{reason}}")
    face = Face("Notices per minute", about, "short", "Nothing was odd")
    return lines(face, query, looks=reasons.NOTICES, stacked=True)


def _store() -> Row:
    return Row("Does it keep the calls? (--store)", (_stored(), _waiting(), _store_size(), _not_stored(), _told()))


def _stored() -> timeseries.Panel:
    about = "Calls per minute that were written to the store. None while there are calls: the disk refuses, or is slow."
    query = Query(per_minute("store_calls_total"), "Calls")
    return lines(Face("Calls stored per minute", about, "short", _NO_STORE, 8), query)


def _waiting() -> timeseries.Panel:
    about = (
        "Calls that are over and not yet in the store: those of the last seconds. A line that climbs: the disk does not "
        "keep up, and at 10,000 calls are dropped. Alert: SipwatchStoreFallingBehind."
    )
    query = Query(total("store_calls_waiting"), "Calls")
    return lines(Face("Calls that wait to be stored", about, "short", _NO_STORE, 8), query)


def _store_size() -> timeseries.Panel:
    about = "What the store takes on disk. It grows until `[store]` says that the oldest day goes."
    query = Query(series("store_size_bytes"), "{{instance}}")
    return lines(Face("Size of the store", about, "bytes", _NO_STORE, 8), query, named=True)


def _not_stored() -> timeseries.Panel:
    about = (
        "What could not be stored per minute (calls, messages, attempts to register), by reason. Figures and alerts still "
        "have it; the pages and `sipwatch calls` do not. Alert: SipwatchStoreDropping, but for devices that give way."
    )
    query = Query(happening("store_dropped_total", by="reason"), "{{reason}}")
    face = Face("Not stored, per minute", about, "short", "Everything was stored", 12)
    return lines(face, query, looks=reasons.STORE_DROPS, stacked=True)


def _told() -> timeseries.Panel:
    about = (
        "What became of the news of incidents for the webhook (`[incidents]`), per minute. Failed: it was not taken, after "
        "four tries; the log says why."
    )
    query = Query(happening("webhook_posts_total", by="result"), "{{result}}")
    return lines(Face("News of incidents posted, per minute", about, "short", "No webhook", 12), query)


def _process() -> Row:
    return Row("How is the process?", (_cpu(), _resident(), _files(), _scrape(), _samples(), _suppressed()))


def _cpu() -> timeseries.Panel:
    about = "CPUs in use. The thread that reads packets uses one at the most: near 1 it will soon lose packets."
    query = Query(of_sipwatch(f"rate(process_cpu_seconds_total[{RATE}])"), "{{instance}}")
    return lines(
        Face("CPUs in use", about, "short", _NOT_LIVE, 8), query, steps=(Step(0.8, colours.ORANGE),), named=True
    )


def _resident() -> timeseries.Panel:
    about = "Resident memory. 100,000 simultaneous calls take some 300 MB."
    query = Query(of_sipwatch("process_resident_memory_bytes"), "{{instance}}")
    return lines(Face("Memory", about, "bytes", _NOT_LIVE, 8), query, named=True)


def _files() -> timeseries.Panel:
    about = "Open files and sockets, as a share of the number it may open."
    query = Query(of_sipwatch("process_open_fds / process_max_fds"), "{{instance}}")
    return lines(Face("Open files, share of the limit", about, SHARE, _NOT_LIVE, 8), query, named=True)


def _scrape() -> timeseries.Panel:
    about = "How long Prometheus waits for the figures. They are collected between two batches of packets."
    query = Query(of_sipwatch("scrape_duration_seconds"), "{{instance}}")
    return lines(Face("Duration of a scrape", about, "s", _NOT_LIVE, 8), query, named=True)


def _samples() -> timeseries.Panel:
    about = "Time series in each scrape. They grow with the pairs of peers that talk to each other."
    query = Query(of_sipwatch("scrape_samples_scraped"), "{{instance}}")
    return lines(Face("Time series", about, "short", _NOT_LIVE, 8), query, named=True)


def _suppressed() -> timeseries.Panel:
    about = (
        "Log lines suppressed per minute because there were too many of one event, and those that the output did not take: a "
        "full disk, a reader that stands still. The counters still have them all."
    )
    suppressed = Query(happening("log_suppressed_total", by="event"), "{{event}}")
    failed = Query(happening("log_failed_total", by=""), "not taken by the output")
    return lines(
        Face("Log lines suppressed per minute", about, "short", "None was suppressed", 8),
        suppressed,
        failed,
        stacked=True,
        named=True,
    )
