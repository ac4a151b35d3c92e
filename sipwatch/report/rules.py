"""A configuration's rules in words, and what is doubtful about them without being wrong.

Must not know: where the configuration came from, or where the words go.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import TYPE_CHECKING

from sipwatch.classify.causes import BY_STATUS_AND_ALERT, cause_outcome, stands_against, status_outcome
from sipwatch.classify.peers import PeerKind
from sipwatch.export.naming import name_of_any
from sipwatch.packet import SECOND
from sipwatch.track.table import TIMER_B, Heard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.classify.outcomes import Outcome
    from sipwatch.classify.peers import Peer, Rule, Settings
    from sipwatch.track.timers import Timers

_HEARD = {
    Heard.NOTHING: "nothing at all had been heard",
    Heard.TRYING: "no more than 100 Trying had been heard",
    Heard.PROGRESSED: "it had progressed (181, 182, 199) without ringing",
    Heard.ALERTED: "it had rung (180 or 183)",
}


def rule_in_words(peer: Peer, rule: Rule) -> str:
    """Say what a rule does."""
    parts = []
    if rule.status_code is not None:
        parts.append(f"it ends with {rule.status_code}")
    if rule.cause is not None:
        parts.append(f"a Reason header gives cause {rule.cause} of {rule.cause_protocol or 'any protocol'}")
    if rule.reason_text is not None:
        parts.append(f"its reason phrase, or the text of a Reason header, has {rule.reason_text.source!r} in it")
    if rule.header is not None:
        parts.append(f"it ends with a header {rule.header}{_holding(rule)}")
    if rule.heard is not None:
        parts.append(_HEARD[rule.heard])
    if rule.early_media is not None:
        parts.append(f"there was {'' if rule.early_media else 'no '}early media (183 with SDP)")
    head = f"A call to or from {peer.name} counts as {name_of_any(rule.outcome)} ({rule.outcome})"
    return f"{head} if {_and(parts)}."


def _holding(rule: Rule) -> str:
    return "" if rule.value is None else f" that has {rule.value.source!r} in it"


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def remarks(settings: Settings) -> list[str]:
    """Say what is doubtful, one line for each."""
    found = list(_about_timers("[timers]", settings.timers))
    covered = {id(peer) for peer in settings.peers if _is_covered(peer, settings.peers)}
    for peer in settings.peers:
        if peer.timers is not None:
            found += _about_timers(peer.name, peer.timers)
        if id(peer) in covered:
            found.append(f"{peer.name}: longer prefixes of others cover all of its addresses, nobody is found under it")
        for rule in peer.rules:
            if usual(peer, rule) is rule.outcome:
                where = f"{peer.name}, rule on line {rule.line}" if rule.line else peer.name
                exception = "unless a Reason header says otherwise" if rule.cause is None else "in most cases"
                found.append(f"{where}: this comes out as {rule.outcome} without a rule, too, {exception}")
    return found


def usual(peer: Peer, rule: Rule) -> Outcome | None:
    """Return what comes out without a rule where this one applies; None where that depends."""
    code = rule.status_code
    if rule.reason_text is not None or rule.header_forms[0] == b"reason":
        return None  # words decide some things by themselves
    if code is not None and (code < 300 or code == 487):
        return None
    if rule.cause is not None and not (code is not None and stands_against(code, rule.cause)):
        return cause_outcome(rule.cause, None) if rule.cause_protocol != "SIP" else None
    alerted = rule.heard is Heard.ALERTED or bool(rule.early_media)
    if code is None or (code in BY_STATUS_AND_ALERT and rule.heard is None and not rule.early_media):
        return None
    return status_outcome(code, alerted, peer.kind is PeerKind.TRUNK)


def _about_timers(whose: str, timers: Timers) -> Iterable[str]:
    if timers.slow_progress_after >= timers.no_progress_after:
        slow, stuck = _seconds(timers.slow_progress_after), _seconds(timers.no_progress_after)
        words = f"slow_progress_after ({slow}) is not before no_progress_after ({stuck})"
        yield f"{whose}: {words}, so nothing is slow before it is stuck"
    if timers.no_response_after >= TIMER_B:
        late = _seconds(timers.no_response_after)
        words = f"no_response_after ({late}) is not before a call is given up, {_seconds(TIMER_B)}"
        yield f"{whose}: {words}, so no_response is never raised"


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / SECOND:g} s"


def _is_covered(peer: Peer, peers: list[Peer]) -> bool:
    """Tell whether each address of a peer belongs to somebody with a longer prefix."""
    others = [network for other in peers if other is not peer for network in other.networks]
    return bool(peer.networks) and not peer.hosts and all(_covers(network, others) for network in peer.networks)


def _covers(network: IPv4Network | IPv6Network, others: list[IPv4Network | IPv6Network]) -> bool:
    if isinstance(network, IPv4Network):
        within4 = [o for o in others if isinstance(o, IPv4Network) and o != network and o.subnet_of(network)]
        return list(collapse_addresses(within4)) == [network]
    within6 = [o for o in others if isinstance(o, IPv6Network) and o != network and o.subnet_of(network)]
    return list(collapse_addresses(within6)) == [network]
