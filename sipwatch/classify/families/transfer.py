"""Transfers that came to nothing (RFC 3515, RFC 3891), and which call each of them set up.

Must not know: words, who asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.families.dialog import exchanges
from sipwatch.classify.findings import Evidence, Fact, Finding, Kind, identifier, own, person, seen
from sipwatch.classify.hops import subject
from sipwatch.classify.past import Table, call_id
from sipwatch.classify.remembered import LIST, SLOT, of_all
from sipwatch.packet import SECOND
from sipwatch.track.bindings import short
from sipwatch.wire.sip import header, uri_of, user_of

if TYPE_CHECKING:
    from sipwatch.classify.noted import Noted
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.dialog import Exchange
    from sipwatch.wire.message import Request

MAX_TRANSFERS: Final = 1000  # remembered at a time
SET_UP_WITHIN: Final = 180 * SECOND  # of its REFER a call begins that belongs to it
_EACH: Final = SLOT + LIST + 400
# RFC 3892 §2, RFC 3891 §3: what a call has that a transfer set up; "b" is the compact form.
BY_TRANSFER: Final = frozenset({b"referred-by", b"b", b"replaces"})
_SIPFRAG: Final = b"SIP/2.0 "
_CANCELLED: Final = 487  # the transferor took it back


class Failed:
    """The call that a transfer set up, and that came to nothing."""

    __slots__ = ("call_id", "evidence", "outcome")

    def __init__(self, call_id: bytes, outcome: str, evidence: list[Evidence]) -> None:
        self.call_id = call_id
        self.outcome = outcome
        self.evidence = evidence


def target_of(refer: Request) -> bytes:
    """Return whom a REFER names: the user of its Refer-To, or the whole URI where there is none."""
    uri = uri_of(header(refer.raw, b"refer-to", b"r")).partition(b"?")[0]
    return user_of(uri) or uri


def transfer_failed(call: Call, directory: Directory, failed: Failed | None = None) -> Finding | None:
    """The REFER was refused, or accepted and came to nothing: by its NOTIFY, or by the call that it set up."""
    refer = next((exchange for exchange in reversed(exchanges(call)) if exchange.method == "REFER"), None)
    if refer is None:
        return None
    number = person(target_of(refer.request))
    about = subject(directory, refer.path.destination_address)
    evidence = [seen(refer.request)]
    if refer.final is not None and refer.status_code >= 300:
        facts: dict[str, Fact] = {"number": number, "status_code": refer.status_code, "by": about}
        return Finding(Kind.TRANSFER_FAILED, "refused", about, facts, [*evidence, seen(refer.final)])
    notify, code = last_notified(call, refer)
    if notify is not None and code >= 300:
        if code == _CANCELLED:
            return None
        facts = {"number": number, "status_code": code, "call_id": identifier(failed.call_id if failed else b"")}
        variant = "notified_call" if failed else "notified"
        return Finding(Kind.TRANSFER_FAILED, variant, about, facts, [*evidence, seen(notify.request)])
    if failed is None or code >= 200:
        return None
    facts = {"number": number, "outcome": own(failed.outcome), "call_id": identifier(failed.call_id)}
    return Finding(Kind.TRANSFER_FAILED, "call", about, facts, [*evidence, *failed.evidence])


def last_notified(call: Call, refer: Exchange) -> tuple[Exchange | None, int]:
    """Return the last NOTIFY that tells of the transfer, and the status code that it tells of; None and 0 if none."""
    for exchange in reversed(exchanges(call)):
        if exchange.method == "NOTIFY" and exchange.from_caller is not refer.from_caller:
            code = told_by(exchange.request)
            if code and exchange.started >= refer.started:
                return exchange, code
    return None, 0


def told_by(notify: Request) -> int:
    """Return the status code in the body of a NOTIFY (message/sipfrag, RFC 3420), 0 where it holds none."""
    body = notify.raw.partition(b"\r\n\r\n")[2].lstrip()
    if not body.startswith(_SIPFRAG):
        return 0
    code = body[len(_SIPFRAG) : len(_SIPFRAG) + 3]
    return int(code) if len(code) == 3 and code.isdigit() else 0


class Transfer:
    """A REFER that was seen: in which call, when (ns), which call it is to replace; and what failed because of it."""

    __slots__ = ("at", "call", "failed", "refused", "replaces", "serial")

    def __init__(self, call: Call, refer: Request) -> None:
        self.serial = call.serial
        self.call = call_id(call)
        self.at = refer.time
        self.refused = False  # known when its call is over, see ``is_refused``
        self.replaces = short(_replaced(_embedded(header(refer.raw, b"refer-to", b"r"))))
        self.failed: Failed | None = None

    @property
    def texts(self) -> int:
        """Return what its texts take (bytes)."""
        failed = self.failed
        size = len(self.call[0]) + len(self.call[1]) + len(self.replaces)
        return size if failed is None else size + len(failed.call_id) + of_all(failed.evidence)


class Transfers:
    """Remembers transfers by whom they name, so that they and the calls that they set up can name each other."""

    def __init__(self, noted: Noted) -> None:
        self.table: Table[Transfer] = Table(MAX_TRANSFERS, noted.memory, _EACH)
        self.by_call: Table[Transfer] = Table(MAX_TRANSFERS, noted.memory, _EACH)  # by the serial of the call
        self._noted = noted

    def referred(self, call: Call, refer: Request) -> None:
        """Take a REFER inside a call."""
        transfer = Transfer(call, refer)
        target = short(target_of(refer))
        self.table.put(target, transfer, len(target) + transfer.texts)
        self.by_call.put(call.serial, transfer, transfer.texts)

    def failed(self, call: Call, outcome: str) -> None:
        """Take a call that failed: a transfer may have set it up."""
        transfer = self.that_set_up(call)
        if transfer is None:
            return
        leg = call.legs[0]
        invite = leg.invite
        uri = invite.request_uri
        target = short(user_of(uri) or uri)
        last = (call.upstream or leg).final
        evidence = [seen(invite), *([seen(last)] if last else [])]
        transfer.failed = Failed(call.call_id, outcome, evidence)
        self.table.weigh(target, len(target) + transfer.texts)
        self.by_call.weigh(transfer.serial, transfer.texts)
        facts: dict[str, Fact] = {
            "number": person(user_of(uri) or uri), "outcome": own(outcome), "call_id": identifier(transfer.call[0]),
        }  # fmt: skip
        about = self._noted.subject(leg.path.destination_address)
        self._noted.of_call(call, Finding(Kind.TRANSFER_FAILED, "target", about, facts, evidence))

    def that_set_up(self, call: Call) -> Transfer | None:
        """Return the transfer that a call says it was set up by, None where there is none that it can be."""
        invite = call.legs[0].invite
        if BY_TRANSFER.isdisjoint(invite.names):
            return None
        uri = invite.request_uri
        transfer = self.table.get(short(user_of(uri) or uri))
        if transfer is None or transfer.serial == call.serial or not 0 <= call.started - transfer.at <= SET_UP_WITHIN:
            return None
        replaced = short(_replaced(header(invite.raw, b"replaces")))
        return None if transfer.replaces != replaced and transfer.replaces and replaced else transfer

    def is_refused(self, call: Call, transfer: Transfer) -> bool:
        """Tell whether the REFER of a transfer was refused, as far as its call says by now."""
        refused = [one for one in exchanges(call) if one.status_code >= 300 and one.request.time == transfer.at]
        return bool(refused)

    def of(self, call: Call) -> Finding | None:
        """Return what a call shows that a REFER was seen in, when nothing more will happen to it."""
        transfer = self.by_call.get(call.serial)
        if transfer is not None:
            transfer.refused = self.is_refused(call, transfer)
        self.by_call.drop(call.serial)
        return transfer_failed(call, self._noted.directory, None if transfer is None else transfer.failed)


def _embedded(refer_to: bytes) -> bytes:
    """Return the Replaces that a Refer-To holds for the new INVITE (RFC 3261 §19.1.1), unescaped as far as needed."""
    for part in uri_of(refer_to).partition(b"?")[2].split(b"&"):
        name, _, value = part.partition(b"=")
        if name.lower() == b"replaces":
            return value.replace(b"%40", b"@").replace(b"%3B", b";").replace(b"%3b", b";").replace(b"%3D", b"=")
    return b""


def _replaced(replaces: bytes) -> bytes:
    """Return the Call-ID that a Replaces names."""
    return replaces.partition(b";")[0].strip()
