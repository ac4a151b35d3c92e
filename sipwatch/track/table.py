"""The INVITE transaction as an observer between the two ends sees it: one table, one list of timers.

Must not know: messages, addresses, calls, outcomes. It maps what was seen to what that makes of a leg.

RFC 3261 §17.1.1 (client), §17.2.1 (server) and RFC 6026 (2xx) describe the two ends. An observer is
neither: it sees both directions, late or twice or not at all, and must not believe that a message it
saw also arrived. So there is one machine for both ends, with these differences:

* Early states are told apart by the most that the callee's side has said (CALLING, TRYING,
  PROGRESSING, ALERTED), and never go back: a 100 after a 180 is a late 100.
* CANCEL does not end anything (§9.1); the leg waits 64*T1 for its final response in CANCELLING.
* The first final response on a hop stands. A 2xx behind a failing final meets a caller whose transaction
  is over (§17.1.1.2): it is noted, and changes nothing. A failure behind a 2xx is another branch of a fork.
* A CANCEL that is refused (481) has cancelled nothing: the leg goes on with what it had heard.
* What was lost shows in what follows. An ACK on the INVITE's own branch tells of a failing final that was
  not captured (MISSED_FAILURE); an ACK with a branch of its own, and other evidence, of a 2xx, which is then
  an input like the 2xx itself.
* An ACK is only believed where there is something to acknowledge.
* COMPLETED waits for the ACK as the server does (Timer H), CONFIRMED as it does for stray
  retransmissions (Timer I), ACCEPTED as RFC 6026 (Timer L, M).

Every (state, input) pair is in the table; what changes nothing is there as well.
"""

from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

from sipwatch.packet import SECOND
from sipwatch.track.conditions import Condition, Resolution

# A challenge: which header of it asks, and which of the next request answers (RFC 3261 §22.2, §22.3).
CHALLENGES: Final = {
    401: (b"www-authenticate", b"authorization"),
    407: (b"proxy-authenticate", b"proxy-authorization"),
}
CREDENTIALS: Final = frozenset({answer for _, answer in CHALLENGES.values()})

T1: Final = SECOND // 2  # RFC 3261 §17.1.1.1
T4: Final = 5 * SECOND
TIMER_B: Final = 64 * T1
TIMER_C: Final = 180 * SECOND  # §16.6 (11): more than three minutes
TIMER_F: Final = 64 * T1
TIMER_H: Final = 64 * T1
CANCEL_WAIT: Final = 64 * T1  # §9.1


# Finals that ask for another INVITE under the same Call-ID: challenges (§22), other terms
# (§8.1.3.5, RFC 4028 §7.3), another offer (488, 606), more digits (484), glare (§14.1). Redirects (3xx) are
# added by ``may_be_followed``.
ASKS_AGAIN: Final = frozenset({401, 407, 413, 415, 416, 420, 421, 422, 484, 488, 491, 494, 606})
RETRY_WINDOW: Final = TIMER_B  # a retry later than this is another attempt
FORK_SETTLES: Final = SECOND  # how long after a CANCEL a sibling's 2xx still explains it
PROVEN_AFTER: Final = 64 * T1  # evidence that may yet be contradicted on the hop counts after this
REORDERED_WITHIN: Final = T1  # captures swap neighbours; no sender repeats sooner
ACK_MISSING_AT: Final = 4  # the same 2xx sent this many times


def may_be_followed(status_code: int) -> bool:
    """Tell whether a final response invites the caller to try again under the same Call-ID."""
    return status_code in ASKS_AGAIN or 300 <= status_code < 400


class State(IntEnum):
    """Where a leg stands."""

    CALLING = 0  # INVITE seen, nothing came back
    TRYING = 1  # 100 seen
    PROGRESSING = 2  # 181, 182, 199 or another 1xx seen
    ALERTED = 3  # 180 or 183 seen
    CANCELLING = 4  # CANCEL seen, no final response yet
    ACCEPTED = 5  # 2xx seen (RFC 6026)
    COMPLETED = 6  # final response of 300 or more seen
    CONFIRMED = 7  # and its ACK
    TERMINATED = 8


