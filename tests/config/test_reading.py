"""TOML files that people write: what cannot be read is one line that names the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.config import ConfigError
from sipwatch.config.reading import document_in, text_in
from tests.each import for_each

if TYPE_CHECKING:
    from pathlib import Path


def test_a_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("näme = 1\n")
    assert text_in(str(tmp_path / "x.toml"), "the file") == "näme = 1\n"
    assert document_in("a = [1]\n", "x") == {"a": [1]}


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff")
    for name, said in (("x.toml", "the file is not UTF-8 text"), ("y.toml", "the file cannot be read: No such file")):
        with pytest.raises(ConfigError, match=f"{name}: {said}"):
            text_in(str(tmp_path / name), "the file")


@for_each("text", ["a = ", f"a = {'[' * 5000}{']' * 5000}", f"a = {'9' * 5000}"], ids=lambda text: text[:9])
def test_what_is_no_toml_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^x: not valid TOML: ") as raised:
        document_in(text, "x")
    assert len(str(raised.value).splitlines()) == 1
