"""Where in a TOML text something stands."""

from __future__ import annotations

from sipwatch.config.lines import lines_of


def test_lines_are_found_through_comments_strings_and_lists() -> None:
    text = '# [fake]\n[timers]\n# a = 1\nb = """\nc = 1\n"""\nd = [\n  "x = 1",\n]\ne = 2\n[[peer]]\n[[peer]]\n[[peer.rule]]\nf = 1\n'
    found = lines_of(text)
    assert found["timers", "e"] == 10
    assert found["peer", 1, "rule", 0, "f"] == 14
    assert not any("c" in where or "x" in where for where in found)


def test_each_element_of_a_list_has_its_line() -> None:
    text = 'a = ["x", \'y\', # "no"\n  "z # ] no", 4,\n  [5, 6], { b = 7 },\n  2026-01-01,\n]\nb = 1\n'
    found = lines_of(text)
    assert [found["a", place] for place in range(7)] == [1, 1, 2, 2, 3, 3, 4]
    assert ("a", 7) not in found
    assert found["b",] == 6


def test_a_list_on_one_line_ends_there() -> None:
    found = lines_of('a = []\nb = ["]"]\nc = 1\n')
    assert (found["a",], found["b", 0], found["c",]) == (1, 2, 3)


def test_an_array_of_tables_is_where_its_first_begins() -> None:
    found = lines_of("a = 1\n[[peer]]\nname = 1\n[[peer]]\n")
    assert (found["peer",], found["peer", 0], found["peer", 1]) == (2, 2, 4)
