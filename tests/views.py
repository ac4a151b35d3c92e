"""The same calls seen from everywhere: the views of an observer, and what is wrong in what sipwatch made of one.

``python -m tests.views SEED VIEW`` prints a world so seen. A view is a place, and what the capture suffered:
``far``, ``caller+loss``, ``hop+join+swap``. Must not know: how sipwatch tracks or judges.
"""

from __future__ import annotations

import sys
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from sipwatch.classify.peers import Directory, Settings
from sipwatch.engine import Engine
from sipwatch.export.collector import Collector
from sipwatch.export.metrics import Metrics
from sipwatch.wire.message import Path, Request, Response, Transport
from sipwatch.wire.sip import parse
from tests.view_fates import story
from tests.view_oracle import Sight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sipwatch.export.record import CallRecord
    from tests.view_calls import Said, Story

EPOCH = 1_767_603_600_000_000_000  # 2026-01-05T09:00:00Z
SECOND = 1_000_000_000
OVER = 500 * SECOND  # when every timer has fired
CALLS = 3
PLACES = ("all", "caller", "far", "hop")
SUFFERED = ("", "loss", "one", "join", "swap", "cut", "swap+loss", "join+loss")
VIEWS = tuple(f"{place}+{suffered}".rstrip("+") for place in PLACES for suffered in SUFFERED)
COUNTED = ("sipwatch_call", "sipwatch_leg", "sipwatch_condition", "sipwatch_retransmission")
_PATHS: dict[str, Path] = {}


class World(NamedTuple):
    """Calls, what an observer saw of them, and when the capture ended; ``seen`` is in the order of capture."""

    stories: list[Story]
    seen: list[Said]
    last: int
    view: str

    @property
    def whole(self) -> bool:
        """Tell whether nothing is missing at this place."""
        return not {"loss", "one", "join", "cut"} & set(self.view.split("+"))


# Views


def world(seed: int, view: str) -> World:
    """Make the calls of a seed, as seen in a view; every view of a seed has the same calls."""
    random = Random(seed)
    stories = [story(random, number) for number in range(1, CALLS + 1)]
    place, *suffered = view.split("+")
    random = Random(f"{seed} {view}")
    everything = sorted((said for told in stories for said in told.said), key=lambda said: said.time)
    seen = _one_hop(everything, random) if place == "hop" else [said for said in everything if _in_sight(said, place)]
    last = OVER
    for what in suffered:
        seen, last = _SUFFER[what](seen, last, random)
    return World(stories, seen, last, view)


def _in_sight(said: Said, place: str) -> bool:
    return {"all": True, "caller": "A" in said.hop, "far": "A" not in said.hop}[place]


def _one_hop(seen: list[Said], random: Random) -> list[Said]:
    hops = {
        call: random.choice(sorted({said.hop for said in seen if said.call == call}))
        for call in sorted({said.call for said in seen})
    }
    return [said for said in seen if said.hop == hops[said.call]]


def _lose_some(seen: list[Said], last: int, random: Random) -> tuple[list[Said], int]:
    return [said for said in seen if random.random() >= 0.02], last


def _lose_one(seen: list[Said], last: int, random: Random) -> tuple[list[Said], int]:
    """Lose exactly one message of each call."""
    lost = {
        id(random.choice([said for said in seen if said.call == call])) for call in sorted({said.call for said in seen})
    }
    return [said for said in seen if id(said) not in lost], last


def _moment(seen: list[Said], random: Random) -> int:
    return random.choice(seen).time + random.randrange(SECOND) if seen else 0


def _join(seen: list[Said], last: int, random: Random) -> tuple[list[Said], int]:
    joined = _moment(seen, random)
    return [said for said in seen if said.time >= joined], last


def _cut(seen: list[Said], last: int, random: Random) -> tuple[list[Said], int]:
    ended = _moment(seen, random)
    return [said for said in seen if said.time <= ended], ended


def _swap(seen: list[Said], last: int, random: Random) -> tuple[list[Said], int]:
    """Put some messages behind the one that follows within a millisecond, as mirror ports do."""
    seen, moved = list(seen), -1
    for place in range(len(seen) - 1):
        one, two = seen[place : place + 2]
        if place > moved and two.time - one.time < 1_000_000 and random.random() < 0.3:
            seen[place : place + 2] = [two._replace(time=one.time), one._replace(time=two.time)]
            moved = place + 1
    return seen, last


_SUFFER: dict[str, Callable[[list[Said], int, Random], tuple[list[Said], int]]] = {
    "loss": _lose_some,
    "one": _lose_one,
    "join": _join,
    "cut": _cut,
    "swap": _swap,
}


