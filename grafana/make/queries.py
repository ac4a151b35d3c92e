"""PromQL, put together from small parts.

Must not know: panels. Windows are Grafana's own: ``RATE`` fits the points of a graph, ``RANGE`` is all the time shown.
Everything is computed from what sipwatch exports, not from recording rules: a replayed history lies in Prometheus
without any rule ever having been evaluated.
"""

from __future__ import annotations

from sipwatch.classify import outcomes
from sipwatch.classify.endings import UNREMARKABLE, Ending
from sipwatch.classify.outcomes import Category
from sipwatch.track.conditions import Condition

RATE = "$__rate_interval"
RANGE = "$__range"
LATELY = "5m"  # for a figure of this moment that needs some past

# What a query is narrowed to by the variables of a page.
BETWEEN = 'source=~"$source",destination=~"$destination"'
OF_INSTANCE = 'instance=~"$instance"'

FINISHED = 'outcome!="unfinished"'  # unfinished calls are in no ratio (RFC 6076 over calls)
ANSWERED = 'outcome="answered"'
FAILED = f'category!~"{"|".join(one for one in Category if one not in outcomes.FAILED)}"'
END_SEEN = f'ending!~"{Ending.CAPTURE_END}|{Ending.EVICTED}"'
ODD = f'ending!~"{"|".join(sorted(UNREMARKABLE))}"'  # of answered calls: not hung up as calls should be
FAULTS = f'category=~"{"|".join(outcomes.FAULTS)}"'
# No user's doing: while these last, something is broken. Phones that ring for long are none of them.
BROKEN = (Condition.NO_RESPONSE, Condition.NO_PROGRESS, Condition.ACK_MISSING, Condition.BYE_UNANSWERED)

MOST_LINES = 10  # of peers, or pairs of them, in one graph; more cannot be told apart

# Differences of rates leave dust: less than any real call in the longest window is nothing.
_SOME = "> 1e-9"


def series(metric: str, *where: str) -> str:
    """Return a selector, narrowed to the instance that is chosen. A replayed history has none, which is any as well."""
    return f"sipwatch_{metric}{{{','.join((*filter(None, where), OF_INSTANCE))}}}"


def total(metric: str, *where: str, by: str = "") -> str:
    """Return the sum of a gauge."""
    return _sum(series(metric, *where), by)


def count(metric: str, *where: str, by: str = "") -> str:
    """Return how often something happened in the whole time shown."""
    return _sum(f"increase({series(metric, *where)}[{RANGE}])", by)


def busiest(query: str, by: str, ever: str) -> str:
    """Return those series of a query that had the most of ``ever`` in all the time shown."""
    return f"{query} and topk({MOST_LINES}, sum by ({by}) ({ever}))"


def ever_most(metric: str, *where: str) -> str:
    """Return the most that a gauge stood at in the time shown."""
    return f"max_over_time({series(metric, *where)}[{RANGE}] @ end())"


def ever_counted(metric: str, *where: str) -> str:
    """Return how often something happened in all the time shown, the same at each of its points."""
    return f"increase({series(metric, *where)}[{RANGE}] @ end())"


def ranked(query: str) -> str:
    """Return what is more than nothing, the most first."""
    return f"sort_desc({query} > 0)"


def per_minute(metric: str, *where: str, by: str = "", ago: str = "", window: str = RATE) -> str:
    """Return how often something happens in a minute."""
    return f"60 * {per_second(metric, *where, by=by, ago=ago, window=window)}"


def happening(metric: str, *where: str, by: str) -> str:
    """Return how often each happens in a minute, without those that never did in the time shown: legends are short."""
    ever = _sum(ever_counted(metric, *where), by)
    return f"{per_minute(metric, *where, by=by)} and {ever} > 0"


def per_second(metric: str, *where: str, by: str = "", ago: str = "", window: str = RATE) -> str:
    """Return how often something happens in a second; ``ago`` looks back, for instance by ``1w``."""
    return _sum(_rate(metric, *where, ago=ago, window=window), by)


def buckets(metric: str, *where: str) -> str:
    """Return a histogram's buckets for a heatmap."""
    return _sum(f"increase({series(metric + '_bucket', *where)}[{RATE}])", "le")


def quantile(share: float, metric: str, *where: str, by: str = "", ago: str = "", window: str = RATE) -> str:
    """Return the time within which this share of all stayed; nothing where there were none, which alone gives NaN."""
    split = f"le,{by}" if by else "le"
    return (
        f"histogram_quantile({share:g}, {_sum(_rate(metric + '_bucket', *where, ago=ago, window=window), split)}) >= 0"
    )


def ratio(part: str, whole: str) -> str:
    """Return a share: nothing where there is no whole, instead of NaN, and 0 where the part has not happened yet."""
    return f"({part} or 0 * ({whole})) / ({whole} {_SOME})"


def answered_share(*where: str, by: str) -> str:
    """Return the share of answered calls in the whole time shown, for each value of a label."""
    return ratio(count("calls_total", ANSWERED, *where, by=by), count("calls_total", FINISHED, *where, by=by))


def call_ratios(*where: str, window: str, ago: str = "") -> dict[str, str]:
    """Return ASR, NER and RFC 6076's SER, SEER, ISA and SCR, for calls that are narrowed by labels."""
    later = f" offset {ago}" if ago else ""

    def of(metric: str, *more: str) -> str:
        return f"sum(increase({series(metric, *more, *where)}[{window}]{later}))"

    def or_none(query: str) -> str:
        # Series by code appear with their first event, and before that none stands for 0.
        return f"({query} or 0 * {calls})"

    def finals(codes: str) -> str:
        return of("call_final_responses_total", f'status_code=~"{codes}"')

    calls = of("calls_total", FINISHED)
    # By the outcome: an answer that was not captured, but must have been, has no status code.
    answered = of("calls_total", ANSWERED)
    refused = or_none(finals("480|486|600|603"))
    not_redirected = f"({calls} - {or_none(finals('3..'))})"
    unheard = of("calls_timed_out_total", 'timer="B"')
    broken = or_none(finals("408|500|503|504"))
    return {
        "ASR": ratio(answered, calls),
        "SER": ratio(answered, not_redirected),
        "SEER": ratio(f"({or_none(answered)} + {refused})", not_redirected),
        "NER": ratio(of("calls_total", f'category=~"{Category.SUCCESS}|{Category.USER}"'), calls),
        "ISA": ratio(f"({broken} + {or_none(unheard)})", calls),
        "SCR": ratio(of("session_disconnect_delay_seconds_count"), calls),
    }


def of_sipwatch(query: str) -> str:
    """Return a query about a process, narrowed to what was sipwatch at any time shown, also when it is down now."""
    return f"{query} and on (job, instance) last_over_time({series('build_info')}[{RANGE}])"


def _rate(metric: str, *where: str, ago: str, window: str) -> str:
    later = f" offset {ago}" if ago else ""
    return f"rate({series(metric, *where)}[{window}]{later})"


def _sum(query: str, by: str) -> str:
    return f"sum by ({by}) ({query})" if by else f"sum({query})"
