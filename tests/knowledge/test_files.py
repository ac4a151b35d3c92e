"""A language's file is read whole or refused, with the name of entry and field."""

from __future__ import annotations

import re
import time
import tomllib
from typing import Any

import pytest

from sipwatch.knowledge.entries import Topic
from sipwatch.knowledge.files import HERE, KnowledgeError, load, parse

ENGLISH = (HERE / "en.toml").read_text("utf-8")


def changed(pattern: str, replacement: str, text: str = ENGLISH) -> str:
    """Change one place of the English file."""
    new, count = re.subn(pattern, lambda _: replacement, text, count=1, flags=re.MULTILINE)
    assert count == 1, pattern
    return new


def in_entry(entry: str, field: str, value: str) -> str:
    """Give a field of an entry another value (TOML); an empty one takes the field away."""
    head, body = ENGLISH.split(f"[{entry}]\n", 1)
    line = f"{field} = {value}" if value else ""
    return f"{head}[{entry}]\n" + changed(rf"^{field} = .*$", line, body)


def refusal(text: str) -> str:
    with pytest.raises(KnowledgeError) as refused:
        parse(text, "xx.toml")
    message = str(refused.value)
    assert message.startswith("xx.toml: ")
    assert "\n" not in message
    return message.removeprefix("xx.toml: ")


