"""When causes are looked for, and in which order they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.families.table import _LOOK_OF, strongest_first
from sipwatch.classify.findings import PLAIN, TABLE, Finding, Kind, own
from sipwatch.classify.signs import CANCELLED, ENDING, FAILED, IS_BUSY, REPEATED, TROUBLE, signs_of
from sipwatch.track.events import CallOver
from tests.classify.diagnosing import (
    HUNG_UP,
    RANG,
    SITE,
    TAKEN,
    TRIED,
    Diagnosed,
    diagnose,
    ends,
)

if TYPE_CHECKING:
    from sipwatch.track.events import Takes

# Nothing at all


@pytest.mark.parametrize(
    "script", [TAKEN + HUNG_UP, RANG + ends(486, 3), TRIED + ends(404, 1), RANG + "12 A>T CANCEL\n12.1 T>A 487\n"]
)
def test_a_call_that_shows_nothing_unusual_has_no_finding(script: str) -> None:
    for where in (SITE, None):
        found = diagnose(script, where, until="60")
        assert (len(found.calls), found.kinds(), found.summarised()) == (1, [], [])


def test_of_one_kind_there_is_one_finding() -> None:
    """Two phones that refuse every codec are one reason."""
    script = (
        "0 A>P INVITE\n0.1 P>A 100\n0.2 P>B INVITE vias=2\n0.2 P>C INVITE vias=2\n0.3 B>P 100 vias=2\n0.3 C>P 100 vias=2\n"
        "20 B>P 480 vias=2\n20.1 C>P 480 vias=2\n20.2 P>B ACK vias=2 ttag=callee\n20.3 P>C ACK vias=2 ttag=callee\n"
    )
    assert diagnose(script + ends(480, 20.4, "P>A")).kinds() == ["late_480"]


# The table


def test_every_kind_stands_in_it_once() -> None:
    assert sorted(entry.kind for entry in TABLE) == sorted(Kind)


def test_who_has_signs_is_looked_for_and_who_has_none_is_not() -> None:
    """A call that went well costs next to nothing; a row without its function, or the other way about, is forgotten."""
    assert sorted(entry.kind for entry in TABLE if entry.signs) == sorted(_LOOK_OF)


def test_nothing_explains_itself_nor_each_other() -> None:
    explains = {entry.kind: entry.explains for entry in TABLE}
    assert [kind for kind, kinds in explains.items() if kind in kinds] == []
    assert [(one, other) for one, kinds in explains.items() for other in kinds if one in explains[other]] == []


def shown(kind: Kind) -> Finding:
    return Finding(kind, PLAIN, own("somebody"), {}, [])


def test_the_strongest_cause_stands_first_and_what_it_explains_is_left_out() -> None:
    found = [shown(Kind.LOSS), shown(Kind.REFUSAL_STREAK), shown(Kind.ACK_LOST), shown(Kind.ACK_MISROUTED)]
    assert [finding.kind for finding in strongest_first(found)] == [Kind.ACK_MISROUTED, Kind.REFUSAL_STREAK]
    assert [finding.kind for finding in strongest_first(found[:3])] == [Kind.ACK_LOST, Kind.LOSS, Kind.REFUSAL_STREAK]


@pytest.mark.parametrize(
    ("script", "signs"),
    [
        (TAKEN + HUNG_UP, 0),
        (RANG + ends(486, 3), FAILED | IS_BUSY),
        (TAKEN + "20 A>T BYE\n20.1 T>A 403 method=BYE cseq=2\n", TROUBLE | ENDING),
        (RANG + "8 A>T CANCEL\n8.01 T>A 200\n8.1 A>T ACK ttag=callee branch=z9hG4bKa\n" + HUNG_UP, CANCELLED),
        (TRIED + "0.5 A>T INVITE\n" + ends(486, 3), FAILED | IS_BUSY | REPEATED),
    ],
    ids=["a call that went well", "one that failed", "a refused BYE", "a CANCEL too late", "an INVITE sent again"],
)
def test_signs_are_read_off_a_call(script: str, signs: int) -> None:
    read: list[int] = []

    class Reading:
        def takes(self) -> Takes:
            return {CallOver: lambda event: read.append(signs_of(event.call))}

    found = Diagnosed()
    found.engine.add(Reading())
    found.say(script).until("120").over()
    assert read == [signs]
