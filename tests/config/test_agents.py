"""[[agent]]: whose a number is, one by one and from a file, and how every mistake is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.roster import RosterEntry
from sipwatch.config import ConfigError, load, parse
from sipwatch.config import agents as module
from tests.config.mistakes import complaint
from tests.each import for_each

if TYPE_CHECKING:
    from pathlib import Path

ANNA = '[[agent]]\nnumber = "201"\nname = "Anna"\ngroup = "Sales"\n'
BEN = '[[agent]]\nnumber = "+49 30 1234567"\nname = "Ben"\n'
FROM_FILE = '[[agent]]\nfile = "agents.csv"\n'


def test_agents_have_numbers_names_and_perhaps_a_group() -> None:
    assert parse(ANNA + BEN, "x").agents == (RosterEntry("201", "Anna", "Sales"), RosterEntry("+49 30 1234567", "Ben"))
    assert parse("", "x").agents == ()


LONG = "x" * 101
MISTAKES = [
    ("no-number", '[[agent]]\nname = "Anna"\n', "line 1: number is missing"),
    ("no-name", '[[agent]]\nnumber = "201"\n', "line 1: name is missing"),
    ("no-text", ANNA.replace('"201"', "201"), "line 2: number = 201: expected a number or user name of up to 32"),
    ("no-number", ANNA.replace("201", "sip:201@x"), "line 2: number = 'sip:201@x': expected a number or user name"),
    ("blanks", ANNA.replace("201", "anna b"), "line 2: number = 'anna b': expected a number or user name"),
    ("too-long", ANNA.replace("201", "2" * 33), "expected a number or user name of up to 32 characters"),
    ("empty-name", ANNA.replace("Anna", " "), "line 3: name = ' ': expected a text of up to 100 characters"),
    ("long-name", ANNA.replace("Anna", LONG), "line 3: name = 'xxx"),
    ("two-lines", ANNA.replace("Sales", r"a\nb"), r"line 4: group = 'a\nb': expected a text of up to 100 characters"),
    ("twice", ANNA + ANNA, "line 6: number = '201': expected one agent for each number, x, line 1 has it already"),
    (
        "twice-in-another-notation",
        '[callback]\nregion = "DE"\n' + BEN + BEN.replace("+49 30", "030"),
        "line 7: number = '030 1234567': expected one agent for each number, x, line 3 has it already",
    ),
    ("misspelt", ANNA + 'gruop = "x"\n', "line 5: unknown key 'gruop'; did you mean group?"),
    ("both", FROM_FILE + 'name = "Anna"\n', "line 3: name = 'Anna': expected nothing beside file"),
    ("no-such-file", FROM_FILE, "line 2: file = 'agents.csv': the agents cannot be read: No such file or directory"),
    ("no-table", 'agent = "201"\n', "line 1: agent = '201': expected tables, each headed [[agent]]"),
]


@for_each("name, text, said", MISTAKES)
def test_every_mistake_is_named(name: str, text: str, said: str) -> None:
    assert said in complaint(text), name


# Files


def from_file(folder: Path, text: str | bytes, before: str = "") -> tuple[RosterEntry, ...]:
    (folder / "agents.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "sipwatch.toml").write_text(before + FROM_FILE)
    return load(str(folder / "sipwatch.toml")).agents


@pytest.mark.parametrize(
    "text",
    [
        "number,name,group\n201,Anna,Sales\n202,Ben,\n",
        "number,name,group\r\n201,Anna,Sales\r\n202,Ben",
        "\ufeffNumber;Name;Group\r\n201;Anna;Sales\r\n\r\n202;Ben;\r\n",
        "group\tnumber\tname\nSales\t201\tAnna\n\t202\tBen\n",
        'name,number,group\n"Anna", 201 ,Sales\nBen,202\n',
    ],
    ids=["plain", "no group, no last line end", "a spreadsheet's", "another order", "quotes and blanks"],
)
def test_a_file_is_read_as_spreadsheets_write_it(tmp_path: Path, text: str) -> None:
    assert from_file(tmp_path, text) == (RosterEntry("201", "Anna", "Sales"), RosterEntry("202", "Ben"))


def test_a_file_stands_beside_others(tmp_path: Path) -> None:
    assert [one.name for one in from_file(tmp_path, "number,name\n202,Ben\n", ANNA)] == ["Anna", "Ben"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("number,name\n201,Anna\n20 1,Ben\n", "agents.csv, line 3: number = '20 1': expected a number or user name"),
        ("number,name\n201,\n", "agents.csv, line 2: name = '': expected a text of up to 100 characters"),
        ("number,name\n,Anna\n", "agents.csv, line 2: number = '': expected a number"),
        ("number,name\n201,A\n\n201,B\n", "line 4: number = '201': expected one agent for each number, "),
        ("number,name\n201,A,B\n", "line 2: name = 'B': expected 2 columns, as in the first line"),
        (
            "number,nam\n201,A\n",
            "line 1: column = 'nam': expected each of number, name, group once (did you mean 'name'?)",
        ),
        ("number,number\n", "line 1: column = 'number': expected each of"),
        ("name,group\n", "line 1: column number is missing; the first line has number,name,group"),
        ("201,Anna\n", "line 1: column = '201': expected each of number, name, group once"),
        ("\n", "agents.csv: no line; the first has the columns' names"),
        (b"number,name\n201,\xff\n", "line 2: file = 'agents.csv': the file is not UTF-8 text"),
        ("number,name\n" + "x" * (4 << 20), "line 2: file = 'agents.csv': the file is larger than 4 MiB"),
        ('number,name\n201,"' + "x" * 200_000 + '"\n', "line 2: not a line of CSV: field larger"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        from_file(tmp_path, text)
    (line,) = str(raised.value).splitlines()
    assert said in line


def test_there_are_not_more_than_find_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "MAX_AGENTS", 2)
    with pytest.raises(ConfigError, match=r"line 4: agent = '203': expected not more than 2 of them"):
        from_file(tmp_path, "number,name\n201,A\n202,B\n203,C\n")


def test_thousands_are_read_in_no_time(tmp_path: Path) -> None:
    """A comparison of each with each would take minutes."""
    rows = "".join(f"+4930{place:07d},A{place}\n" for place in range(5000))
    assert len(from_file(tmp_path, f"number,name\n{rows}")) == 5000
