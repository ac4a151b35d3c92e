"""What a file is, by its first bytes; and what to say of one that is no capture."""

from __future__ import annotations

import bz2
import lzma
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.errors import CaptureError
from tests.capture.builders import packets, pcap, pcapng, read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("content", [pcap(packets(1)), pcapng(packets(1))], ids=["pcap", "pcapng"])
@pytest.mark.parametrize("name", ["capture.pcap", "capture.pcapng", "capture.gz", "capture"])
def test_the_name_of_a_file_says_nothing(tmp_path: Path, content: bytes, name: str) -> None:
    assert read(tmp_path / name, content).frames == packets(1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"INVITE sip:a@example.org SIP/2.0\r\n", "not a capture file but text; expected pcap or pcapng"),
        (b"abc", "not a capture file but text"),
        (b"\x7fELF" + bytes(60), r"not a capture file \(it begins with 7f 45 4c 46\)"),
        (b"\x01", r"not a capture file \(it begins with 01\)"),
        (b"PK\x03\x04" + bytes(60), "a zip archive; unpack it first"),
        (b"snoop\0\0\0" + bytes(60), "a snoop file; convert it with editcap"),
        (b"\x28\xb5\x2f\xfd" + bytes(60), "zstd-compressed; unpack it first"),
        (bz2.compress(pcap(packets(1))), "bzip2-compressed"),
        (lzma.compress(pcap(packets(1))), "xz-compressed"),
        (b"a.pcap".ljust(257, b"\0") + b"ustar\0" + bytes(300), "a tar archive"),
    ],
    ids=["empty", "text", "short text", "program", "one byte", "zip", "snoop", "zstd", "bzip2", "xz", "tar"],
)
def test_what_is_no_capture_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes, words: str) -> None:
    """One line that names the file."""
    with pytest.raises(CaptureError, match=words) as error:
        read(tmp_path / "x.pcap", content)
    assert str(error.value).startswith(f"{tmp_path / 'x.pcap'}: ")
    assert "\n" not in str(error.value)
