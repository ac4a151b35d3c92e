"""Where links lead: to the documentation, and to sipwatch's own pages, with the selection of calls that somebody saw.

Must not know: who shows the links, how the pages read them.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

DOCS: Final = "https://github.com/sipwatch/sipwatch/blob/main"  # where the tree can be read
RUNBOOK: Final = "docs/runbook.md"  # in that tree; each alert has a section in it
EXPLAIN: Final = "explain"  # the page below which each word, code, metric and alert has one of its own
PAGES: Final = "http://127.0.0.1:10060"  # where the pages are; `sipwatch assets --pages` writes another

# What Prometheus ({{ ... }}) and Grafana (${...}) fill in: names of peers and words, which no address has to escape.
_FILLED_IN: Final = re.compile(r"(\{\{.*?\}\}|\$\{.*?\})")
_BASE: Final = re.compile(r"https?://[A-Za-z0-9.\-_~:\[\]/%]+", re.ASCII)
_HOST: Final = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/.*)?", re.ASCII)
# So long before the alert was last looked at: the link in a mail that is read later leads to the same calls.
_SINCE: Final = '{{{{ with query "time() - {seconds}" }}}}{{{{ . | first | value | printf "%.0f" }}}}{{{{ end }}}}'


def calls_address(base: str, **selection: str) -> str:
    """Return the address of the calls that are selected; what is filled in later stays as it is."""
    return f"{base}/calls?" + "&".join(f"{key}={_escaped(text)}" for key, text in selection.items())


def runbook_address(alert: str, pages: str = PAGES) -> str:
    """Return where it stands what to do about an alert: on the pages, if somebody said where these are."""
    name = alert.lower()
    return f"{DOCS}/{RUNBOOK}#{name}" if pages == PAGES else f"{pages}/{EXPLAIN}/{name}"


def since_alert(seconds: int) -> str:
    """Return what Prometheus makes the moment so long before an alert."""
    return _SINCE.format(seconds=seconds)


def pages_base(text: str) -> str:
    """Return where the pages are, as links begin. Raises ValueError, which says what is wrong with it."""
    base = text.rstrip("/")
    if not text.startswith(("http://", "https://")):
        raise ValueError("it has to begin with http:// or https://")
    if _BASE.fullmatch(base) is None or _HOST.fullmatch(base) is None:
        raise ValueError(
            "it has to be a host, perhaps with a port and a path, such as https://voice.example.com/sipwatch"
        )
    return base


def _escaped(text: str) -> str:
    parts = _FILLED_IN.split(text)
    return "".join(part if _FILLED_IN.fullmatch(part) else quote(part, safe=" ").replace(" ", "+") for part in parts)
