"""What is explained, and that the English texts are fit to be read."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from sipwatch.classify.endings import Ending
from sipwatch.classify.findings import Kind
from sipwatch.classify.links import LinkedBy
from sipwatch.classify.offers import Offered
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.tags import Tag
from sipwatch.export.record import SummaryRecord
from sipwatch.knowledge import Entry, Topic, load
from sipwatch.knowledge.entries import (
    CAUSES,
    HISTORIC_CODES,
    STATUS_CODES,
    CauseClass,
    cause_class,
    general_cause,
    general_code,
)
from sipwatch.report.plain import OFFERED_WORDS, RATIO_WORDS
from sipwatch.track.conditions import Condition
from tests.each import for_each

ENGLISH = load()
ENTRIES = ENGLISH.all()
FIELDS = ("name", "plain", "meaning", "agent", "admin", "misuse", "reference")
LONGEST = {"name": 100, "plain": 41, "meaning": 330, "agent": 260, "admin": 330, "misuse": 330, "reference": 120}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|TBD|lorem|issue \d+|OUTCOMES|DESIGN|PEERS)\b")


def named(entry: Entry) -> str:
    return f"{entry.kind.value}-{entry.key}"


def texts(entry: Entry) -> list[str]:
    return [*(getattr(entry, field) for field in FIELDS), *entry.situations, *dict(entry.says).values()]


def test_every_registered_status_code_is_explained() -> None:
    """IANA's registry has 75: 50 of RFC 3261, 25 of later RFCs."""
    assert len(STATUS_CODES) == len(set(STATUS_CODES)) == 75
    explained = {int(entry.key) for entry in ENGLISH.all(Topic.STATUS)}
    assert explained == {*STATUS_CODES, *HISTORIC_CODES}
    by_rfc = Counter(ENGLISH.status(code).reference.partition(" §")[0] for code in STATUS_CODES)
    assert by_rfc["RFC 3261"] == 50


def test_every_q850_cause_is_explained() -> None:
    assert len(CAUSES) == len(set(CAUSES)) == 71
    assert [int(entry.key) for entry in ENGLISH.all(Topic.CAUSE)] == sorted(CAUSES)


def test_every_outcome_condition_ending_and_finding_is_explained() -> None:
    assert {entry.key for entry in ENGLISH.all(Topic.OUTCOME)} == {outcome.value for outcome in Outcome}
    assert {entry.key for entry in ENGLISH.all(Topic.CONDITION)} == {condition.value for condition in Condition}
    assert {entry.key for entry in ENGLISH.all(Topic.ENDING)} == {ending.value for ending in Ending}
    assert {entry.key for entry in ENGLISH.all(Topic.FINDING)} == {kind.value for kind in Kind}


def test_every_tag_every_link_and_every_ratio_of_a_summary_is_explained() -> None:
    assert [entry.key for entry in ENGLISH.all(Topic.TAG)] == [tag.value for tag in Tag]
    assert [entry.key for entry in ENGLISH.all(Topic.LINK)] == [reason.value for reason in LinkedBy]
    ratios = [entry.key.lower() for entry in ENGLISH.all(Topic.RATIO)]
    assert set(ratios) <= set(SummaryRecord.__struct_fields__)
    assert ratios == list(RATIO_WORDS)


def test_every_word_on_how_an_agent_took_a_call_is_explained_once_by_the_name_that_reports_use() -> None:
    """Busy and declined stand with the outcomes, under the same key."""
    offers = {entry.key: entry.plain for entry in ENGLISH.all(Topic.OFFER)}
    words = {how.value for how in Offered if how not in ("busy", "declined")}
    assert set(offers) - {"offered", "left_to_agent", "in_a_row"} == words
    assert all(offers[how] == OFFERED_WORDS[how] for how in Offered if how in offers)
    assert all(ENGLISH.find(how.value) for how in Offered)


def test_outcomes_have_the_names_that_reports_use() -> None:
    assert {entry.key: entry.plain for entry in ENGLISH.all(Topic.OUTCOME)} == {
        outcome.value: outcome.plain_name for outcome in Outcome
    }


def test_endings_have_the_names_that_reports_use() -> None:
    assert {entry.key: entry.plain for entry in ENGLISH.all(Topic.ENDING)} == {
        ending.value: ending.plain_name for ending in Ending
    }


@for_each("entry", ENTRIES, ids=named)
def test_no_field_is_empty_unfinished_or_longer_than_people_read(entry: Entry) -> None:
    for field in FIELDS:
        text = getattr(entry, field)
        assert text == text.strip() != ""
        assert len(text) <= LONGEST[field], f"{field} has {len(text)} characters"
    assert 1 <= len(entry.situations) <= 5
    assert max(map(len, entry.situations)) <= 120
    for text in texts(entry):
        assert not UNFINISHED.search(text), text
        assert text.encode("latin-1").decode("latin-1").isprintable()
        assert not re.search(r"  | ,|(?<!\.)\.\.(?!\.)|\"", text), text


@for_each("entry", ENTRIES, ids=named)
def test_paragraphs_are_sentences_and_names_are_not(entry: Entry) -> None:
    for text in (entry.meaning, entry.agent, entry.admin, entry.misuse, *entry.situations):
        assert text[0] in "'1234567890" or text[0].isupper() or text.startswith("sipwatch "), text
        assert text[-1] in ".?", text
    assert entry.plain[-1] not in ".;:"


