"""The package as a page for a browser and for paper: for readers who know no SIP tool.

Must not know: where it is written. All text is escaped here; the page loads nothing and runs nothing.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sipwatch.evidence import facts
from sipwatch.export.escape import terminal
from sipwatch.report.plain import plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.evidence.facts import Example, Package

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 60rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
h2 .what { font-weight: normal; color: #555; }
p { margin: .4rem 0; }
.lead { font-size: 1.1rem; }
.quiet { color: #555; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; overflow-wrap: anywhere; }
thead th { font-weight: 600; border-bottom: 1px solid #999; }
tbody tr + tr > * { border-top: 1px solid #e4e4e4; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.facts th { width: 9.5rem; font-weight: 600; color: #444; overflow-wrap: normal; }
.messages { font-size: .85rem; margin-top: .8rem; }
.messages td { font-variant-numeric: tabular-nums; }
.short, thead th { white-space: nowrap; }
.aside { color: #777; }
.asked { font-weight: 600; }
.example { border-top: 2px solid #1a1a1a; margin-top: 2rem; }
.example h2 { margin-top: .8rem; }
code { font: .9em ui-monospace, Menlo, Consolas, monospace; }
ul { padding-left: 1.2rem; margin: .4rem 0; }
@media print {
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; }
  .glance, .messages { font-size: 8.5pt; }
  .facts tr, .messages tr, h2 { break-inside: avoid; }
  h2 { break-after: avoid; }
  a { color: inherit; text-decoration: none; }
}
"""
_SHORT = 26  # characters
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(package: Package) -> str:
    """Return the page."""
    body = [*_head(package), *_glance(package), *_summary(package)]
    for example in package.examples:
        body += _example(example, package)
    body += ["<h2>About these examples</h2>", _list(facts.notes(package))]
    version = _text(package.version)
    body.append(f'<p class="quiet">Made with sipwatch {version} from {_text(", ".join(package.files))}.</p>')
    title = _text(f"Call examples for {package.peer}")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _head(package: Package) -> list[str]:
    return [
        f"<h1>{_text(f'Call examples for {package.peer}')}</h1>",
        f'<p class="lead">{_text(facts.headline(package))}</p>',
        f'<p class="quiet">{_text(facts.period(package))}</p>',
        *(f"<p><strong>{_text(name)}:</strong> {_text(meaning)}</p>" for name, meaning in facts.meanings(package)),
        f"<p>{_text(facts.shown(package))}</p>",
    ]


def _glance(package: Package) -> list[str]:
    """List the examples, a line for each."""
    heads = "".join(f"<th>{head}</th>" for head in ("", *facts.GLANCE))
    found = ["<h2>The examples</h2>", f'<table class="glance"><thead><tr>{heads}</tr></thead><tbody>']
    for number, cells in facts.glance(package):
        row = "".join(map(_cell, cells))
        found.append(f'<tr><td><a href="#example-{number}">{number}</a></td>{row}</tr>')
    return [*found, "</tbody></table>"]


def _summary(package: Package) -> list[str]:
    """Write the peer's calls by outcome."""
    peer = _text(package.peer)
    heads = ("Calls", "Share", f"From {peer}", f"To {peer}")
    found = [
        "<h2>All its calls in this time</h2>",
        "<table><thead><tr><th>What became of them</th>"
        + "".join(f'<th class="number">{head}</th>' for head in heads)
        + "</tr></thead><tbody>",
    ]
    rows = facts.rows(package)
    for row in rows:
        cells = (f"{row.calls:,}", f"{row.share:.1%}", f"{row.sent:,}", f"{row.received:,}")
        mark = ' class="asked"' if row.asked else ""
        found.append(f"<tr{mark}><td>{_text(row.name)}</td>{_numbers(cells)}</tr>")
    total = (sum(row.calls for row in rows), sum(row.sent for row in rows), sum(row.received for row in rows))
    found.append(f"<tr><td>All</td>{_numbers((f'{total[0]:,}', '', f'{total[1]:,}', f'{total[2]:,}'))}</tr>")
    return [*found, "</tbody></table>"]


def _numbers(cells: Iterable[str]) -> str:
    return "".join(f'<td class="number">{cell}</td>' for cell in cells)


def _example(example: Example, package: Package) -> list[str]:
    call = example.call
    parties = _text(f"{call.caller or '(none)'} → {call.callee or '(none)'}")
    found = [
        f'<section class="example" id="example-{example.number}">',
        f'<h2>{example.number}. {parties} <span class="what">{_text(plain_name(call.outcome))}</span></h2>',
        '<table class="facts"><tbody>',
    ]
    for name, value in facts.fields(example, package):
        shown = _text(value)
        if name in ("Call-ID", "Reason header", "Hop"):
            shown = f"<code>{shown}</code>"
        elif name == "Packets" and example.capture.name is not None:
            link = _text(example.capture.name)
            shown = shown.replace(link, f'<a href="{link}">{link}</a>', 1)
        found.append(f"<tr><th>{_text(name)}</th><td>{shown}</td></tr>")
    return [*found, "</tbody></table>", *_messages(example, package), "</section>"]


def _messages(example: Example, package: Package) -> list[str]:
    lines, more = facts.lines(example, package)
    if not lines:
        return []
    heads = ("Time", "After", "From", "To", "Message")
    found = [
        '<table class="messages"><thead><tr>' + "".join(f"<th>{head}</th>" for head in heads) + "</tr></thead><tbody>"
    ]
    for *cells, own in lines:
        mark = "" if own else ' class="aside"'
        found.append(f"<tr{mark}>{''.join(_cell(str(cell)) for cell in cells)}</tr>")
    found.append("</tbody></table>")
    if more:
        found.append(f'<p class="quiet">{more:,} more messages are in the packet capture.</p>')
    return found


def _cell(text: str) -> str:
    """Write a cell; what is as short as a number or an address is not broken into two lines."""
    short = ' class="short"' if len(text) <= _SHORT else ""
    return f"<td{short}>{_text(text)}</td>"


def _list(items: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(item)}</li>" for item in items) + "</ul>"


def _text(text: str) -> str:
    """Return text as HTML, with what could hide or turn a part of it made visible."""
    return escape(terminal(text))
