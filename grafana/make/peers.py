"""The second page: one trunk, one group of devices, or all between two ends.

Must not know: how panels are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.make import codes, ratios, words
from grafana.make.board import Choice, Row, board
from grafana.make.panels import ANY_IS_BAD, Column, Face, Key, Query, Step, bars, heat, lines, rows, stats
from grafana.make.queries import (
    ANSWERED,
    BETWEEN,
    BROKEN,
    END_SEEN,
    FAULTS,
    FINISHED,
    ODD,
    RATE,
    buckets,
    call_ratios,
    count,
    happening,
    per_minute,
    per_second,
    quantile,
    ranked,
    ratio,
    series,
    total,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, heatmap, stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

UID = "sipwatch-peers"

_WEEK = "1w"
_NO_CALLS = "No calls between these"
_NO_INVITES = "No INVITEs between these"
_NONE_REGISTERED = "No REGISTER between these"
_HEARD = 'result="success"'
_SILENT = (Step(None, "green"), Step(900, "orange"), Step(3600, "red"))  # 900 s: SipPeerVanished

_CHOICES = (
    Choice(
        "source",
        "From",
        "Who sent it. Calls go from who began them to who was reached in the end; hops from each server to the next.",
        "sipwatch_requests_total",
    ),
    Choice(
        "destination",
        "To",
        "Who it was sent to. With a server in between, leave From at All: a trunk's hops come from the server.",
        "sipwatch_requests_total",
    ),
)


def made() -> Dashboard:
    """Make the page."""
    about = "One trunk or group of devices, chosen under From or To: its calls, what it says, and how long it takes."
    parts = (_shown(), _alive(), _past(), _said(), _delays(), _talk(), _hops(), _registrations())
    return board(UID, "SIP calls: peers", about, _CHOICES, parts)


def _shown() -> Row:
    figures = ratios.figures(BETWEEN, names=("ASR", "NER", "ISA"))
    return Row("What became of its calls", (_calls(), *figures, _now(), _outcomes(), _outcome_bars()))


def _calls() -> stat.Panel:
    about = (
        "Calls whose verdict fell in the time shown; how many were answered, and how many failed by a technical fault or "
        "because all lines were busy."
    )
    queries = (
        Query(count("calls_total", FINISHED, BETWEEN), "Calls"),
        Query(count("calls_total", ANSWERED, BETWEEN), "Answered"),
        Query(count("calls_total", FAULTS, BETWEEN), "Faults"),
    )
    return stats(Face("Calls in the time shown", about, "short", _NO_CALLS, 8, 4), *queries, decimals=0)


def _now() -> stat.Panel:
    about = "INVITEs and BYEs with something wrong at this moment, on the hops between these."
    broken = f'condition=~"{"|".join(BROKEN)}"'
    query = Query(total("invites_in_condition", broken, BETWEEN), "Stuck")
    face = Face("Stuck right now", about, "short", _NO_INVITES, 4, 4)
    return stats(face, query, decimals=0, steps=ANY_IS_BAD)


def _outcomes() -> timeseries.Panel:
    about = "Verdicts in a minute. What begins at one moment has one cause. Exemplars lead to calls."
    query = Query(happening("calls_total", BETWEEN, by="outcome"), "{{outcome}}")
    face = Face("Calls a minute, by what became of them", about, "short", _NO_CALLS, 16, 10)
    return lines(face, query, looks=words.OUTCOMES, stacked=True)


def _outcome_bars() -> bargauge.Panel:
    about = "All calls in the time shown. The README has a table of these names, and of who should look at each."
    query = Query(ranked(count("calls_total", BETWEEN, by="outcome")), "{{outcome}}")
    face = Face("Calls, by what became of them", about, "short", _NO_CALLS, 8, 10)
    return bars(face, query, looks=words.OUTCOMES)


def _alive() -> Row:
    return Row("Is it there at all?", (_last_heard(), _options(), _active()))


def _last_heard() -> table.Panel:
    about = "Since when nothing at all has come from each of the peers chosen under To, and since when no response."
    where = 'peer=~"$destination"'

    def silence(metric: str) -> str:
        return f"time() - max by (peer) ({series(metric, where)})"

    columns = (
        Column(silence("peer_last_seen_timestamp_seconds"), "Silent for", "s", _SILENT),
        Column(silence("peer_last_response_timestamp_seconds"), "No response for", "s", _SILENT),
    )
    face = Face("Last heard of", about, "s", "Never heard of it", 8)
    return rows(face, [Key("peer", "Peer")], columns, sort="Silent for")


def _options() -> timeseries.Panel:
    about = "OPTIONS (keep-alives) in a minute by what came back. A refusal too means that somebody is there."
    query = Query(happening("options_total", BETWEEN, by="outcome"), "{{outcome}}")
    face = Face("OPTIONS, a minute", about, "short", "No OPTIONS between these", 8)
    return lines(face, query, looks=words.OPTIONS, stacked=True)


def _active() -> timeseries.Panel:
    about = "Contacts registered and not run out, as far as their REGISTER was seen; dashed, a week ago."
    pair = "source, destination"
    queries = (
        Query(total("registrations_active", BETWEEN, by=pair), "{{source}} at {{destination}}"),
        Query(
            f"sum by ({pair}) ({series('registrations_active', BETWEEN)} offset {_WEEK})",
            "{{source}} at {{destination}}" + words.WEEK_AGO,
        ),
    )
    return lines(Face("Registered contacts", about, "short", _NONE_REGISTERED, 8), *queries)


def _past() -> Row:
    """Make graphs with the same time of last week dashed behind them."""
    asr = call_ratios(BETWEEN, window=RATE)["ASR"], call_ratios(BETWEEN, window=RATE, ago=_WEEK)["ASR"]
    delay = "session_request_delay_seconds"
    panels = (
        _against(
            Face("Calls a minute", "Verdicts in a minute. Fewer than usual: ask where calls went.", "short", _NO_CALLS),
            per_minute("calls_total", FINISHED, BETWEEN),
            per_minute("calls_total", FINISHED, BETWEEN, ago=_WEEK),
        ),
        _against(
            Face("Answered share (ASR)", "Answered calls, of all calls. A gap: no call.", "percentunit", _NO_CALLS),
            *asr,
        ),
        _against(
            Face("Faults a minute", "Calls that failed technically, or as all lines were busy.", "short", _NO_CALLS),
            per_minute("calls_total", FAULTS, BETWEEN),
            per_minute("calls_total", FAULTS, BETWEEN, ago=_WEEK),
        ),
        _against(
            Face(
                "95 % of callers hear something within",
                "RFC 6076 Session Request Delay: from the INVITE to the first response above 100.",
                "s",
                "No call was heard",
            ),
            quantile(0.95, delay, _HEARD, BETWEEN),
            quantile(0.95, delay, _HEARD, BETWEEN, ago=_WEEK),
        ),
    )
    return Row("Is it as usual? Dashed: a week ago", panels)


def _against(face: Face, now: str, then: str) -> timeseries.Panel:
    return lines(face, Query(now, "Now"), Query(then, f"Same time{words.WEEK_AGO}"), every="5m")


def _said() -> Row:
    return Row("What does it say?", (_status(), _causes(), _silence(), _final_by_hop()))


def _status() -> timeseries.Panel:
    about = "Final response to each call, in a minute: what the caller's side was told."
    query = Query(happening("call_final_responses_total", BETWEEN, by="status_code"), "{{status_code}}")
    face = Face("Final responses to calls, a minute", about, "short", _NO_CALLS, 16, 9)
    return lines(face, query, looks=codes.STATUS, stacked=True)


def _causes() -> bargauge.Panel:
    about = (
        "Reason headers (RFC 3326) of final responses and CANCELs, hop by hop: causes of ITU-T Q.850, from the telephone "
        "network behind a trunk, and of SIP. They often say more than the status code."
    )
    query = Query(ranked(count("reason_causes_total", BETWEEN, by="protocol, cause")), "{{protocol}} {{cause}}")
    face = Face("Causes it gave", about, "short", "No Reason header seen", 8, 9)
    return bars(face, query, looks=codes.CAUSES)


def _silence() -> timeseries.Panel:
    about = "Calls whose INVITE never got a final response, in a minute, by the timer that ended them."
    query = Query(happening("calls_timed_out_total", BETWEEN, by="timer"), "{{timer}}")
    face = Face("Calls without a final response, a minute", about, "short", "Every call got one")
    return lines(face, query, looks=words.TIMERS, stacked=True)


def _final_by_hop() -> timeseries.Panel:
    about = "Final response to each INVITE on these hops, retries and forks included: what this side itself said."
    query = Query(happening("invite_final_responses_total", BETWEEN, by="status_code"), "{{status_code}}")
    face = Face("Final responses hop by hop, a minute", about, "short", _NO_INVITES)
    return lines(face, query, looks=codes.STATUS, stacked=True)


def _delays() -> Row:
    heats = (
        (
            "Until callers hear something",
            "RFC 6076 Session Request Delay: from the INVITE to the first response above 100, of calls that got one.",
            ("session_request_delay_seconds", _HEARD, BETWEEN),
            12,
        ),
        (
            "Until somebody answers",
            "From the first INVITE to the 2xx.",
            ("answer_delay_seconds", BETWEEN),
            12,
        ),
        (
            "Until the first response of any kind",
            "From the INVITE to the 100 or whatever came first, hop by hop. Slow: it is far away, or busy itself.",
            ("trying_delay_seconds", BETWEEN),
            8,
        ),
        (
            "From Trying to the next word",
            "From the 100 to the first other response, hop by hop. 0.1 to 3 s is usual, 10 s is stuck.",
            ("progress_delay_seconds", BETWEEN),
            8,
        ),
        (
            "How long it rings",
            "From the first 180 or 183 to the final response. A line at one height is somebody's timeout.",
            ("ring_duration_seconds", BETWEEN),
            8,
        ),
    )
    panels = [heat(Face(title, about, "s", _NO_CALLS, width), buckets(*of)) for title, about, of, width in heats]
    return Row("How long does it take?", (*panels, _progress_by_code(), _early(), _refused_within()))


def _progress_by_code() -> timeseries.Panel:
    about = (
        "The same, 95 % of it, by what came after the 100. A 183 that comes much sooner than others' 180 may only mean "
        "that the carrier searches."
    )
    query = Query(quantile(0.95, "progress_delay_seconds", BETWEEN, by="status_code"), "{{status_code}}")
    face = Face("From Trying to the next word, 95 % within", about, "s", _NO_INVITES, 8)
    return lines(face, query, looks=codes.PROGRESS, every="5m")


def _early() -> heatmap.Panel:
    about = "From the first 183 to the first 180: how long a carrier searched before the phone really rang."
    face = Face("Progress before it really rang", about, "s", "No 183 followed by a 180", 8)
    return heat(face, buckets("early_progress_seconds", BETWEEN))


def _refused_within() -> heatmap.Panel:
    about = "RFC 6076 Session Request Delay of failed calls: from the INVITE to the final response that refused it."
    face = Face("Until it is refused", about, "s", "No call was refused", 8)
    return heat(face, buckets("session_request_delay_seconds", 'result="failure"', BETWEEN))


def _talk() -> Row:
    return Row("How do calls go on?", (_established(), _ended_by(), _endings(), _odd_share(), _talk_time(), _hang_up()))


def _established() -> timeseries.Panel:
    about = "Answered calls at each moment. A flat top is the number of channels."
    query = Query(total("calls_established", BETWEEN, by="source, destination"), "{{source}} to {{destination}}")
    return lines(Face("Calls that are up", about, "short", _NO_CALLS), query, every="5s")


def _ended_by() -> timeseries.Panel:
    about = "Answered calls that ended, in a minute, by who ended them."
    query = Query(happening("calls_ended_total", BETWEEN, by="ended_by"), "{{ended_by}}")
    face = Face("Who hung up, calls a minute", about, "short", "No call ended")
    return lines(face, query, looks=words.ENDED_BY, stacked=True)


def _endings() -> timeseries.Panel:
    about = (
        "Answered calls that ended, in a minute, by how. Dropped means that somebody was still talking. Exemplars lead to "
        "calls; sipwatch explain says what to do about each of these names."
    )
    query = Query(happening("calls_ended_total", BETWEEN, by="ending"), "{{ending}}")
    face = Face("How answered calls ended, a minute", about, "short", "No call ended")
    return lines(face, query, looks=words.ENDINGS, stacked=True)


def _odd_share() -> timeseries.Panel:
    about = (
        "Calls that were not hung up as calls should be, of all answered calls whose end was seen; dashed, a week ago."
    )
    shares = [
        ratio(
            per_second("calls_ended_total", ODD, BETWEEN, ago=ago),
            per_second("calls_ended_total", END_SEEN, BETWEEN, ago=ago),
        )
        for ago in ("", _WEEK)
    ]
    face = Face("Share of answered calls that ended oddly", about, "percentunit", "No call ended")
    return _against(face, *shares)


def _talk_time() -> heatmap.Panel:
    about = (
        "RFC 6076 Session Duration Time: from the 2xx to the BYE. Many calls of some seconds: they may be answered by "
        "machines, or nobody hears anything. A line at 32 s: the ACK gets lost."
    )
    face = Face("Talk time", about, "s", "No call ended")
    return heat(face, buckets("session_duration_seconds", BETWEEN))


def _hang_up() -> timeseries.Panel:
    about = "RFC 6076 Session Disconnect Delay: from the BYE to its 2xx."
    delay = "session_disconnect_delay_seconds"
    queries = (
        Query(quantile(0.5, delay, BETWEEN), "Half within"),
        Query(quantile(0.95, delay, BETWEEN), "95 % within"),
    )
    return lines(Face("How long hanging up takes", about, "s", "No call was hung up"), *queries, every="5m")


def _hops() -> Row:
    return Row("Hop by hop", (_invites(), _conditions(), _again(), _requests(), _responses()))


def _invites() -> timeseries.Panel:
    about = (
        "INVITEs in a minute by what became of them on these hops, retries and forks included. Exemplars lead to calls."
    )
    query = Query(happening("invites_total", BETWEEN, by="outcome"), "{{outcome}}")
    face = Face("INVITEs a minute, by what became of them", about, "short", _NO_INVITES, 8)
    return lines(face, query, looks=words.OUTCOMES, stacked=True)


def _conditions() -> timeseries.Panel:
    about = "Conditions in a minute, at the moment they were raised on these hops. Exemplars lead to calls."
    query = Query(happening("invite_conditions_total", BETWEEN, by="condition"), "{{condition}}")
    face = Face("Something went wrong, times a minute", about, "short", "Nothing was wrong", 8)
    return lines(face, query, looks=words.CONDITIONS, stacked=True)


def _again() -> timeseries.Panel:
    about = (
        "Requests and final responses sent again from here to there, by the request's method. Over UDP that is packet "
        "loss, or somebody who does not respond in time."
    )
    query = Query(happening("retransmissions_total", BETWEEN, by="method"), "{{method}}")
    face = Face("Sent again, messages a minute", about, "short", "Nothing was sent again", 8)
    return lines(face, query, stacked=True)


def _requests() -> timeseries.Panel:
    about = "SIP requests in a minute, sent again or not, by method."
    query = Query(happening("requests_total", BETWEEN, by="method"), "{{method}}")
    face = Face("Requests, messages a minute", about, "short", "No requests between these")
    return lines(face, query, stacked=True)


def _responses() -> timeseries.Panel:
    about = "SIP responses in a minute, to any method. They go the other way: choose who answers under From."
    query = Query(happening("responses_total", BETWEEN, by="status_code"), "{{status_code}}")
    face = Face("Responses, messages a minute", about, "short", "No responses between these")
    return lines(face, query, looks=codes.STATUS, stacked=True)


def _registrations() -> Row:
    return Row("How does registering go?", (_registered(), _register_codes(), _ran_out(), _register_delay()))


def _registered() -> timeseries.Panel:
    about = "Attempts to register in a minute, by how they ended. One that is challenged first is one attempt."
    query = Query(happening("registrations_total", BETWEEN, by="outcome"), "{{outcome}}")
    face = Face("Attempts to register, a minute", about, "short", _NONE_REGISTERED)
    return lines(face, query, looks=words.REGISTRATIONS, stacked=True)


def _ran_out() -> timeseries.Panel:
    about = "Contacts that ran out and were not renewed: they did not sign off, they stopped."
    query = Query(
        happening("registrations_expired_total", BETWEEN, by="source, destination"), "{{source}} at {{destination}}"
    )
    return lines(Face("Registrations that ran out, a minute", about, "short", "None ran out"), query)


def _register_delay() -> heatmap.Panel:
    about = "RFC 6076 Registration Request Delay: from the REGISTER to its 2xx, challenge excluded."
    face = Face("How long registering takes", about, "s", "None registered")
    return heat(face, buckets("registration_request_delay_seconds", BETWEEN))


def _register_codes() -> bargauge.Panel:
    about = "Attempts that failed, by the registrar's last word."
    failed = 'outcome=~"auth_failed|refused|not_responding"'
    query = Query(ranked(count("registrations_total", failed, BETWEEN, by="status_code")), "{{status_code}}")
    face = Face("Why registering failed", about, "short", "No attempt failed")
    return bars(face, query, looks=codes.STATUS)
