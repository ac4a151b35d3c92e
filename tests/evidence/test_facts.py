"""The facts, each once, each in the words that page, text and table share."""

from __future__ import annotations

from sipwatch.evidence import facts
from sipwatch.evidence.facts import Capture
from sipwatch.evidence.page import page
from sipwatch.evidence.plain import plain
from sipwatch.evidence.sheets import summary
from tests.evidence.told import SERVER, TRUNK, package, said, stuck
from tests.export.records import at


def told(**more: object) -> dict[str, str]:
    whole = package(stuck(**more))
    return dict(facts.fields(whole.examples[0], whole))


def test_an_example_says_everything_a_supplier_asks_for() -> None:
    found = told()
    assert (found["From"], found["To"]) == ("15550100", "15550101")
    assert found["Time"] == "2026-01-05 10:00:00.000000 +01:00 (Europe/Berlin)"
    assert found["On this hop at"] == "2026-01-05 10:00:00.500000 +01:00 (Europe/Berlin)"
    assert found["Call-ID"] == "c1"
    assert found["Hop"] == f"pbx {SERVER} → acme {TRUNK} over UDP"
    assert found["Response"] == "487 Request Terminated"
    assert found["The caller was told"] == "480 Try later"
    assert found["Reason header"] == 'Q.850;cause=16;text="gone"'
    assert "then nothing for 12.4 s" in found["What we saw"]
    assert found["We waited"] == "12.6 s, of that 12.4 s without a word"
    assert found["Noticed"] == "100, then silence: stuck (no_progress), 10.2 s after the INVITE"
    assert found["Probable cause"] == "acme has not answered since 09:00."
    assert found["Packets"] == "examples/001-0123456789ab.pcap (9 packets)"


def test_conditions_of_other_hops_are_not_the_suppliers() -> None:
    whole = package()
    noticed = [value for name, value in facts.fields(whole.examples[0], whole) if name == "Noticed"]
    assert len(noticed) == 1


def test_what_the_caller_was_told_is_said_only_where_it_differs() -> None:
    found = told(status_code=487, reason_phrase="Request Terminated")
    assert "The caller was told" not in found


def test_a_hidden_number_or_none_has_its_place() -> None:
    assert told(caller=None)["From"] == "(none)"


def test_the_packets_say_what_is_missing_and_why() -> None:
    def words(capture: Capture) -> str:
        whole = package(capture=capture)
        return facts.packets(whole.examples[0])

    assert words(Capture(None, why_not="of a test")) == "none, because of a test"
    assert words(Capture("a.pcap", 3, 7)) == "a.pcap (3 packets); 7 more messages of this call had no room in it"
    assert "only shows that 3:20 after the last message the capture still went on" in words(
        Capture("a.pcap", 3, witness=200.0)
    )


def test_the_headline_counts_and_gives_the_share() -> None:
    assert facts.headline(package()) == '1 of 4 calls from or to acme, 25.0%, ended as "Stuck in Trying".'
    assert [facts.share_of(row) for row in facts.rows(package())] == ["75.0%", "25.0%"]
    many = ["no_progress", "busy", "declined", "congested", "no_answer"]
    counts = {kind: package().counts["no_progress"] for kind in (*many, "answered")}
    assert facts.headline(package(outcomes=many, counts=counts)).endswith("ended in one of the 5 ways marked below.")


def test_a_capture_of_what_was_asked_for_alone_shows_no_share() -> None:
    """Whoever cut out what failed has 100 % of it: that is no share of the calls."""
    alone = package(counts={"no_progress": package().counts["no_progress"]})
    assert facts.headline(alone) == (
        '1 call from or to acme ended as "Stuck in Trying". The capture has no other calls from or to it, so it does'
        " not show how often that is."
    )
    assert [facts.share_of(row) for row in facts.rows(alone)] == [""]
    assert all("100.0%" not in written for written in (plain(alone), page(alone)))
    assert [row.split(",")[3] for row in summary(alone).splitlines()] == ["share", "", ""]


