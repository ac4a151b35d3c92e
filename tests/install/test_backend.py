"""The build backend: what it asks for, and what it does where the engine cannot be compiled."""

from __future__ import annotations

import importlib.util
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the backend, on a machine with a compiler, in an environment that wants the engine compiled."""
    spec = importlib.util.spec_from_file_location("sipwatch_build", ROOT / "build_backend" / "sipwatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SIPWATCH_COMPILE", "1")
    monkeypatch.setattr(module, "_trouble", lambda: "")
    monkeypatch.setattr(module.build_meta, "get_requires_for_build_wheel", lambda settings: ["setuptools>=77"])
    return module


def building(outcome: Callable[[], str]) -> Callable[..., str]:
    """Return a setuptools that fails, or not, where the engine is to be compiled, and says how it built."""

    def build(*given: Any) -> str:
        del given
        return outcome() if os.environ["SIPWATCH_COMPILE"] == "1" else "plain.whl"

    return build


def stopped() -> str:
    """End as setuptools ends when a compiler does."""
    raise SystemExit("error: command '/usr/bin/gcc' failed with exit code 1")


def test_to_compile_it_asks_for_mypyc_and_for_what_sipwatch_needs(backend: ModuleType) -> None:
    required = backend.get_requires_for_build_wheel()
    assert {"setuptools>=77", *PROJECT["dependencies"]} < set(required)
    assert [line for line in required if line.startswith("mypy")] == ["mypy>=1.10"]


def test_otherwise_it_asks_for_setuptools_alone(backend: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_trouble", lambda: "there is no C compiler")
    assert backend.get_requires_for_build_wheel() == ["setuptools>=77"]
    monkeypatch.undo()
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("SIPWATCH_COMPILE", raising=False)
    monkeypatch.setattr(backend.build_meta, "get_requires_for_build_wheel", lambda settings: [])
    assert backend.get_requires_for_build_wheel() == []


def test_what_can_be_compiled_is_compiled(
    backend: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backend.build_meta, "build_wheel", building(lambda: "compiled.whl"))
    assert backend.build_wheel("dist") == "compiled.whl"
    assert capsys.readouterr().err == ""


def test_where_compiling_fails_the_plain_form_is_built_and_the_reason_said(
    backend: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backend.build_meta, "build_wheel", building(stopped))
    assert backend.build_wheel("dist") == "plain.whl"
    said = capsys.readouterr().err
    assert "sipwatch is NOT COMPILED, the plain form is installed: " in said
    assert "command '/usr/bin/gcc' failed" in said


def test_without_a_compiler_the_plain_form_is_built_and_that_is_said(
    backend: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backend, "_trouble", lambda: "there is no C compiler")
    monkeypatch.setattr(backend.build_meta, "build_wheel", building(stopped))
    assert backend.build_wheel("dist") == "plain.whl"
    assert "NOT COMPILED, the plain form is installed: there is no C compiler" in capsys.readouterr().err


def test_nothing_is_compiled_that_was_not_asked_for(
    backend: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIPWATCH_COMPILE", "0")
    monkeypatch.setattr(backend.build_meta, "build_wheel", building(stopped))
    assert backend.build_wheel("dist") == "plain.whl"
    assert capsys.readouterr().err == ""