class Heard(IntEnum):
    """The most the callee's side has said so far."""

    NOTHING = 0
    TRYING = 1
    PROGRESSED = 2
    ALERTED = 3


class Inferred(IntFlag):
    """What was not captured of a leg, but must have been (OUTCOMES §2.2)."""

    NOTHING = 0
    FINAL = 1  # a failing final response
    SUCCESS = 2  # a 2xx
    CHALLENGE = 4  # a 401 or 407


class Input(IntEnum):
    """What can happen to a leg."""

    INVITE = 0  # again: a retransmission
    TRYING = 1  # 100
    PROGRESS = 2  # 101-199 but 180 and 183
    ALERT = 3  # 180, 183
    SUCCESS = 4  # 2xx
    FAILURE = 5  # 3xx-6xx
    ACK = 6
    CANCEL = 7
    CANCEL_REFUSED = 8  # 481 to the CANCEL: it cancelled nothing (§9.2)
    MISSED_FAILURE = 9  # an ACK on the INVITE's own branch, and no final response was captured
    NEXT_HOP = 10  # the hop behind has said 18x: this one is trying at least, whatever was captured of it
    GIVE_UP = 11  # Timer B, Timer C or the wait after a CANCEL ran out
    LINGERED = 12  # Timer H, I or L ran out: nothing more is expected
    END = 13  # the capture is over, or the leg was evicted


_S, _I = State, Input
_EARLY: Final = {
    _I.TRYING: _S.TRYING,
    _I.PROGRESS: _S.PROGRESSING,
    _I.ALERT: _S.ALERTED,
    _I.SUCCESS: _S.ACCEPTED,
    _I.FAILURE: _S.COMPLETED,
    _I.CANCEL: _S.CANCELLING,
    _I.MISSED_FAILURE: _S.CONFIRMED,
    _I.GIVE_UP: _S.TERMINATED,
    _I.END: _S.TERMINATED,
}


def _row(stay: State, moves: dict[Input, State]) -> tuple[State, ...]:
    """Spell a row out: every input not named leaves the state as it is."""
    return tuple(moves.get(given, stay) for given in Input)


# RFC 3261 §17.1.1.2 and §17.2.1, seen from between; the order is that of State.
TABLE: tuple[tuple[State, ...], ...] = (
    # PROGRESSING, not TRYING, for a hop known only by the next one: no timer may run from a 100 that nobody saw.
    _row(_S.CALLING, {**_EARLY, _I.NEXT_HOP: _S.PROGRESSING}),
    _row(_S.TRYING, _EARLY),
    _row(_S.PROGRESSING, {**_EARLY, _I.TRYING: _S.PROGRESSING}),
    _row(_S.ALERTED, {**_EARLY, _I.TRYING: _S.ALERTED, _I.PROGRESS: _S.ALERTED}),
    # Provisional responses cross the CANCEL (§9.1); they are noted, and do not undo it. A refused CANCEL
    # leads back to the beginning, and what was heard is then taken again.
    _row(
        _S.CANCELLING,
        {
            _I.SUCCESS: _S.ACCEPTED,
            _I.FAILURE: _S.COMPLETED,
            _I.CANCEL_REFUSED: _S.CALLING,
            _I.MISSED_FAILURE: _S.CONFIRMED,
            _I.GIVE_UP: _S.TERMINATED,
            _I.END: _S.TERMINATED,
        },
    ),
    # A failure after a 2xx is the other branch of a fork (§16.7): the call stands.
    _row(_S.ACCEPTED, {_I.LINGERED: _S.TERMINATED, _I.END: _S.TERMINATED}),
    _row(_S.COMPLETED, {_I.ACK: _S.CONFIRMED, _I.LINGERED: _S.TERMINATED, _I.END: _S.TERMINATED}),
    _row(_S.CONFIRMED, {_I.LINGERED: _S.TERMINATED, _I.END: _S.TERMINATED}),
    # The verdict has fallen. A late 2xx does not bring a given-up leg back: the caller's
    # transaction is gone and will not acknowledge it.
    _row(_S.TERMINATED, {}),
)

