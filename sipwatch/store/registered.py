"""Who registered, or tried to, as a store has it: by time, name, number, address or peer; and sums by peer.

Must not know: formats, pages, how attempts are added up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.export.registrations import RegistrationState
from sipwatch.store.registering import ASK_REGISTRATIONS
from sipwatch.store.registrations import RegistrationRow, state_of
from sipwatch.store.schema import REGISTER_SUM_KEYS, REGISTER_SUM_VALUES, REGISTER_SUMS, REGISTRATIONS_SINCE
from sipwatch.store.sql import ANY, Clause, all_of
from sipwatch.store.wanted import Number
from sipwatch.wire.message import is_address

if TYPE_CHECKING:
    from sipwatch.store.reader import StoreReader

_ASK_SUMS: Final = (
    f"SELECT {', '.join(REGISTER_SUM_KEYS)}, {', '.join(f'sum({value})' for value in REGISTER_SUM_VALUES)}"
    f" FROM {{}} WHERE at >= ? AND at < ? GROUP BY {', '.join(REGISTER_SUM_KEYS)}"
)


class RegisterSum(NamedTuple):
    """Attempts to register between two peers with one outcome (``EXPIRED`` for what ran out) and code, 0 without.

    ``delays`` of them took ``delay_ns`` until their 2xx.
    """

    source: str
    destination: str
    outcome: str
    status_code: int
    attempts: int
    delays: int
    delay_ns: int


class RegistrationsWanted(NamedTuple):
    """Which registrations somebody wants: of a time (ns), of ``who``, and from or to a peer.

    ``who`` is an IP address, a telephone number as ``Number`` takes it, dialled in ``region``, or a part of an address
    of record, which ``is_part`` says of what may be a number as well.
    """

    since: int | None = None
    until: int | None = None
    who: str = ""
    region: str | None = None
    peer: str = ""
    is_part: bool = False

    @property
    def number(self) -> Number | None:
        """Return the number that is looked for, None where it is none."""
        if not self.who or self.is_part or is_address(self.who):
            return None
        try:
            return Number(self.who, self.region)
        except ValueError:
            return None

    def condition(self) -> Clause:
        """Return what a database can leave out by."""
        number = self.number
        conditions = [Clause("(source = ? OR destination = ?)", (self.peer, self.peer))] if self.peer else []
        if is_address(self.who):
            conditions.append(Clause("(device = ? OR registrar = ?)", (self.who, self.who)))
        elif number is not None:
            conditions.append(number.clause("digits"))
        elif self.who:
            conditions.append(Clause("instr(lower(aor), lower(?)) > 0", (self.who,)))
        return all_of(conditions) if conditions else ANY


def registrations_in(reader: StoreReader, wanted: RegistrationsWanted) -> list[RegistrationRow]:
    """Return how registering went for each device, the worst first. Raises StoreError.

    Days (UTC) that have a part of the time are taken whole, but who was not seen within it is left out. Where nobody
    has the number on these days, those are given whose address of record has it in it.
    """
    found = _by_device(reader, wanted)
    if not found and wanted.number is not None:
        found = _by_device(reader, wanted._replace(is_part=True))
    since, until = wanted.since or 0, wanted.until
    seen = [row for row in found.values() if row.seen >= since and (until is None or row.begins < until)]
    return sorted(seen, key=_worst_first)


def _by_device(reader: StoreReader, wanted: RegistrationsWanted) -> dict[tuple[str, str, str], RegistrationRow]:
    """Return what is stored of each device on the days that have a part of the time."""
    condition, number = wanted.condition(), wanted.number
    sql = f"{ASK_REGISTRATIONS} WHERE {condition.sql}"
    found: dict[tuple[str, str, str], RegistrationRow] = {}
    for values in reader.rows(sql, condition.values, wanted.since, wanted.until, REGISTRATIONS_SINCE):
        row = RegistrationRow(*values)
        if number is None or number.is_same(row.number):
            before = found.get(row.key)
            found[row.key] = row if before is None else before.joined(row)
    return found


def register_sums(reader: StoreReader, since: int | None, until: int | None) -> list[RegisterSum]:
    """Return what became of the attempts of a time (ns, whole minutes), by ends and outcome. Raises StoreError."""
    found: dict[tuple[str, str, str, int], list[int]] = {}
    rows = reader.rows_of_sums(_ASK_SUMS, since, until, tables=REGISTER_SUMS, version=REGISTRATIONS_SINCE)
    for source, destination, outcome, status_code, *values in rows:
        before = found.setdefault((source, destination, outcome, status_code), [0, 0, 0])
        for place, value in enumerate(values):
            before[place] += value
    return [RegisterSum(*key, *values) for key, values in found.items()]


def registrations_span(reader: StoreReader) -> tuple[int, int] | None:
    """Return when attempts were seen first and last (ns), None where there are none. Raises StoreError."""
    sql = "SELECT min(at), max(at) FROM register_hours"
    found = [row for row in reader.rows(sql, (), None, None, REGISTRATIONS_SINCE) if row[0] is not None]
    return (min(first for first, _ in found), max(last for _, last in found)) if found else None


def _worst_first(row: RegistrationRow) -> tuple[int, bool, int, int]:
    """Order by how bad it is; of those that fail, who was registered once before whoever may have guessed a name."""
    state = state_of(row)
    if state is RegistrationState.FAILING:
        return 0, not row.proved, -row.streak, -row.last
    if state is RegistrationState.RAN_OUT:
        return 1, False, 0, -row.last
    return 3 - (row.failed > 0), False, 0, -row.last