BROKEN = [
    ("a-missing-entry", changed(r"^\[outcome\.busy\]$", "[outcome.bussy]"), "outcome.busy: is missing"),
    ("an-entry-too-many", ENGLISH + '[outcome.bussy]\nplain = "x"\n', "outcome.bussy: is not known; did you mean busy?"),
    ("a-missing-code", changed(r"^\[status\.486\]$", "[status.487x]"), "status.486: is missing"),
    ("a-missing-field", in_entry("outcome.busy", "admin", ""), "outcome.busy: missing required field 'admin'"),
    ("a-missing-plain-name", in_entry("finding.loop", "plain", ""), "finding.loop: plain: is missing"),
    ("an-empty-field", in_entry("cause.19", "agent", '""'), "cause.19: agent: is empty"),
    ("a-blank-field", in_entry("cause.19", "misuse", '" \\n "'), "cause.19: misuse: is empty"),
    ("a-field-that-is-no-text", in_entry("finding.loop", "meaning", "7"), "finding.loop: meaning: Expected 'str', got 'int'"),
    ("no-situations", in_entry("condition.no_answer", "situations", "[]"), "condition.no_answer: situations: Expected 'array' of length >= 1"),
    ("an-empty-situation", in_entry("status.486", "situations", '["a.", ""]'), "status.486: situations: is empty"),
    ("a-situation-that-is-no-text", in_entry("status.486", "situations", "[1]"), "status.486: situations: Expected 'str', got 'int'"),
    ("a-field-too-many", in_entry("outcome.busy", "misuse", '"x."\nmisues = "y."'), "outcome.busy: contains unknown field 'misues'"),
    ("a-code-without-its-name", in_entry("status.486", "name", ""), "status.486: name: is missing"),
    ("a-name-where-none-belongs", in_entry("outcome.busy", "admin", '"x"\nname = "y"'), "outcome.busy: name: does not belong here"),
    ("a-finding-without-a-sentence", changed(r"^says\.growing = .*$", ""), "finding.loop: says.growing: is missing"),
    ("a-sentence-too-many", changed(r"^says\.growing = ", 'says.shrinking = "x."\nsays.growing = '), "finding.loop: says.shrinking: is not known"),
    ("a-sentence-with-an-unknown-fact", changed(r"^says\.growing = .*$", 'says.growing = "{a.b}"'), "finding.loop: says.growing: uses {a.b}, which is not there"),
    ("a-sentence-where-none-belongs", in_entry("outcome.busy", "admin", '"x"\nsays = {}'), "outcome.busy: says: does not belong here"),
    ("a-control-character", in_entry("status.486", "agent", '"a\\u001b[2J"'), "status.486: agent: holds a character that cannot be shown"),
    ("an-entry-that-is-no-table", changed(r"^\[when\]$", "[when]\n[finding2]"), "finding2: is not known; did you mean finding?"),
    ("a-missing-section", changed(r"^\[cause_class\]$", "[cause_klass]"), "cause_class: is missing"),
    ("a-missing-label", changed(r'^meaning = "What it means"$', ""), "labels: missing required field 'meaning'"),
    ("a-missing-case", changed(r"^stuck = .*$", ""), "when.stuck: is missing"),
    ("an-unknown-place", changed(r"^stuck = .*$", 'stuck = "after {minutes}"'), "when: stuck: uses {minutes}, which is not there"),
    ("an-unknown-place-in-a-label", changed(r"^unregistered = .*$", 'unregistered = "{nummer}"'), "labels: unregistered: uses {nummer}, which is not there"),
    ("an-open-brace", changed(r"^stuck = .*$", 'stuck = "after {"'), "when: stuck: has a brace without its counterpart"),
    ("no-language", changed(r'^language = "en"$', "language = 3"), "language: should be text"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "complaint"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_translation_is_refused_by_name_of_entry_and_field(text: str, complaint: str) -> None:
    assert refusal(text) == complaint


def test_what_is_no_toml_is_refused_with_its_line() -> None:
    assert re.fullmatch(r"not valid TOML: .*line 2.*", refusal("language = 'xx'\nlabels = [,\n"))


def test_a_section_that_is_no_table_is_refused() -> None:
    tables = "\n".join(f"{kind.value} = {{}}" for kind in Topic)
    assert (
        refusal(f"language = 'xx'\nlabels = 3\nwhen = 1\ncause_class = 1\n{tables}") == "outcome.answered: is missing"
    )
    assert refusal(f"{tables}\noutcome2 = 1") == "language: is missing"
    head, body = ENGLISH.split("[outcome.answered]\n", 1)
    rest = body.split("\n\n", 1)[1]
    assert refusal(f"{head}[outcome]\nanswered = 3\n\n{rest}") == "outcome.answered: should be a table"


def another(field: str, given: Any) -> str:
    """Write another text in the place of a given one, as TOML."""
    if isinstance(given, dict):
        return "{" + ", ".join(f"{name} = {another(name, text)}" for name, text in given.items()) + "}"
    return "['ß.']" if isinstance(given, list) else f"'''\nÄ\n{field}'''"


def test_a_translation_is_a_file() -> None:
    """The same keys, every text another."""
    document: dict[str, Any] = tomllib.loads(ENGLISH)
    lines = [f"language = '{document['language']}y'"]
    for section in ("labels", "when", "cause_class"):
        lines += [f"[{section}]", *(f"{name} = 'Über {name}'" for name in document[section])]
    for kind in Topic:
        for key, entry in document[kind].items():
            lines.append(f"[{kind}.{key}]")
            lines += [f"{field} = {another(field, given)}" for field, given in entry.items()]
    translated = parse("\n".join(lines), "xx.toml")
    assert translated.language == "eny"
    assert translated.labels.meaning == "Über meaning"
    assert translated.outcome("busy").admin == "Ä admin"  # lines are joined
    assert translated.status(486).situations == ("ß.",)
    assert translated.says("loop", "growing") == "Ä growing"


def test_a_translation_may_have_a_name_of_its_own_for_what_the_program_names() -> None:
    """English has none: how reports call an outcome or an ending stands in its row."""
    other = ENGLISH.replace("[outcome.busy]\n", "[outcome.busy]\nplain = 'Besetzt'\n")
    assert (parse(other, "xx.toml").outcome("busy").plain, load().outcome("busy").plain) == ("Besetzt", "Agent busy")
    assert not any(
        "plain" in entry for kind in ("outcome", "ending") for entry in tomllib.loads(ENGLISH)[kind].values()
    )


def test_a_language_that_is_not_there_is_refused() -> None:
    for language in ("tlh", "../knowledge/en", "en.toml", ""):
        with pytest.raises(KnowledgeError, match=r"there are no texts in the language .*; there are: .*en"):
            load(language)


def test_english_is_there_and_read_once() -> None:
    assert load().language == "en"
    assert load("en") is load("en")


def test_reading_it_takes_no_noticeable_time() -> None:
    """Less than 100 ms of this process's time; in the best of some tries, for the machine may be busy."""
    for _ in range(20):
        began = time.process_time()
        parse(ENGLISH, "en.toml")
        took = time.process_time() - began
        if took < 0.1:
            break
    assert took < 0.1
