"""A zip that says nothing of when or where it was made."""

from __future__ import annotations

import io
import zipfile

from sipwatch.evidence.archive import write_archive

ENTRIES = [("index.html", b"<html>" * 100), ("examples/001-ab.pcap", bytes(1000))]


def archive() -> bytes:
    out = io.BytesIO()
    write_archive(out, ENTRIES)
    return out.getvalue()


def test_what_is_written_can_be_read_by_anybody() -> None:
    with zipfile.ZipFile(io.BytesIO(archive())) as found:
        assert found.testzip() is None
        assert [(info.filename, found.read(info)) for info in found.infolist()] == ENTRIES
        for info in found.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.external_attr >> 16 == 0o100644
            assert info.compress_size < info.file_size


def test_the_same_content_gives_the_same_bytes() -> None:
    assert archive() == archive()
