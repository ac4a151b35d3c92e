"""The zip of a package: the same content gives the same bytes.

Must not know: what is in it, or where it is written.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold
_UNIX = 3
_READABLE = 0o100644 << 16  # a file that everybody may read
_LEVEL = 6


def write_archive(out: IO[bytes], entries: Iterable[tuple[str, bytes]]) -> None:
    """Write entries (name, content) in their order."""
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, content in entries:
            info = ZipInfo(name, _NO_TIME)
            info.create_system = _UNIX
            info.external_attr = _READABLE
            info.compress_type = ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=_LEVEL)
