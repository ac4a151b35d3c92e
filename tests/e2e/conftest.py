"""What end-to-end tests need, each skipped with the name of what is missing."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.e2e import net
from tests.e2e.servers import folder
from tests.e2e.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGES = {
    "ip": "iproute2", "sipp": "sip-tester", "kamailio": "kamailio", "tcpdump": "tcpdump", "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager", "setpriv": "util-linux",
}  # fmt: skip


def _need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"needs {program} (Debian and Ubuntu: apt install {_PACKAGES[program]})")


@pytest.fixture(scope="session")
def _namespaces() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: network namespaces and packet sockets")
    _need("ip")
    net.sweep()
    trouble = net.trouble()
    if trouble:
        pytest.skip(f"needs network namespaces, and they cannot be made here: {trouble}")


@pytest.fixture
def site(_namespaces: None) -> Iterator[Site]:
    """Return a place with a SIP server's machine on one end of a cable, and everybody else on the other."""
    _need("sipp")
    with folder() as at, Site(at) as made:
        yield made


@pytest.fixture
def with_kamailio() -> None:
    """Say that a test needs Kamailio."""
    _need("kamailio")


@pytest.fixture
def with_tcpdump() -> None:
    """Say that a test needs tcpdump."""
    _need("tcpdump")


@pytest.fixture
def with_prometheus() -> None:
    """Say that a test needs Prometheus and Alertmanager."""
    _need("prometheus", "prometheus-alertmanager")


@pytest.fixture
def with_setpriv() -> None:
    """Say that a test needs setpriv."""
    _need("setpriv")
