"""[links]: what links calls, and how every mistake is named."""

from __future__ import annotations

from sipwatch.classify.peers import Linking
from sipwatch.config import parse
from tests.config.mistakes import complaint
from tests.each import for_each


def linking(text: str) -> Linking:
    return parse(f"[links]\n{text}\n", "x").settings.linking


def test_without_the_table_what_calls_say_of_themselves_links_them() -> None:
    expected = Linking((), session_id=True, transfers=True, by_numbers=False, numbers_within=2_000_000_000)
    assert parse("", "x").settings.linking == linking("") == expected


def test_everything_that_the_table_can_say() -> None:
    assert linking("session_id = false\ntransfers = false") == Linking((), session_id=False, transfers=False)
    assert linking("by_numbers = true\nnumbers_within = 0.5") == Linking(by_numbers=True, numbers_within=500_000_000)
    assert linking('header = "X-CID"').headers == ("x-cid",)
    assert linking('header = ["X-CID", "x-cid", "X-Session"]').headers == ("x-cid", "x-session")


MISTAKES = [
    ("no name", "header = 5", 'line 2: header = 5: expected the name of a header, such as "X-Correlation-ID", or a list'),
    ("no header's name", 'header = "X CID"', "line 2: header = 'X CID': expected the name of a header"),
    ("an empty name", 'header = [""]', "line 2: header = '': expected the name of a header"),
    ("a list of others", "header = [true]", "line 2: header = True: expected the name of a header"),
    ("too many", f"header = {[f'X-{n}' for n in range(9)]}", "or a list of up to 8 names"),
    ("of every call", 'header = ["X-CID", "Call-ID"]', "header = 'Call-ID': expected a header that only calls of one conv"),
    ("of every call, short", 'header = "f"', "header = 'f': expected a header that only calls of one conversation share"),
    ("too late", "numbers_within = 33", "line 2: numbers_within = 33: expected a number of seconds, at least 0.001 and not"),
    ("no flag", "session_id = 1", "line 2: session_id = 1: expected true or false"),
    ("misspelt", "headers = []", "line 2: unknown key 'headers'; did you mean header?"),
]  # fmt: skip


@for_each("name, text, said", MISTAKES)
def test_every_mistake_is_named(name: str, text: str, said: str) -> None:
    assert said in complaint(f"[links]\n{text}\n"), name


def test_the_table_is_a_table() -> None:
    assert "links = 1: expected a table" in complaint("links = 1\n")
