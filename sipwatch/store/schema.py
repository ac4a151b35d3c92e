"""What a day's files hold: their tables, as SQL, and how a file of an earlier version becomes one of this.

Must not know: threads, where files are, which days there are.

A day has two files. ``calls`` has what became of each call that began on that day, and sums by minute and hour, from
which a month adds up in milliseconds; ``messages`` has the packets of those worth it, which are most of the bytes and
are wanted for a shorter time: a file is let go of by unlinking it, where to delete its rows takes seconds.

Moments are nanoseconds since 1970, spans nanoseconds. Numbers stand once more with their digits turned round, so that
an index finds what ends with some digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.packet import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    import sqlite3

CALLS: Final = "calls"
MESSAGES: Final = "messages"

AGENTS: Final = {"agent_hours": HOUR, "agent_days": DAY}  # tables of agents, and how much time (ns) a row spans
SUMS: Final = {
    "minutes": MINUTE,
    "five_minutes": 5 * MINUTE,
    "hours": HOUR,
}  # tables of sums, and how much time (ns) a row of each spans
REGISTER_SUMS: Final = {"register_minutes": MINUTE, "register_hours": HOUR}  # the same of attempts to register
SUM_KEYS: Final = ("source", "destination", "outcome", "status_code", "ending", "ended_by")
SUM_VALUES: Final = ("calls", "completed", "setups", "setup_ns", "rings", "ring_ns", "talks", "talk_ns")
REGISTER_SUM_KEYS: Final = ("source", "destination", "outcome", "status_code")
REGISTER_SUM_VALUES: Final = ("attempts", "delays", "delay_ns")

_SUM_COLUMNS: Final = """
    at INTEGER NOT NULL,
    source TEXT NOT NULL, destination TEXT NOT NULL, outcome TEXT NOT NULL,
    status_code INTEGER NOT NULL, ending TEXT NOT NULL, ended_by TEXT NOT NULL,
    calls INTEGER NOT NULL, completed INTEGER NOT NULL,
    setups INTEGER NOT NULL, setup_ns INTEGER NOT NULL, rings INTEGER NOT NULL, ring_ns INTEGER NOT NULL,
    talks INTEGER NOT NULL, talk_ns INTEGER NOT NULL,
    PRIMARY KEY (at, source, destination, outcome, status_code, ending, ended_by)
"""  # a null would be another key each time it is met: what is not there is 0, or an empty text

_AGENT_COLUMNS: Final = """
    at INTEGER NOT NULL, number TEXT NOT NULL,
    taken INTEGER NOT NULL, busy INTEGER NOT NULL, idle_busy INTEGER NOT NULL, declined INTEGER NOT NULL,
    rang_out INTEGER NOT NULL, not_alerted INTEGER NOT NULL, gave_up INTEGER NOT NULL, elsewhere INTEGER NOT NULL,
    other INTEGER NOT NULL,
    answers INTEGER NOT NULL, answer_ns INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    opening INTEGER NOT NULL, streak INTEGER NOT NULL, longest INTEGER NOT NULL, addresses TEXT NOT NULL,
    PRIMARY KEY (at, number)
