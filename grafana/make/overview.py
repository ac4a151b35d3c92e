"""The first page: are calls working, what is wrong, and where.

Must not know: how panels are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.make import peers, ratios, words
from grafana.make.board import Row, board
from grafana.make.panels import ANY_IS_BAD, Column, Face, Key, Query, Step, bars, lines, rows, stats
from grafana.make.queries import (
    BROKEN,
    FAILED,
    FAULTS,
    FINISHED,
    LATELY,
    ODD,
    RANGE,
    answered_share,
    count,
    happening,
    per_minute,
    quantile,
    ranked,
    series,
    total,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

UID = "sipwatch-overview"

_ONE_MAY_BE = (Step(None, "green"), Step(1, "orange"), Step(3, "red"))
_SHARE = (Step(None, "red"), Step(0.3, "orange"), Step(0.5, "green"))
_SOME_ARE_BAD = (Step(None, "green"), Step(1, "orange"), Step(10, "red"))
_SECONDS = (Step(None, "green"), Step(5, "orange"), Step(8, "red"))  # SipPostDialDelaySlow

_FIRING = 'ALERTS{alertname=~"Sip.*",alertstate="firing"}'
_OF_ALERT = "alertname, severity, source, destination, peer, capture"
_NO_CALLS = "No calls"
_ALONG = "${__url_time_range}&${datasource:queryparam}"  # a link takes the time and the data source along


def made() -> Dashboard:
    """Make the page."""
    about = "Are calls working, what goes wrong, and where? From top to bottom: now, all calls, failures, peers, hops."
    return board(UID, "SIP calls: overview", about, (), (_now(), _ratios(), _failures(), _where(), _stuck()))


def _now() -> Row:
    panels = (_alerts_firing(), _stuck_now(), _up_now(), _watching(), _pending_now(), _calls_now(), _calls_shown())
    return Row("Is anything wrong right now?", (*panels, _alerts(), _stuck_over_time()))


def _alerts_firing() -> stat.Panel:
    about = "Alerts of sipwatch's rules that fire at the end of the time shown. The table below names them."
    return stats(
        Face("Alerts firing", about, "short", "None", 4, 4), Query(f"count({_FIRING})", "Alerts"), steps=ANY_IS_BAD
    )


def _stuck_now() -> stat.Panel:
    about = (
        "INVITEs and BYEs with something wrong at this moment. A call that hangs behind a server hangs on both hops and "
        "counts twice here."
    )
    return stats(
        Face("Stuck right now, hop by hop", about, "short", "No INVITE seen", 12, 4),
        *(Query(total("invites_in_condition", f'condition="{kind}"'), words.CONDITIONS[kind].name) for kind in BROKEN),
        steps=_ONE_MAY_BE,
        decimals=0,
    )


def _up_now() -> stat.Panel:
    about = "Answered calls that nobody has ended yet."
    query = Query(total("calls_established"), "Calls")
    return stats(Face("Calls that are up", about, "short", _NO_CALLS, 4, 4), query, decimals=0)


def _watching() -> stat.Panel:
    about = (
        "Yes: every sipwatch is scraped, and every interface it watches is up. While this says No, silence on this page "
        "means nothing."
    )
    return stats(
        Face("Is sipwatch watching?", about, "short", "Not scraped, or replayed", 4, 4),
        Query(f'min(up{{job="sipwatch"}} or {series("capture_up")})', "Watching"),
        steps=(Step(None, "red"), Step(1, "green")),
        values=words.WATCHING,
    )


def _pending_now() -> stat.Panel:
    about = (
        "By the most that the called side has said so far. Many in Trying and few that ring: the far side takes calls "
        "and does not pass them on."
    )
    return stats(
        Face("Calls being set up right now", about, "short", _NO_CALLS, 12, 4),
        *(Query(total("calls_pending", f'phase="{phase}"'), look.name) for phase, look in words.PHASES.items()),
        decimals=0,
    )


def _calls_now() -> stat.Panel:
    about = "First INVITEs in a minute, in the last five minutes of the time shown."
    query = Query(per_minute("calls_started_total", window=LATELY), "Calls")
    return stats(Face("Calls begun a minute", about, "short", _NO_CALLS, 5, 4), query, decimals=1)


def _calls_shown() -> stat.Panel:
    about = "Calls whose verdict fell in the time shown, and how many of them failed, by whosever doing."
    queries = (Query(count("calls_total", FINISHED), "Calls"), Query(count("calls_total", FAILED), "Failed"))
    return stats(Face("Calls in the time shown", about, "short", _NO_CALLS, 7, 4), *queries, decimals=0)


def _alerts() -> table.Panel:
    firing = f"max by ({_OF_ALERT}) ({_FIRING})"
    fired = f"max by ({_OF_ALERT}) (last_over_time({_FIRING}[{RANGE}]))"
    since = f"max by ({_OF_ALERT}) (ALERTS_FOR_STATE and ignoring (alertstate) {_FIRING})"
    about = "What fires, and what fired in the time shown. docs/runbook.md has a section for each: what to do first."
    keys = (
        Key("alertname", "Alert"),
        Key("severity", "Severity"),
        Key("source", "From"),
        Key("destination", "To"),
        Key("peer", "Peer"),
        Key("capture", "Interface"),
    )
    columns = (
        Column(f"{firing} or 0 * {fired}", "Now", values=words.STILL),
        Column(f"1000 * {since}", "Since", "dateTimeFromNow"),
    )
    return rows(Face("Alerts", about, "short", "No alert in the time shown"), keys, columns, sort="Now")


def _stuck_over_time() -> timeseries.Panel:
    about = (
        "How many INVITEs and BYEs had something wrong at each moment. Slow after Trying is only worth knowing; Rings "
        "and rings is somebody who does not pick up."
    )
    query = Query(total("invites_in_condition", by="condition"), "{{condition}}")
    face = Face("Stuck over time, hop by hop", about, "short", "No INVITE seen")
    return lines(face, query, looks=words.CONDITIONS, every="5s")


def _ratios() -> Row:
    about = "ASR, NER and SER, each point over five minutes or more. A gap: no call at all."
    shares = ratios.over_time(
        Face("Do calls get through?", about, "percentunit", _NO_CALLS), names=("ASR", "NER", "SER")
    )
    about = "Verdicts in a minute, by who is concerned. Points of exemplars lead to calls."
    kinds = lines(
        Face("Calls a minute, by what became of them", about, "short", _NO_CALLS),
        Query(happening("calls_total", by="category"), "{{category}}"),
        looks=words.CATEGORIES,
        stacked=True,
    )
    return Row("Are calls working?", (*ratios.figures(), shares, kinds))


def _failures() -> Row:
    return Row(
        "What goes wrong?",
        (_failed_kinds(), _failed_outcomes(), _marks(), _failed_over_time(), _odd(), _odd_over_time()),
    )


def _failed_kinds() -> bargauge.Panel:
    about = (
        "Technical fault and All lines busy are for administrators and providers; Busy, away or gave up for staffing; "
        "Not allowed and Number not found for accounts and dial plans."
    )
    query = Query(ranked(count("calls_total", FAILED, by="category")), "{{category}}")
    face = Face("Failed calls, by whose they are", about, "short", "No call failed", 7, 9)
    return bars(face, query, looks=words.CATEGORIES)


def _failed_outcomes() -> bargauge.Panel:
    about = "Failed calls in the time shown. The README has a table of these names, and of who should look at each."
    query = Query(ranked(count("calls_total", FAILED, by="outcome")), "{{outcome}}")
    face = Face("Failed calls, by what became of them", about, "short", "No call failed", 10, 9)
    return bars(face, query, looks=words.FAILURES)


def _marks() -> bargauge.Panel:
    about = (
        "Calls that are marked for a contact centre. Missed, not called back is lost business: list these calls with "
        "sipwatch replay. A mark may come late, when all is known that it needs; most calls have none."
    )
    query = Query(ranked(count("tagged_calls_total", by="tag")), "{{tag}}")
    face = Face("Calls with a mark", about, "short", "No call is marked", 7, 9)
    return bars(face, query, looks=words.TAGS)


def _failed_over_time() -> timeseries.Panel:
    about = "The same over time. What begins at one moment has one cause; look there. Exemplars lead to calls."
    query = Query(happening("calls_total", FAILED, by="outcome"), "{{outcome}}")
    face = Face("Failed calls a minute, by what became of them", about, "short", "No call failed", 24, 9)
    return lines(face, query, looks=words.FAILURES, stacked=True)


def _odd() -> bargauge.Panel:
    about = (
        "Answered calls that were not hung up as calls should be. Dropped means that somebody was still talking; a hang-up "
        "refused or unanswered may leave half a call up, and billed. sipwatch explain says what to do about each."
    )
    query = Query(ranked(count("calls_ended_total", ODD, by="ending")), "{{ending}}")
    face = Face("Answered, and ended oddly", about, "short", "Every call was hung up normally", 8)
    return bars(face, query, looks=words.ENDINGS)


def _odd_over_time() -> timeseries.Panel:
    about = "The same over time. Exemplars lead to calls."
    query = Query(happening("calls_ended_total", ODD, by="ending"), "{{ending}}")
    face = Face("Answered, and ended oddly, calls a minute", about, "short", "Every call was hung up normally", 16)
    return lines(face, query, looks=words.ENDINGS, stacked=True)


def _where() -> Row:
    return Row("Where does it go wrong?", (_by_end("destination", "To"), _by_end("source", "From"), _by_hop()))


def _by_end(label: str, heading: str) -> table.Panel:
    """Make a table of calls by one of their ends; a peer's name leads to its own page."""
    unheard = 'outcome=~"no_progress|not_responding"'
    columns = (
        Column(count("calls_total", FINISHED, by=label), "Calls"),
        Column(answered_share(by=label), "Answered", "percentunit", _SHARE),
        Column(count("calls_total", FAULTS, by=label), "Faults", steps=_SOME_ARE_BAD),
        Column(count("calls_total", unheard, by=label), "Stuck or silent", steps=_SOME_ARE_BAD),
        Column(count("calls_ended_total", ODD, by=label), "Ended oddly", steps=_SOME_ARE_BAD),
        Column(
            quantile(0.95, "session_request_delay_seconds", 'result="success"', by=label, window=RANGE),
            "95 % hear within",
            "s",
            _SECONDS,
            1,
        ),
    )
    about = {
        "destination": "By who was reached in the end. The name leads to the page about this peer.",
        "source": "By who began the call. The name leads to the page about this peer.",
    }[label]
    more = " Faults are technical, or all lines busy; stuck or silent are the worst of them. Ended oddly are answered ones."
    link = f"/d/{peers.UID}?var-{label}=${{__value.raw}}&{_ALONG}"
    face = Face(f"Peers, calls {heading.lower()} them", about + more, "short", _NO_CALLS)
    return rows(face, [Key(label, heading, link)], columns, sort="Faults")


