"""What an INVITE offers, as far as its SDP says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.media import MAX_CODECS, offered
from sipwatch.wire.message import Path, Request, Transport
from sipwatch.wire.sip import parse

ENDS = Path(bytes(12), Transport.UDP)


def invite(body: bytes, *, length: int | None = None, end: bytes = b"\r\n") -> Request:
    head = [
        b"INVITE sip:x@example.com SIP/2.0", b"Via: SIP/2.0/UDP example.com;branch=z9hG4bK1", b"From: <sip:a@example.com>;tag=1",
        b"To: <sip:x@example.com>", b"Call-ID: 1", b"CSeq: 1 INVITE", b"Content-Length: %d" % (len(body) if length is None else length),
    ]  # fmt: skip
    message = parse(0, ENDS, end.join([*head, b"", body]), False)
    assert isinstance(message, Request)
    return message


def codecs(*lines: str, end: str = "\r\n") -> list[str]:
    return offered(invite(end.join(["v=0", *lines, ""]).encode()))


def test_codecs_are_named_in_the_order_they_stand() -> None:
    """Static payload types by RFC 3551, others by their rtpmap; each once."""
    assert codecs("m=audio 10000 RTP/AVP 8 0 18 101", "a=rtpmap:101 telephone-event/8000") == [
        "PCMA", "PCMU", "G729", "telephone-event",
    ]  # fmt: skip
    assert codecs("m=audio 10000 RTP/AVP 96 97", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 opus/48000/2") == ["opus"]


def test_a_rtpmap_goes_before_the_static_name_and_a_number_stays_where_there_is_none() -> None:
    assert codecs("m=audio 10000 RTP/AVP 8 99", "a=rtpmap:8 PCMA/16000") == ["PCMA", "99"]


def test_what_is_not_audio_says_so() -> None:
    assert codecs("m=video 10002 RTP/AVP 34", "m=image 10004 udptl t38") == ["video H263", "image t38"]


def test_encrypted_media_name_their_profile() -> None:
    assert codecs("m=audio 10000 RTP/SAVP 8", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000/2") == [
        "PCMA (SAVP)", "opus (SAVP)",
    ]  # fmt: skip


def test_payload_types_are_each_mediums_own() -> None:
    """RFC 4566 §5.14: 96 may be one thing in audio, another in video."""
    lines = (
        "m=audio 10000 RTP/AVP 96",
        "a=rtpmap:96 opus/48000/2",
        "m=video 10002 RTP/AVP 96",
        "a=rtpmap:96 H264/90000",
    )
    assert codecs(*lines) == ["opus", "video H264"]


def test_media_with_port_0_are_not_offered_unless_they_are_bundled() -> None:
    """RFC 3264 §5.1, RFC 8843 §6."""
    assert codecs("m=audio 10000 RTP/AVP 8", "m=video 0 RTP/AVP 34") == ["PCMA"]
    assert codecs("m=audio 10000 RTP/AVP 8", "m=video 0 RTP/AVP 34", "a=bundle-only") == ["PCMA", "video H263"]


def test_sloppy_line_ends_are_read() -> None:
    assert codecs("m=audio 10000 RTP/AVP 8", end="\n") == ["PCMA"]
    assert offered(invite(b"v=0\nm=audio 1 RTP/AVP 0\n", end=b"\n")) == ["PCMU"]


def test_without_sdp_nothing_is_offered() -> None:
    assert codecs() == []
    assert offered(invite(b"")) == []


def test_a_body_that_was_cut_off_offers_nothing_that_could_be_told() -> None:
    """The codecs that are missing may be the ones that matter."""
    assert offered(invite(b"v=0\r\nm=audio 1 RTP/AVP 8", length=400)) == []


def test_rubbish_stays_short_and_plain() -> None:
    """Control characters, megabytes of media, numbers without end."""
    assert codecs("m=audio 1 RTP/AVP 96", "a=rtpmap:96 \x1b[31m{0.__class__}/8000") == ["??31m?0.__class__?"]
    assert codecs("m=audio", "m=", "m=audio 1", "m=audio 1 RTP/AVP") == []
    assert len(codecs(*["m=audio 1 RTP/AVP " + " ".join(map(str, range(100, 300)))] * 3000)) == MAX_CODECS
    assert all(len(codec) < 80 for codec in codecs("m=audio 1 RTP/AVP 96", f"a=rtpmap:96 {'x' * 60_000}/8000"))


@given(st.binary(max_size=400), st.integers(0, 500))
def test_nothing_breaks_it(body: bytes, length: int) -> None:
    for codec in offered(invite(b"v=0\r\nm=audio 1 RTP/AVP " + body, length=length)):
        assert codec.isprintable()
        assert codec.isascii()
