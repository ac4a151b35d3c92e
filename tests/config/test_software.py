"""[[software]]: families by pattern, and how every mistake is named."""

from __future__ import annotations

from sipwatch.config import parse
from tests.config.mistakes import complaint
from tests.each import for_each

FAMILY = '[[software]]\nname = "yealink"\npattern = "^Yealink"\n'


def test_families_have_names_and_patterns_and_their_order() -> None:
    found = parse(FAMILY + FAMILY.replace("yealink", "any").replace("^Y", "y"), "x").settings.software
    assert [(family.name, family.pattern.source) for family in found] == [("yealink", "^Yealink"), ("any", "yealink")]
    assert parse("", "x").settings.software == []


MISTAKES = [
    ("no-name", '[[software]]\npattern = "x"\n', "line 1: name is missing"),
    ("no-pattern", '[[software]]\nname = "x"\n', "line 1: pattern is missing"),
    ("taken", FAMILY + FAMILY, "line 5: name = 'yealink': expected another name"),
    ("others", FAMILY.replace('"yealink"', '"other"'), "line 2: name = 'other': expected another name"),
    ("no-expression", FAMILY.replace("^Yealink", "("), "line 3: pattern = '(': expected a regular expression"),
    (
        "everything",
        FAMILY.replace("^Yealink", ".*"),
        "line 3: pattern = '.*': expected something that is not found in every",
    ),
    ("no-text", FAMILY.replace('"^Yealink"', "5"), "line 3: pattern = 5: expected a regular expression, such as"),
    ("misspelt", FAMILY + 'patern = "x"\n', "line 4: unknown key 'patern'; did you mean pattern?"),
    (
        "too-many",
        "".join(f'[[software]]\nname = "x{number}"\npattern = "x"\n' for number in range(33)),
        "line 97: software = 33: expected not more than 32 of them",
    ),
]


@for_each("name, text, said", MISTAKES)
def test_every_mistake_is_named(name: str, text: str, said: str) -> None:
    assert said in complaint(text), name
