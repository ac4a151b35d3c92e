"""What all pages have around them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.requests import Request

from sipwatch.web.frame import root_of
from tests.each import for_each
from tests.web.browsing import get, links, page, site_of, words

if TYPE_CHECKING:
    from tests.store.stored import Stored


@for_each("path, root", [("/", "./"), ("/calls", "./"), ("/calls/a", "../"), ("/explain/a/b", "../../")])
def test_links_lead_to_the_root_whatever_stands_before_it(path: str, root: str) -> None:
    assert root_of(Request({"type": "http", "path": path, "headers": []})) == root


@for_each("path", ["/", "/calls", "/explain", "/explain/486"])
def test_a_page_says_what_it_is_and_how_to_get_on(store: Stored, path: str) -> None:
    found = page(site_of(store), path)
    assert found.attrib["lang"] == "en"
    assert words(found.find(".//title")).endswith("· sipwatch")
    assert len(list(found.iter("h1"))) == 1
    first = next(found.find("body").iter("a"))  # type: ignore[union-attr]
    assert (first.attrib["href"], found.find(".//main[@id='main']") is not None) == ("#main", True)
    assert any(link.endswith("calls") for link in links(found.find(".//header")))  # type: ignore[arg-type]


@for_each("path", ["/", "/calls", "/explain", "/explain/486", "/nowhere"])
def test_a_page_has_no_style_and_no_script_of_its_own(store: Stored, path: str) -> None:
    (answer,) = get(site_of(store), path, headers={"Accept": "text/html"})
    assert "style=" not in answer.text
    assert "<style" not in answer.text
    assert answer.text.count("<script") == 1
    assert "onclick" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_without_a_store_the_first_page_says_how_to_have_one() -> None:
    assert "--store DIR" in words(page(None, "/").find(".//main"))


@for_each("path, root", [("/agents/a%2Fb", "../"), ("/agents/a/b", "../../"), ("/agents", "./"), ("/", "./")])
def test_a_slash_that_belongs_to_a_name_is_no_step_on_the_way(path: str, root: str) -> None:
    raw = path.encode()
    request = Request({"type": "http", "method": "GET", "path": unquote(path), "raw_path": raw, "headers": []})
    assert root_of(request) == root
