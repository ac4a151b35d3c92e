"""What other threads ask is answered step by step, and all who ask meanwhile get the same answer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from sipwatch.shell.inquiry import Inquiry
from tests.e2e.process import until

if TYPE_CHECKING:
    from collections.abc import Generator

AT_ONCE = 0.0  # the moment is over: a single step
PATIENT = 20.0


class Asked:
    """An inquiry with three steps, and others who ask."""

    def __init__(self, fresh_for: float = 0.0) -> None:
        self.begun = self.woken = 0
        self.answers: list[str] = []
        self.inquiry = Inquiry(self._begin, self._wake, fresh_for)
        self.threads: list[threading.Thread] = []

    def _begin(self) -> Generator[None, None, str]:
        self.begun += 1
        for _ in range(2):
            yield
        return f"answer {self.begun}"

    def _wake(self) -> None:
        self.woken += 1

    def ask(self) -> None:
        woken = self.woken
        thread = threading.Thread(target=lambda: self.answers.append(self.inquiry.ask(PATIENT)), daemon=True)
        self.threads.append(thread)
        thread.start()
        until(lambda: self.woken > woken or not thread.is_alive(), PATIENT, "it is asked")

    def over(self) -> list[str]:
        for thread in self.threads:
            thread.join(PATIENT)
        return self.answers


def test_a_step_is_done_at_a_time_and_whoever_asks_meanwhile_gets_the_same() -> None:
    asked = Asked()
    asked.ask()
    assert [asked.inquiry.go_on(AT_ONCE), asked.inquiry.go_on(AT_ONCE)] == [False, False]
    asked.ask()
    assert asked.inquiry.go_on(AT_ONCE)
    assert asked.over() == ["answer 1", "answer 1"]
    assert (asked.begun, asked.woken) == (1, 2)


def test_with_enough_time_all_steps_are_done_at_once() -> None:
    asked = Asked()
    asked.ask()
    assert asked.inquiry.go_on(float("inf"))
    assert asked.over() == ["answer 1"]


def test_where_nobody_asks_nothing_is_begun() -> None:
    asked = Asked()
    assert asked.inquiry.go_on(float("inf"))
    assert asked.begun == 0


def test_who_asks_again_is_answered_anew() -> None:
    asked = Asked()
    for _ in range(2):
        asked.ask()
        asked.inquiry.go_on(float("inf"))
    assert sorted(asked.over()) == ["answer 1", "answer 2"]  # who asked first may be the last to write it down


def test_an_answer_that_is_fresh_is_given_again_without_waking_anybody() -> None:
    asked = Asked(fresh_for=3600)
    asked.ask()
    asked.inquiry.go_on(float("inf"))
    asked.over()
    asked.ask()
    assert asked.over() == ["answer 1", "answer 1"]
    assert asked.woken == 1
    asked.inquiry.begin_again()
    asked.ask()
    asked.inquiry.go_on(float("inf"))
    assert asked.over()[-1] == "answer 2"


def test_what_is_half_done_can_be_begun_again() -> None:
    asked = Asked()
    asked.ask()
    asked.inquiry.go_on(AT_ONCE)
    asked.inquiry.begin_again()
    asked.inquiry.go_on(float("inf"))
    assert asked.over() == ["answer 2"]


def test_who_gets_no_answer_in_time_is_told() -> None:
    with pytest.raises(TimeoutError):
        Asked().inquiry.ask(0.01)
