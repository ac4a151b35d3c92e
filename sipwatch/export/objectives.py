"""Goals of peers as rules for Prometheus: alerts on how fast the failures that an objective allows are used up.

Multi-window, multi-burn-rate alerts of the Site Reliability Workbook (Google, 2018), chapter 5, table 5-8: a long
window says that it matters, a short one that it still goes on. Bad is what machines and lines do, never what people do.

Must not know: files, or where the configuration came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sipwatch.classify.outcomes import FAULTS, Outcome
from sipwatch.export.addresses import PAGES, calls_address, runbook_address, since_alert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEAST_CALLS: Final = 20  # of the long window; no alert follows from one failed call
LEAST_FAULTS: Final = 5
_MOST: Final = 0.9  # share of faults; 14.4 times what an objective of 0.9 allows would be more than all calls
_LONG: Final = 80  # characters; longer texts are folded
PERIOD_DAYS: Final = 30  # days that an objective is for
_WINDOWS: Final = ("5m", "30m", "1h", "6h", "3d")
_SPANS: Final = {"1h": 3600, "6h": 21_600, "3d": 259_200}  # seconds
_FAULTY: Final = 'category in ["' + '", "'.join(FAULTS) + '"] and destination == "{{ $labels.destination }}"'
_OBJECTIVE: Final = "destination:sipwatch_objective:ratio"

Rule = dict[str, Any]
Group = dict[str, Any]


class Objective(NamedTuple):
    """The share of calls to a peer that shall not fail by a fault."""

    peer: str
    share: float


class ObjectiveBudget(NamedTuple):
    """How much of what an objective allows is used: so many faults of so many calls, where so many may be.

    ``left`` is the share of the allowed faults that is still to come, below 0 where there were more.
    """

    calls: int
    faults: int
    allowed: float
    left: float


def budget_of(share: float, calls: int, faults: int) -> ObjectiveBudget | None:
    """Return what is left of an objective's share after so many calls, None without any."""
    allowed = calls * (1 - share)
    return ObjectiveBudget(calls, faults, round(allowed, 1), 1 - faults / allowed) if allowed else None


class Burn(NamedTuple):
    """An alert: how many times as fast as the objective allows, within which windows, and for how long."""

    alert: str
    factor: float
    long: str
    long_words: str
    short: str
    lasting: str
    severity: str
    what_to_do: str


BURNS: Final = (
    Burn(
        *("SipPeerBudgetBurningFast", 14.4, "1h", "an hour", "5m", "2m", "critical"),
        "Look at what fails now, move calls to another route, and call the provider with fresh examples.",
    ),
    Burn(
        *("SipPeerBudgetBurning", 6, "6h", "six hours", "30m", "5m", "critical"),
        "See which outcome it is and since when; move calls to another route if it goes on.",
    ),
    Burn(
        *("SipPeerBudgetBurningSlowly", 1, "3d", "three days", "6h", "30m", "warning"),
        "Nothing is on fire. Find the failure that keeps coming back, and send the provider examples of it.",
    ),
)


def rule_groups(objectives: Sequence[Objective], pages: str = PAGES) -> list[Group]:
    """Return groups of rules for these peers, as Prometheus reads them; ``pages`` is where their links begin."""
    short = [rule for window in _WINDOWS[:-1] for rule in _recorded(objectives, window)]
    return [
        {"name": "sipwatch-objectives", "rules": [*map(_goal, objectives), *short]},
        # Days of history need not be added up every few seconds.
        {"name": "sipwatch-objectives-days", "interval": "2m", "rules": _recorded(objectives, _WINDOWS[-1])},
        {"name": "sipwatch-alerts-objectives", "rules": alert_rules(pages)},
    ]


def alert_rules(pages: str = PAGES) -> list[Rule]:
    """Return the alerts, which are the same for all peers."""
    return [_alert(burn, pages) for burn in BURNS]


def rules_text(objectives: Sequence[Objective], of: str, pages: str = PAGES) -> str:
    """Return the text of a rule file; ``of`` names what it was made from, on one line, ``pages`` where links begin."""
    import yaml  # noqa: PLC0415 - only this command writes YAML

    class Dumper(yaml.SafeDumper):
        """Writes expressions over several lines as they are."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else ">" if len(value) > _LONG else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    groups = yaml.dump({"groups": rule_groups(objectives, pages)}, Dumper=Dumper, sort_keys=False, width=110)
    return f"{_HEAD.format(of=of)}{groups}"


_HEAD: Final = """\
# Goals of peers, made of {of} by: sipwatch rules. Make it anew when a peer or an objective changes.
#
# Of the calls that reached a peer in the end (destination), so many may fail by a fault: technical, or all lines taken.
# Busy, unanswered, refused and misdialled calls are no fault. An alert wants a long window in which failures come so
# many times as fast as the objective allows, and a short one in which they still do.
"""


def _goal(objective: Objective) -> Rule:
    return {
        "record": _OBJECTIVE,
        "expr": f"vector({objective.share:g})",
        "labels": {"destination": objective.peer},
    }


def _recorded(objectives: Iterable[Objective], window: str) -> list[Rule]:
    """Return rules for how many calls there were, how many failed by a fault, and which share that is."""
    peers = "|".join(one.peer.replace(".", "[.]") for one in objectives)
    calls, faults, share = (f"destination:sipwatch_{name}{window}" for name in _RECORDED)

    def counted(which: str) -> str:
        return f'sum by (destination) (increase(sipwatch_calls_total{{destination=~"{peers}",{which}}}[{window}]))'

    return [
        {"record": calls, "expr": counted(f'outcome!="{Outcome.UNFINISHED}"')},
        {"record": faults, "expr": counted(f'category=~"{"|".join(FAULTS)}"')},
        {"record": share, "expr": f"{faults} / ({calls} > 1e-9)"},
    ]


_RECORDED: Final = ("calls:increase", "calls_faulty:increase", "calls_faulty:ratio_increase")


def _alert(burn: Burn, pages: str) -> Rule:
    calls, faults, share = (f"destination:sipwatch_{name}" for name in _RECORDED)
    times = f"{burn.factor:g} * " if burn.factor != 1 else ""
    limit = f"clamp_max({times}(1 - {_OBJECTIVE}), {_MOST})"
    conditions = (
        f"{faults}{burn.long} >= {LEAST_FAULTS}",
        f"{calls}{burn.long} >= {LEAST_CALLS}",
        f"{share}{burn.long} > {limit}",
        f"{share}{burn.short} > {limit}",
    )
    days = PERIOD_DAYS / burn.factor
    return {
        "alert": burn.alert,
        "expr": "\nand\n".join(conditions) + "\n",
        "for": burn.lasting,
        "labels": {"severity": burn.severity, "area": "traffic"},
        "annotations": {
            "summary": (
                'Calls to {{ $labels.destination }} fail too often for its objective: {{ printf "%.0f" $value }} by a '
                f"fault within {burn.long_words}"
            ),
            "description": (
                f"Faults are technical failures and full lines, not busy callees. At this rate, what the objective "
                f"allows in {PERIOD_DAYS} days is used up within {days:.0f} days. {burn.what_to_do}"
            ),
            "calls_url": calls_address(pages, since=since_alert(_SPANS[burn.long]), filter=_FAULTY),
            "incidents_url": f"{pages}/incidents?peer={{{{ $labels.destination }}}}",
            "runbook_url": runbook_address(burn.alert, pages),
        },
    }
