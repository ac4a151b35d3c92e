"""What memory of earlier calls is made of, and what it forgets."""

from __future__ import annotations

from sipwatch.classify.past import Counts, Table, counts
from sipwatch.classify.remembered import SLOT


def test_a_full_table_forgets_what_was_touched_longest_ago_and_counts_it() -> None:
    table: Table[str] = Table(2)
    table.put("a", "1")
    table.put("b", "2")
    assert table.get("a") == "1"  # looking is no touching
    assert table.touch("a") == "1"
    table.put("c", "3")
    assert (table.get("a"), table.get("b"), table.get("c")) == ("1", None, "3")
    assert (len(table), table.evicted) == (2, 1)
    assert list(table.values()) == ["1", "3"]


def test_setting_an_entry_again_evicts_nobody() -> None:
    table: Table[str] = Table(2)
    for value in "xyz":
        table.put("a", value)
        table.put("b", value)
    assert (len(table), table.evicted, table.get("a")) == (2, 0, "z")
    table.drop("a")
    table.drop("a")
    assert (len(table), table.touch("a")) == (1, None)
    table.clear()
    assert (len(table), table.evicted) == (0, 1)


def test_only_tables_that_gave_up_something_are_counted_as_such() -> None:
    full: Table[int] = Table(1)
    full.put(1, 1)
    full.put(2, 2)
    assert counts({"full": full, "empty": Table(1)}) == Counts(
        {"full": 1, "empty": 0}, {"full": 1}, {"full": SLOT, "empty": 0}
    )
