"""The third page: sipwatch itself, whether it sees everything and is well.

Must not know: how panels are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.make import reasons, words
from grafana.make.board import Choice, Row, board
from grafana.make.panels import ANY_IS_BAD, Face, Query, Step, lines, stats
from grafana.make.queries import OF_INSTANCE, RATE, count, happening, of_sipwatch, per_second, series, total

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

UID = "sipwatch-own"

_NOT_SCRAPED = "Not scraped"
_YES_OR_NO = (Step(None, "red"), Step(1, "green"))
_LAG = (Step(None, "green"), Step(5, "orange"), Step(30, "red"))

_CHOICES = (Choice("instance", "Instance", "Which sipwatch, where there are several.", "sipwatch_build_info"),)


def made() -> Dashboard:
    """Make the page."""
    about = "Does sipwatch see everything, and is it well? What it does not see, no other page can tell."
    parts = (_state(), _incoming(), _memory(), _process())
    return board(UID, "SIP calls: sipwatch itself", about, _CHOICES, parts)


def _state() -> Row:
    panels = (
        _scraped(),
        _capturing(),
        _lost(),
        _late(),
        _gave_up(),
        _configuration(),
        _read_at(),
        _version(),
        _started(),
    )
    return Row("Does it see everything?", panels)


def _scraped() -> stat.Panel:
    about = "Whether Prometheus reaches it. If not: is it running, and is the port open? Alert: SipwatchDown."
    query = Query(of_sipwatch("up"), "{{instance}}")
    face = Face("Does Prometheus reach it?", about, "short", "Never reached, or replayed", 4, 4)
    return stats(face, query, steps=_YES_OR_NO, values=words.WATCHING)


def _capturing() -> stat.Panel:
    about = "Whether each interface is there and up. Alert: SipCaptureBlind."
    query = Query(series("capture_up", OF_INSTANCE), "{{capture}}")
    face = Face("Is it capturing?", about, "short", "Not scraped, or replayed", 8, 4)
    return stats(face, query, steps=_YES_OR_NO, values=words.WATCHING)


def _lost() -> stat.Panel:
    about = (
        "Packets that the kernel dropped in the time shown because sipwatch was too slow. Calls among them are judged "
        "wrongly: unfinished, or stuck. Raise buffer_megabytes, or give it more CPU. Alert: SipCaptureDropping."
    )
    query = Query(count("capture_dropped_total", OF_INSTANCE), "Packets")
    face = Face("Packets lost by the kernel", about, "short", _NOT_SCRAPED, 4, 4)
    return stats(face, query, steps=ANY_IS_BAD, decimals=0)


def _late() -> stat.Panel:
    about = "How far the engine's packet time is behind the clock. Up to a second or two is as it should be."
    query = Query(f"max({series('clock_lag_seconds', OF_INSTANCE)})", "Behind")
    return stats(Face("Behind the clock", about, "s", "Not scraped, or replayed", 4, 4), query, steps=_LAG, decimals=1)


def _gave_up() -> stat.Panel:
    about = "Calls and whatever else was given up in the time shown because a table was full. See below which."
    query = Query(count("evicted_total", OF_INSTANCE), "Entries")
    face = Face("Given up, tables full", about, "short", _NOT_SCRAPED, 4, 4)
    return stats(face, query, steps=ANY_IS_BAD, decimals=0)


def _configuration() -> stat.Panel:
    about = (
        "Whether the configuration in use is the one in the file. If the file has a mistake, the log names its line, and "
        "sipwatch goes on with the old one."
    )
    query = Query(f"min({series('config_last_reload_successful', OF_INSTANCE)})", "Configuration")
    face = Face("Configuration", about, "short", "Not scraped, or replayed", 6, 4)
    return stats(face, query, steps=_YES_OR_NO, values=words.READ_WELL)


def _read_at() -> stat.Panel:
    about = "When the configuration in use was read: at the start, or at the last `systemctl reload sipwatch`."
    query = Query(
        f"1000 * max({series('config_last_reload_success_timestamp_seconds', OF_INSTANCE)})", "Configuration read"
    )
    return stats(Face("Configuration read", about, "dateTimeFromNow", "Not scraped, or replayed", 6, 4), query)


def _version() -> stat.Panel:
    about = "Version, and whether the engine is compiled or interpreted."
    query = Query(series("build_info", OF_INSTANCE), "{{version}}, {{implementation}}")
    return stats(Face("Version", about, "short", _NOT_SCRAPED, 6, 4), query, by_name=True)


def _started() -> stat.Panel:
    about = "When the process started."
    query = Query(of_sipwatch("1000 * process_start_time_seconds"), "{{instance}}")
    return stats(Face("Running since", about, "dateTimeFromNow", "Not scraped, or replayed", 6, 4), query)


def _incoming() -> Row:
    panels = (_packets(), _dropped(), _messages(), _discards(), _stages(), _duplicates())
    return Row("What comes in, and what is of no use", panels)


def _packets() -> timeseries.Panel:
    about = "Packets that got as far as sipwatch, after its filter in the kernel. None: the wrong interface, or a dead mirror."
    query = Query(per_second("capture_packets_total", OF_INSTANCE, by="capture"), "{{capture}}")
    return lines(Face("Packets a second", about, "pps", _NOT_SCRAPED, 8), query)


def _dropped() -> timeseries.Panel:
    about = "Packets a second that the kernel dropped because sipwatch was too slow."
    query = Query(per_second("capture_dropped_total", OF_INSTANCE, by="capture"), "{{capture}}")
    return lines(Face("Lost by the kernel, packets a second", about, "pps", _NOT_SCRAPED, 8), query)


def _messages() -> timeseries.Panel:
    about = "SIP messages in a second, sent again or not. Packets without messages: see the discards below."
    queries = (
        Query(per_second("requests_total", OF_INSTANCE), "Requests"),
        Query(per_second("responses_total", OF_INSTANCE), "Responses"),
    )
    return lines(Face("SIP messages a second", about, "reqps", _NOT_SCRAPED, 8), *queries, stacked=True)


def _discards() -> timeseries.Panel:
    about = (
        "Packets and pieces of streams in a minute that gave no message, by why. Grey is no loss. Encrypted (TLS) cannot "
        "be read from the wire; gaps and missing fragments mean that the capture loses packets."
    )
    query = Query(happening("discards_total", OF_INSTANCE, by="reason"), "{{reason}}")
    face = Face("Not a message, a minute, by why", about, "short", "Everything was a message", 12, 9)
    return lines(face, query, looks=reasons.DISCARDS, stacked=True)


def _stages() -> timeseries.Panel:
    about = "The same by how far the packet came."
    query = Query(happening("discards_total", OF_INSTANCE, by="stage"), "{{stage}}")
    face = Face("Not a message, a minute, by where it ended", about, "short", "Everything was a message", 6, 9)
    return lines(face, query, looks=reasons.STAGES, stacked=True)


def _duplicates() -> timeseries.Panel:
    about = "Datagrams captured twice and counted once: usual for mirror ports and for `-i any`."
    query = Query(f"60 * {per_second('capture_duplicates_total', OF_INSTANCE)}", "Duplicates")
    return lines(Face("Captured twice, a minute", about, "short", _NOT_SCRAPED, 6, 9), query)


def _memory() -> Row:
    return Row("What it remembers", (_tracked(), _evicted(), _notices()))


def _tracked() -> timeseries.Panel:
    about = "Entries in each table. All are bounded; one that only grows is near its end."
    query = Query(total("tracked", OF_INSTANCE, by="table"), "{{table}}")
    return lines(Face("Entries in tables", about, "short", _NOT_SCRAPED, 8), query, looks=reasons.TABLES)


def _evicted() -> timeseries.Panel:
    about = "Entries given up in a minute because their table was full: more traffic than sipwatch is made for, or an attack."
    query = Query(f"60 * {per_second('evicted_total', OF_INSTANCE, by='table')}", "{{table}}")
    return lines(Face("Given up, entries a minute", about, "short", _NOT_SCRAPED, 8), query, looks=reasons.TABLES)


def _notices() -> timeseries.Panel:
    about = "What tracking met out of the ordinary, in a minute. Responses without their requests: one direction is not seen."
    query = Query(happening("notices_total", OF_INSTANCE, by="reason"), "{{reason}}")
    face = Face("Out of the ordinary, times a minute", about, "short", "Nothing was", 8)
    return lines(face, query, looks=reasons.NOTICES, stacked=True)


def _process() -> Row:
    return Row("The process", (_cpu(), _resident(), _files(), _scrape(), _samples(), _suppressed()))


def _cpu() -> timeseries.Panel:
    about = "CPUs used. The engine uses one at the most: near 100 % it will soon lose packets."
    query = Query(of_sipwatch(f"rate(process_cpu_seconds_total[{RATE}])"), "{{instance}}")
    return lines(Face("CPU", about, "percentunit", "Not scraped, or replayed", 8), query, steps=(Step(0.8, "red"),))


def _resident() -> timeseries.Panel:
    about = "Resident memory. 100,000 calls at once are some 300 MB."
    query = Query(of_sipwatch("process_resident_memory_bytes"), "{{instance}}")
    return lines(Face("Memory", about, "bytes", "Not scraped, or replayed", 8), query)


def _files() -> timeseries.Panel:
    about = "Open files and sockets, as a share of how many it may open."
    query = Query(of_sipwatch("process_open_fds / process_max_fds"), "{{instance}}")
    return lines(Face("Open files, of those allowed", about, "percentunit", "Not scraped, or replayed", 8), query)


def _scrape() -> timeseries.Panel:
    about = "How long Prometheus waits for the figures. They are made between two batches of packets."
    query = Query(of_sipwatch("scrape_duration_seconds"), "{{instance}}")
    return lines(Face("How long a scrape takes", about, "s", "Not scraped, or replayed", 8), query)


def _samples() -> timeseries.Panel:
    about = "Series in each scrape. They grow with the pairs of peers that talk to each other."
    query = Query(of_sipwatch("scrape_samples_scraped"), "{{instance}}")
    return lines(Face("Series", about, "short", "Not scraped, or replayed", 8), query)


def _suppressed() -> timeseries.Panel:
    about = "Log lines left out in a minute because there were too many of one event. The counters still have them all."
    query = Query(happening("log_suppressed_total", OF_INSTANCE, by="event"), "{{event}}")
    return lines(Face("Log lines left out, a minute", about, "short", "None was left out", 8), query, stacked=True)
