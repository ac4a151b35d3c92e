"""What goes with every answer, whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.web.headers import CONTENT_SECURITY_POLICY
from tests.each import for_each
from tests.web.browsing import get, site_of, visit

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.store.stored import Stored

EVERYWHERE = ("/", "/metrics", "/-/healthy", "/calls", "/calls?filter=x", "/calls/none", "/explain", "/nowhere")


@for_each("path", EVERYWHERE)
def test_no_answer_lets_a_browser_load_or_run_what_is_not_ours(store: Stored, path: str) -> None:
    (answer,) = get(site_of(store), path)
    policy = answer.headers["content-security-policy"]
    assert policy == CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers


def test_the_web_configuration_has_the_last_word(tmp_path: Path) -> None:
    config = tmp_path / "web.yml"
    config.write_text("http_server_config:\n  headers:\n    Content-Security-Policy: sandbox\n")

    async def scenario(client: httpx.AsyncClient) -> None:
        assert (await client.get("/")).headers.get_list("content-security-policy") == ["sandbox"]

    visit(None, scenario, config)
