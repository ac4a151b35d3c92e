"""The fuzz targets hold for every seed and for whatever once failed; the fuzzers themselves run by make fuzz."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from sipwatch.packet import LINK_NAMES
from tests.each import for_each
from tests.fuzz.inputs import DELAYS, EPOCH, LINK_TYPES, Kind, decode, encode
from tests.fuzz.seeds import FAILED, ODD_MESSAGES, capture_inputs, captures, failed, hep_inputs, odd_inputs, seeds
from tests.fuzz.targets import TARGETS, engine, files, hep, parser, wire

if TYPE_CHECKING:
    from pathlib import Path


@for_each("capture", captures())
def test_the_targets_hold_for_every_capture(capture: Path) -> None:
    for data in capture_inputs(capture):
        wire(data)
        engine(data)


@for_each("name", odd_inputs())
def test_the_targets_hold_for_odd_messages(name: str) -> None:
    wire(odd_inputs()[name])
    engine(odd_inputs()[name])


@for_each("name", hep_inputs())
def test_what_agents_send_holds_for_odd_messages(name: str) -> None:
    hep(hep_inputs()[name])


def test_damaged_hep_is_discarded_by_name_or_read() -> None:
    chance = random.Random(1)
    whole = list(hep_inputs().values())
    for _ in range(300):
        damaged = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        hep(bytes(damaged))


@for_each("name", ODD_MESSAGES)
def test_an_odd_message_reads_the_same_once_its_shape_is_known(name: str) -> None:
    parser(ODD_MESSAGES[name])


def test_inputs_come_on_every_link_layer() -> None:
    assert set(LINK_NAMES) <= set(LINK_TYPES)


@pytest.mark.parametrize("target", ["websocket", "sdp", "configuration"])
def test_the_target_of_a_format_holds_for_its_seeds_whole_and_damaged(target: str) -> None:
    chance = random.Random(target)
    for data in seeds()[target]:
        TARGETS[target](data)
        for _ in range(4):
            damaged = bytearray(data)
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            TARGETS[target](bytes(damaged[: chance.randrange(len(damaged)) + 1]))


@pytest.mark.parametrize("target", TARGETS)
def test_what_once_failed_fails_no_more(target: str) -> None:
    for data in failed(target):
        TARGETS[target](data)


def test_every_failure_kept_is_of_a_target() -> None:
    assert {path.name.partition("-")[0] for path in FAILED.glob("*")} <= TARGETS.keys()


def test_a_damaged_capture_file_gives_what_comes_before_the_damage() -> None:
    """A few hundred random damages of our own captures; the fuzzer does this for a living."""
    chance = random.Random(1)
    whole = captures()[0].read_bytes()[:4096]
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        files(bytes(damaged[: chance.randrange(len(damaged))]))


def test_an_input_says_what_was_encoded() -> None:
    found = list(decode(encode([(Kind.FRAME, 0, DELAYS[2], b"abc"), (Kind.UDP, 1, DELAYS[9], b"payload")], 113)))
    assert found[0] == (EPOCH + DELAYS[2], 113, b"abc")
    assert found[1].time == EPOCH + DELAYS[2] + DELAYS[9]
    assert found[1].data.endswith(b"payload")
