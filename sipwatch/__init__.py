"""sipwatch: what became of every call."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Return the version that is installed; it is written once, in pyproject.toml."""
    try:
        return version("sipwatch")
    except PackageNotFoundError:
        return "0 (not installed)"
