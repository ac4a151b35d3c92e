"""sipwatch: what became of every call."""

from functools import cache


@cache
def installed_version() -> str:
    """Return the version that is installed; it is written once, in pyproject.toml."""
    # Late: it takes longer to load than all the rest.
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("sipwatch")
    except PackageNotFoundError:
        return "0 (not installed)"


def is_compiled() -> bool:
    """Tell whether the engine is the form that mypyc has compiled."""
    from importlib.util import find_spec  # noqa: PLC0415 - as above

    engine = find_spec("sipwatch.engine")
    return engine is not None and not str(engine.origin).endswith(".py")
