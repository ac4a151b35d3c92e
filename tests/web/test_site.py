"""What all pages over a store have in common: what keeps one from an answer is told in words."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest

from sipwatch.store.days import StoreError, TooLongError
from sipwatch.web.site import SECTIONS, Website
from sipwatch.web.workers import Busy
from tests.each import for_each
from tests.export import records
from tests.web.browsing import get, links, page, site_of, tree, words
from tests.web.watched import Told as Watched

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from sipwatch.store.reader import StoreReader
    from tests.store.stored import Stored


def test_the_first_page_leads_to_every_section(store: Stored) -> None:
    main = page(site_of(store), "/").find(".//main")
    assert main is not None
    assert {f"./{section.path}" for section in SECTIONS} <= set(links(main))
    for section in SECTIONS:
        assert section.says in words(main)
    assert {"./metrics", "./-/healthy", "./-/ready"} <= set(links(main))


@for_each(
    "error, title",
    [
        (Busy(), "Too much at once"),
        (TooLongError("the question takes too long"), "That takes too long"),
        (StoreError("/store: cannot be read"), "The store cannot be read"),
    ],
)
def test_what_keeps_the_store_from_an_answer_becomes_a_page(error: Exception, title: str) -> None:
    def fail() -> StoreReader:
        raise error

    (answer,) = get(Website(fail), "/calls")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert words(tree(answer.text).find(".//h1")) == title


READS = """
import sys
from pathlib import Path
from sipwatch.store.reader import StoreReader
from sipwatch.web.pages import Pages, Sources
from sipwatch.web.site import Website
from tests.web.browsing import get

opened = []
site = Website(lambda: StoreReader(Path(sys.argv[1])))
site.load()
get(None, "/")  # what the client itself needs
# An import of a library in C names its file; all else is opened.
hook = {"open": 0, "import": 1}
sys.addaudithook(lambda event, args: opened.append(str(args[hook[event]])) if event in hook else None)
for path in sys.argv[2:]:
    [answer] = get(site, path, headers={"Accept": "text/html"})
    assert answer.status_code in (200, 404), answer.text
places = [sys.prefix, sys.base_prefix + "/lib", str(Path(sys.modules["sipwatch"].__file__).parent)]
print([path for path in opened if any(path.startswith(place) for place in places)])
"""


@pytest.mark.slow  # a process
def test_once_loaded_pages_need_nothing_more_of_the_package_or_of_libraries(store: Stored) -> None:
    store.watch("0 A>P INVITE\n0.1 P>A 100\n5 P>A 486\n5.1 A>P ACK ttag=callee\n")
    [call] = store.ids()
    store.put(records.answered(id="1" * 12))
    paths = [*[f"/{section.path}" for section in SECTIONS], "/explain/486", "/nowhere", "/calls?number=%2B4930555123"]
    paths += [
        "/calls?filter=%22brief%22+in+tags+and+setup_seconds+%3E+1&since=1h",
        f"/calls/{call}",
        "/calls.csv",
        "/calls.pcap",
    ]
    done = subprocess.run(
        [sys.executable, "-c", READS, store.folder, *paths], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_beside_a_capture_fewer_are_answered_at_once(store: Stored) -> None:
    """Each of them wants the interpreter, which the capture must not wait for."""
    assert site_of(store).store.workers.most == 4
    assert site_of(store, daemon=Watched()).store.workers.most == 2


@for_each("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@for_each("path", ["/", "/calls", "/explain", "/explain/486"])
def test_pages_are_read_and_nothing_else(store: Stored, path: str, method: str) -> None:
    (answer,) = get(site_of(store), path, method=method)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_head_is_get_without_the_page(store: Stored) -> None:
    (answer,) = get(site_of(store), "/explain", method="HEAD")
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) > 1000


@for_each("path", ["/nowhere", "/calls/", "/explain/x/../../y", "/%2e%2e/%2e%2e/etc/passwd", "/%00", "/static/%00"])
def test_what_is_not_there_is_not_found(store: Stored, path: str) -> None:
    (answer,) = get(site_of(store), path, headers={"Accept": "text/html"})
    assert answer.status_code == 404


def test_a_parameter_that_no_page_knows_or_that_is_said_twice_is_told(store: Stored) -> None:
    """Whoever mistypes one would else be shown everybody's calls."""
    store.put(records.call())
    site = site_of(store)
    paths = {re.sub(r"\{.*?\}", "x", route.path) for route in site.routes()} - {"/api/v1/openapi.json"}
    assert len(paths) > 30
    for path, answer in zip(paths, get(site, *[f"{path}?nummer=4402" for path in paths]), strict=True):
        assert (path, answer.status_code) == (path, 400)
        text = answer.json()["error"] if "/api/" in path else words(tree(answer.text).find(".//main"))
        assert "here is no parameter 'nummer' here; there are " in text
    found = page(site, "/calls?number=201&number=202", 400)
    assert words(found.find(".//p[@role='alert']")) == "'number' is said twice."


def test_every_link_and_every_form_asks_for_what_its_page_knows(demo: Stored) -> None:
    """One of each kind of address that the pages lead to, from the first one on."""
    site, known, waiting = site_of(demo, daemon=Watched()), set[tuple[object, ...]](), ["/now"]
    while waiting:
        here = waiting.pop()
        (answer,) = get(site, here, headers={"Accept": "text/html"})
        assert (here, answer.status_code) != (here, 400), answer.text
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        found = tree(answer.text)
        for address in [*links(found), *_forms(found)]:
            at = urlsplit(urljoin(f"http://sipwatch{here}", address))
            parts = at.path.split("/")
            kind = (parts[1], len(parts), parts[-1] if "." in parts[-1] else "", *sorted(dict(parse_qsl(at.query))))
            if at.netloc == "sipwatch" and kind not in known and "metrics" not in at.path:
                known.add(kind)
                waiting.append(f"{at.path}?{at.query}")
    assert len(known) > 40


def _forms(found: Element) -> list[str]:
    """Return what each form asks for where all its fields are filled in."""
    addresses = []
    for form in found.iter("form"):
        fields = [one for tag in ("input", "select") for one in form.iter(tag) if "name" in one.attrib]
        addresses.append(f"{form.attrib['action']}?{urlencode({one.attrib['name']: '' for one in fields})}")
    return addresses
