"""TOML files that people write: read, and turned into a document; every mistake is one line with the file's name.

Must not know: which tables and keys there are.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from sipwatch.config.checks import ConfigError


def text_in(path: str, what: str) -> str:
    """Return the text of a file; ``what`` is what it is to people. Raises ConfigError."""
    try:
        return Path(path).read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{path}: {what} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: {what} is not UTF-8 text") from None


def document_in(text: str, path: str) -> dict[str, Any]:
    """Return what a text says as TOML. Raises ConfigError."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{path}: not valid TOML: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError is one; so is what a number of thousands of digits brings about
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