def test_a_capture_of_failures_alone_shows_no_share_either() -> None:
    one = package().counts["no_progress"]
    failed = package(counts={"no_progress": one, "busy": one})
    assert facts.headline(failed) == (
        '1 call from or to acme ended as "Stuck in Trying". No call from or to it in the capture was answered, so it'
        " may not show how often that is."
    )
    assert [facts.share_of(row) for row in facts.rows(failed)] == ["", ""]


def test_the_rows_are_the_most_frequent_first() -> None:
    rows = facts.rows(package())
    assert [(row.outcome, row.calls, row.share, row.asked) for row in rows] == [
        ("answered", 3, 0.75, False),
        ("no_progress", 1, 0.25, True),
    ]


def test_the_period_is_that_asked_for_else_that_of_the_capture() -> None:
    assert facts.period(package()) == (
        "2026-01-05 10:00:00.000000 +01:00 to 2026-01-05 10:10:00.000000 +01:00 (Europe/Berlin)"
    )
    assert facts.period(package(since=at(60))).startswith("2026-01-05 10:01:00.000000 +01:00 to")


def test_how_many_examples_there_are_is_said() -> None:
    assert facts.shown(package()) == "Examples: all 1 such calls, newest first."
    found = facts.shown(package(matching=30, expression="setup_seconds > 3"))
    assert found == "Examples: the newest 1 of 30 such calls for which setup_seconds > 3 holds, newest first."


def test_only_outcomes_that_are_shown_are_explained() -> None:
    ((name, meaning),) = facts.meanings(package(outcomes=["no_progress", "busy"]))
    assert name == "Stuck in Trying"
    assert "100 Trying" in meaning


def test_notes_say_what_was_done_to_the_packets() -> None:
    notes = " ".join(facts.notes(package()))
    assert "Europe/Berlin" in notes
    assert "were overwritten" in notes
    assert "Hidden" not in notes
    assert "this call alone" not in notes
    assert "Hidden here and in the packets: the last 4 digits" in " ".join(
        facts.notes(package(hidden="the last 4 digits of numbers"))
    )
    over_tcp = stuck()
    over_tcp.legs = [
        type(leg)(**{**{k: getattr(leg, k) for k in leg.__struct_fields__}, "transport": "tcp"})
        for leg in over_tcp.legs
    ]
    assert "a stream that holds this call alone" in " ".join(facts.notes(package(over_tcp)))


def test_messages_are_listed_up_to_a_bound() -> None:
    whole = package(stuck(messages=[said(n, SERVER, TRUNK, "INFO sip:b SIP/2.0", "1 INFO") for n in range(50)]))
    lines, more = facts.lines(whole.examples[0], whole)
    assert (len(lines), more) == (facts.MAX_LINES, 10)


def test_a_line_says_when_between_whom_and_what() -> None:
    whole = package()
    lines, more = facts.lines(whole.examples[0], whole)
    assert more == 0
    assert tuple(lines[2]) == ("10:00:00.500000", "+0.500 s", SERVER, TRUNK, "INVITE sip:15550101@example.com", True)
    assert (lines[0].own, lines[3].message) == (False, "100 Trying")
    again = package(stuck(messages=[said(1, SERVER, TRUNK, "SIP/2.0 180 Ringing", again=True)]))
    assert facts.lines(again.examples[0], again)[0][0].message == "180 Ringing (again)"


def test_at_a_glance_each_example_is_a_line() -> None:
    ((number, cells),) = facts.glance(package())
    assert number == 1
    assert dict(zip(facts.GLANCE, cells, strict=True)) == {
        "Time": "2026-01-05 10:00:00.000",
        "From": "15550100",
        "To": "15550101",
        "What became of it": "Stuck in Trying",
        "Response": "487 Request Terminated",
        "Waited": "12.6 s",
    }
