"""The runbook's sections about alerts, as parts that can be shown anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.export import runbook
from sipwatch.export.runbook import BlockKind, RunbookBlock, blocks_of, runbook_of
from sipwatch.export.watched import alerts
from tests.cli.program import ROOT
from tests.each import for_each

if TYPE_CHECKING:
    import pytest

WORDS, POINT, CODE = BlockKind
SECTION = """
*Critical.* Calls from `a` hang:
nothing more. See [the page](pages.md) and **now**.

- **Who acts:** the provider, if
  it is theirs.
- **First:** look.

```promql
sum by (a) (b{c="d*e*"})

sum(c)
```

```sh
sipwatch replay x.pcap
```

The second says more.
"""


def test_paragraphs_points_and_what_is_typed_in_are_told_apart() -> None:
    assert blocks_of(SECTION) == [
        (WORDS, "Critical.", "Calls from a hang: nothing more. See the page and now."),
        (POINT, "Who acts:", "the provider, if it is theirs."),
        (POINT, "First:", "look."),
        (CODE, "", 'sum by (a) (b{c="d*e*"})\n\nsum(c)'),
        (CODE, "", "sipwatch replay x.pcap"),
        (WORDS, "", "The second says more."),
    ]


@for_each("alert", [record.key for record in alerts()])
def test_each_alert_has_its_section_without_any_mark(alert: str) -> None:
    blocks = runbook_of(alert)
    assert {block.kind for block in blocks} == set(BlockKind)
    assert {"Who acts:", "First:", "Usually:", "Harmless when:"} <= {block.lead for block in blocks}
    prose = " ".join(f"{block.lead} {block.text}" for block in blocks if block.kind is not CODE)
    assert not [mark for mark in ("`", "**", "](") if mark in prose]


def test_nothing_of_the_runbook_is_lost() -> None:
    said = {block.text for record in alerts() for block in runbook_of(record.key) if block.kind is CODE}
    assert sum(text.count("\n") + 1 for text in said) > 80
    assert all(text in (ROOT / "docs/runbook.md").read_text() for text in said)


def test_what_has_no_section_or_is_not_installed_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runbook_of("SipNothing") == []
    monkeypatch.setattr(runbook, "asset_files", dict)
    runbook._sections.cache_clear()
    try:
        assert runbook_of("SipTrunkBusy") == list[RunbookBlock]()
    finally:
        runbook._sections.cache_clear()
