"""Which transaction a message belongs to, and which answer an ACK acknowledges (OUTCOMES §2.3).

Must not know: what a message means for a call, outcomes, clocks.

An observer cannot ask an endpoint's transaction layer, and what it sees was often changed on the way: elements answer
without their own Via or from another port, NATs move ends, stacks get CSeq numbers wrong. So the strict match of
RFC 3261 §17.1.3 comes first, and what is looser only where it finds nothing; a looser match never takes a message
away from a transaction that it fits strictly.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from sipwatch.wire.sip import header, header_values, split_values, uri_of, via_branches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.track.answers import Answer
    from sipwatch.track.call import Call
    from sipwatch.track.dialog import Exchange
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message, Path, Request, Response

_AT: Final = 0x40
_COLON: Final = 0x3A
MAX_ROUTES: Final = 32  # Record-Route values looked at


class Sent(Protocol):
    """A transaction as far as matching needs it: on one hop, with the request that began it."""

    branch: bytes
    cseq_number: int
    path: Path
    final: Response | None
    branches: frozenset[bytes] | None  # of all its Via, once somebody had to look

    @property
    def request(self) -> Request:
        """Return the request that began it."""


S = TypeVar("S", bound=Sent)


def leg_of(call: Call, message: Message, key: bytes) -> Leg | None:
    """Return the leg of this very transaction on this very hop; ``key`` is the INVITE's direction.

    The CSeq number stands beside the branch for stacks that use a branch twice, and for RFC 2543
    branches, which are not unique (RFC 3261 §17.2.3).
    """
    # The RFC's key is branch, sent-by and method. sent-by is what a NAT belies, so the two ends stand in its place: a
    # proxy that forwards with the branch unchanged makes another hop of the same branch, never a retransmission.
    for leg in reversed(call.legs):
        if leg.branch == message.branch and leg.cseq_number == message.cseq_number and leg.path.key == key:
            return leg
    return None


def exchange_of(call: Call, message: Message, method: str, key: bytes) -> Exchange | None:
    """Return the transaction inside a dialog that a message belongs to; ``key`` is the request's direction."""
    if call.dialogs is None:
        return None
    for exchange in reversed(call.dialogs.exchanges):
        if (
            exchange.branch == message.branch
            and exchange.method == method
            and exchange.cseq_number == message.cseq_number
            and exchange.path.key == key
        ):
            return exchange
    return None


def leg_near(call: Call, response: Response) -> Leg | None:
    """Return the leg that a response fits loosely."""
    return _near(call.legs, response)


def exchange_near(call: Call, response: Response) -> Exchange | None:
    """Return the transaction inside a dialog that a response fits loosely."""
    if call.dialogs is None:
        return None
    return _near([one for one in call.dialogs.exchanges if one.method == response.cseq_method], response)


def _near(all_sent: Sequence[S], response: Response) -> S | None:
    """Match by a branch farther down the Via stack, then by the two ends, then by the sender alone.

    Elements that answer without their own Via, or with one too many, leave the rest of the stack (§18.2.2 would not):
    the topmost branch of one stack then stands farther down in the other. Two legs of a fork share what is below only.
    With another branch altogether only an open transaction is taken: a finished one has had its answer, and this may
    be one to a request that was not captured. An answer that comes from elsewhere (another address of the server, a
    port changed by NAT, a new TCP connection) must have the transaction's own branch, or have lost them all: the legs
    of a fork all share the caller's.
    """
    path = response.path
    branches = frozenset(via_branches(response.raw))
    by_ends: S | None = None
    by_sender: S | None = None
    for sent in reversed(all_sent):
        if sent.cseq_number != response.cseq_number:
            continue
        hop = sent.path
        # One Via too many puts our branch second; one too few puts the sender's own below ours on top. Both are an
        # element's mistake about its own Via alone; what lies deeper all forks share, and it proves nothing.
        own = not branches or sent.branch in branches
        if hop.key == path.reverse_key:
            if own or response.branch in _branches_of(sent):
                return sent
            # Another branch altogether: a copy of a finished transaction's answer would fit as well, so only one that
            # still waits is taken, and the latest of those.
            if by_ends is None and sent.final is None:
                by_ends = sent
        elif _comes_back(hop, path) and (own or _differs_in_ports_only(hop, path)):
            by_sender = sent if by_sender is None or hop.source == path.destination else by_sender
    return by_ends or by_sender


