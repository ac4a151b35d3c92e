"""Fuzz what a WebSocket holds with atheris: ``python -m tests.fuzz.fuzz_websocket [libFuzzer's options] CORPUS...``.

Legal exceptions: none.
"""

import sys

import atheris

with atheris.instrument_imports(include=["sipwatch"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    atheris.Setup(sys.argv, TARGETS["websocket"])
    atheris.Fuzz()
