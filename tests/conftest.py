"""What all tests share: the captures that are not ours, and the seeds of random tests."""

from __future__ import annotations

import gc
import os
import re
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.thorough import PROFILE, SHARE

ROOT = Path(__file__).resolve().parent.parent
ALL_BUT_SLOW = "not slow and not install"  # what is asked for where nothing is; pyproject.toml
WHOLLY_SLOW = re.compile(r"^pytestmark = \[?pytest\.mark\.(?:slow|install)\b", re.MULTILINE)

# In the background of a shell (``make test &``) all ignore Ctrl-C, and so would programs that a test interrupts: for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What tests write is as wide as they say: workers of xdist get the width of the terminal that runs them.
os.environ.pop("COLUMNS", None)

# Prometheus' tools look for garbage seldom: they live for seconds, a fifth of which it would take.
os.environ.setdefault("GOGC", "800")

# While some ten thousand tests are collected nothing becomes garbage; looking for it takes a sixth of the time.
gc.disable()

# The machine may be busy: a deadline would make tests fail that have nothing wrong with them.
settings.register_profile("full", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", parent=settings.get_profile("full"), max_examples=100 // SHARE)
settings.register_profile("thorough", parent=settings.get_profile("full"), max_examples=2_000)
settings.load_profile(PROFILE)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Start one worker more than there are processors: those tests that wait for real time leave theirs to others."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else len(os.sched_getaffinity(0)) + 1


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not load modules of which every test is slow where no slow ones are asked for: each worker would."""
    if config.option.markexpr != ALL_BUT_SLOW or collection_path.suffix != ".py":
        return None
    return True if WHOLLY_SLOW.search(collection_path.read_text(encoding="utf-8")) else None


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Behind a module, look for its garbage, and never again at what it keeps: some tests ask for a look at everything."""
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()


def pytest_collection_finish() -> None:
    """Look for garbage from now on, but never among the tests themselves, and not after each 700 objects."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def foreign_captures() -> Path:
    """Return the folder of captures that sipwatch's authors did not make; skip where it is absent."""
    folder = Path(os.environ.get("SIPWATCH_CAPTURES", ROOT.parent / "shared" / "captures"))
    if not folder.is_dir():
        pytest.skip(f"no foreign captures at {folder}; SIPWATCH_CAPTURES may name another folder")
    return folder
