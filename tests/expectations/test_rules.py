"""[[expect]]: what can be expected, and how every mistake is named with its line, the value, and what is right."""

from __future__ import annotations

import pytest

from sipwatch.config import ConfigError
from sipwatch.expectations.rules import Bounds, parse
from tests.each import for_each
from tests.export.records import answered, call

PEERS = ("acme", "phones")
SHARE = '[[expect]]\nname = "one"\nshare_of = "outcome == \'answered\'"\nmin = 0.9\n'
COUNT = '[[expect]]\nname = "two"\ncount_of = "outcome == \'busy\'"\n'
DELAY = '[[expect]]\nname = "three"\ndelay = "progress"\nmax = 3\n'
RATIO = '[[expect]]\nname = "four"\nratio = "ner"\nmin = 0.95\nmax = 0.99\n'


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        parse(text, "rules.toml", PEERS)
    (line,) = str(raised.value).splitlines()
    return line


def test_each_kind_of_expectation_is_read() -> None:
    share, count, delay, ratio = parse(SHARE + COUNT + "exactly = 3\n" + DELAY + RATIO, "x", PEERS)
    assert (share.kind, share.of, share.limits) == ("share_of", "outcome == 'answered'", Bounds(0.9, None))
    assert share.holds is not None
    assert [share.holds(one) for one in (answered(), call())] == [True, False]
    assert (count.kind, count.limits) == ("count_of", Bounds(3, 3))
    assert (delay.of, delay.percentile, delay.limits) == ("progress", 95, Bounds(None, 3))
    assert (ratio.of, ratio.limits, ratio.holds) == ("ner", Bounds(0.95, 0.99), None)


def test_whose_calls_are_meant() -> None:
    (found,) = parse(
        f'{SHARE}destination = "acme"\nsource = "other"\npeer = "phones"\nfilter = "status_code == 486"\n', "x", PEERS
    )
    assert found.ends == {"peer": "phones", "source": "other", "destination": "acme"}
    assert found.keeps is not None
    assert [found.keeps(one) for one in (answered(), call())] == [False, True]
    assert parse(f"{DELAY}percentile = 50\n", "x", PEERS)[0].percentile == 50


MISTAKES = [
    ("no-toml", "[[expect", "rules.toml: not valid TOML"),
    ("nothing", "", "rules.toml: nothing is expected, so that every capture would do"),
    ("table", '[expect]\nname = "x"\n', "line 1: expect = {'name': 'x'}: expected tables, each headed [[expect]]"),
    ("other-table", "[[expected]]\n", "line 1: unknown key 'expected'; did you mean expect?"),
    ("no-name", "[[expect]]\ndelay = 'answer'\nmax = 1\n", "line 1: name is missing"),
    ("blank-name", SHARE.replace('"one"', '" "'), "line 2: name = ' ': expected a text of up to 200 characters"),
    ("long-name", SHARE.replace("one", "x" * 201), "line 2: name = "),
    ("same-name", SHARE + SHARE, "line 6: name = 'one': expected another name"),
    ("misspelt", f"{SHARE}destinaton = 'acme'\n", "line 5: unknown key 'destinaton'; did you mean destination?"),
    ("stranger", f"{SHARE}peer = 'acne'\n", "line 5: peer = 'acne': expected one of acme, phones, other (did you mean 'acme'?)"),
    ("no-check", '[[expect]]\nname = "x"\nmin = 1\n', "line 1: one of share_of, count_of, delay, ratio is missing"),
    ("two-checks", f"{DELAY}ratio = 'ser'\n", "line 5: delay and ratio: expected one of share_of, count_of, delay, ratio alone"),
    ("no-limit", '[[expect]]\nname = "x"\nratio = "ser"\n', "line 1: min or max is missing"),
    ("no-limit-of-a-count", COUNT, "line 1: min, max or exactly is missing"),
    ("percent", SHARE.replace("0.9", "90"), "line 4: min = 90: expected a share from 0 to 1, such as 0.95"),
    ("nan", SHARE.replace("0.9", "nan"), "line 4: min = nan: expected a share from 0 to 1"),
    ("truth", SHARE.replace("0.9", "true"), "line 4: min = True: expected a share from 0 to 1"),
    ("upside-down", RATIO.replace("0.95", "1.0"), "line 4: min = 1.0: expected not more than max, 0.99"),
    ("half-a-call", f"{COUNT}max = 0.5\n", "line 4: max = 0.5: expected a whole number from 0 to 1000000000"),
    ("both", f"{COUNT}exactly = 1\nmax = 2\n", "line 5: max says nothing beside exactly"),
    ("exact-share", f"{SHARE}exactly = 1\n", "line 5: exactly is of use only with count_of"),
    ("percentile-of-a-share", f"{SHARE}percentile = 50\n", "line 5: percentile is of use only with delay"),
    ("percentile", f"{DELAY}percentile = 101\n", "line 5: percentile = 101: expected how many of a hundred calls"),
    ("seconds", DELAY.replace("3", "-1"), "line 4: max = -1: expected a number of seconds, such as 3.0"),
    ("delay", DELAY.replace("progress", "progres"), "line 3: delay = 'progres': expected one of progress, srd, answer"),
    ("ratio", RATIO.replace("ner", "sr"), "line 3: ratio = 'sr': expected one of ser, seer, isa, scr, asr, ner"),
    ("no-text", SHARE.replace('"outcome == \'answered\'"', "5"), "line 3: share_of = 5: expected an expression as --filter"),
    ("word", COUNT.replace("busy", "buzy"), "line 3: count_of = \"outcome == 'buzy'\": outcome is never 'buzy'"),
    ("key", f"{SHARE}filter = 'caler == 1'\n", "line 5: filter = 'caler == 1': a call has no key 'caler'"),
    ("filter-no-text", f"{SHARE}filter = 1\n", "line 5: filter = 1: expected an expression as --filter takes it"),
    ("many", "".join(SHARE.replace("one", f"n{number}") for number in range(1001)), "line 4001: expect = 1001: expected not more"),
]  # fmt: skip


@for_each("name, text, said", MISTAKES)
def test_every_mistake_is_named(name: str, text: str, said: str) -> None:
    line = complaint(text)
    assert line.startswith("rules.toml")
    assert said in line, (name, line)