# A response is an input by its status code; index 0 to 699.
RESPONSE_INPUT: tuple[Input, ...] = tuple(
    _I.TRYING if code <= 100
    else _I.ALERT if code in (180, 183)
    else _I.PROGRESS if code < 200
    else _I.SUCCESS if code < 300
    else _I.FAILURE
    for code in range(700)
)  # fmt: skip

OPEN: Final = frozenset({_S.CALLING, _S.TRYING, _S.PROGRESSING, _S.ALERTED, _S.CANCELLING})


class Since(IntEnum):
    """The moment of a leg that a timer runs from."""

    INVITE = 0  # the first INVITE
    TRYING = 1  # the first 100
    ALERT = 2  # the first 180 or 183
    PROVISIONAL = 3  # the latest provisional response
    CANCEL = 4  # the first CANCEL
    FINAL = 5  # the first final response
    ACTIVITY = 6  # the latest message of the leg


class Timer(NamedTuple):
    """One timer: it runs in ``state`` from ``since``, and raises a condition or gives an input.

    ``delay`` is in nanoseconds, or names the attribute of ``Timers`` that holds it.
    """

    name: str
    state: State
    since: Since
    delay: int | str
    raises: Condition | None
    gives: Input | None


TIMERS: tuple[Timer, ...] = (
    Timer("no_response", _S.CALLING, Since.INVITE, "no_response_after", Condition.NO_RESPONSE, None),
    Timer("timer_b", _S.CALLING, Since.INVITE, TIMER_B, None, _I.GIVE_UP),
    Timer("slow_progress", _S.TRYING, Since.TRYING, "slow_progress_after", Condition.SLOW_PROGRESS, None),
    Timer("no_progress", _S.TRYING, Since.TRYING, "no_progress_after", Condition.NO_PROGRESS, None),
    Timer("no_answer", _S.ALERTED, Since.ALERT, "no_answer_after", Condition.NO_ANSWER, None),
    Timer("timer_c", _S.TRYING, Since.PROVISIONAL, TIMER_C, None, _I.GIVE_UP),
    Timer("timer_c", _S.PROGRESSING, Since.PROVISIONAL, TIMER_C, None, _I.GIVE_UP),
    Timer("timer_c", _S.ALERTED, Since.PROVISIONAL, TIMER_C, None, _I.GIVE_UP),
    Timer("cancel_wait", _S.CANCELLING, Since.CANCEL, CANCEL_WAIT, None, _I.GIVE_UP),
    Timer("timer_l", _S.ACCEPTED, Since.FINAL, TIMER_H, None, _I.LINGERED),
    Timer("timer_h", _S.COMPLETED, Since.FINAL, TIMER_H, None, _I.LINGERED),
    Timer("timer_i", _S.CONFIRMED, Since.ACTIVITY, T4, None, _I.LINGERED),
)

# How each input resolves the conditions raised by timers; absent: it leaves them as they are.
_R = Resolution
_ENDINGS: Final = {
    _I.SUCCESS: _R.ANSWERED,
    _I.FAILURE: _R.FAILED,
    _I.MISSED_FAILURE: _R.FAILED,
    _I.CANCEL: _R.CANCELLED,
    _I.GIVE_UP: _R.EXPIRED,
    _I.END: _R.CAPTURE_END,
}
_STUCK: Final = {**_ENDINGS, _I.PROGRESS: _R.PROGRESSED, _I.ALERT: _R.PROGRESSED}
RESOLVED_BY: dict[Condition, dict[Input, Resolution]] = {
    Condition.NO_RESPONSE: {
        **_ENDINGS,
        **dict.fromkeys(
            (_I.TRYING, _I.PROGRESS, _I.ALERT, _I.SUCCESS, _I.FAILURE, _I.MISSED_FAILURE, _I.NEXT_HOP), _R.RESPONDED
        ),
    },
    Condition.SLOW_PROGRESS: _STUCK,
    Condition.NO_PROGRESS: _STUCK,
    Condition.NO_ANSWER: _ENDINGS,
    Condition.ACK_MISSING: {_I.ACK: _R.RESPONDED, _I.LINGERED: _R.EXPIRED, _I.END: _R.CAPTURE_END},
    Condition.BYE_UNANSWERED: {_I.END: _R.CAPTURE_END},
}