# What sipwatch makes of it


class Watched:
    """What an engine with metrics made of a world; ``ticks`` lets time pass between the messages, at random.

    Without ``records`` it runs as ``live`` does without a sink.
    """

    def __init__(self, seen: World, *, ticks: Random | None = None, records: bool = True) -> None:
        self.records: list[CallRecord] = []
        engine = Engine(self._take if records else None, metrics=Metrics(Directory(Settings())))
        before = 0
        for said in seen.seen:
            for moment in sorted(ticks.randint(before, said.time) for _ in range(ticks.randrange(3))) if ticks else ():
                engine.advance(EPOCH + moment)
            engine.message(_message(said))
            before = said.time
        for moment in sorted(ticks.randint(before, seen.last) for _ in range(20)) if ticks else ():
            engine.advance(EPOCH + moment)
        engine.finish(EPOCH + seen.last)
        self.counts = _counts(engine)
        self.records.sort(key=lambda record: (record.started, record.call_id))

    def _take(self, record: CallRecord, _: bool) -> None:
        self.records.append(record)


def _message(said: Said) -> Request | Response:
    hop = said.source + said.destination
    path = _PATHS.get(hop)
    if path is None:
        ends = b"".join(bytes((192, 0, 2, ord(letter))) for letter in hop)
        path = _PATHS[hop] = Path(ends + 2 * (5060).to_bytes(2, "big"), Transport.UDP)
    message = parse(EPOCH + said.time, path, said.data, False)
    assert isinstance(message, (Request, Response)), said
    return message


def _counts(engine: Engine) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every counter and gauge of calls, legs and conditions that is not 0, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in Collector(engine).collect()
        for sample in metric.samples
        if sample.name.startswith(COUNTED) and sample.value
    }


def counted(watched: Watched, name: str, label: str = "") -> Counter[str]:
    """Sum a counter by one of its labels."""
    found: Counter[str] = Counter()
    for (sample, labels), value in watched.counts.items():
        if sample == name:
            found[dict(labels).get(label, "")] += int(value)
    return found


# What is wrong in it


def faults(seen: World, watched: Watched) -> list[str]:
    """Say everything that the contract forbids in the records of a world, each with its call's ladder."""
    found = []
    for told in seen.stories:
        sight = [said for said in seen.seen if said.call == told.call]
        records = [record for record in watched.records if record.call_id == told.call]
        wrong = [
            *_wrong_outcome(seen, told, sight, records),
            *_wrong_conditions(sight, records),
            *_wrong_codes(sight, records),
            *(_wrong_in_a_whole_view(seen, told, sight, records) if seen.whole and len(records) == 1 else ()),
        ]
        if wrong:
            found.append("\n".join([*wrong, *ladder(seen, told, records)]))
    return [*found, *_wrong_counts(watched)]


def _wrong_outcome(seen: World, told: Story, sight: list[Said], records: list[CallRecord]) -> list[str]:
    outcomes = [record.outcome for record in records]
    if not any(said.what == "INVITE" and not said.to_tag for said in sight):
        return [f"{len(records)} calls made of one whose INVITE was not seen: {outcomes}"] if records else []
    view = Sight(sight)
    most = 1 if seen.whole else view.attempts()[0]
    if not 1 <= len(records) <= most:
        return [f"{len(records)} records {outcomes}, where {most} may be"]
    answer = view.answered()
    if told.outcome == "answered" and answer is not None:
        if "answered" not in outcomes and not (answer.thin and set(outcomes) <= {"unfinished", "answered_elsewhere"}):
            sign = f"{answer.what} at {answer.time / SECOND:.6f}" + (
                ", thin: its INVITE was not seen" if answer.thin else ""
            )
            return [f"{outcomes} although answered in what is seen ({sign})"]
        return []
    return _wrong_failure(seen, told, view, outcomes)


def _wrong_failure(seen: World, told: Story, view: Sight, outcomes: list[str]) -> list[str]:
    early_bye = any(sign.what.startswith("BYE") for sign in view.answers())
    if told.outcome != "answered" and "answered" in outcomes and not early_bye:
        return [f"{outcomes} of a call that was {told.outcome}"]
    exact = told.outcome if seen.whole and not seen.view.startswith(("far", "hop")) else view.certain()
    if outcomes == ["not_responding"] and "not_responding" in view.supported():
        return []  # nothing was heard before Timer B: what comes after a verdict changes nothing
    if exact and "cut" not in seen.view and exact not in outcomes:
        return [f"{outcomes} where {exact} is certain"]
    pending = len(outcomes) == 1 and view.pending(seen.last)
    allowed = {"unfinished", "answered"} | (set() if pending else {told.outcome} | view.supported())
    return [f"{outcome} without a cause; possible: {sorted(allowed)}" for outcome in outcomes if outcome not in allowed]


