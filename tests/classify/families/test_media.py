"""What a call shows whose media could not be agreed on."""

from __future__ import annotations

import pytest

from pcaps.make.talk import lines
from sipwatch.wire.sip import parse
from tests.classify.diagnosing import (
    TRIED,
    Diagnosed,
    diagnose,
    ends,
)
from tests.conversation import message_text, nanoseconds, path

# No common codec


def with_sdp(script: str) -> Diagnosed:
    """Run a conversation whose INVITEs offer PCMA."""
    found = Diagnosed()
    body = b"v=0\r\nm=audio 10000 RTP/AVP 8\r\n"
    for line in lines(script):
        text = message_text(line)
        if line.what == "INVITE":
            text = text.replace(b"Content-Length: 0\r\n\r\n", b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        message = parse(nanoseconds(line.time), path(line.source, line.destination), text, False)
        found.take([message])  # type: ignore[list-item]
    return found.until("90").over()


@pytest.mark.parametrize("code", [415, 488, 606])
def test_what_was_offered_is_told_where_it_was_not_taken(code: int) -> None:
    (finding,) = with_sdp(TRIED + ends(code, 1)).findings()
    assert finding.kind == "media_mismatch"
    assert finding.text.endswith("none of what was offered: PCMA.")


def test_a_warning_is_told_as_well() -> None:
    found = with_sdp(TRIED + ends(488, 1, more='h=Warning:_305_x_"Incompatible_{media}_format"'))
    assert found.text("media_mismatch").endswith('It says: 305 x "Incompatible {media} format"')


def test_nothing_offered_means_nothing_told_and_neither_do_other_codes() -> None:
    assert diagnose(TRIED + ends(488, 1)).kinds() == []
    assert with_sdp(TRIED + ends(486, 1)).kinds() == []