"""

_CALLS_1: Final = f"""
CREATE TABLE calls (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL, call_id TEXT NOT NULL, from_tag TEXT, to_tag TEXT,
    caller TEXT, callee TEXT, caller_uri TEXT, callee_uri TEXT,
    source TEXT NOT NULL, destination TEXT NOT NULL,
    source_address TEXT NOT NULL, destination_address TEXT NOT NULL, transport TEXT NOT NULL,
    user_agent TEXT, server TEXT,
    started INTEGER NOT NULL, trying INTEGER, progressed INTEGER, ringing INTEGER, answered INTEGER, ended INTEGER,
    setup_seconds INTEGER, ring_seconds INTEGER, talk_seconds INTEGER,
    outcome TEXT NOT NULL, category TEXT NOT NULL, status_code INTEGER, reason_phrase TEXT,
    cause INTEGER, cause_protocol TEXT, cause_text TEXT,
    ended_by TEXT, ending TEXT, end_cause INTEGER, end_cause_protocol TEXT, end_cause_text TEXT,
    retransmissions INTEGER NOT NULL,
    completed INTEGER NOT NULL, caller_digits TEXT, callee_digits TEXT, kept INTEGER NOT NULL
);
CREATE UNIQUE INDEX calls_id ON calls (id);
CREATE INDEX calls_started ON calls (started);
CREATE INDEX calls_call_id ON calls (call_id);
CREATE INDEX calls_caller_digits ON calls (caller_digits, started) WHERE caller_digits IS NOT NULL;
CREATE INDEX calls_callee_digits ON calls (callee_digits, started) WHERE callee_digits IS NOT NULL;
CREATE INDEX calls_outcome ON calls (outcome, started);
CREATE INDEX calls_source ON calls (source, started);
CREATE INDEX calls_destination ON calls (destination, started);
CREATE INDEX calls_source_address ON calls (source_address, started);
CREATE INDEX calls_destination_address ON calls (destination_address, started);
CREATE INDEX calls_status_code ON calls (status_code, started) WHERE status_code IS NOT NULL;
CREATE INDEX calls_ending ON calls (ending, started) WHERE ending IS NOT NULL;
CREATE TABLE legs (
    call INTEGER, place INTEGER,
    branch TEXT NOT NULL, source TEXT NOT NULL, destination TEXT NOT NULL,
    source_address TEXT NOT NULL, destination_address TEXT NOT NULL, transport TEXT NOT NULL,
    started INTEGER NOT NULL, outcome TEXT NOT NULL, status_code INTEGER, cause INTEGER,
    retransmissions INTEGER NOT NULL, conditions TEXT, inferred TEXT,
    callee TEXT, alerted INTEGER, settled INTEGER, offered TEXT, device TEXT,
    PRIMARY KEY (call, place)
) WITHOUT ROWID;
CREATE TABLE conditions (
    call INTEGER, place INTEGER, kind TEXT NOT NULL, raised INTEGER NOT NULL, resolved INTEGER, resolution TEXT,
    leg INTEGER NOT NULL,
    PRIMARY KEY (call, place)
) WITHOUT ROWID;
CREATE INDEX conditions_kind ON conditions (kind);
CREATE TABLE findings (
    call INTEGER, place INTEGER, kind TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL, evidence TEXT NOT NULL,
    PRIMARY KEY (call, place)
) WITHOUT ROWID;
CREATE INDEX findings_kind ON findings (kind);
CREATE TABLE links (
    call INTEGER, place INTEGER, id TEXT NOT NULL, by TEXT NOT NULL, role TEXT, started INTEGER NOT NULL,
    PRIMARY KEY (call, place)
) WITHOUT ROWID;
CREATE INDEX links_id ON links (id);
CREATE TABLE tags (call INTEGER, place INTEGER, tag TEXT NOT NULL, PRIMARY KEY (call, place)) WITHOUT ROWID;
CREATE INDEX tags_tag ON tags (tag);
CREATE TABLE agent_hours ({_AGENT_COLUMNS}) WITHOUT ROWID;
CREATE TABLE agent_days ({_AGENT_COLUMNS}) WITHOUT ROWID;
CREATE TABLE minutes ({_SUM_COLUMNS}) WITHOUT ROWID;
CREATE TABLE hours ({_SUM_COLUMNS}) WITHOUT ROWID;
"""
# ``before`` and ``after`` are what stood around the message in its packet, null where it had no packet of its own.
_MESSAGES_1: Final = """
CREATE TABLE messages (
    id TEXT, place INTEGER, time INTEGER NOT NULL, transport TEXT NOT NULL, ends BLOB NOT NULL,
    again INTEGER NOT NULL, placed INTEGER NOT NULL, raw BLOB NOT NULL,
    link_type INTEGER, before BLOB, after BLOB,
    PRIMARY KEY (id, place)
) WITHOUT ROWID;
CREATE INDEX messages_time ON messages (time);
"""
# Calls that were answered and are not over: a call is in ``calls`` only then, and what fails is there at once.
_CALLS_2: Final = """
CREATE TABLE up (
    id TEXT PRIMARY KEY, started INTEGER NOT NULL, source TEXT NOT NULL, destination TEXT NOT NULL
) WITHOUT ROWID;
"""
UP_SINCE: Final = 2  # the version whose files tell which calls are up
_REGISTER_SUM_COLUMNS: Final = """
    at INTEGER NOT NULL,
    source TEXT NOT NULL, destination TEXT NOT NULL, outcome TEXT NOT NULL, status_code INTEGER NOT NULL,
    attempts INTEGER NOT NULL, delays INTEGER NOT NULL, delay_ns INTEGER NOT NULL,
    PRIMARY KEY (at, source, destination, outcome, status_code)
