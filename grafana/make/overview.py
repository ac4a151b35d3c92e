"""The first page: are calls working, what is wrong, and where.

Must not know: how panels are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.make import colours, peers, ratios, words
from grafana.make.board import RUNBOOK, Row, board
from grafana.make.calls import (
    BY_CATEGORY,
    BY_CONDITION,
    BY_ENDING,
    BY_OUTCOME,
    BY_SOURCE,
    BY_TAG,
    IS_FAULTY,
    IS_FINISHED,
    IS_ODD,
    IS_UNHEARD,
    UNHEARD,
    calls_where,
    has_one,
    is_one,
    of_column,
)
from grafana.make.panels import (
    ANY_IS_WRONG,
    COUNT,
    NO_DATA,
    SHARE,
    Column,
    Face,
    Key,
    Query,
    Step,
    bars,
    lines,
    rows,
    stats,
)
from grafana.make.queries import (
    BROKEN,
    FAILED,
    FAULTS,
    FINISHED,
    LATELY,
    ODD,
    OF_INSTANCE,
    RANGE,
    answered_share,
    busiest,
    count,
    ever_counted,
    ever_most,
    happening,
    per_minute,
    quantile,
    ranked,
    series,
    total,
)
from sipwatch.classify.outcomes import Category

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

UID = "sipwatch-overview"

_ONE_MAY_BE = (NO_DATA, Step(0, colours.GOOD), Step(1, colours.ORANGE), Step(3, colours.RED))  # of this moment
# Of the time shown: what was wrong then is worth a look, and may be over.
_SHARE = (Step(None, colours.ORANGE), Step(0.3, "yellow"), Step(0.5, colours.GOOD))
_SOME_ARE_BAD = (Step(None, colours.GOOD), Step(1, "yellow"), Step(10, colours.ORANGE))
_SECONDS = (Step(None, colours.GOOD), Step(5, "yellow"), Step(8, colours.ORANGE))  # SipPostDialDelaySlow

# Most alerts are about peers, whichever instance has seen them.
_FIRING = 'ALERTS{alertname=~"Sip.*",alertstate="firing",instance=~"$instance|"}'
_OF_ALERT = "alertname, severity, source, destination, about"
_NO_CALLS = "No calls"
_ALONG = "${__url_time_range}&${datasource:queryparam}&${instance:queryparam}"  # what a link takes along
_SCRAPED = f'up{{job="sipwatch",{OF_INSTANCE}}}'


def made() -> Dashboard:
    """Make the page."""
    about = "Are calls working, what goes wrong, and where? From top to bottom: now, all calls, failures, peers, hops."
    return board(UID, "SIP calls: overview", about, (), (_now(), _ratios(), _failures(), _where(), _stuck()))


def _now() -> Row:
    first = (_alerts_firing(), _stuck_now(), _up_now(), _watching())
    second = (_pending_now(), _incidents(), _calls_now(), _calls_shown())
    return Row("Is anything wrong right now?", (*first, *second, _alerts(), _stuck_over_time()))


def _alerts_firing() -> stat.Panel:
    about = "Alerts that are firing at the end of the time shown. The table below names them."
    query = Query(f"count({_FIRING}) or 0 * count({_SCRAPED})", "Alerts")
    face = Face("Alerts firing", about, "short", "None", 4, 4)
    return stats(face, query, steps=ANY_IS_WRONG, values=words.NONE_FIRING)


def _stuck_now() -> stat.Panel:
    about = (
        "INVITEs and BYEs with something wrong at this moment. A call that hangs behind a server hangs on both hops and "
        "counts twice here."
    )
    return stats(
        Face("Wrong right now, hop by hop", about, "short", "No INVITE seen", 12, 4),
        *(Query(total("invites_in_condition", f'condition="{kind}"'), words.CONDITIONS[kind].name) for kind in BROKEN),
        steps=_ONE_MAY_BE,
        decimals=0,
    )


def _up_now() -> stat.Panel:
    about = "Answered calls that nobody has ended yet."
    query = Query(total("calls_established"), "Calls")
    return stats(Face("Calls in progress", about, "short", _NO_CALLS, 4, 4), query, decimals=0)


def _watching() -> stat.Panel:
    about = (
        "Yes: every sipwatch is scraped, and every interface it watches is up. While this says No, silence on this page "
        "means nothing. Grey: nobody was watching live at that time, as with a replayed capture."
    )
    return stats(
        Face("Is sipwatch watching?", about, "short", "Not live", 4, 4),
        Query(f"min({_SCRAPED} or {series('capture_up')})", "Watching"),
        steps=(NO_DATA, Step(0, colours.RED), Step(1, colours.GOOD)),
        values=words.WATCHING,
    )


def _pending_now() -> stat.Panel:
    about = (
        "By how far the called side has got. Many in Trying and few that ring: the far side takes calls and does not "
        "pass them on."
    )
    return stats(
        Face("Calls being set up right now", about, "short", _NO_CALLS, 10, 4),
        *(Query(total("calls_pending", f'phase="{phase}"'), look.name) for phase, look in words.PHASES.items()),
        decimals=0,
    )


def _incidents() -> stat.Panel:
    about = (
        "Shares of failed calls, or of calls that ended oddly, above what is usual for their peer. The page /incidents "
        "says since when, whom it touches, and what is still well. Needs `--store` and a week of calls."
    )
    steps = (NO_DATA, Step(0, colours.GOOD), Step(1, colours.ORANGE))
    return stats(
        Face("Incidents", about, "short", "No store", 4, 4),
        Query(total("incidents"), "Incidents"),
        steps=steps,
        decimals=0,
    )


def _calls_now() -> stat.Panel:
    about = "New calls per minute, over the last five minutes of the time shown."
    query = Query(per_minute("calls_started_total", window=LATELY), "Calls")
    return stats(Face("New calls per minute", about, "short", _NO_CALLS, 4, 4), query, decimals=1)


def _calls_shown() -> stat.Panel:
    about = (
        "Calls whose outcome was decided in the time shown, and how many of them failed, no matter through whose fault."
    )
    queries = (Query(count("calls_total", FINISHED), "Calls"), Query(count("calls_total", FAILED), "Failed"))
    return stats(Face("Calls in the time shown", about, "short", _NO_CALLS, 6, 4), *queries, decimals=0)


def _alerts() -> table.Panel:
    # An alert is about a pair of peers, one peer, or an interface.
    firing, since = (
        f'max by ({_OF_ALERT}) (label_join({query}, "about", "", "peer", "capture"))'
        for query in (_FIRING, f"(ALERTS_FOR_STATE and ignoring (alertstate) {_FIRING})")
    )
    fired = f'max by ({_OF_ALERT}) (label_join(last_over_time({_FIRING}[{RANGE}]), "about", "", "peer", "capture"))'
    about = (
        "Alerts that are firing, and those that fired in the time shown. "
        f"The [runbook](${{docs}}/{RUNBOOK}) has a section for each: what to do first."
    )
    keys = (
        Key("alertname", "Alert", f"${{docs}}/{RUNBOOK}", 225, "Runbook"),
        Key("severity", "Severity", width=90),
        Key("source", "From"),
        Key("destination", "To"),
        Key("about", "Peer or interface"),
    )
    columns = (
        Column(f"{firing} or 0 * {fired}", "Now", values=words.STILL, width=80),
        Column(f"1000 * {since}", "Since", "dateTimeFromNow", width=120),
    )
    return rows(Face("Alerts", about, "short", "No alert in the time shown", 24, 6), keys, columns, sort="Now")


def _stuck_over_time() -> timeseries.Panel:
    slow, rings = (words.CONDITIONS[kind].name for kind in ("slow_progress", "no_answer"))
    about = (
        f"How many INVITEs and BYEs had something wrong at each moment. '{slow}' is only worth knowing; '{rings}' is a "
        "person who does not pick up."
    )
    query = Query(total("invites_in_condition", by="condition"), "{{condition}}")
    face = Face("Wrong over time, hop by hop", about, "short", "No INVITE seen", 24, 7, BY_CONDITION)
    return lines(face, query, looks=words.CONDITIONS, every="5s")


def _ratios() -> Row:
    about = "ASR, NER and SER, each point over five minutes or more. A gap: no calls at all."
    shares = ratios.over_time(Face("Do calls get through?", about, SHARE, _NO_CALLS), names=("ASR", "NER", "SER"))
    about = "Outcomes per minute, by who is concerned. Exemplars (diamonds) lead to calls."
    kinds = lines(
        Face("Calls per minute, by kind of outcome", about, "short", _NO_CALLS, calls=BY_CATEGORY),
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
    names = {kind: look.name for kind, look in words.CATEGORIES.items()}
    about = (
        f"{names[Category.TECHNICAL]} and {names[Category.CAPACITY]} are for administrators and providers; "
        f"{names[Category.USER]} is for staffing; {names[Category.POLICY]} and {names[Category.ROUTING]} are for "
        "accounts and dial plans."
    )
    query = Query(ranked(count("calls_total", FAILED, by="category")), "{{category}}")
    return bars(
        Face("Failed calls by kind", about, COUNT, "No call failed", 7, 16, BY_CATEGORY), query, looks=words.CATEGORIES
    )


def _failed_outcomes() -> bargauge.Panel:
    about = "Failed calls in the time shown. The README has a table of these names, and of who should look at each."
    query = Query(ranked(count("calls_total", FAILED, by="outcome")), "{{outcome}}")
    return bars(
        Face("Failed calls by outcome", about, COUNT, "No call failed", 10, 16, BY_OUTCOME), query, looks=words.FAILURES
    )


def _marks() -> bargauge.Panel:
    about = (
        f"Calls with a tag for a contact centre. '{words.TAGS['waiting_callback'].name}' is lost business: list these "
        "calls with sipwatch callbacks. A tag may come late, when all is known that it needs; most calls have none."
    )
    query = Query(ranked(count("tagged_calls_total", by="tag")), "{{tag}}")
    return bars(Face("Tagged calls", about, COUNT, "No call has a tag", 7, 16, BY_TAG), query, looks=words.TAGS)


def _failed_over_time() -> timeseries.Panel:
    about = "The same over time. What begins at one moment has one cause; look there. Exemplars lead to calls."
    query = Query(happening("calls_total", FAILED, by="outcome"), "{{outcome}}")
    face = Face("Failed calls per minute by outcome", about, "short", "No call failed", 24, 9, BY_OUTCOME)
    return lines(face, query, looks=words.FAILURES, stacked=True)


def _odd() -> bargauge.Panel:
    about = (
        "Answered calls that did not end as calls should. Dropped means that somebody was still talking; a hang-up that "
        "was refused or unanswered may leave half a call up, and billed. sipwatch explain says what to do about each."
    )
    query = Query(ranked(count("calls_ended_total", ODD, by="ending")), "{{ending}}")
    face = Face("Answered calls that ended oddly", about, COUNT, "Every call was hung up normally", 8, 10, BY_ENDING)
    return bars(face, query, looks=words.ENDINGS)


def _odd_over_time() -> timeseries.Panel:
    about = "The same over time. Exemplars lead to calls."
    query = Query(happening("calls_ended_total", ODD, by="ending"), "{{ending}}")
    face = Face(
        "Calls that ended oddly, per minute", about, "short", "Every call was hung up normally", 16, 10, BY_ENDING
    )
    return lines(face, query, looks=words.ENDINGS, stacked=True)


def _where() -> Row:
    return Row("Where does it go wrong?", (_by_end("destination", "To"), _by_end("source", "From"), _by_hop()))


def _by_end(label: str, heading: str) -> table.Panel:
    """Make a table of calls by one of their ends; a peer's name leads to its own page."""
    unheard = f'outcome=~"{"|".join(UNHEARD)}"'
    this = is_one(label, of_column(heading))

    def some(query: str, heading: str, condition: str) -> Column:
        return Column(query, heading, steps=_SOME_ARE_BAD, calls=calls_where(condition, this))

    columns = (
        Column(count("calls_total", FINISHED, by=label), "Calls", calls=calls_where(IS_FINISHED, this)),
        Column(answered_share(by=label), "Answered", SHARE, _SHARE),
        some(count("calls_total", FAULTS, by=label), "Faults", IS_FAULTY),
        some(count("calls_total", unheard, by=label), "Stuck or silent", IS_UNHEARD),
        some(count("calls_ended_total", ODD, by=label), "Ended oddly", IS_ODD),
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
    more = (
        " Faults: technical, or all lines busy; stuck or silent are the worst of them. Ended oddly: answered, and then "
        "dropped or not hung up properly."
    )
    link = f"/d/{peers.UID}?var-{label}=${{__value.raw}}&{_ALONG}"
    face = Face(f"Peers: calls {heading.lower()} them", about + more, "short", _NO_CALLS, 24, 9)
    return rows(face, [Key(label, heading, link)], columns, sort="Faults")


def _by_hop() -> table.Panel:
    pair = "source, destination"
    hop = has_one(f"{of_column('From')}>{of_column('To')}", "hops")

    def raised(condition: str) -> str:
        return count("invite_conditions_total", f'condition="{condition}"', by=pair)

    columns = (
        Column(count("invites_total", by=pair), "INVITEs", calls=calls_where(hop)),
        *(
            Column(
                raised(condition),
                look.name,
                steps=_SOME_ARE_BAD,
                calls=calls_where(has_one(condition, "conditions"), hop),
            )
            for condition, look in words.CONDITIONS.items()
            if condition in BROKEN
        ),
        Column(count("retransmissions_total", by=pair), "Retransmitted"),
    )
    about = (
        "Every hop that INVITEs went over, and how often something was wrong on it, whatever became of the call. A call "
        "that hangs on two hops hangs because of the last."
    )
    link = f"/d/{peers.UID}?var-source=${{__data.fields.From}}&var-destination=${{__data.fields.To}}&{_ALONG}"
    keys = (Key("source", "From", link), Key("destination", "To", link))
    stuck = words.CONDITIONS["no_progress"].name
    return rows(Face("Hops", about, "short", "No INVITE seen", 24, 9), keys, columns, sort=stuck)


def _stuck() -> Row:
    panels = (_raised(), _resolved(), _phases(), _established(), _begun())
    return Row("What was wrong on the way, and how did it go on?", panels)


def _raised() -> timeseries.Panel:
    about = "Conditions per minute, at the moment they were raised, hop by hop. Exemplars lead to calls."
    query = Query(happening("invite_conditions_total", by="condition"), "{{condition}}")
    face = Face("Conditions raised per minute", about, "short", "Nothing was wrong", calls=BY_CONDITION)
    return lines(face, query, looks=words.CONDITIONS, stacked=True)


def _resolved() -> timeseries.Panel:
    names = words.RESOLUTIONS
    about = (
        f"How conditions ended. '{names['progressed'].name}' was slow, not broken. '{names['cancelled'].name}', "
        f"'{names['failed'].name}' and '{names['expired'].name}': these calls were lost. Exemplars lead to calls."
    )
    query = Query(happening("invite_conditions_resolved_total", by="resolution"), "{{resolution}}")
    face = Face("How they ended, per minute", about, "short", "Nothing was wrong")
    return lines(face, query, looks=names, stacked=True)


def _phases() -> timeseries.Panel:
    about = "Calls being set up at each moment, by how far the called side had got."
    query = Query(total("calls_pending", by="phase"), "{{phase}}")
    face = Face("Calls being set up", about, "short", _NO_CALLS, 24, 7)
    return lines(face, query, looks=words.PHASES, stacked=True, every="5s")


def _established() -> timeseries.Panel:
    about = (
        "Answered calls at each moment, by who was reached: the ten with the most. Compare a trunk's with the channels "
        "you pay for."
    )
    query = busiest(total("calls_established", by="destination"), "destination", ever_most("calls_established"))
    face = Face("Calls in progress, by who was reached", about, "short", _NO_CALLS, 12, 9)
    return lines(face, Query(query, "{{destination}}"), every="5s", named=True)


def _begun() -> timeseries.Panel:
    about = "New calls per minute, by who sent them: the ten with the most. None at a busy hour: ask where they went."
    query = busiest(per_minute("calls_started_total", by="source"), "source", ever_counted("calls_started_total"))
    face = Face("New calls per minute, by who sent them", about, "short", _NO_CALLS, 12, 9, BY_SOURCE)
    return lines(face, Query(query, "{{source}}"), named=True)