def _by_hop() -> table.Panel:
    pair = "source, destination"

    def raised(condition: str) -> str:
        return count("invite_conditions_total", f'condition="{condition}"', by=pair)

    columns = (
        Column(count("invites_total", by=pair), "INVITEs"),
        *(
            Column(raised(condition), look.name, steps=_SOME_ARE_BAD)
            for condition, look in words.CONDITIONS.items()
            if condition != "slow_progress"
        ),
        Column(count("retransmissions_total", by=pair), "Sent again"),
    )
    about = (
        "Every hop that INVITEs went over, and how often something was wrong on it, whatever came of the call. A call "
        "that hangs on two hops hangs because of the last."
    )
    link = f"/d/{peers.UID}?var-source=${{__data.fields.From}}&var-destination=${{__data.fields.To}}&{_ALONG}"
    keys = (Key("source", "From", link), Key("destination", "To", link))
    return rows(Face("Hops", about, "short", "No INVITE seen", 24), keys, columns, sort="Stuck in Trying")


def _stuck() -> Row:
    return Row("Stuck calls, and how it went on", (_raised(), _resolved(), _phases(), _established(), _begun()))


def _raised() -> timeseries.Panel:
    about = "Conditions in a minute, at the moment they were raised, hop by hop. Exemplars lead to calls."
    query = Query(happening("invite_conditions_total", by="condition"), "{{condition}}")
    face = Face("Something went wrong, times a minute", about, "short", "Nothing was wrong")
    return lines(face, query, looks=words.CONDITIONS, stacked=True)


