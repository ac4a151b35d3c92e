"""Messages inside the dialogs of a call: ACKs of its answers, and the requests that follow, with their responses.

Must not know: which call a message belongs to, outcomes, peers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.track.events import Referred
from sipwatch.track.match import acknowledged, exchange_near, exchange_of, has_wrong_cseq, only_answer

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.calls import Calls
    from sipwatch.track.dialog import Exchange
    from sipwatch.track.events import Event
    from sipwatch.track.traffic import Traffic
    from sipwatch.wire.message import Request, Response


class Inside:
    """Takes what comes inside dialogs. Time is in ns, as everywhere in tracking."""

    def __init__(self, calls: Calls, traffic: Traffic, events: list[Event]) -> None:
        self._calls = calls
        self._traffic = traffic
        self._events = events

    def acknowledged(self, call: Call, ack: Request, now: int) -> None:
        """Take the ACK of a 2xx, which has a branch of its own (§13.2.2.4): of one answer, or of each hop's."""
        answer = only_answer(call, ack)
        if answer is not None:
            call.legs[0].acknowledge_answer(answer, ack, now)
            call.acknowledged(answer, now)
            self._calls.took(call, ack, False)
            return
        found = acknowledged(call, ack)
        for hop, theirs in found.answers:
            hop.acknowledge_answer(theirs, ack, now)
            call.acknowledged(theirs, now)
        for hop in found.unseen:
            hop.answer_inferred(ack.to_tag, now, now, moment_known=True)
            if hop.answers is not None:
                hop.acknowledge_answer(hop.answers[0], ack, now)
                call.acknowledged(hop.answers[0], now)
        if not found.answers and not found.unseen:
            for missed in found.missed:
                missed.misrouted = missed.misrouted or ack
        self._calls.took(call, ack, False)

    def repeated(self, call: Call, request: Request, now: int) -> bool:
        """Take a request if it is a retransmission; return whether it was."""
        if exchange_of(call, request, request.method, request.path.key) is None:
            return False
        call.active_at = now
        self._traffic.repeated(request)
        self._calls.took(call, request, True)
        return True

    def request(self, call: Call, request: Request, now: int) -> None:
        """Take a new request."""
        call.active_at = now
        if request.method == "REFER":
            call.transferred = True  # RFC 3515; what becomes of it there is another call
            self._events.append(Referred(call, request))
        call.request(request, call.leg_on_hop(request.path), now)
        self._calls.took(call, request, False)

    def response(self, call: Call, response: Response, now: int) -> None:
        """Take a response to one."""
        exchange = exchange_of(call, response, response.cseq_method, response.path.reverse_key)
        exchange = exchange or exchange_near(call, response)
        if exchange is not None:
            self.answered(call, exchange, response, now)
        else:
            self.misfit(call, response, now)

    def answered(self, call: Call, exchange: Exchange, response: Response, now: int) -> None:
        """Take a response to a request that is known."""
        call.active_at = now
        repeated = call.response(exchange, response, now)
        if repeated:
            self._traffic.repeated(response)
        self._calls.took(call, response, repeated)

    def misfit(self, call: Call, response: Response, now: int) -> None:
        """Take a response to a request that was not captured, or one whose CSeq number is that of none."""
        call.active_at = now
        if has_wrong_cseq(call, response):
            call.stray(response)
        else:
            call.refreshed_unseen(response, now)
        self._calls.took(call, response, False, False)
