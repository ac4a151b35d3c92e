"""What stands at an address, as far as it can be guessed from what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.peers import PeerKind
from sipwatch.classify.roles import Role, Sure, roles
from tests.surveying import many, registers, survey

if TYPE_CHECKING:
    from sipwatch.classify.survey import Survey


def guessed(watched: Survey) -> dict[str, Role]:
    return {chr(address[-1]): role for address, role in roles(watched.ends()).items()}


def kinds(watched: Survey) -> dict[str, str]:
    return {letter: "" if role.kind is None else role.kind.value for letter, role in guessed(watched).items()}


def test_a_contact_centre_in_the_middle_of_its_phones_and_its_trunk() -> None:
    found = guessed(
        survey(
            many("T", "A", 8, via="P") + many("A", "T", 2, via="P"),
            registers("A", "P") + registers("B", "P", "bob") + "9 P>T OPTIONS contact=-\n9.1 T>P 200 method=OPTIONS",
        )
    )
    assert {letter: role.kind for letter, role in found.items()} == {
        "P": PeerKind.SERVER,
        "A": PeerKind.DEVICES,
        "B": PeerKind.DEVICES,
        "T": PeerKind.TRUNK,
    }
    assert [found[letter].sure for letter in "PABT"] == [Sure.SURE, Sure.SURE, Sure.SURE, Sure.SURE]
    assert found["P"].why == ["2 addresses registered here", "it passes calls on (10)", "it sends OPTIONS"]
    assert found["A"].why == ["it registers"]
    assert found["T"].why == [
        "8 different numbers, and it never registers",
        "it answers OPTIONS, and never registers",
    ]


def test_who_registers_with_many_numbers_is_no_phone_and_where_it_registers_is_a_trunk() -> None:
    assert kinds(survey(many("P", "T", 8), registers("P", "T"))) == {"P": "server", "T": "trunk"}


def test_one_phone_that_registers_is_a_phone_and_where_it_registers_is_a_server() -> None:
    found = guessed(survey(many("A", "P", 1), registers("A", "P")))
    assert (found["A"].kind, found["P"].kind) == (PeerKind.DEVICES, PeerKind.SERVER)
    assert found["P"].why == ["1 address registered here"]


def test_a_proxy_that_stays_on_the_way_is_a_server() -> None:
    rr = "h=Record-Route:_<sip:192.0.2.80:5060;lr>"
    found = guessed(survey(many("A", "T", 1, via="P", more=rr)))
    assert "it stays on the way of calls with Record-Route (1)" in found["P"].why
    assert kinds(survey(many("P", "T", 1, more=rr)))["P"] == "server"


@pytest.mark.parametrize(
    ("software", "kind"),
    [
        ("Asterisk PBX 20.5", "server"),
        ("kamailio (5.6.3)", "server"),
        ("Yealink SIP-T46U 108.86", "devices"),
        ("3CXPhoneForWindows 18", "devices"),
        ("Linphone/5.1", "devices"),
        ("Sonus SBC 9", "trunk"),
        ("Something 1", ""),
    ],
)
def test_software_speaks_for_a_role(software: str, kind: str) -> None:
    assert kinds(survey(many("X", "Y", 1, more=f"h=User-Agent:_{software.replace(' ', '_')}")))["X"] == kind


def test_what_only_software_says_is_a_guess() -> None:
    (role,) = [r for r in guessed(survey(many("X", "Y", 1, more="h=User-Agent:_Snom"))).values() if r.kind]
    assert (role.sure, role.why) == (Sure.GUESS, ["its software says so"])


def test_nothing_speaks_for_anything_when_two_strangers_talk() -> None:
    assert kinds(survey(many("X", "Y", 1))) == {"X": "", "Y": ""}
    assert guessed(survey(many("X", "Y", 1)))["X"] == Role(None, None, [])


def test_who_tries_to_register_and_never_does_is_no_device() -> None:
    found = guessed(survey("", registers("X", "P", code=403) + registers("A", "P")))
    assert found["X"].kind is None
    assert found["A"].kind is PeerKind.DEVICES


def test_who_asks_for_credentials_keeps_a_register() -> None:
    watched = survey("", registers("A", "P", code=401), until="60")
    assert guessed(watched)["P"].why == ["it asks for credentials before it registers anybody"]


def test_who_scans_is_nobody_though_somebody_registered_him() -> None:
    found = guessed(survey("", registers("X", "P").replace("REGISTER", "REGISTER h=User-Agent:_friendly-scanner")))
    assert found["X"] == Role(None, None, ["its software is made to look for others"])


def test_who_is_never_answered_and_who_never_answers_is_said() -> None:
    found = guessed(survey("0 X>Y INVITE h=User-Agent:_A_phone", until="60"))
    assert found["X"].why == ["its software says so", "it only sends, and nobody answers it"]
    assert found["X"].sure is Sure.GUESS
    assert found["Y"].why == ["it never says anything"]


def test_two_roles_with_as_much_behind_them_leave_it_open() -> None:
    watched = survey(many("X", "T", 1, via="P"), "5 P>X OPTIONS contact=-\n5.1 X>P 200 method=OPTIONS")
    why = ["one line or two", "it answers OPTIONS, and never registers"]
    assert guessed(watched)["X"] == Role(None, None, why)
