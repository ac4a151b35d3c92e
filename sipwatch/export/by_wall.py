"""Records by the clock on the wall: the last thing before they leave, for what is in them is packet time.

Must not know: clocks, formats, what a record is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from sipwatch.export.moments import Moment
from sipwatch.export.record import Words, moment_of

if TYPE_CHECKING:
    from sipwatch.classify.findings import Fact
    from sipwatch.classify.wall import Wall

Record = TypeVar("Record", bound=msgspec.Struct)


def by_wall(record: Record, wall: Wall) -> Record:
    """Return a record with each of its moments as the clock on the wall has it; the same if nobody has set that."""
    return _moved(record, wall.ahead) if wall.ahead else record


def _moved(value: Any, by: int) -> Any:
    if isinstance(value, Moment):
        return Moment(value + by)
    if isinstance(value, Words):
        return value.with_facts({name: _fact(name, fact, by) for name, fact in value.facts.items()})
    if isinstance(value, list):
        return [_moved(each, by) for each in value]
    if isinstance(value, msgspec.Struct):
        return type(value)(*[_moved(getattr(value, name), by) for name in value.__struct_fields__])
    return value


def _fact(name: str, fact: Fact, by: int) -> Fact:
    moment = moment_of(name, fact)
    return fact if moment is None else moment + by