@for_each("entry", ENTRIES, ids=named)
def test_a_reference_names_a_section(entry: Entry) -> None:
    """RFC 3261 §21.4.24; whole documents only where they are about nothing else."""
    whole = {"RFC 4411", "RFC 6314", "RFC 7616", "RFC 8760", "ITU-T E.164", "ITU-T E.411", "ITU-T E.425"}
    if entry.kind in (Topic.TAG, Topic.LINK):
        whole.add("docs/configuration.md")  # what somebody configured decides about most
    if entry.kind is Topic.OFFER:
        whole.add("docs/people.md")  # whom it is held against is no standard's business
    if entry.key != "unfinished":
        for part in entry.reference.split("; "):
            assert re.match(r"(RFC \d{4}|ITU-T Q\.850) §\d", part) or part in whole, part


def test_no_text_is_used_twice() -> None:
    """Boilerplate tells nothing. Few situations may occur with more than one code."""
    fields = Counter(getattr(entry, field) for entry in ENTRIES for field in ("meaning", "agent", "admin", "misuse"))
    assert [text for text, count in fields.items() if count > 1] == []
    situations = Counter(text for entry in ENTRIES for text in entry.situations)
    assert [text for text, count in situations.items() if count > 2] == []


def test_no_sentence_is_repeated_from_entry_to_entry() -> None:
    paragraphs = (getattr(entry, field) for entry in ENTRIES for field in ("meaning", "agent", "admin", "misuse"))
    sentences = Counter(sentence for text in paragraphs for sentence in re.split(r"(?<=[.;:?]) ", text))
    assert [sentence for sentence, count in sentences.items() if count > 2 and len(sentence) > 25] == []
    assert max(sentences.values()) <= 10


@for_each("entry", ENTRIES, ids=named)
def test_what_a_text_refers_to_is_explained_as_well(entry: Entry) -> None:
    """Words with an underscore are keys of this program."""
    known = {other.key for other in ENTRIES}
    timers = {
        "no_response_after",
        "slow_progress_after",
        "no_progress_after",
        "no_answer_after",
        "brief_before",
        "dialog_timeout",
    }
    told = [re.sub(r"\{\w+\}", "", text) for text in texts(entry)]
    words = {word for text in told for word in re.findall(r"[a-z0-9]+(?:_[a-z0-9]+)+", text)}
    assert words - known - timers - {"evicted_total"} == set()


DOMAIN = [
    ("outcome", "no_answer", "36 s", "mobile carriers report ringing before they have found the phone"),
    ("outcome", "no_answer", "18 s", "by up to 18 s"),
    ("outcome", "no_answer", "20 s, four rings", "the least that is fair"),
    ("outcome", "no_progress", "0.1 to 3 s", "what is practice after the 100"),
    ("outcome", "not_found", "only 7..., another only 8...", "spellings that providers want"),
    ("outcome", "unavailable", "lapsed registration", "the third trap of a 480"),
    ("outcome", "congested", "603", "what a trunk means by it"),
    ("outcome", "abandoned", "lost business", "callers that nobody calls back"),
    ("finding", "late_busy", "Nobody was busy", "the phone's own ring timeout"),
    ("finding", "late_480", "8 s or more", "it probably rang"),
    ("finding", "refusal_streak", "station number", "what agents should check"),
    ("status", "480", "180 or 183 belongs", "the phone was ringing"),
    ("status", "603", "all lines are taken", "from a trunk"),
    ("cause", "127", "decides nothing", "interworking says nothing"),
]


@for_each("kind, key, fact, why", DOMAIN, ids=[f"{row[1]}-{row[3]}" for row in DOMAIN])
def test_what_contact_centres_know_is_in_it(kind: str, key: str, fact: str, why: str) -> None:
    (entry,) = [entry for entry in ENTRIES if (entry.kind, entry.key) == (kind, key)]
    assert any(fact in text for text in texts(entry)), why


@pytest.mark.parametrize(
    ("number", "expected", "general"),
    [
        (1, CauseClass.NORMAL, 31),
        (31, CauseClass.NORMAL, 31),
        (34, CauseClass.RESOURCE, 47),
        (50, CauseClass.UNAVAILABLE, 63),
        (65, CauseClass.UNIMPLEMENTED, 79),
        (88, CauseClass.INVALID, 95),
        (102, CauseClass.PROTOCOL, 111),
        (127, CauseClass.INTERWORKING, 127),
    ],
)
def test_a_causes_number_tells_its_class(number: int, expected: CauseClass, general: int) -> None:
    assert cause_class(number) is expected
    assert general_cause(number) == general
    assert general in CAUSES


@pytest.mark.parametrize(("code", "general"), [(150, 183), (299, 200), (399, 300), (499, 400), (599, 500), (699, 600)])
def test_an_unknown_code_is_treated_as_its_classs_first(code: int, general: int) -> None:
    """RFC 3261 §8.1.3.2; a provisional one as 183."""
    assert general_code(code) == general
    assert general in STATUS_CODES
