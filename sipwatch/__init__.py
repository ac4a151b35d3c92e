"""sipwatch: what became of every call."""


def installed_version() -> str:
    """Return the version that is installed; it is written once, in pyproject.toml."""
    # Late: it takes longer to load than all the rest.
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("sipwatch")
    except PackageNotFoundError:
        return "0 (not installed)"