"""
# What an attempt is told by has the second of the day before it: rows are added at the end, where they cost least.
_CALLS_3: Final = f"""
CREATE TABLE register_minutes ({_REGISTER_SUM_COLUMNS}) WITHOUT ROWID;
CREATE TABLE register_hours ({_REGISTER_SUM_COLUMNS}) WITHOUT ROWID;
CREATE TABLE registrations (
    aor TEXT, device TEXT, registrar TEXT,
    source TEXT NOT NULL, destination TEXT NOT NULL, transport TEXT NOT NULL, user_agent TEXT NOT NULL,
    outcome TEXT NOT NULL, status_code INTEGER NOT NULL, credentials INTEGER NOT NULL,
    registered INTEGER NOT NULL, removed INTEGER NOT NULL, auth_failed INTEGER NOT NULL, refused INTEGER NOT NULL,
    not_responding INTEGER NOT NULL, unfinished INTEGER NOT NULL, expired INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL,
    expires INTEGER NOT NULL, until INTEGER NOT NULL, ran_out INTEGER NOT NULL,
    streak INTEGER NOT NULL, failing_since INTEGER NOT NULL,
    proved INTEGER NOT NULL, digits TEXT,
    PRIMARY KEY (aor, device, registrar)
) WITHOUT ROWID;
CREATE INDEX registrations_room ON registrations (proved, last);
CREATE INDEX registrations_digits ON registrations (digits) WHERE digits IS NOT NULL;
CREATE TABLE register_seen (id INTEGER PRIMARY KEY);
CREATE TABLE register_count (seen INTEGER NOT NULL);
INSERT INTO register_count VALUES (0);
"""
REGISTRATIONS_SINCE: Final = 3  # the version whose files tell of attempts to register
SUMS_SINCE: Final = {"five_minutes": 4}  # the version whose files have sums, where it is not the first
# Incidents are found by sums of five minutes: of two days with 200 calls a second, those by the minute take SQLite half
# a second. Legs are found by whose device they were offered to, as ``store.wanted`` asks: in other words, by no index.
# Another by address would cost a writer six in a hundred, for a question that is rare.
OFFERED_TO: Final = "coalesce(nullif(device, ''), callee)"
_CALLS_4: Final = f"""
CREATE TABLE five_minutes ({_SUM_COLUMNS}) WITHOUT ROWID;
INSERT INTO five_minutes SELECT at / {5 * MINUTE} * {5 * MINUTE},
    {", ".join(SUM_KEYS)}, {", ".join([f"sum({value})" for value in SUM_VALUES])}
    FROM minutes GROUP BY 1, {", ".join(SUM_KEYS)};
CREATE INDEX legs_offered ON legs ({OFFERED_TO}) WHERE offered IS NOT NULL;
"""
# By kind of file, what makes each version of the one before it: a new version is a new entry, and old ones stay.
MIGRATIONS: Final = {CALLS: (_CALLS_1, _CALLS_2, _CALLS_3, _CALLS_4), MESSAGES: (_MESSAGES_1,)}


class TooNewError(Exception):
    """A file was written by a later version of sipwatch."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of the tables in a file, 0 of one that has none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, kind: str, steps: tuple[str, ...] | None = None) -> None:
    """Bring a file's tables to this version, each step as a whole or not at all. Raises TooNewError."""
    steps = MIGRATIONS[kind] if steps is None else steps
    for version in range(known_version(connection, kind, steps), len(steps)):
        script = f"BEGIN IMMEDIATE; {steps[version]} PRAGMA user_version = {version + 1}; COMMIT;"
        try:
            connection.executescript(script)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def known_version(connection: sqlite3.Connection, kind: str, steps: tuple[str, ...] | None = None) -> int:
    """Return the version of a file's tables. Raises TooNewError."""
    known = len(MIGRATIONS[kind] if steps is None else steps)
    version = version_of(connection)
    if version > known:
        raise TooNewError(f"a later version of sipwatch wrote it (tables {version}, this one knows {known})")
    return version
