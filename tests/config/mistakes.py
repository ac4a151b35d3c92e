"""What is said of a configuration that is wrong, for the tests of each of its parts."""

from __future__ import annotations

import pytest

from sipwatch.config import ConfigError, parse


def complaint(text: str) -> str:
    """Return the one line with which a configuration, in a file named x, is refused."""
    with pytest.raises(ConfigError) as raised:
        parse(text, "x")
    (line,) = str(raised.value).splitlines()
    return line