def _branches_of(sent: S) -> frozenset[bytes]:
    """Return the branches of a request's Via stack; read once, as a stranger may have hundreds of legs asked for it."""
    if sent.branches is None:
        sent.branches = frozenset(via_branches(sent.request.raw))
    return sent.branches


def _comes_back(hop: Path, path: Path) -> bool:
    """Tell whether a response goes to the sender of a request, and is not its own."""
    return hop.source_address == path.destination_address and path.source != hop.source


def _differs_in_ports_only(hop: Path, path: Path) -> bool:
    return hop.destination_address == path.source_address and hop.source_address != hop.destination_address


def leg_cancelled(call: Call, cancel: Request) -> Leg | None:
    """Return the open leg that a CANCEL with another branch means: same ends and CSeq number (§9.1 wants the same).

    One that was already cancelled, or that has ended, is not meant.
    """
    # §9.1 wants the branch of the INVITE; stacks that make a new one get a 481, or succeed at a server that is as lax.
    # To call it the caller's giving up is right in both cases; ``cancel_answered`` takes it back at a 481.
    for leg in reversed(call.legs):
        if leg.path.key == cancel.path.key and leg.cseq_number == cancel.cseq_number and leg.final is None:
            return leg if leg.cancel is None else None
    return None


def has_wrong_cseq(call: Call, response: Response) -> bool:
    """Tell whether a response has the branch of a request on this hop, and the CSeq number of none."""
    if not response.branch:
        return False
    key = response.path.reverse_key
    for leg in call.legs:
        if leg.branch == response.branch and leg.path.key == key and response.cseq_method == "INVITE":
            return leg.cseq_number != response.cseq_number
    for exchange in () if call.dialogs is None else call.dialogs.exchanges:
        if exchange.branch == response.branch and exchange.path.key == key and exchange.method == response.cseq_method:
            return exchange.cseq_number != response.cseq_number
    return False


# The ACK of a 2xx is a transaction of its own, from end to end (RFC 3261 §13.2.2.4)


class Acknowledged:
    """What an ACK with a branch of its own does.

    ``answers`` it acknowledges, ``missed`` it fails to; ``unseen`` are open hops that it shows to be answered.
    """

    __slots__ = ("answers", "missed", "unseen")

    def __init__(self) -> None:
        self.answers: list[tuple[Leg, Answer]] = []
        self.missed: list[Answer] = []
        self.unseen: list[Leg] = []


def only_answer(call: Call, ack: Request) -> Answer | None:
    """Return what an ACK acknowledges in the plainest of calls: one leg, one answer, the same hop. Most are so."""
    if len(call.legs) > 1:
        return None
    leg = call.legs[0]
    answers = leg.answers
    if answers is None or len(answers) > 1 or leg.path.key != ack.path.key or leg.cseq_number != ack.cseq_number:
        return None
    return answers[0] if answers[0].tag == ack.to_tag and leg.final is not None else None


def acknowledged(call: Call, ack: Request) -> Acknowledged:
    """Say what an ACK acknowledges: the 2xx whose To tag it carries, when it goes where that 2xx asks it to go.

    Along a hop that was seen it acknowledges there. Else it goes from end to end, to a Record-Route or to the Contact
    of the 2xx; where these name no address it may go anywhere. One that goes elsewhere acknowledges nothing.
    """
    # The ACK copies the INVITE's CSeq number (§13.2.2.4), which alone tells a retry's from the first try's: both carry
    # the same tags where the callee answers with the tag of its challenge.
    found = Acknowledged()
    legs = [leg for leg in call.legs if leg.cseq_number == ack.cseq_number and not leg.followed]
    key = ack.path.key
    along = [leg for leg in legs if leg.path.key == key] or [leg for leg in legs if _is_along(leg, ack.path)]
    # An ACK that runs along no hop that was seen is past a record-routing proxy, or goes straight to the Contact. That
    # it shows an open hop to be answered can be believed only where its tag is that of a known dialog; else it may be
    # of a branch of the call that passes us by.
    known = not along and _is_known(call, ack.to_tag)
    for leg in along or legs:
        if leg.final is None:
            if ack.to_tag and (along or (known and leg.path.source_address == ack.path.source_address)):
                found.unseen.append(leg)
            continue
        answer = _tagged(leg, ack.to_tag)
        if answer is None:
            found.missed += [one for one in leg.answers or () if along and one.acked_at < 0]
        elif along or _is_addressed(leg, answer, ack.path):
            found.answers.append((leg, answer))
        elif leg.path.source_address == ack.path.source_address:
            found.missed.append(answer)
    # A hop with the very answer explains the ACK: then it says nothing of others that are open on the same path.
    if along and found.answers:
        found.unseen.clear()
    elif len(found.unseen) > 1:
        found.unseen = [max(found.unseen, key=lambda leg: _speaks_as(leg, ack.to_tag))]
    return found


