"""What an agent reports can be written as an agent would: reading it back gives the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.packet import MICROSECOND
from sipwatch.wire import hep
from sipwatch.wire.message import Path, Transport
from tests.wire import frames as f


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP, Transport.TLS, Transport.SCTP])
@given(st.integers(0, 2**32 * 10**6 - 1), st.booleans(), st.binary(max_size=2000))
def test_what_is_written_is_read_back(transport: Transport, microseconds: int, v6: bool, payload: bytes) -> None:
    path = Path((f.A6 + f.B6 if v6 else f.A4 + f.B4) + b"\x13\xc4\x13\xc5", transport)
    time = microseconds * MICROSECOND
    assert hep.decode(hep.encode(time, path, payload)) == (time, transport, path.key, payload, 0)
