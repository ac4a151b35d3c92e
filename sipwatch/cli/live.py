"""``sipwatch live``: watch interfaces or a pipe, and serve what is seen as metrics.

Must not know: how packets are read, or figures made.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sipwatch.cli.options import choice, value
from sipwatch.cli.words import DEFAULT_LISTEN, FailOn, configuration, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.capture.live import InterfaceSource, PipeSource
    from sipwatch.config import Config
    from sipwatch.daemon import Daemon
    from sipwatch.shell.log import Log
    from sipwatch.web.server import Server


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


def live(
    interfaces: Annotated[
        list[str] | None,
        value("IFACE", "Watch this interface; may be repeated. any: all of them.", "-i", "--interface"),
    ] = None,
    pipe: Annotated[
        str | None, value("PIPE", "Read packets from this pipe; - is standard input.", "-r", "--read")
    ] = None,
    config: Annotated[
        str | None, value("FILE", "Configuration: timers, peers, what to capture. SIGHUP reads it again.")
    ] = None,
    listen: Annotated[str, value("HOST:PORT", "Serve /metrics here.")] = DEFAULT_LISTEN,
    web_config: Annotated[
        str | None, value("FILE", "TLS and basic authentication, in the format of Prometheus' exporters.")
    ] = None,
    user: Annotated[
        str | None, value("NAME", "If started as root: the user to become once the interfaces are open.")
    ] = None,
    log_format: Annotated[LogFormat, choice(*LogFormat, words="Format of the log on standard error.")] = LogFormat.TEXT,
) -> None:
    """Watch SIP on interfaces, and serve what became of every call to Prometheus."""
    if bool(interfaces) == bool(pipe):
        raise typer.BadParameter("name interfaces to watch (-i eth0), or a pipe (-r -)", param_hint="-i")
    settings = configuration(config)
    with _source(interfaces, pipe, settings) as source:
        _run(source, settings, config, listen, web_config, user, log_format)


def _run(
    source: InterfaceSource | PipeSource,
    settings: Config,
    config: str | None,
    listen: str,
    web_config: str | None,
    user: str | None,
    log_format: LogFormat,
) -> None:
    from sipwatch.capture.errors import CaptureError
    from sipwatch.daemon import Daemon
    from sipwatch.shell.log import Log
    from sipwatch.shell.notify import Notifier

    log = Log(sys.stderr, log_format.value, time.time)
    daemon = Daemon(source, settings, config, log, Notifier())
    _obey_signals(daemon)
    server = _bind(daemon, listen, web_config, log)
    try:
        with FailOn(CaptureError):
            _become(user, log)  # between the last socket and the first thread: the kernel keeps capabilities by thread
            _serve(server, log)
            daemon.run()
    finally:
        server.stop()


@contextlib.contextmanager
def _source(interfaces: list[str] | None, pipe: str | None, config: Config) -> Iterator[InterfaceSource | PipeSource]:
    from sipwatch.capture.bpf import program
    from sipwatch.capture.errors import CaptureDenied, CaptureError
    from sipwatch.capture.live import InterfaceSource, PipeSource

    try:
        source: InterfaceSource | PipeSource
        if pipe is not None:
            source = PipeSource(pipe)
        else:
            source = InterfaceSource(list(dict.fromkeys(interfaces or ())), program(config.wanted), config.buffer)
    except CaptureDenied:
        from sipwatch.shell.privileges import explain_denied

        fail(explain_denied(", ".join(interfaces or ())))
    except CaptureError as error:
        fail(str(error))
    with source:
        yield source


def _bind(daemon: Daemon, listen: str, web_config: str | None, log: Log) -> Server:
    """Bind the web server's socket and read its configuration; what keeps it from that ends the program."""
    from sipwatch.web.server import Server, WebError

    with FailOn(WebError):
        return Server(daemon.collect, daemon.ready, daemon.healthy, listen, web_config, log)


def _serve(server: Server, log: Log) -> None:
    from sipwatch.web.server import WebError

    with FailOn(WebError):
        server.start()
    log.event("info", "listening", address=server.address)


def _become(user: str | None, log: Log) -> None:
    from sipwatch.shell.privileges import PrivilegeError, become

    with FailOn(PrivilegeError):
        name = become(user)
    if name is not None:
        log.event("info", "privileges_dropped", user=name)


def _obey_signals(daemon: Daemon) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.stop())
    signal.signal(signal.SIGHUP, lambda *_: daemon.reload())
