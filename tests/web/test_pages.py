"""What is served, in which form, and to whom: the application without a server around it."""

from __future__ import annotations

import asyncio
import gzip
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from sipwatch.web.current import Current
from sipwatch.web.pages import Guard, Pages, Sources, prefers_openmetrics, takes_gzip
from sipwatch.web.users import Users
from tests.each import for_each
from tests.web.browsing import site_of
from tests.web.serving import EXAMPLE, PATIENT, Told, basic, figures, hashed, well

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from sipwatch.export.figures import Figures
    from tests.store.stored import Stored

# What Prometheus 2.45 and 3.5 send.
PROMETHEUS_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
PROMETHEUS_TEXT_FIRST = (
    "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def sources(collect: Callable[[], Sequence[Figures]] = figures) -> Sources:
    return Sources(collect, well, well)


def asking(made: Sources, scenario: Callable[[httpx.AsyncClient], Awaitable[None]], config: Path | None = None) -> Told:
    """Run a scenario with a client of the application; return the log."""
    log = Told()

    async def run() -> None:
        current = Current(None if config is None else str(config), log)
        app = Guard(Pages(made).app, current, Users(log))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sipwatch") as client:
            await scenario(client)

    asyncio.run(run())
    return log


@for_each(
    "accept, expected",
    [
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        (PROMETHEUS_TEXT_FIRST, False),
        (BROWSER, False),
        ("*/*", False),
        ("", False),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", True),
        ('application/openmetrics-text; version="1.0.0"', True),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;version=2.0.0", False),
        ("application/openmetrics-text;version=x", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=x", False),
        ("application/openmetrics-text;q=0.3,text/plain;q=0.4", False),
        ("text/plain,application/openmetrics-text", True),
        ("application/json", False),
        (",;,=;q,;;=", False),
    ],
)
def test_openmetrics_is_for_who_prefers_it(accept: str, expected: bool) -> None:
    assert prefers_openmetrics(accept) is expected


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5, br", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("gzip;q=x", False),
        ("identity", False),
        ("*", False),
        ("", False),
    ],
)
def test_gzip_is_for_who_takes_it(accept_encoding: str, expected: bool) -> None:
    assert takes_gzip(accept_encoding) is expected


