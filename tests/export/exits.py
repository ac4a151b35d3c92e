"""Every way out of sipwatch at once, for tests that look for what should not get out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import msgspec
from prometheus_client.openmetrics.exposition import generate_latest

from sipwatch.classify.peers import Directory
from sipwatch.classify.survey import Survey
from sipwatch.engine import Engine
from sipwatch.export.collector import Collector
from sipwatch.export.metrics import Metrics
from sipwatch.export.privacy import policy_of
from sipwatch.export.summary import Summary
from sipwatch.export.writers import CsvWriter, JsonLinesWriter, JsonWriter, PrivateWriter, Writer
from sipwatch.report.ends import end_records
from sipwatch.report.ladder import print_ladder
from sipwatch.report.mermaid import mermaid_text
from sipwatch.report.peers import print_peers
from sipwatch.report.sipp import sipp_scenario
from sipwatch.report.starter import starter
from sipwatch.report.svg import ladder_svg
from sipwatch.report.table import TableWriter
from sipwatch.shell.events import Told
from sipwatch.shell.log import Log
from tests.export.records import capture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.classify.peers import Privacy, Settings
    from sipwatch.export.record import CallRecord, CaptureRecord, SummaryRecord
    from sipwatch.shell.log import Level, Value
    from sipwatch.wire.message import Request, Response


class Logs(Log):
    """A log in both forms at once."""

    def __init__(self) -> None:
        self.outs = {"text": io.StringIO(), "json": io.StringIO()}
        self._logs = [
            Log(out, "json" if form == "json" else "text", lambda: 0.0, most_per_minute=10_000)
            for form, out in self.outs.items()
        ]

    def event(self, level: Level, event: str, /, *, at: str | None = None, **fields: Value) -> None:
        for log in self._logs:
            log.event(level, event, at=at, **fields)

    def has_room(self, event: str) -> bool:
        return all(log.has_room(event) for log in self._logs)


class Writers:
    """Several writers as one."""

    def __init__(self, *writers: Writer) -> None:
        self._writers = writers

    def call(self, record: CallRecord) -> None:
        for writer in self._writers:
            writer.call(record)

    def finish(self, head: CaptureRecord, summary: SummaryRecord) -> None:
        for writer in self._writers:
            writer.finish(head, summary)


class Exits:
    """What left sipwatch: ``texts`` by the way it took, and the calls as they were before."""

    def __init__(self, messages: Sequence[Request | Response], privacy: Privacy, settings: Settings) -> None:
        self.calls: list[CallRecord] = []
        self.texts: dict[str, str] = {}
        self._policy = policy_of(privacy)
        self._replay(messages, settings)
        self._peers(messages, settings)

    def _replay(self, messages: Sequence[Request | Response], settings: Settings) -> None:
        logs = Logs()
        summary = Summary()

        def sink(call: CallRecord, completed: bool) -> None:
            summary.add(call, completed)
            self.calls.append(call)

        engine = Engine(sink, metrics=Metrics(Directory(settings)), keep_messages=True)
        engine.add(Told(logs, engine.verdicts, self._policy))
        for message in messages:
            engine.message(message)
        engine.finish(messages[-1].time + 200_000_000_000)
        self.texts.update({f"log, {form}": out.getvalue() for form, out in logs.outs.items()})
        self.texts["metrics"] = generate_latest(Collector(engine)).decode()
        self._write(capture(requests=engine.account.requests), engine.account.whole(summary), summary)
        ladders = io.StringIO()
        shown = [call if self._policy is None else self._policy.call(call) for call in self.calls[:1]]
        for call in shown:
            print_ladder(ladders, call)
        self.texts["ladder"] = ladders.getvalue()
        self.texts["pictures"] = "".join(
            write(call) for call in shown for write in (ladder_svg, mermaid_text, sipp_scenario)
        )

    def _write(self, head: CaptureRecord, whole: SummaryRecord, summary: Summary) -> None:
        outs = {name: io.BytesIO() for name in ("json", "jsonl", "csv")}
        table = io.StringIO()
        writer: Writer = Writers(
            JsonWriter(outs["json"]),
            JsonLinesWriter(outs["jsonl"]),
            CsvWriter(outs["csv"], messages=True),
            TableWriter(table, summary),
        )
        writer = writer if self._policy is None else PrivateWriter(writer, self._policy)
        for call in self.calls:
            writer.call(call)
        writer.finish(head, whole)
        self.texts.update({name: out.getvalue().decode() for name, out in outs.items()})
        self.texts["table"] = table.getvalue()

    def _peers(self, messages: Sequence[Request | Response], settings: Settings) -> None:
        survey = Survey()
        engine = Engine(None, settings, diagnose=False)
        engine.add(survey)
        for message in messages:
            survey.message(message)
            engine.message(message)
        records = end_records(survey.ends(), engine.directory, self._policy)
        out = io.StringIO()
        print_peers(out, records, 0)
        self.texts["peers"] = out.getvalue() + starter(records, ["x.pcap"]) + msgspec.json.encode(records).decode()
