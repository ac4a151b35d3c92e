"""sipwatch: what became of every call."""


def installed_version() -> str:
    """Return the version that is installed; it is written once, in pyproject.toml."""
    from importlib.metadata import PackageNotFoundError, version  # takes longer to load than all the rest

    try:
        return version("sipwatch")
    except PackageNotFoundError:
        return "0 (not installed)"
