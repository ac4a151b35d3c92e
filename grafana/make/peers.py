"""The second page: one trunk, one group of devices, or all between two ends.

Must not know: how panels are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.make import codes, colours, ratios, words
from grafana.make.board import Choice, Row, board
from grafana.make.calls import (
    CONDITION_OVER,
    ENDED_BY_BETWEEN,
    ENDING_BETWEEN,
    IS_FAULTY,
    OUTCOME_BETWEEN,
    SILENT_BETWEEN,
    STATUS_BETWEEN,
    calls_where,
    is_one,
    of_column,
)
from grafana.make.panels import (
    ANY_IS_WRONG,
    COUNT,
    SHARE,
    Column,
    Face,
    Key,
    Query,
    Step,
    bars,
    heat,
    lines,
    links_to,
    rows,
    stats,
)
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
    busiest,
    call_ratios,
    count,
    ever_counted,
    ever_most,
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
_NO_OBJECTIVE = "No peer with an objective"
_NO_OPTIONS = "No OPTIONS between these"
_NONE_REGISTERED = "No REGISTER between these"
_HEARD = 'result="success"'
_SILENT = (Step(None, colours.GOOD), Step(300, "yellow"), Step(900, colours.ORANGE))  # 900 s: SipPeerVanished
_PAIR = "source, destination"
_LEFT = (Step(None, colours.ORANGE), Step(0, "yellow"), Step(0.25, colours.GOOD))
_BURNING = (Step(None, colours.GOOD), Step(1, "yellow"), Step(14.4, colours.ORANGE))

_THEN = f"Same time{words.WEEK_AGO}"
_NOW_AND_THEN = {name: words.Look(name, colours.CALM) for name in ("Now", _THEN)}

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
    parts = (_shown(), _alive(), _goals(), _past(), _said(), _delays(), _talk(), _hops(), _registrations())
    return board(UID, "SIP calls: peers", about, _CHOICES, parts)


def _shown() -> Row:
    figures = ratios.figures(BETWEEN, names=("ASR", "NER", "ISA"))
    return Row("What became of its calls", (_calls(), *figures, _now(), _outcomes(), _outcome_bars()))


def _calls() -> stat.Panel:
    about = (
        "Calls whose outcome was decided in the time shown; how many were answered, and how many failed because of a "
        "technical fault or because all lines were busy."
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
    face = Face("Wrong right now", about, "short", "No INVITEs", 4, 4)
    return stats(face, query, decimals=0, steps=ANY_IS_WRONG)


def _outcomes() -> timeseries.Panel:
    about = "Outcomes per minute. What begins at one moment has one cause. Exemplars lead to calls."
    query = Query(happening("calls_total", BETWEEN, by="outcome"), "{{outcome}}")
    face = Face("Calls per minute by outcome", about, "short", _NO_CALLS, 16, 16, OUTCOME_BETWEEN)
    return lines(face, query, looks=words.OUTCOMES, stacked=True)


def _outcome_bars() -> bargauge.Panel:
    about = "All calls in the time shown. The README has a table of these names, and of who should look at each."
    query = Query(ranked(count("calls_total", BETWEEN, by="outcome")), "{{outcome}}")
    face = Face("Calls by outcome", about, COUNT, _NO_CALLS, 8, 16, OUTCOME_BETWEEN)
    return bars(face, query, looks=words.OUTCOMES)


def _alive() -> Row:
    return Row(
        "Is it there right now?", (_last_heard(), _options(), _options_delay(), _active(), _sessions(), _software())
    )


def _last_heard() -> table.Panel:
    about = "For how long nothing at all, and no response, has come from each of the peers chosen under To."
    where = 'peer=~"$destination"'

    def silence(metric: str) -> str:
        return f"time() - max by (peer) ({series(metric, where)})"

    columns = (
        Column(silence("peer_last_seen_timestamp_seconds"), "Silent for", "s", _SILENT),
        Column(silence("peer_last_response_timestamp_seconds"), "No response for", "s", _SILENT),
    )
    face = Face("Last heard from", about, "s", "Never heard from", 12, 9)
    return rows(face, [Key("peer", "Peer")], columns, sort="Silent for")


def _options() -> timeseries.Panel:
    about = "OPTIONS (keep-alives) per minute, by what came back. Even a refusal means that somebody is there."
    query = Query(happening("options_total", BETWEEN, by="outcome"), "{{outcome}}")
    face = Face("OPTIONS per minute", about, "short", _NO_OPTIONS, 12, 9)
    return lines(face, query, looks=words.OPTIONS, stacked=True)


def _options_delay() -> heatmap.Panel:
    about = (
        "From the OPTIONS, as last sent, to its final response. Slower than usual: it is far away now, or overloaded."
    )
    return heat(
        Face("How long OPTIONS take", about, "s", _NO_OPTIONS), buckets("options_response_delay_seconds", BETWEEN)
    )


def _active() -> timeseries.Panel:
    about = (
        "Contacts that are registered and have not expired, as far as their REGISTER was seen; dashed, a week ago. The "
        "ten largest."
    )
    most = ever_most("registrations_active", BETWEEN)
    past = f"sum by ({_PAIR}) ({series('registrations_active', BETWEEN)} offset {_WEEK})"
    queries = (
        Query(busiest(total("registrations_active", BETWEEN, by=_PAIR), _PAIR, most), "{{source}} at {{destination}}"),
        Query(busiest(past, _PAIR, most), "{{source}} at {{destination}}" + words.WEEK_AGO),
    )
    return lines(Face("Registered contacts", about, "short", _NONE_REGISTERED), *queries, named=True)


def _sessions() -> timeseries.Panel:
    about = (
        "Calls that are up or being set up, as a share of the sessions_limit of each peer chosen under To that has one. At "
        "80 % and 90 % alerts say so."
    )
    where = 'peer=~"$destination"'
    share = f"sum by (peer) ({series('peer_sessions', where)}) / max by (peer) ({series('peer_sessions_limit', where)})"
    face = Face("Channels in use", about, SHARE, "No peer with a limit", 12, 9)
    return lines(face, Query(share, "{{peer}}"), named=True)


def _software() -> timeseries.Panel:
    about = (
        "Failed calls per minute of the peers chosen under To, by the configured family of software at their end; the ten "
        "with the most. The same by calls that succeeded tells whether it is the software."
    )
    failed = 'peer=~"$destination"', 'result="failure"'
    most = ever_counted("software_calls_total", *failed)
    query = Query(busiest(per_minute("software_calls_total", *failed, by="software"), "software", most), "{{software}}")
    return lines(Face("Failed calls by software", about, "short", "No families of software", 12, 9), query, named=True)


def _goals() -> Row:
    return Row("Does it keep its objective?", (_budget(), _burning()))


def _objective() -> str:
    chosen = 'destination=~"$destination"'
    return f"max by (destination) ({series('objective_ratio', chosen)})"


def _budget() -> table.Panel:
    about = (
        "Of the failures by a fault that the objective of each peer chosen under To allows, the part that is left: at 0 it is "
        "used up, below that overdrawn. Of the calls in the time shown: choose 30 days for the whole of it."
    )

    def known(figure: str) -> str:
        return f"{figure} and {_objective()}"

    calls = count("calls_total", FINISHED, BETWEEN, by="destination")
    faults = count("calls_total", FAULTS, BETWEEN, by="destination")
    columns = (
        Column(_objective(), "Objective", SHARE, decimals=1),
        Column(known(calls), "Calls"),
        Column(known(faults), "Faults", calls=calls_where(IS_FAULTY, is_one("destination", of_column("Peer")))),
        Column(f"1 - {ratio(faults, calls)} / (1 - {_objective()})", "Budget left", SHARE, _LEFT),
    )
    face = Face("Error budget left", about, COUNT, _NO_OBJECTIVE, 12, 9)
    return rows(face, [Key("destination", "Peer")], columns, sort="Faults")


def _burning() -> timeseries.Panel:
    about = (
        "The share of faults, as so many times what the objective allows; the ten with the most faults. At 1 it is just kept; "
        "at 14.4 the budget of a month is gone in two days. `sipwatch rules` makes alerts of it."
    )
    by = "destination"
    share = ratio(
        per_second("calls_total", FAULTS, BETWEEN, by=by), per_second("calls_total", FINISHED, BETWEEN, by=by)
    )
    query = busiest(f"{share} / (1 - {_objective()})", by, ever_counted("calls_total", FAULTS, BETWEEN))
    face = Face("Faults, times what is allowed", about, "short", _NO_OBJECTIVE, 12, 9)
    return lines(face, Query(query, "{{destination}}"), named=True, steps=_BURNING, every="5m")


def _past() -> Row:
    """Make graphs with the same time of last week dashed behind them."""
    asr = call_ratios(BETWEEN, window=RATE)["ASR"], call_ratios(BETWEEN, window=RATE, ago=_WEEK)["ASR"]
    delay = "session_request_delay_seconds"
    panels = (
        _against(
            Face("Calls per minute", "Fewer than usual: ask where the calls went.", "short", _NO_CALLS),
            per_minute("calls_total", FINISHED, BETWEEN),
            per_minute("calls_total", FINISHED, BETWEEN, ago=_WEEK),
        ),
        _against(
            Face("Answered share (ASR)", "Answered calls, of all calls. A gap: no calls.", SHARE, _NO_CALLS),
            *asr,
        ),
        _against(
            Face(
                "Faults per minute",
                "Calls that failed because of a technical fault, or because all lines were busy.",
                "short",
                _NO_CALLS,
            ),
            per_minute("calls_total", FAULTS, BETWEEN),
            per_minute("calls_total", FAULTS, BETWEEN, ago=_WEEK),
        ),
        _against(
            Face(
                "95 % of callers hear something within",
                "Session Request Delay (RFC 6076): from the INVITE to the first response above 100.",
                "s",
                "No call got that far",
            ),
            quantile(0.95, delay, _HEARD, BETWEEN),
            quantile(0.95, delay, _HEARD, BETWEEN, ago=_WEEK),
        ),
    )
    return Row("Is it as usual? (dashed: a week ago)", panels)


def _against(face: Face, now: str, then: str) -> timeseries.Panel:
    return lines(face, Query(now, "Now"), Query(then, _THEN), looks=_NOW_AND_THEN, every="5m")


def _said() -> Row:
    return Row("What does it respond?", (_status(), _causes(), _silence(), _final_by_hop()))


def _status() -> timeseries.Panel:
    about = "Final responses to calls, per minute: what the caller's side was told."
    query = Query(happening("call_final_responses_total", BETWEEN, by="status_code"), "{{status_code}}")
    face = Face("Final responses to calls, per minute", about, "short", _NO_CALLS, 16, 9, STATUS_BETWEEN)
    panel = lines(face, query, looks=codes.STATUS, stacked=True)
    # No call has these as its status code.
    return panel.override_by_name("none", [links_to(SILENT_BETWEEN)]).override_by_name("other", [links_to("")])


def _causes() -> bargauge.Panel:
    about = (
        "Reason headers (RFC 3326) of final responses and CANCELs, hop by hop: Q.850 causes from the telephone network "
        "behind a trunk, and SIP codes. They often say more than the status code."
    )
    query = Query(ranked(count("reason_causes_total", BETWEEN, by="protocol, cause")), "{{protocol}} {{cause}}")
    face = Face("Causes in Reason headers", about, COUNT, "No Reason header seen", 8, 9)
    return bars(face, query, looks=codes.CAUSES)


def _silence() -> timeseries.Panel:
    about = "Calls whose INVITE never got a final response, per minute, by the timer that ended them."
    query = Query(happening("calls_timed_out_total", BETWEEN, by="timer"), "{{timer}}")
    face = Face(
        "Calls without a final response, per minute", about, "short", "Every call got one", calls=SILENT_BETWEEN
    )
    return lines(face, query, looks=words.TIMERS, stacked=True)


def _final_by_hop() -> timeseries.Panel:
    about = "Final responses to INVITEs on these hops, retries and forks included: what this side itself responded."
    query = Query(happening("invite_final_responses_total", BETWEEN, by="status_code"), "{{status_code}}")
    face = Face("Final responses hop by hop, per minute", about, "short", _NO_INVITES)
    return lines(face, query, looks=codes.STATUS, stacked=True)


def _delays() -> Row:
    heats = (
        (
            "Until callers hear something",
            "Session Request Delay (RFC 6076): from the INVITE to the first response above 100, of calls that got one.",
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
            "Until the first response",
            "From the INVITE to the 100 or whatever came first, hop by hop. Slow: it is far away, or overloaded.",
            ("trying_delay_seconds", BETWEEN),
            8,
        ),
        (
            "From Trying to the next response",
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
        "The time within which 95 % of the next responses came, by status code. A 183 that comes much sooner than others' "
        "180 may only mean that the carrier is still searching."
    )
    query = Query(quantile(0.95, "progress_delay_seconds", BETWEEN, by="status_code"), "{{status_code}}")
    face = Face("From Trying to the next response, 95 % within", about, "s", _NO_INVITES, 8)
    return lines(face, query, looks=codes.PROGRESS, every="5m")


def _early() -> heatmap.Panel:
    about = "From the first 183 to the first 180: how long a carrier searched before the phone rang."
    face = Face("Progress before it rang", about, "s", "No 183 followed by a 180", 8)
    return heat(face, buckets("early_progress_seconds", BETWEEN))


def _refused_within() -> heatmap.Panel:
    about = "Session Request Delay (RFC 6076) of failed calls: from the INVITE to the final response that refused it."
    face = Face("Until a call is refused", about, "s", "No call was refused", 8)
    return heat(face, buckets("session_request_delay_seconds", 'result="failure"', BETWEEN))


def _talk() -> Row:
    return Row(
        "How do answered calls go on and end?",
        (_established(), _ended_by(), _endings(), _odd_share(), _hang_up(), _talk_time()),
    )


def _established() -> timeseries.Panel:
    about = "Answered calls at each moment: the ten pairs with the most. A flat top is the number of channels."
    query = busiest(total("calls_established", BETWEEN, by=_PAIR), _PAIR, ever_most("calls_established", BETWEEN))
    face = Face("Calls in progress", about, "short", _NO_CALLS, 24, 9)
    return lines(face, Query(query, "{{source}} to {{destination}}"), every="5s", named=True)


def _ended_by() -> timeseries.Panel:
    about = "Answered calls that ended, per minute, by who ended them."
    query = Query(happening("calls_ended_total", BETWEEN, by="ended_by"), "{{ended_by}}")
    face = Face("Who hung up, calls per minute", about, "short", "No call ended", calls=ENDED_BY_BETWEEN)
    return lines(face, query, looks=words.ENDED_BY, stacked=True)


def _endings() -> timeseries.Panel:
    about = (
        "Answered calls that ended, per minute, by how they ended. Dropped means that somebody was still talking. "
        "Exemplars lead to calls; sipwatch explain says what to do about each of these names."
    )
    query = Query(happening("calls_ended_total", BETWEEN, by="ending"), "{{ending}}")
    face = Face("How answered calls ended, per minute", about, "short", "No call ended", calls=ENDING_BETWEEN)
    return lines(face, query, looks=words.ENDINGS, stacked=True)


def _odd_share() -> timeseries.Panel:
    about = "Calls that did not end as calls should, of all answered calls whose end was seen; dashed, a week ago."
    shares = [
        ratio(
            per_second("calls_ended_total", ODD, BETWEEN, ago=ago),
            per_second("calls_ended_total", END_SEEN, BETWEEN, ago=ago),
        )
        for ago in ("", _WEEK)
    ]
    face = Face("Share of answered calls that ended oddly", about, SHARE, "No call ended")
    return _against(face, *shares)


def _talk_time() -> heatmap.Panel:
    about = (
        "Session Duration Time (RFC 6076): from the 2xx to the BYE. Many calls of a few seconds: answered by machines, "
        "perhaps, or nobody hears anything. A line at 32 s: the ACK gets lost."
    )
    face = Face("Talk time", about, "s", "No call ended", 24, 9)
    return heat(face, buckets("session_duration_seconds", BETWEEN))


def _hang_up() -> timeseries.Panel:
    about = "Session Disconnect Delay (RFC 6076): from the BYE to its 2xx."
    delay = "session_disconnect_delay_seconds"
    queries = (
        Query(quantile(0.5, delay, BETWEEN), "Half within"),
        Query(quantile(0.95, delay, BETWEEN), "95 % within"),
    )
    looks = {"Half within": words.Look("Half within", "blue"), "95 % within": words.Look("95 % within", "purple")}
    face = Face("How long hanging up takes", about, "s", "No call was hung up")
    return lines(face, *queries, looks=looks, every="5m")


def _hops() -> Row:
    return Row("What happens hop by hop?", (_invites(), _conditions(), _again(), _requests(), _responses()))


def _invites() -> timeseries.Panel:
    about = "INVITEs per minute by outcome on these hops, retries and forks included. Exemplars lead to calls."
    query = Query(happening("invites_total", BETWEEN, by="outcome"), "{{outcome}}")
    face = Face("INVITEs per minute by outcome", about, "short", _NO_INVITES, 24, 10)
    return lines(face, query, looks=words.OUTCOMES, stacked=True)


def _conditions() -> timeseries.Panel:
    about = "Conditions per minute, at the moment they were raised on these hops. Exemplars lead to calls."
    query = Query(happening("invite_conditions_total", BETWEEN, by="condition"), "{{condition}}")
    face = Face("Conditions raised per minute", about, "short", "Nothing was wrong", calls=CONDITION_OVER)
    return lines(face, query, looks=words.CONDITIONS, stacked=True)


def _again() -> timeseries.Panel:
    about = (
        "Requests and final responses that were retransmitted, by the request's method. Over UDP that is packet loss, or "
        "somebody who does not respond in time."
    )
    query = Query(happening("retransmissions_total", BETWEEN, by="method"), "{{method}}")
    face = Face("Retransmissions per minute", about, "short", "Nothing was retransmitted")
    return lines(face, query, looks=words.METHODS_SEEN, stacked=True)


def _requests() -> timeseries.Panel:
    about = "SIP requests per minute by method, retransmissions included."
    query = Query(happening("requests_total", BETWEEN, by="method"), "{{method}}")
    face = Face("Requests per minute", about, "short", "No requests between these")
    return lines(face, query, looks=words.METHODS_SEEN, stacked=True)


def _responses() -> timeseries.Panel:
    about = "SIP responses per minute, to any method. They go the other way: choose who answers under From."
    query = Query(happening("responses_total", BETWEEN, by="status_code"), "{{status_code}}")
    face = Face("Responses per minute", about, "short", "No responses between these")
    return lines(face, query, looks=codes.STATUS, stacked=True)


def _registrations() -> Row:
    panels = (_registered(), _accepted(), _register_codes(), _ran_out(), _register_delay())
    return Row("Do registrations work?", panels)


def _accepted() -> timeseries.Panel:
    about = "Attempts to register that were accepted, of all whose end was seen. Challenged first, one is still one attempt."
    attempts = per_second("registrations_total", 'outcome!="unfinished"', BETWEEN)
    accepted = per_second("registrations_total", 'outcome=~"registered|removed"', BETWEEN)
    query = Query(ratio(accepted, attempts), "Accepted")
    face = Face("Share of registrations accepted", about, SHARE, _NONE_REGISTERED, 8)
    return lines(face, query, looks={"Accepted": words.Look("Accepted", "green")}, every="5m")


def _registered() -> timeseries.Panel:
    about = "Registration attempts per minute, by how they ended. One that is challenged first is one attempt."
    query = Query(happening("registrations_total", BETWEEN, by="outcome"), "{{outcome}}")
    face = Face("Registration attempts per minute", about, "short", _NONE_REGISTERED, 8)
    return lines(face, query, looks=words.REGISTRATIONS, stacked=True)


def _ran_out() -> timeseries.Panel:
    about = "Contacts that expired and were not renewed: they did not unregister, they stopped. The ten pairs with the most."
    expired = happening("registrations_expired_total", BETWEEN, by=_PAIR)
    query = busiest(expired, _PAIR, ever_counted("registrations_expired_total", BETWEEN))
    face = Face("Registrations expired per minute", about, "short", "None expired")
    return lines(face, Query(query, "{{source}} at {{destination}}"), named=True)


def _register_delay() -> heatmap.Panel:
    about = "Registration Request Delay (RFC 6076): from the REGISTER to its 2xx, the challenge excluded."
    face = Face("How long registering takes", about, "s", "Nobody registered")
    return heat(face, buckets("registration_request_delay_seconds", BETWEEN))


def _register_codes() -> bargauge.Panel:
    about = "Attempts that failed, by the registrar's final response."
    failed = 'outcome=~"auth_failed|refused|not_responding"'
    query = Query(ranked(count("registrations_total", failed, BETWEEN, by="status_code")), "{{status_code}}")
    face = Face("Why registrations failed", about, COUNT, "No attempt failed", 8)
    return bars(face, query, looks=codes.STATUS)
