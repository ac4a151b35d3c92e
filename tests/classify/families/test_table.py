"""When causes are looked for, and in which order they are told."""

from __future__ import annotations

import pytest

from tests.classify.diagnosing import (
    HUNG_UP,
    RANG,
    SITE,
    TAKEN,
    TRIED,
    diagnose,
    ends,
)

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