def _wrong_conditions(sight: list[Said], records: list[CallRecord]) -> list[str]:
    found = []
    view = Sight(sight) if records else None
    for record in records:
        for condition in record.conditions:
            leg = record.legs[condition.leg]
            raised = condition.raised - EPOCH
            ends = _letter(leg.source_address), _letter(leg.destination_address)
            cause = view.causeless(condition.kind, raised, *ends, leg.branch) if view else None
            if cause:
                found.append(f"{condition.kind} on {'>'.join(ends)} at {raised / SECOND:.6f}: {cause}")
    return found


def _wrong_in_a_whole_view(seen: World, told: Story, sight: list[Said], records: list[CallRecord]) -> list[str]:
    """Where nothing is missing, what is due is there: conditions, the phone that answered, how the call ended."""
    record = records[0]
    raised = {(condition.kind, record.legs[condition.leg].branch) for condition in record.conditions}
    found = [f"{kind} was not raised" for kind, branch in Sight(sight).due() - raised]
    if told.outcome != "answered" or record.outcome != "answered" or seen.view.startswith("hop"):
        return found
    if "A" in _letter(record.destination_address) or (
        not seen.view.startswith("caller") and _letter(record.destination_address) != told.taken_by
    ):
        found.append(f"answered by {told.taken_by}, not by {_letter(record.destination_address)}")
    ending = getattr(record, "ending", None)
    if told.ending and ending != told.ending:
        found.append(f"ending {ending}, not {told.ending}")
    return found


def _wrong_codes(sight: list[Said], records: list[CallRecord]) -> list[str]:
    """What nobody saw has no code (§2.2)."""
    codes = {said.code for said in sight if said.method == "INVITE"}
    shown = {leg.status_code for record in records for leg in record.legs} | {record.status_code for record in records}
    return [f"status code {code} was not seen" for code in shown - {None} - codes]


def _wrong_counts(watched: Watched) -> list[str]:
    """The counters say what the records say."""
    found = []
    outcomes = Counter(record.outcome for record in watched.records)
    if counted(watched, "sipwatch_calls_total", "outcome") != outcomes:
        found.append(f"calls_total {counted(watched, 'sipwatch_calls_total', 'outcome')}, records {outcomes}")
    ended = counted(watched, "sipwatch_calls_ended_total").total()
    if ended != outcomes["answered"]:
        found.append(f"calls_ended_total {ended}, answered records {outcomes['answered']}")
    return found


def _letter(address: str) -> str:
    return chr(int(address.partition(":")[0].rpartition(".")[2]))


# To be read by people


def ladder(seen: World, told: Story, records: Sequence[CallRecord] = ()) -> list[str]:
    """Write a call's messages in order; those out of sight behind a dot."""
    lines = [f"{told.call} ({told.fate}): {told.outcome}, from {told.start} s; capture ends {seen.last / SECOND:.6f}"]
    for record in records:
        legs = ", ".join(
            f"{_letter(leg.source_address)}>{_letter(leg.destination_address)} {leg.outcome} {leg.status_code}"
            for leg in record.legs
        )
        lines.append(
            f"  record: {record.outcome} {record.status_code}, started {str(record.started)[17:26]}, legs {legs}"
        )
    sight = [said for said in seen.seen if said.call == told.call]
    known = Counter((said.branch, said.what, said.source, said.destination) for said in sight)
    shown = [(said, "  ") for said in sight]
    for said in reversed(told.said):
        key = (said.branch, said.what, said.source, said.destination)
        if known[key] > 0:
            known[key] -= 1
        else:
            shown.append((said, " ·"))
    shown.sort(key=lambda entry: entry[0].time)
    for said, mark in shown:
        method = f" ({said.method})" if said.code else ""
        tag = f" to={said.to_tag}" if said.to_tag else ""
        lines.append(
            f"{mark} {said.time / SECOND:11.6f} {said.source}>{said.destination} {said.what}{method} {said.cseq}{tag} {said.branch.removeprefix('z9hG4bK' + said.call)}"
        )
    return lines


def main(seed: str, view: str) -> None:
    """Print a world as seen, what became of it, and what is wrong."""
    seen = world(int(seed), view)
    watched = Watched(seen)
    for told in seen.stories:
        print("\n".join(ladder(seen, told, [r for r in watched.records if r.call_id == told.call])), end="\n\n")  # noqa: T201
    for fault in faults(seen, watched):
        print(f"WRONG: {fault.splitlines()[0]}")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