def test_the_text_format_has_the_figures_and_no_exemplars() -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.get("/metrics", headers={"Accept": "*/*", "Accept-Encoding": "identity"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.headers["vary"] == "Accept, Accept-Encoding"
        assert "content-encoding" not in answer.headers
        families = {family.name: family for family in parse_text(answer.text)}
        [sample] = families["sipwatch_calls_started"].samples
        assert (sample.labels, sample.value) == ({"source": 'a"\n\\é'}, 3)
        assert EXAMPLE not in answer.text
        assert families["process_start_time_seconds"].samples[0].value > 0

    asking(sources(), scenario)


def test_openmetrics_has_the_exemplars_and_an_end() -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.get("/metrics", headers={"Accept": PROMETHEUS_3})
        assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert answer.text.endswith("# EOF\n")
        families = {family.name: family for family in parse_openmetrics(answer.text)}
        [sample] = families["sipwatch_calls_started"].samples
        assert sample.exemplar is not None
        assert sample.exemplar.labels == {"call": EXAMPLE}
        assert families["process_cpu_seconds"].type == "counter"

    asking(sources(), scenario)


def test_gzip_carries_the_same() -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/metrics", headers={"Accept-Encoding": "gzip"}) as answer:
            body = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-length"] == str(len(body))
        assert b"sipwatch_calls_started_total" in gzip.decompress(body)

    asking(sources(), scenario)


def test_the_start_page_leads_to_the_others() -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.get("/")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert version("sipwatch") in answer.text
        for path in ("metrics", "-/healthy", "-/ready"):
            assert f'href="./{path}"' in answer.text
            assert (await client.get("/" + path)).status_code == 200

    asking(sources(), scenario)


@pytest.mark.parametrize(("path", "place"), [("/-/ready", 1), ("/-/healthy", 2)])
def test_whether_it_is_well_is_said_in_one_line(path: str, place: int) -> None:
    reasons: list[str | None] = [None, "down: eth0\n\x1b[31m"]

    async def scenario(client: httpx.AsyncClient) -> None:
        good, bad = await client.get(path), await client.get(path)
        assert (good.status_code, good.text) == (200, f"sipwatch is {path[3:]}.\n")
        assert (bad.status_code, bad.text) == (503, "down: eth0\\n\\x1b[31m\n")

    asked = [figures, well, well]
    asked[place] = iter(reasons).__next__
    asking(Sources(*asked), scenario)  # type: ignore[arg-type] # one of them is another


@pytest.mark.parametrize("path", ["/metrics/", "/Metrics", "/x", "/-/", "/docs", "/openapi.json", "/%2e%2e/", "*"])
def test_there_is_nothing_else(path: str) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (404, "Not Found.\n")

    asking(sources(), scenario)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
def test_pages_can_only_be_read(method: str, path: str) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.request(method, path)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}

    asking(sources(), scenario)


def test_figures_that_do_not_come_in_time_are_a_503() -> None:
    def late() -> list[Figures]:
        raise TimeoutError

    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.get("/metrics")
        assert (answer.status_code, answer.text) == (503, "the capture loop gave no figures in time\n")

    asking(sources(late), scenario)


def test_who_asks_while_the_same_is_being_made_shares_it() -> None:
    """Figures are collected once for all of them, whatever their number; pages that cost nothing wait for nobody."""
    go, begins = threading.Event(), threading.Event()
    begun: list[int] = []

    def slow() -> list[Figures]:
        begun.append(1)
        begins.set()
        go.wait(PATIENT)
        return figures()

    async def scenario(client: httpx.AsyncClient) -> None:
        under_way = [asyncio.create_task(client.get("/metrics")) for _ in range(50)]
        assert await asyncio.to_thread(begins.wait, PATIENT)
        assert (await client.get("/-/healthy")).status_code == 200
        go.set()
        answers = await asyncio.gather(*under_way)
        assert [answer.status_code for answer in answers] == [200] * 50
        assert len({answer.text for answer in answers}) == len(begun) == 1
        await client.get("/metrics")
        assert len(begun) == 2

    asking(sources(slow), scenario)


def test_whoever_goes_away_leaves_the_scrape_to_the_others() -> None:
    go, begins = threading.Event(), threading.Event()
    begun: list[int] = []

    def slow() -> list[Figures]:
        begun.append(1)
        begins.set()
        go.wait(PATIENT)
        return figures()

    async def scenario(client: httpx.AsyncClient) -> None:
        gone, stays = (asyncio.create_task(client.get("/metrics")) for _ in range(2))
        assert await asyncio.to_thread(begins.wait, PATIENT)
        gone.cancel()
        go.set()
        assert (await stays).status_code == 200
        assert len(begun) == 1

    asking(sources(slow), scenario)


# The guard


def test_configured_headers_go_with_every_answer(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")

    async def scenario(client: httpx.AsyncClient) -> None:
        for path in ("/", "/metrics", "/-/ready", "/nothing"):
            answer = await client.get(path)
            assert answer.headers["x-frame-options"] == "deny"
            assert "server" not in answer.headers

    asking(sources(), scenario, tmp_path / "web.yml")


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/nothing"])
def test_with_users_every_page_asks_who_is_there(tmp_path: Path, path: str) -> None:
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{anna: {hashed('secret')}}}\n")

    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert (await client.get(path, headers=basic("anna", "wrong"))).status_code == 401
        assert (await client.get(path, headers=basic("anna", "secret"))).status_code == (
            404 if path == "/nothing" else 200
        )

    log = asking(sources(), scenario, tmp_path / "web.yml")
    assert log.lines == ["WARNING unauthorized user=anna client=127.0.0.1"]


def test_too_many_guesses_at_once_are_a_429(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{anna: {hashed('secret')}}}\n")
    monkeypatch.setattr("sipwatch.web.users.MAX_WAITING", 0)

    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.get("/", headers=basic("anna", "secret"))
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")

    asking(sources(), scenario, tmp_path / "web.yml")


@for_each(
    "path", ["/", "/calls", "/calls.csv", "/explain/486", "/api/v1/calls", "/nowhere", "/metrics/", "/-", "//metrics"]
)
def test_where_calls_may_not_be_shown_every_page_says_why(store: Stored, path: str) -> None:
    answers = list(hidden(store, path, accept=BROWSER)) + list(hidden(store, path, accept="application/json"))
    assert [answer.status_code for answer in answers] == [403, 403]
    assert all("Nobody may see it." in answer.text for answer in answers)
    kinds = [answer.headers["content-type"].partition(";")[0] for answer in answers]
    assert kinds == (2 * ["application/json"] if "api" in path else ["text/html", "text/plain"])


@for_each("path", ["/metrics", "/-/ready", "/-/healthy"])
def test_figures_are_shown_all_the_same(store: Stored, path: str) -> None:
    [answer] = hidden(store, path)
    assert answer.status_code == 200


def hidden(store: Stored, *paths: str, accept: str = "*/*") -> list[httpx.Response]:
    """Ask for what must not be shown."""
    answers = []
    app = Pages(sources(), site_of(store), lambda _: "nobody may see it").app

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sipwatch") as client:
            answers.extend([await client.get(f"http://sipwatch{path}", headers={"Accept": accept}) for path in paths])

    asyncio.run(run())
    return answers
