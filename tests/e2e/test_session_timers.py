"""Session timers of RFC 4028, live: whoever vanishes without a BYE is gone when the session interval has run out."""

from __future__ import annotations

import pytest

from tests.e2e import scenarios as s
from tests.e2e.figures import assert_all_is_over, endings, outcomes
from tests.e2e.site import ACME, GLOBEX, SERVER, Site

pytestmark = pytest.mark.slow  # real programs, in real time


def test_calls_without_a_bye_end_by_themselves_and_those_that_are_refreshed_do_not(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("globex", s.IS_REFRESHED, GLOBEX)
    refreshes = site.calls("refreshes", s.REFRESHES, SERVER, GLOBEX, 5, port=5071, pause=1)
    site.answers("acme", s.IS_LEFT_ALONE, ACME)
    assert site.calls("vanishes", s.VANISHES, SERVER, ACME, 10, port=5070, rate=20).done() == 10
    before = sipwatch.until("calls_total", 10 + 5, outcome="answered")
    assert before.by("sipwatch_calls_established", "destination") == {"acme": 10, "globex": 5}
    assert before.sum("sipwatch_calls_ended_total") == 0
    assert refreshes.done() == 5
    sipwatch.until("calls_ended_total", 10 + 5, seconds=6)
    samples = site.settled(sipwatch, 15)
    assert outcomes(samples) == {("server", "acme", "answered"): 10, ("server", "globex", "answered"): 5}
    assert endings(samples) == {
        ("server", "acme", "timeout", "session_expired"): 10,
        ("server", "globex", "caller", "normal"): 5,
    }
    assert samples.sum("sipwatch_invite_conditions_total") == 0
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5
    assert_all_is_over(samples)
