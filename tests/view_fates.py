"""The calls that are seen from everywhere: each told from its fate, which is known.

Must not know: which messages an observer gets to see, or what sipwatch makes of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.view_calls import CHALLENGE, TRANSACTION, Story

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

RING_TIMEOUT = 45.0
ELSEWHERE = 'Reason:_SIP;cause=200;text="Call_completed_elsewhere"'
REFUSALS = {
    403: "forbidden", 404: "not_found", 410: "not_found", 480: "unavailable", 486: "busy", 488: "rejected",
    500: "server_error", 503: "server_error", 504: "gateway_timeout", 600: "busy", 603: "declined",
}  # fmt: skip


def _reliable(story: Story, moment: float, phone: str) -> float:
    """PRACK, and now and then UPDATE, before the answer (RFC 3262, RFC 3311)."""
    if story.chance(0.25):
        story.taken_by = phone
        moment = story.through(moment + 0.02, "PRACK", story.cseq + 40)
        if story.chance(0.4):
            moment = story.through(moment + 0.02, "UPDATE", story.cseq + 41)
    return moment


def _take(story: Story, moment: float, phone: str) -> None:
    rang = _reliable(story, story.ring(moment, phone), phone)
    story.talk(story.answer(rang + story.random.uniform(0.2, 25), phone))


def _answered(story: Story, moment: float) -> None:
    _take(story, story.open(moment), "B")


def _answered_after_challenge(story: Story, moment: float) -> None:
    _take(story, story.challenged(moment), "B")


def _group(story: Story) -> list[str]:
    return ["B", "C", "D"][: story.random.choice((2, 2, 3))]


def _group_answered(story: Story, moment: float) -> None:
    at, phones = story.open(moment), _group(story)
    rang = [story.ring(at + 0.0007 * place, phone, upstream=not place) for place, phone in enumerate(phones)]
    winner = story.random.choice(phones)
    answered = max(rang) + story.random.uniform(0.2, 20)
    acknowledged = story.answer(answered, winner)
    reason = (ELSEWHERE,) if story.chance(0.6) else ()
    for phone in phones:
        if phone != winner:
            story.withdraw(answered + story.lag(), phone, *reason)
    story.talk(acknowledged)


def _serial(story: Story, at: float, first: str) -> float:
    """Fail with one target in some way; return when the next is tried."""
    way = story.random.choice(("refused", "silent", "rings"))
    story.fate += f", {first} {way}"
    if way == "refused":
        at = story.offer(at, first) + story.random.uniform(0.01, 3)
        story.refuse(at, first, story.random.choice((503, 503, 500, 480, 486, 408)))
    elif way == "silent":
        until = at + story.random.choice((2.5, 4.0, 8.0, TRANSACTION))
        story.silent(at, first, until)
        at = until
    else:
        at = story.ring(at, first) + story.random.uniform(3, 20)
        story.withdraw(at, first)
    return at + story.lag() + story.random.choice((0.0, 0.0, 0.3))


def _serial_answered(story: Story, moment: float) -> None:
    at = _serial(story, story.open(moment), "B")
    if story.chance(0.3):
        at = _serial(story, at, "C")
        _take(story, at, "D")
    else:
        _take(story, at, "C")


def _client_tries_next(story: Story, moment: float) -> None:
    """RFC 3263 §4.3: the caller itself goes on, with the same CSeq or with the next."""
    if story.chance(0.5):
        at = moment + story.random.choice((2.5, 6.0, TRANSACTION))
        story.stops[story.top()] = at
        story.say(moment, "AP", "INVITE")
    else:
        story.open(moment)
        at = moment + story.random.uniform(0.03, 1)
        story.refuse_caller(at, 503)
        at += 0.09
    story.server = "Q"
    if story.chance(0.5):
        story.cseq += 1
    _take(story, story.open(at + story.lag()), "B")


def _refused(story: Story, moment: float) -> None:
    code = story.random.choice(list(REFUSALS))
    rings = code in (486, 603, 600) and story.chance(0.5)
    at = story.challenged(moment) if story.chance(0.2) else story.open(moment)
    at = (story.ring if rings else story.offer)(at, "B") + story.random.uniform(0.02, 6)
    story.refuse(at, "B", code)
    story.refuse_caller(at + story.lag(), code, story.tag("B"))
    story.outcome = REFUSALS[code]


def _refused_everywhere(story: Story, moment: float) -> None:
    at = story.open(moment)
    ends: list[float] = []
    for place, phone in enumerate(_group(story)):
        if story.chance(0.5):  # in parallel
            end = story.offer(at + 0.0007 * place, phone) + story.random.uniform(0.01, 1.5)
        else:
            end = story.offer(max(ends, default=at) + 0.001, phone) + story.random.uniform(0.01, 1.5)
        story.refuse(end, phone, 503)
        ends.append(end)
    story.refuse_caller(max(ends) + story.lag(), 503)
    story.outcome = "server_error"


def _nobody_picks_up(story: Story, moment: float) -> None:
    at, phones = story.open(moment), _group(story)[: story.random.choice((1, 3))]
    for place, phone in enumerate(phones):
        story.ring(at + 0.0007 * place, phone, upstream=not place)
    end = at + RING_TIMEOUT
    for phone in phones:
        story.withdraw(end + story.lag(), phone)
    story.refuse_caller(end + 0.1, story.random.choice((480, 408)))
    story.outcome = "no_answer"


def _given_up(story: Story, moment: float, patience: float, outcome: str, phones: list[str]) -> None:
    """Let A cancel ``patience`` after its INVITE."""
    end = moment + patience
    story.say(end, story.up(), "CANCEL", branch=story.top())
    story.say(end + 0.0004, story.up()[::-1], "200", "CANCEL", branch=story.top(), tag=story.tag("P"))
    for phone in phones:
        story.withdraw(end + story.lag(), phone)
    story.refuse_caller(end + 0.1, 487)
    story.outcome = outcome


def _abandoned(story: Story, moment: float) -> None:
    at, phones = story.open(moment), _group(story)[: story.random.choice((1, 3))]
    for place, phone in enumerate(phones):
        story.ring(at + 0.0007 * place, phone, upstream=not place)
    patience, outcome = story.random.choice(
        (
            (story.random.uniform(2.2, 4.5), "abandoned_brief"),
            (story.random.uniform(6, 28), "abandoned"),
            (36.0, "no_answer"),
        )
    )
    _given_up(story, moment, patience, outcome, phones)


def _abandoned_in_the_second_try(story: Story, moment: float) -> None:
    at = _serial(story, story.open(moment), "B")
    at = story.ring(at, "C")
    alerted = min(said.time for said in story.said if said.what in ("180", "183") and said.destination == "A") / 1e9
    patience = at - moment + story.random.uniform(1, 5)
    waited = moment + patience - alerted
    if 28 < waited < 31:
        patience += 4
    outcome = "no_answer" if moment + patience - alerted >= 30 else "abandoned_brief" if patience < 5 else "abandoned"
    _given_up(story, moment, patience, outcome, ["C"])


def _stuck_in_trying(story: Story, moment: float) -> None:
    at = story.open(moment, trying=False)
    story.say(moment + 0.001, "PA", "100", "INVITE")
    story.offer(at, "B")
    _given_up(story, moment, story.random.uniform(10.5, 15), "no_progress", ["B"])


def _nobody_there(story: Story, moment: float) -> None:
    story.say(moment, "AP", "INVITE")
    story.outcome = "not_responding"


def _phone_not_there(story: Story, moment: float) -> None:
    at = story.open(moment)
    until = at + story.random.choice((5.5, 10.5, TRANSACTION))
    story.silent(at, "B", until)
    story.refuse_caller(until + story.lag(), 408)
    story.outcome = "not_responding"


def _no_credentials(story: Story, moment: float) -> None:
    story.open(moment, trying=False)
    story.refuse_caller(moment + 0.02, 407, "", CHALLENGE)
    story.outcome = "auth_failed"


def _cancel_crosses_answer(story: Story, moment: float) -> None:
    rang = story.ring(story.open(moment), "B")
    answered = rang + story.random.uniform(2, 10)
    acknowledged = story.answer(answered, "B")
    story.say(answered - 0.0002, "AP", "CANCEL", branch=story.top())
    code = story.random.choice(("200", "481"))
    story.say(answered + 0.03, "PA", code, "CANCEL", branch=story.top(), tag=story.tag("P"))
    story.through(acknowledged + 0.1, "BYE", story.cseq + 1)


def _hung_up_while_ringing(story: Story, moment: float) -> None:
    """RFC 3261 §15: a BYE in an early dialog; its 2xx is no answer to the INVITE."""
    story.ring(story.open(moment), "B")
    patience = story.random.uniform(6, 20)
    story.taken_by = "B"
    story.through(moment + patience, "BYE", story.cseq + 1)
    story.refuse(moment + patience + 2.4, "B", 487)
    story.refuse_caller(moment + patience + 2.43, 487, story.tag("B"))
    story.outcome, story.taken_by = "abandoned", ""


FATES: tuple[Callable[[Story, float], None], ...] = (
    _answered, _answered, _answered_after_challenge, _answered_after_challenge, _group_answered, _group_answered,
    _serial_answered, _serial_answered, _serial_answered, _client_tries_next, _client_tries_next, _refused, _refused,
    _refused_everywhere, _nobody_picks_up, _abandoned, _abandoned, _abandoned_in_the_second_try, _stuck_in_trying,
    _nobody_there, _phone_not_there, _no_credentials, _cancel_crosses_answer, _hung_up_while_ringing,
)  # fmt: skip


def story(random: Random, number: int) -> Story:
    """Tell one call at random."""
    start = round(random.uniform(0, 40), 4)
    told = Story(random, number, start)
    fate = random.choice(FATES)
    told.fate = fate.__name__.strip("_").replace("_", " ")
    fate(told, start)
    told.repeat()
    return told
