"""Who may see the pages; and that guessing passwords costs others nothing."""

from __future__ import annotations

import asyncio
import base64
import threading
import time

import bcrypt
import pytest

from sipwatch.web import users as module
from sipwatch.web.users import AuthResult, Users
from tests.web.serving import PATIENT, Told, basic, hashed

SECRET = "correct horse"  # noqa: S105 - of nobody
CLIENT = "192.0.2.9"


@pytest.fixture(scope="module")
def known() -> dict[str, bytes]:
    return {"prometheus": hashed(SECRET).encode(), "jürgen": hashed("pässwört").encode()}


class Counting:
    """Stands in for bcrypt and counts; does the same."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.compared: list[bytes] = []
        self.at_once = self.most_at_once = 0
        self.hold: threading.Event | None = None
        self.real = bcrypt.checkpw
        monkeypatch.setattr(bcrypt, "checkpw", self.checkpw)

    def checkpw(self, password: bytes, against: bytes) -> bool:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.compared.append(against)
        if self.hold is not None:
            self.hold.wait(PATIENT)
        result = self.real(password, against)
        self.at_once -= 1
        return result


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(monkeypatch)


def judge(known: dict[str, bytes], *headers: str | None) -> tuple[list[AuthResult], list[str]]:
    """Judge headers one after the other; return the answers, and the log."""
    log = Told()

    async def scenario() -> list[AuthResult]:
        users = Users(log)
        return [await users.check(known, header, CLIENT) for header in headers]

    return asyncio.run(scenario()), log.lines


def header(user: str, password: str) -> str:
    return basic(user, password)["Authorization"]


def test_the_right_password_is_welcome_and_not_a_word_is_said(known: dict[str, bytes]) -> None:
    assert judge(known, header("prometheus", SECRET), header("jürgen", "pässwört")) == ([AuthResult.WELCOME] * 2, [])


@pytest.mark.parametrize(
    ("user", "password", "shown"),
    [
        ("prometheus", "wrong", "prometheus"),
        ("prometheus", "", "prometheus"),
        ("prometheus", SECRET + "!", "prometheus"),
        ("mallory", SECRET, "mallory"),
        ("", SECRET, '""'),
        ("no\nbody\x1b", "wrong", '"no\\nbody\\x1b"'),
        ("x" * 500, "wrong", '"' + "x" * 199 + '…"'),
    ],
)
def test_a_wrong_one_gets_one_line_without_the_password(
    known: dict[str, bytes], user: str, password: str, shown: str
) -> None:
    answers, lines = judge(known, header(user, password))
    assert answers == [AuthResult.UNAUTHORIZED]
    assert lines == [f"WARNING unauthorized user={shown} client={CLIENT}"]


def test_no_credentials_at_all_are_refused_silently(known: dict[str, bytes]) -> None:
    assert judge(known, None) == ([AuthResult.UNAUTHORIZED], [])


@pytest.mark.parametrize(
    "garbled",
    [
        "",
        "Basic",
        "Basic !!!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Bearer abcdef",
        header("prometheus", SECRET)[:-3],
        header("prometheus", SECRET).replace("Basic ", "Basic"),
        "Basic \u00e9",
    ],
)
def test_garbled_credentials_are_refused_with_one_line(known: dict[str, bytes], garbled: str) -> None:
    answers, lines = judge(known, garbled)
    assert answers == [AuthResult.UNAUTHORIZED]
    assert lines == [f'WARNING unauthorized client={CLIENT} reason="no basic authentication"']


def test_the_scheme_is_written_in_any_case(known: dict[str, bytes]) -> None:
    right = header("prometheus", SECRET)
    assert (
        judge(known, right.replace("Basic", "bASIC"), right.replace("Basic ", "Basic   "))[0]
        == [AuthResult.WELCOME] * 2
    )


def test_bytes_that_are_no_text_are_no_user(known: dict[str, bytes]) -> None:
    answers, lines = judge(known, "Basic " + base64.b64encode(b"\xff\x00:\xff").decode())
    assert answers == [AuthResult.UNAUTHORIZED]
    assert len(lines) == 1


def test_a_long_password_counts_as_far_as_bcrypt_looks() -> None:
    long = "x" * 72
    known = {"u": hashed(long).encode()}
    assert judge(known, header("u", long + "y"), header("u", long[:-1]))[0] == [
        AuthResult.WELCOME,
        AuthResult.UNAUTHORIZED,
    ]


def test_what_was_right_is_not_hashed_again(known: dict[str, bytes], counting: Counting) -> None:
    right = header("prometheus", SECRET)
    assert judge(known, right, right, right)[0] == [AuthResult.WELCOME] * 3
    assert len(counting.compared) == 1


def test_what_was_wrong_is_hashed_each_time(known: dict[str, bytes], counting: Counting) -> None:
    judge(known, header("prometheus", "wrong"), header("prometheus", "wrong"))
    assert len(counting.compared) == 2


def test_another_password_in_the_file_ends_the_old_one(known: dict[str, bytes]) -> None:
    log = Told()

    async def scenario() -> list[AuthResult]:
        users = Users(log)
        old = header("prometheus", SECRET)
        changed = {"prometheus": hashed("new").encode()}
        return [
            await users.check(known, old, CLIENT),
            await users.check(changed, old, CLIENT),
            await users.check({} | {"other": known["prometheus"]}, old, CLIENT),
        ]

    assert asyncio.run(scenario()) == [AuthResult.WELCOME, AuthResult.UNAUTHORIZED, AuthResult.UNAUTHORIZED]


def test_an_unknown_user_costs_as_much_as_the_dearest_known_one(counting: Counting) -> None:
    dear = b"$2b$05$" + hashed("a").encode()[7:]
    judge({"cheap": hashed("a").encode(), "dear": dear}, header("mallory", "a"))
    [compared] = counting.compared
    assert compared.startswith(b"$2b$05$")
    assert compared != dear


def test_only_so_many_pairs_are_remembered(monkeypatch: pytest.MonkeyPatch, counting: Counting) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 2)
    known = {name: hashed(name).encode() for name in "abc"}
    answers, _ = judge(known, *(header(name, name) for name in "abcca"))
    assert answers == [AuthResult.WELCOME] * 5
    assert len(counting.compared) == 4  # a once more: it was the oldest when c came


def test_one_password_at_a_time_few_from_one_stranger_and_few_in_all(
    known: dict[str, bytes], counting: Counting
) -> None:
    log = Told()
    wrong = header("prometheus", "wrong")

    async def scenario() -> list[AuthResult]:
        users = Users(log)
        counting.hold = threading.Event()
        strangers = [f"192.0.2.{number}" for number in range(20) for _ in range(3)]
        tasks = [asyncio.create_task(users.check(known, wrong, at)) for at in strangers]
        await asyncio.sleep(0)
        counting.hold.set()
        answers = await asyncio.gather(*tasks)
        assert users._waiting == []
        return answers

    answers = asyncio.run(scenario())
    assert answers.count(AuthResult.UNAUTHORIZED) == module.MAX_WAITING
    assert answers.count(AuthResult.BUSY) == 60 - module.MAX_WAITING
    assert answers[:6] == [AuthResult.UNAUTHORIZED, AuthResult.UNAUTHORIZED, AuthResult.BUSY] * 2
    assert counting.most_at_once == 1
    assert len(log.of("password_not_checked")) == 60 - module.MAX_WAITING


def test_who_is_known_does_not_wait_behind_somebody_who_guesses(known: dict[str, bytes], counting: Counting) -> None:
    async def scenario() -> AuthResult:
        users = Users(Told())
        right = header("prometheus", SECRET)
        assert await users.check(known, right, CLIENT) is AuthResult.WELCOME
        counting.hold = threading.Event()
        guessing = asyncio.create_task(users.check(known, header("prometheus", "wrong"), "x"))
        await asyncio.sleep(0)
        began = time.monotonic()
        answer = await users.check(known, right, CLIENT)
        assert time.monotonic() - began < PATIENT / 2
        assert not guessing.done()
        counting.hold.set()
        await guessing
        return answer

    assert asyncio.run(scenario()) is AuthResult.WELCOME


def test_the_same_right_password_many_times_at_once_is_hashed_once(
    known: dict[str, bytes], counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_EACH", module.MAX_WAITING)

    async def scenario() -> list[AuthResult]:
        users = Users(Told())
        right = header("prometheus", SECRET)
        return await asyncio.gather(*(users.check(known, right, CLIENT) for _ in range(5)))

    assert asyncio.run(scenario()) == [AuthResult.WELCOME] * 5
    assert len(counting.compared) == 1


def test_a_version_of_bcrypt_that_refuses_a_password_refuses_the_user(
    known: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: bytes, __: bytes) -> bool:
        raise ValueError("password may not contain NUL bytes")

    monkeypatch.setattr(bcrypt, "checkpw", refuse)
    assert judge(known, header("prometheus", "a\0b"))[0] == [AuthResult.UNAUTHORIZED]


def guessing(
    known: dict[str, bytes], counting: Counting, attackers: list[str], client: str, before: int = 0
) -> list[AuthResult]:
    """Fill the queue with guesses from many addresses, which have guessed before; return what the right one gets then."""
    log = Told()
    wrong = header("prometheus", "wrong")

    async def scenario() -> list[AuthResult]:
        users = Users(log)
        for _ in range(before):
            for attacker in attackers:
                await users.check(known, wrong, attacker)
        counting.hold = threading.Event()
        guesses = [asyncio.create_task(users.check(known, wrong, attacker)) for attacker in attackers]
        await asyncio.sleep(0)
        right = asyncio.create_task(users.check(known, header("prometheus", SECRET), client))
        more = [asyncio.create_task(users.check(known, wrong, attacker)) for attacker in attackers]
        await asyncio.sleep(0)
        counting.hold.set()
        answers = [await right, *await asyncio.gather(*guesses, *more)]
        assert users._waiting == []
        return answers

    return asyncio.run(scenario())


MANY = [f"192.0.2.{100 + number}" for number in range(20)]


def test_guesses_from_many_addresses_keep_out_nobody_who_comes_for_the_first_time(
    known: dict[str, bytes], counting: Counting
) -> None:
    """Each of them got in the way once, when nothing was known of it."""
    right, *others = guessing(known, counting, MANY, CLIENT, before=1)
    assert right is AuthResult.WELCOME
    assert AuthResult.WELCOME not in others
    assert counting.compared[-module.MAX_WAITING :][1] == known["prometheus"]  # right behind the one under way
    assert others.count(AuthResult.UNAUTHORIZED) == module.MAX_WAITING - 1


def test_of_one_network_of_ipv6_all_addresses_are_one(known: dict[str, bytes], counting: Counting) -> None:
    right, *others = guessing(
        known, counting, [f"2001:db8:0:7::{number:x}" for number in range(1, 40)], "2001:db8:0:8::1"
    )
    assert right is AuthResult.WELCOME
    assert others.count(AuthResult.UNAUTHORIZED) == module.MAX_WAITING_EACH


def test_who_was_let_in_before_comes_first_also_with_a_new_password(
    known: dict[str, bytes], counting: Counting
) -> None:
    log = Told()
    changed = {"prometheus": hashed("new").encode()}

    async def scenario() -> list[AuthResult]:
        users = Users(log)
        before = await users.check(known, header("prometheus", SECRET), CLIENT)
        counting.hold = threading.Event()
        guesses = [asyncio.create_task(users.check(changed, header("prometheus", "x"), attacker)) for attacker in MANY]
        await asyncio.sleep(0)
        right = asyncio.create_task(users.check(changed, header("prometheus", "new"), CLIENT))
        await asyncio.sleep(0)
        counting.hold.set()
        await asyncio.gather(*guesses)
        return [before, await right]

    assert asyncio.run(scenario()) == [AuthResult.WELCOME] * 2


def test_whoever_gives_up_waiting_leaves_the_turn_to_the_next(known: dict[str, bytes], counting: Counting) -> None:
    log = Told()

    async def scenario() -> AuthResult:
        users = Users(log)
        counting.hold = threading.Event()
        tasks = [asyncio.create_task(users.check(known, header("prometheus", "wrong"), at)) for at in MANY[:3]]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[1].cancel()
        counting.hold.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        return await users.check(known, header("prometheus", SECRET), CLIENT)

    assert asyncio.run(scenario()) is AuthResult.WELCOME


def test_only_so_many_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch, known: dict[str, bytes]) -> None:
    monkeypatch.setattr(module, "MAX_ADDRESSES", 3)

    async def scenario() -> tuple[int, int]:
        users = Users(Told())
        for attacker in MANY[:5]:
            await users.check(known, header("prometheus", "wrong"), attacker)
        return len(users._wrong), len(users._let_in)

    assert asyncio.run(scenario()) == (3, 0)
