"""How a call over a proxy is told, with the repetitions that RFC 3261's timers make of it.

A calls through P (or Q, its second choice); behind them stand the phones and trunks B, C and D. Every
message is written as ``pcaps/make/talk.py`` writes it, with the Via stack, tags and routes of real elements.
Must not know: which messages an observer gets to see, or what sipwatch makes of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pcaps.make import talk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

HOSTS = {letter: f"192.0.2.{ord(letter)}" for letter in "APQBCD"}
TRANSACTION = 32.0  # 64·T1: Timers B, F, H
CREDENTIALS = 'Proxy-Authorization:_Digest_username="u",_realm="r",_nonce="n",_response="x"'
CHALLENGE = 'Proxy-Authenticate:_Digest_realm="r",_nonce="n"'


class Said(NamedTuple):
    """One message on the wire; ``time`` in ns since the world began, tags as they stand in From and To."""

    time: int
    source: str
    destination: str
    what: str
    method: str
    cseq: int
    branch: str
    from_tag: str
    to_tag: str
    call: str
    data: bytes

    @property
    def code(self) -> int:
        """The status code, 0 of a request."""
        return int(self.what) if self.what.isdigit() else 0

    @property
    def hop(self) -> str:
        """The two ends, whoever sends."""
        return "".join(sorted(self.source + self.destination))


def repetitions(first: float, until: float, longest: float) -> Iterator[float]:
    """Give the moments of the copies by Timer A, E or G (RFC 3261 §17.1.1.2, §17.1.2.2, §17.2.1)."""
    interval, moment = 0.5, first + 0.5
    while moment < min(until, first + TRANSACTION):
        yield moment
        interval = min(2 * interval, longest)
        moment += interval


class Story:
    """One call: what was said, what became of it, and who took it."""

    def __init__(self, random: Random, number: int, start: float) -> None:
        self.random = random
        self.call = f"call{number}"
        self.fate = ""
        self.outcome = ""
        self.taken_by = ""  # the phone that answered
        self.ending = ""
        self.start = start
        self.said: list[Said] = []
        self.server = "P"
        self.cseq = 1  # of the INVITE
        self._hides = random.random() < 0.15  # a server that starts Via and Max-Forwards anew
        self._routes = random.random() < 0.5  # a proxy that records its route; else each end is its Contact
        self.stops: dict[str, float] = {}  # branch: when the sender of an INVITE stopped asking

    # Words

    def say(
        self, moment: float, hop: str, what: str, method: str = "", *, cseq: int | None = None, tag: str = "",
        branch: str = "", under: str = "", by_callee: bool = False, headers: tuple[str, ...] = (),
    ) -> str:  # fmt: skip
        """Say one message along ``hop`` (two letters); return its branch. ``under`` is the Via below its own."""
        number = self.cseq if cseq is None else cseq
        kind = method or what
        ends = hop[::-1] if what.isdigit() else hop
        branch = branch or self.branch(ends, kind, number)
        lower = bool(under) and not self._hides
        options = {
            "call": self.call, "ftag": f"a{self.call}", "ttag": tag, "cseq": str(number), "branch": branch,
            "method": kind, "vias": "2" if lower else "1",
        }  # fmt: skip
        if by_callee:
            options["from"] = "C"
        if self._hides:
            options["mf"] = "70"
        extra = [header.replace("_", " ") for header in (*headers, *self._record_route(kind, what, tag))]
        time = round(moment * 1e6)
        line = talk.Line(str(moment), hop[0], hop[1], what, options, extra)
        data = talk.message(line, HOSTS, {}).replace(b"z9hG4bKup0", under.encode())
        from_tag, to_tag = line.tags
        self.said.append(
            Said(
                time * 1000,
                hop[0],
                hop[1],
                what,
                kind,
                number,
                branch,
                from_tag,
                to_tag,
                self.call,
                self._contact(data, hop, tag),
            )
        )
        return branch

    def branch(self, hop: str, method: str, cseq: int) -> str:
        """Return the branch of a request along a hop."""
        return f"z9hG4bK{self.call}{hop}{method}{cseq}"

    def tag(self, phone: str) -> str:
        """Return the tag of a phone or server."""
        return f"{phone.lower()}{self.call}"

    def lag(self) -> float:
        """Return what a server takes for a message."""
        return self.random.choice((self.random.uniform(0.0002, 0.001), self.random.uniform(0.001, 0.02)))

    def wait(self) -> float:
        """Return what a phone takes for a message, and now and then a slow or lost one makes of it."""
        return self.random.uniform(0.6, 2.2) if self.random.random() < 0.05 else self.random.uniform(0.003, 0.08)

    def chance(self, share: float) -> bool:
        """Tell whether this once it happens."""
        return self.random.random() < share

    def _record_route(self, method: str, what: str, tag: str) -> tuple[str, ...]:
        known = method == "INVITE" and (not what.isdigit() or (tag and int(what) < 300))
        return (f"Record-Route:_<sip:{HOSTS[self.server]};lr>",) if self._routes and known else ()

    def _contact(self, data: bytes, hop: str, tag: str) -> bytes:
        """Let a recorded route's answer carry the phone's own Contact, as proxies leave it."""
        if not self._routes or not tag or hop[0] not in "PQ":
            return data
        owner = tag[0].upper() if hop[1] == "A" else "A"
        return data.replace(f"@{HOSTS[hop[0]]}:5060>".encode(), f"@{HOSTS[owner]}:5060>".encode())

    # The caller's hop

    def up(self) -> str:
        """Return the caller's hop."""
        return "A" + self.server

    def top(self, method: str = "INVITE", cseq: int | None = None) -> str:
        """Return the branch of the caller's own request."""
        return self.branch(self.up(), method, self.cseq if cseq is None else cseq)

    def open(self, moment: float, *headers: str, trying: bool = True) -> float:
        """Let A send its INVITE; return when the server has it in hand."""
        self.say(moment, self.up(), "INVITE", headers=headers)
        if trying and self.chance(0.95):
            self.say(moment + self.lag(), self.up()[::-1], "100", "INVITE")
        return moment + self.lag() + 0.001

    def refuse_caller(self, moment: float, code: int, tag: str = "", *headers: str) -> None:
        """Let the server refuse, and A acknowledge."""
        tag = tag or self.tag(self.server)
        self.say(moment, self.up()[::-1], str(code), "INVITE", tag=tag, headers=headers)
        self.say(moment + self.wait(), self.up(), "ACK", tag=tag, branch=self.top())

    def challenged(self, moment: float) -> float:
        """Let A be challenged; return when the INVITE with credentials is in hand."""
        self.open(moment, trying=False)
        self.say(moment + 0.03, self.up()[::-1], "407", "INVITE", tag=self.tag("P"), headers=(CHALLENGE,))
        self.say(moment + 0.031 + self.lag(), self.up(), "ACK", tag=self.tag("P"), branch=self.top())
        self.cseq += 1
        return self.open(moment + 0.053 + self.lag(), CREDENTIALS)

    # A hop behind the server

    def offer(self, moment: float, phone: str) -> float:
        """Let the server send the INVITE on to a phone that takes it; return when it has said so."""
        self.say(moment, self.server + phone, "INVITE", under=self.top())
        if self.chance(0.8):
            self.reply(moment + self.lag(), phone, 100, "")
        return moment + 0.021

    def reply(self, moment: float, phone: str, code: int, tag: str | None = None, *headers: str) -> None:
        """Let a phone respond to the INVITE."""
        tag = self.tag(phone) if tag is None else tag
        self.say(moment, phone + self.server, str(code), "INVITE", tag=tag, under=self.top(), headers=headers)

    def ring(self, moment: float, phone: str, *, upstream: bool = True) -> float:
        """Let a phone ring, with early media or without; return when it began."""
        at = self.offer(moment, phone) + self.random.uniform(0.05, 2.0)
        code = 183 if self.chance(0.25) else 180
        self.reply(at, phone, code)
        if upstream:
            self.say(at + self.lag(), self.up()[::-1], str(code), "INVITE", tag=self.tag(phone))
        return at

    def refuse(self, moment: float, phone: str, code: int) -> None:
        """Let a phone refuse, and the server acknowledge: an ACK of one hop, with one Via."""
        self.reply(moment, phone, code)
        late = self.random.uniform(0.6, 2.0) if self.chance(0.04) else self.lag()
        self.say(moment + late, self.server + phone, "ACK", tag=self.tag(phone), branch=self._of(phone))

    def silent(self, moment: float, phone: str, until: float) -> None:
        """Let the server ask a phone that is not there, until it has waited enough."""
        self.say(moment, self.server + phone, "INVITE", under=self.top())
        self.stops[self._of(phone)] = until

    def withdraw(self, moment: float, phone: str, *headers: str) -> None:
        """Let the server cancel a phone."""
        hop, branch = self.server + phone, self._of(phone)
        self.say(moment, hop, "CANCEL", branch=branch, headers=headers)
        after = moment + self.lag()
        self.say(after, hop[::-1], "200", "CANCEL", branch=branch, tag=self.tag(phone))
        self.refuse(after + self.lag(), phone, 487)

    def _of(self, phone: str) -> str:
        return self.branch(self.server + phone, "INVITE", self.cseq)

    # The dialog

    def answer(self, moment: float, phone: str) -> float:
        """Let a phone answer; return when A has acknowledged. Now and then an ACK is slow or lost on its way."""
        self.taken_by, self.outcome = phone, "answered"
        slow = self.random.choice((0.6, 1.7, 4.0)) if self.chance(0.06) else self.random.uniform(0.004, 0.1)
        lost = self.random.randrange(1, 5) if self.chance(0.06) else 0
        copies = [moment, *repetitions(moment, moment + slow, 4.0)]
        if lost:
            copies = [moment, *repetitions(moment, moment + TRANSACTION, 4.0)][: lost + 1]
        acknowledged = moment
        for place, at in enumerate(copies):
            self.reply(at, phone, 200)
            there = at + self.lag()
            self.say(there, self.up()[::-1], "200", "INVITE", tag=self.tag(phone))
            if lost or place == 0:
                acknowledged = there + (0.01 if lost else slow)
                self._acknowledge(acknowledged, phone, arrives=place >= lost)
        return acknowledged + 0.03

    def _acknowledge(self, moment: float, phone: str, *, arrives: bool) -> None:
        branch = self.say(moment, self.up(), "ACK", tag=self.tag(phone))
        if arrives:
            self.say(moment + self.lag(), self.server + phone, "ACK", tag=self.tag(phone), under=branch)

    def through(self, moment: float, method: str, cseq: int, *, by_callee: bool = False, code: int = 200) -> float:
        """Send a request inside the dialog through the server; return when its answer is back."""
        hops = [self.up(), self.server + self.taken_by]
        if by_callee:
            hops = [hop[::-1] for hop in reversed(hops)]
        words = {"tag": self.tag(self.taken_by), "by_callee": by_callee, "cseq": cseq}
        first = self.say(moment, hops[0], method, **words)  # type: ignore[arg-type]
        there = moment + self.lag()
        second = self.say(there, hops[1], method, under=first, **words)  # type: ignore[arg-type]
        if method == "INVITE":
            self.say(moment + 0.0001, hops[0][::-1], "100", method, branch=first, **words)  # type: ignore[arg-type]
        if not code:
            return there
        back = there + self.wait()
        self.say(back, hops[1][::-1], str(code), method, branch=second, under=first, **words)  # type: ignore[arg-type]
        self.say(back + self.lag(), hops[0][::-1], str(code), method, branch=first, **words)  # type: ignore[arg-type]
        if method == "INVITE":
            acked = back + 0.025
            third = self.say(acked, hops[0], "ACK", branch=first + "k", **words)  # type: ignore[arg-type]
            self.say(acked + self.lag(), hops[1], "ACK", branch=second + "k", under=third, **words)  # type: ignore[arg-type]
        return back + 0.06

    def talk(self, moment: float) -> None:
        """Hold, refresh and hang up, as it comes."""
        cseq = self.cseq + 1
        moment += self.random.uniform(0.5, 12)
        for _ in range(self.random.randrange(3)):
            by_callee = self.chance(0.4)
            moment = self.through(
                moment, self.random.choice(("INVITE", "UPDATE", "INFO")), cseq + 20 * by_callee, by_callee=by_callee
            )
            cseq += 1
            moment += self.random.uniform(0.5, 20)
        self.hang_up(moment, cseq)

    def hang_up(self, moment: float, cseq: int) -> None:
        """Let one of them hang up; now and then the other is gone, or nobody does."""
        fortune = self.random.random()
        if fortune < 0.04:
            return
        by_callee = self.chance(0.5)
        gone = fortune < 0.07
        self.through(moment, "BYE", cseq + 20 * by_callee, by_callee=by_callee, code=0 if gone else 200)
        self.ending = "" if gone else "normal"

    # The timers

    def repeat(self) -> None:
        """Add the copies that RFC 3261's timers made, and put everything in order of time."""
        copies = [copy for said in self.said for copy in self._copies(said)]
        self.said = sorted(self.said + copies, key=lambda said: said.time)

    def _copies(self, said: Said) -> Iterator[Said]:
        final = said.code >= 300 and said.method == "INVITE"
        if said.what == "ACK" or (said.code and not final):
            return
        until = self.stops.get(said.branch, said.time / 1e9 + TRANSACTION) if said.what == "INVITE" else 1e9
        for other in self.said:
            quiets = other.what == "ACK" if final else other.code and other.method == said.method
            if other.source == said.destination and other.branch == said.branch and quiets and other.time >= said.time:
                until = min(until, other.time / 1e9)
        longest = TRANSACTION if said.what == "INVITE" else 4.0
        for moment in repetitions(said.time / 1e9, until, longest):
            yield said._replace(time=round(moment * 1e6) * 1000)
