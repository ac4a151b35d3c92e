"""Reading figures: sipwatch's own with prometheus_client's parser, and Prometheus' through its API.

Must not know: how either was started, or what the figures should be.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.net import Space

Key = tuple[str, frozenset[tuple[str, str]]]  # a sample's name and its labels
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Answer(NamedTuple):
    """What a web server answered."""

    status: int
    text: str
    content_type: str


class Samples(dict[Key, float]):
    """Values by name and labels."""

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of all samples of a name with these labels, 0 if there are none."""
        wanted = set(labels.items())
        return sum(value for (of, has), value in self.items() if of == name and wanted <= has)

    def by(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """Return the sums that are not 0, by the values of one label."""
        return {key: value for (key,), value in self.table(name, label, **labels).items()}

    def table(self, name: str, *by: str, **labels: str) -> dict[tuple[str, ...], float]:
        """Return the sums that are not 0, by the values of several labels."""
        wanted = set(labels.items())
        found: dict[tuple[str, ...], float] = {}
        for (of, has), value in self.items():
            if of == name and wanted <= has and value:
                given = dict(has)
                key = tuple(given[label] for label in by)
                found[key] = found.get(key, 0) + value
        return found


def parse(text: str) -> Samples:
    """Read the text format. A series that comes twice is an error, as for Prometheus."""
    samples = Samples()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples, key
            samples[key] = sample.value
    return samples


def parse_history(text: str) -> Samples:
    """Read OpenMetrics with timestamps; the last value of each series counts.

    prometheus_client's own parser takes all but the first moment of a histogram for copies.
    """
    latest: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            series, value, _ = line.rsplit(" ", 2)
            latest[series] = value
    return parse("".join(f"{series} {value}\n" for series, value in latest.items()))


def fetch(
    space: Space, port: int, path: str, *, user: tuple[str, str] | None = None, accept: str = "*/*", tls: bool = False
) -> Answer:
    """Get a page from a server on a namespace's loopback."""
    headers = {"Accept": accept}
    if user is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    if tls:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE  # it signed itself a minute ago
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=10, context=trusting
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        with space.inside():
            connection.connect()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read().decode(), answer.headers.get("Content-Type", ""))
    finally:
        connection.close()


def query(space: Space, port: int, expression: str) -> list[tuple[Mapping[str, str], float]]:
    """Ask Prometheus; return labels and value of each series."""
    answer = fetch(space, port, "/api/v1/query?" + urlencode({"query": expression}))
    assert answer.status == 200, answer
    result = json.loads(answer.text)["data"]["result"]
    return [(series["metric"], float(series["value"][1])) for series in result]
