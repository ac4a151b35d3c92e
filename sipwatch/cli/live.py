"""``sipwatch live``: watch interfaces or a pipe, and serve what is seen as metrics, and as pages where it is stored.

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

from sipwatch.cli.hep import (
    HepCert,
    HepCertKey,
    HepFrom,
    HepKeyFile,
    HepTo,
    endpoints,
    hep_key,
    listeners,
    sender,
    with_certificate,
)
from sipwatch.cli.options import WithoutUsers, choice, value
from sipwatch.cli.showing import site_over
from sipwatch.cli.storing import stored_in, storing_in
from sipwatch.cli.words import DEFAULT_LISTEN, FailOn, configuration, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.capture.live import InterfaceSource, PipeSource
    from sipwatch.cli.hep import Endpoint
    from sipwatch.config import Config
    from sipwatch.config.hep import HepSettings
    from sipwatch.daemon import Daemon
    from sipwatch.shell.hep_out import HepOut
    from sipwatch.shell.log import Log
    from sipwatch.web.server import Server
    from sipwatch.web.site import Website


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
    hep: HepFrom = None,
    hep_to: HepTo = None,
    hep_key_file: HepKeyFile = None,
    hep_cert: HepCert = None,
    hep_cert_key: HepCertKey = None,
    config: Annotated[
        str | None, value("FILE", "Configuration: timers, peers, what to capture. SIGHUP reads it again.")
    ] = None,
    store: Annotated[
        str | None,
        value("DIR", "Store what becomes of every call here, for 'sipwatch calls' and pages; [store] says how much."),
    ] = None,
    listen: Annotated[
        str, value("HOST:PORT", "Serve /metrics here, and pages over the store beside it.")
    ] = DEFAULT_LISTEN,
    web_config: Annotated[
        str | None, value("FILE", "TLS and basic authentication, in the format of Prometheus' exporters.")
    ] = None,
    without_users: WithoutUsers = False,
    user: Annotated[
        str | None, value("NAME", "If started as root: the user to become once the interfaces are open.")
    ] = None,
    log_format: Annotated[LogFormat, choice(*LogFormat, words="Format of the log on standard error.")] = LogFormat.TEXT,
) -> None:
    """Watch SIP on interfaces or over HEP, and serve what became of every call to Prometheus."""
    from sipwatch.daemon import Daemon
    from sipwatch.shell.log import Log, whole_lines
    from sipwatch.shell.notify import Notifier

    wanted, targets = endpoints(hep, "--hep"), endpoints(hep_to, "--hep-to")
    if bool(interfaces or wanted) == bool(pipe):
        raise typer.BadParameter("name interfaces to watch (-i eth0), a pipe (-r -), or --hep", param_hint="-i")
    settings = configuration(config)
    tls = with_certificate(settings.hep, hep_cert, hep_cert_key)
    log = Log(whole_lines(sys.stderr), log_format.value, time.time)
    key, out = hep_key(hep_key_file), sender(targets, settings, log)
    with _source(interfaces, pipe, settings, wanted, tls) as source:
        storing = storing_in(store, user)
        daemon = Daemon(
            source, settings, config, log, Notifier(), out, key, None if storing is None else storing.intake
        )
        _obey_signals(daemon)
        site = None if storing is None else site_over(str(storing.folder), settings, daemon, storing.troubles)
        server = _bind(daemon, site, listen, web_config, log, open_to_all=without_users)
        try:
            _become(user, log)  # between the last socket and the first thread: the kernel keeps capabilities by thread
            _serve(server, log)
            with stored_in(storing, daemon, settings, log):
                _run(daemon, out)
        finally:
            server.stop()


def _run(daemon: Daemon, out: HepOut | None) -> None:
    from sipwatch.capture.errors import CaptureError

    try:
        if out is not None:
            out.start()
        with FailOn(CaptureError):
            daemon.run()
    finally:
        if out is not None:
            out.stop()


@contextlib.contextmanager
def _source(
    interfaces: list[str] | None, pipe: str | None, config: Config, hep: list[Endpoint], tls: HepSettings
) -> Iterator[InterfaceSource | PipeSource]:
    from sipwatch.capture.bpf import program
    from sipwatch.capture.errors import CaptureDenied, CaptureError
    from sipwatch.capture.live import InterfaceSource, PipeSource

    try:
        source: InterfaceSource | PipeSource
        if pipe is not None:
            source = PipeSource(pipe)
        else:
            names = list(dict.fromkeys(interfaces or ()))
            source = InterfaceSource(names, program(config.wanted), config.ring, listeners(hep, tls))
    except CaptureDenied:
        from sipwatch.shell.privileges import explain_denied

        fail(explain_denied(", ".join(interfaces or ())))
    except CaptureError as error:
        fail(str(error))
    with source:
        yield source


def _bind(
    daemon: Daemon, site: Website | None, listen: str, web_config: str | None, log: Log, *, open_to_all: bool
) -> Server:
    """Bind the web server's socket and read its configuration; what keeps it from that ends the program."""
    from sipwatch.web.server import Server, WebError

    with FailOn(WebError):
        return Server(
            daemon.collect,
            daemon.ready,
            daemon.healthy,
            listen,
            web_config,
            log,
            site=site,
            open_to_all=open_to_all,
            or_figures_alone=True,
        )


def _serve(server: Server, log: Log) -> None:
    from sipwatch.web.server import WebError

    with FailOn(WebError):
        server.start()
    log.event("info", "listening", address=server.address)
    why = server.why_hidden()
    if why is not None:
        log.event("warning", "pages_hidden", reason=why)


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
