"""One side of a call as a scenario for SIPp (https://sipp.readthedocs.io), which then does the same.

The caller's side sends the same requests and waits as he did; the called side answers with the same codes after the
same time. What was sent again is left to SIPp, which repeats by itself.

Must not know: how SIPp is started, or where it sends to.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sipwatch.packet import MILLISECOND
from sipwatch.report.sippmessages import (
    CREDENTIALS,
    literal,
    request_lines,
    response_lines,
    taken_apart,
    target,
    untagged,
)
from sipwatch.track.table import CHALLENGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.export.record import CallRecord
    from sipwatch.report.sippmessages import Said

MAX_MESSAGES: Final = 400
_LEAST_PAUSE: Final = 20 * MILLISECOND  # what is sooner is an answer at once
_LONGEST_PAUSE: Final = 2**31 - 1  # ms: SIPp's own
_LINGER: Final = '<timewait milliseconds="4000"/>'  # what the other side sends again is answered again


class PlayedSide(StrEnum):
    """Whose part is played."""

    CALLER = "caller"
    CALLEE = "callee"


class NothingToPlayError(ValueError):
    """A call of which a side cannot be played; its text says why."""


def sipp_scenario(call: CallRecord, side: PlayedSide = PlayedSide.CALLER) -> str:
    """Return the XML of one side of a call whose messages were kept. Raises NothingToPlayError."""
    address = call.source_address if side is PlayedSide.CALLER else call.destination_address
    mine = _messages(call, address)
    first = mine[0] if mine else None
    if first is None or first[0] is not (side is PlayedSide.CALLER) or first[1].code or first[1].method != "INVITE":
        raise NothingToPlayError(f"the {side}'s side of call {call.id} does not begin with an INVITE that was captured")
    steps = _Steps(mine, int(call.ended or mine[-1][1].time)).written()
    about = f"The {side}'s side of call {call.id} as sipwatch saw it, {len(mine)} messages"
    usage = "sipp -sf FILE -ap PASSWORD HOST:PORT -m 1" if side is PlayedSide.CALLER else "sipp -sf FILE"
    return (
        '<?xml version="1.0" encoding="US-ASCII"?>\n'
        f"<!-- {about}. Play it with: {usage} -->\n"
        f'<scenario name="{side} of {call.id}">\n' + "\n".join(steps) + "\n</scenario>\n"
    )


def _messages(call: CallRecord, address: str) -> list[tuple[bool, Said]]:
    """Return what was sent from an address (True) and received there (False), each message once."""
    found: list[tuple[bool, Said]] = []
    for message in call.messages or ():
        if message.retransmission or not message.placed:
            continue
        if (message.source == address) == (message.destination == address):
            continue  # another hop's, or to itself
        said = taken_apart(message)
        if said is not None and len(found) < MAX_MESSAGES:
            found.append((message.source == address, said))
    return found


class _Steps:
    """Writes one side's steps; SIPp counts them, and a branch is found again by the distance in steps."""

    def __init__(self, messages: Sequence[tuple[bool, Said]], ended: int) -> None:
        self._messages = messages
        self._ended = ended
        self._steps: list[str] = []
        self._step_of: dict[int, int] = {}  # CSeq number of an INVITE that was sent: its step
        self._target = ""
        self._calls = messages[0][0]
        self._own_tag = f"[pid]SIPpTag0{0 if self._calls else 1}[call_number]"
        self._late = self._answered_late()
        self._needs_caller = any(is_sent and not said.code for is_sent, said in messages) and not self._calls

    def written(self) -> list[str]:
        """Return all steps."""
        last = self._messages[0][1].time
        for place, (is_sent, said) in enumerate(self._messages):
            if not is_sent:
                self._receive(place, said)
            else:
                self._pause(said.time - last)
                if said.code:
                    self._respond(place, said)
                else:
                    self._request(place, said)
            last = said.time
        self._finish(last)
        return self._steps

    # What is looked up in the course of the call

    def _request_of(self, place: int) -> int | None:
        """Return the place of the request that a response belongs to."""
        is_sent, said = self._messages[place]
        for before in range(place - 1, -1, -1):
            theirs, request = self._messages[before]
            if theirs is not is_sent and not request.code and _of_one(request, said):
                return before
        return None

    def _answered_late(self) -> set[int]:
        """Return the requests to be remembered: when they are answered, another message has been received since."""
        late = set()
        for place, (is_sent, said) in enumerate(self._messages):
            request = self._request_of(place) if is_sent and said.code else None
            if request is not None and any(not sent for sent, _ in self._messages[request + 1 : place]):
                late.add(request)
        return late

    def _was_accepted(self, place: int) -> bool:
        """Tell whether an INVITE had been answered before: then there is a dialog, and a way that its requests go."""
        return any(said.method == "INVITE" and 200 <= said.code < 300 for _, said in self._messages[:place])

    def _refused(self, place: int, number: int) -> bool:
        return any(
            not is_sent and said.code >= 300 and said.method == "INVITE" and said.number == number
            for is_sent, said in self._messages[:place]
        )

    # Steps

    def _pause(self, nanoseconds: int) -> None:
        if nanoseconds >= _LEAST_PAUSE:
            milliseconds = min(_LONGEST_PAUSE, round(nanoseconds / MILLISECOND))
            self._steps.append(f'<pause milliseconds="{milliseconds}"/>')

    def _receive(self, place: int, said: Said) -> None:
        attributes = f'response="{said.code}"' if said.code else f'request="{said.method}"'
        if self._may_be_missing(place, said):
            attributes += ' optional="true"'
        if said.code in CHALLENGES and any(
            is_sent and any(name.lower() in CREDENTIALS for name, _ in later.headers)
            for is_sent, later in self._messages[place:]
        ):
            attributes += ' auth="true"'
        if self._names_the_way(place, said):
            attributes += ' rrs="true"'
        actions = self._remembered(place, said)
        body = f"<action>{''.join(actions)}</action></recv>" if actions else "</recv>"
        self._steps.append(f"<recv {attributes}>{body}")

    def _may_be_missing(self, place: int, said: Said) -> bool:
        """Tell whether a provisional response, or that to CANCEL, need not come: if something that must is next."""
        following = self._messages[place + 1] if place + 1 < len(self._messages) else None
        skipped = 100 <= said.code < 200 or (said.method == "CANCEL" and said.code > 0)
        return skipped and following is not None and not following[0]

    def _names_the_way(self, place: int, said: Said) -> bool:
        """Tell whether Contact and Record-Route of a message say where later requests go."""
        if said.method != "INVITE" or (said.code == 0) is self._calls:
            return False
        if said.code == 0:
            return not self._was_accepted(place)
        early = any(sent and later.method in {"PRACK", "UPDATE"} for sent, later in self._messages[place:])
        return 200 <= said.code < 300 or (100 < said.code < 200 and early and not self._was_accepted(place))

    def _remembered(self, place: int, said: Said) -> list[str]:
        kept = []
        if place in self._late:
            kept = [("Via", n, f"via{place}_{n}") for n in range(1, max(1, said.count("via")) + 1)]
            kept += [(name, 1, f"{name.lower()}{place}") for name in ("From", "To", "CSeq")]
        if place == 0 and self._needs_caller:
            kept.append(("From", 1, "caller"))
        return [
            f'<ereg regexp=".*" search_in="hdr" header="{name}:" occurrence="{number}" assign_to="{variable}"/>'
            for name, number, variable in kept
        ]

    def _request(self, place: int, said: Said) -> None:
        step = len(self._steps)
        branch, uri = "[branch]", "[next_url]"
        own_invite = self._step_of.get(said.number)
        of_the_invite = said.method == "CANCEL" or (said.method == "ACK" and self._refused(place, said.number))
        in_dialog = not of_the_invite and (said.to_tag != "" and (said.method != "INVITE" or self._was_accepted(place)))
        if said.method == "INVITE":
            self._step_of[said.number] = step
            self._target = uri if in_dialog else target(said)
        if not in_dialog:
            uri = self._target
        if of_the_invite and own_invite is not None:
            branch = f"[branch-{step - own_invite}]"
        challenged = any(not sent and one.code in CHALLENGES for sent, one in self._messages[:place])
        to = f"{literal(untagged(said.value('to')))}{'[peer_tag_param]' if said.to_tag else ''}"
        lines = request_lines(
            said,
            uri=uri,
            branch=branch,
            own_tag=self._own_tag,
            to=to if self._calls else "[$caller]",
            with_credentials=challenged,
            routes=in_dialog,
        )
        self._send(lines, again=said.method != "ACK" and self._is_answered(place))

    def _respond(self, place: int, said: Said) -> None:
        at = self._request_of(place)
        asked = None if at is None else self._messages[at][1]
        tag = f";tag={self._own_tag}" if said.code > 100 and asked is not None and not asked.to_tag else ""
        via, from_line, to, cseq = ["[last_Via:]"], "[last_From:]", f"[last_To:]{tag}", "[last_CSeq:]"
        if at is not None and asked is not None and at in self._late:
            via = [f"Via: [$via{at}_{n}]" for n in range(1, max(1, asked.count("via")) + 1)]
            from_line, to, cseq = f"From: [$from{at}]", f"To: [$to{at}]{tag}", f"CSeq: [$cseq{at}]"
        lines = response_lines(said, via, from_line, to, cseq)
        self._send(lines, again=said.method == "INVITE" and said.code >= 200 and self._is_answered(place))

    def _is_answered(self, place: int) -> bool:
        """Tell whether the other side's answer is next: SIPp does nothing else while it repeats what was not answered.

        The last that was sent is answered all the same.
        """
        sent, said = self._messages[place]
        following = self._messages[place + 1 :]
        if not following:
            return sent and not said.code
        return not following[0][0] and (following[0][1].code > 0) is (said.code == 0)

    def _send(self, lines: list[str], *, again: bool) -> None:
        opening = '<send retrans="500">' if again else "<send>"
        self._steps.append(f"{opening}<![CDATA[\n\n" + "\n".join(lines) + "\n]]></send>")

    def _finish(self, last: int) -> None:
        """Wait for as long as the call went on; a call that nobody answered is over when SIPp gives up."""
        is_sent, said = self._messages[-1]
        if is_sent and not said.code and said.method != "ACK":
            self._steps.append('<recv response="200"></recv>')
        elif not any(one.code >= 200 and one.method == "INVITE" for _, one in self._messages):
            self._pause(self._ended - last)
        else:
            self._steps.append(_LINGER)


def _of_one(request: Said, response: Said) -> bool:
    return request.number == response.number and request.method == response.method and not request.code
