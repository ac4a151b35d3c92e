"""One call to take along, in every form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.report.mermaid import mermaid_text
from tests.cli.program import ROOT
from tests.each import for_each
from tests.export import records
from tests.web.browsing import get, site_of, watched
from tests.web.test_why import PROXIED

if TYPE_CHECKING:
    from tests.store.stored import Stored

FORMS = ("ladder.svg", "ladder.mmd", "sipp-caller.xml", "sipp-callee.xml", "call.pcap")


def test_a_call_is_given_in_every_form(store: Stored) -> None:
    call = watched(store, PROXIED)
    svg, mermaid, caller, callee, pcap = get(site_of(store), *[f"/calls/{call.id}/{form}" for form in FORMS])
    assert svg.text.startswith("<svg ")
    assert svg.headers["content-type"] == "image/svg+xml"
    assert mermaid.text == mermaid_text(call)
    assert f'<scenario name="caller of {call.id}">' in caller.text
    assert f'<scenario name="callee of {call.id}">' in callee.text
    assert callee.headers["content-disposition"] == f'attachment; filename="{call.id}-sipp-callee.xml"'
    assert pcap.content[:4] == b"\x4d\x3c\xb2\xa1"
    assert pcap.headers["content-disposition"] == f'attachment; filename="{call.id}.pcap"'


def test_pictures_have_the_linked_calls_unless_the_call_is_wanted_alone(store: Stored) -> None:
    store.capture(ROOT / "pcaps/situations/linked.pcap")
    paths = [f"/calls/684be706107a/{form}" for form in ("ladder.svg", "ladder.mmd", "sipp-caller.xml")]
    both = [answer.text for answer in get(site_of(store), *paths)]
    alone = [answer.text for answer in get(site_of(store), *(f"{path}?calls=alone" for path in paths))]
    assert ["4f72a0b8f13e" in text for text in both] == [True, True, False]
    assert ["4f72a0b8f13e" in text for text in alone] == [False, False, False]


@for_each("form", FORMS)
def test_without_the_call_or_its_messages_there_is_nothing_to_take(store: Stored, form: str) -> None:
    store.put(records.call())
    gone, none = get(site_of(store), f"/calls/nope/{form}", f"/calls/0123456789ab/{form}")
    assert (gone.status_code, "No such call" in gone.text) == (404, True)
    assert (none.status_code, "No message of this call was stored, although it failed" in none.text) == (404, True)


def test_a_side_that_cannot_be_played_is_told(store: Stored) -> None:
    """The caller's INVITE was not captured, the proxy's was."""
    call = watched(store, PROXIED.replace("0    A>P INVITE\n", ""))
    caller, callee = get(site_of(store), *[f"/calls/{call.id}/sipp-{side}.xml" for side in ("caller", "callee")])
    assert (caller.status_code, "does not begin with an INVITE that was captured" in caller.text) == (404, True)
    assert callee.status_code == 200