def _resolved() -> timeseries.Panel:
    about = (
        "How conditions ended. It rang after all: slow, not broken. Caller gave up, Refused, Nothing more came: these "
        "calls were lost. Exemplars lead to calls."
    )
    query = Query(happening("invite_conditions_resolved_total", by="resolution"), "{{resolution}}")
    face = Face("How that ended, times a minute", about, "short", "Nothing was wrong")
    return lines(face, query, looks=words.RESOLUTIONS, stacked=True)


def _phases() -> timeseries.Panel:
    about = "Calls being set up at each moment, by the most that the called side had said."
    query = Query(total("calls_pending", by="phase"), "{{phase}}")
    face = Face("Calls being set up", about, "short", _NO_CALLS, 8)
    return lines(face, query, looks=words.PHASES, stacked=True, every="5s")


def _established() -> timeseries.Panel:
    about = "Answered calls at each moment, by who was reached. Compare a trunk's with the channels you pay for."
    query = Query(total("calls_established", by="destination"), "{{destination}}")
    return lines(Face("Calls that are up, by whom they reached", about, "short", _NO_CALLS, 8), query, every="5s")


def _begun() -> timeseries.Panel:
    about = "First INVITEs in a minute, by who sent them. None at a busy hour: ask where they went."
    query = Query(per_minute("calls_started_total", by="source"), "{{source}}")
    return lines(Face("Calls begun a minute, by whom", about, "short", _NO_CALLS, 8), query)