def _speaks_as(leg: Leg, tag: bytes) -> tuple[bool, bool, bool, int, int]:
    """Say how likely an open leg is the one that a lost 2xx with this To tag came on: an ACK is of one leg only.

    Two phones behind one address, or one INVITE sent anew to the same place, stand on the same hop.
    """
    rang_so = any([one is not None and one.to_tag == tag for one in (leg.ringing, leg.session_progress, leg.progress)])  # noqa: C419 - quicker
    return _tagged(leg, tag) is not None, rang_so, leg.answers is None, leg.heard, leg.serial


def _is_known(call: Call, tag: bytes) -> bool:
    """Tell whether a dialog with this tag was answered somewhere: else the ACK may be of a hop that nobody saw."""
    return call.dialogs is not None and any([dialog.tag == tag for dialog in call.dialogs.all])  # noqa: C419 - quicker


def _tagged(leg: Leg, tag: bytes) -> Answer | None:
    for answer in leg.answers or ():
        if answer.tag == tag or not answer.tag:
            return answer
    return None


def _is_along(leg: Leg, path: Path) -> bool:
    return leg.path.source_address == path.source_address and leg.path.destination_address == path.destination_address


def _is_addressed(leg: Leg, answer: Answer, path: Path) -> bool:
    """Tell whether an ACK that runs along no hop may be an answer's: it goes to one of its targets, past this hop."""
    if answer.response is None or leg.path.source_address == path.destination_address:
        return answer.response is None
    if answer.targets is None:
        answer.targets = targets(answer.response)
    # It may go anywhere where nobody is named, or somebody by a name only.
    return not answer.targets or None in answer.targets or path.destination_address in answer.targets


def targets(response: Response) -> list[bytes | None]:
    """Return the packed addresses of a 2xx's Record-Route and Contact; None stands for each that has but a name."""
    routes = [
        route for line in header_values(response.raw, b"record-route") for route in split_values(line)
    ] if b"record-route" in response.names else []  # fmt: skip
    contact = header(response.raw, b"contact", b"m")
    return [host_address(uri_of(value)) for value in [*routes[:MAX_ROUTES], *([contact] if contact else [])]]


def host_address(uri: bytes) -> bytes | None:
    """Return the packed address that a URI names as its host, None when it names none."""
    # By hand, since every 2xx in doubt comes by: a user part may hold colons and brackets, and what is no address must
    # be told from one without the cost of an exception.
    rest = uri.partition(b":")[2].rpartition(b"@")[2] if _AT in uri else uri.partition(b":")[2]
    rest = rest.partition(b";")[0].partition(b"?")[0].strip()
    host = rest[1:].partition(b"]")[0] if rest[:1] == b"[" else rest.partition(b":")[0]
    if not 2 <= len(host) <= 45 or host[0] not in b"0123456789abcdefABCDEF:":
        return None
    if _COLON not in host:
        return _ipv4(host)
    try:
        return ip_address(host.decode("ascii", "replace")).packed
    except ValueError:
        return None


def _ipv4(text: bytes) -> bytes | None:
    """Return the packed form of an address in dotted decimal, None of what is none (RFC 6943 §3.1.1: strictly)."""
    parts = text.split(b".")
    if len(parts) != 4:
        return None
    for part in parts:
        if not part.isdigit() or len(part) > 3 or (part[:1] == b"0" and part != b"0") or int(part) > 255:
            return None
    return bytes([int(part) for part in parts])
