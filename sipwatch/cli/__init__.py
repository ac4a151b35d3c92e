"""The command line: the shell around all of it."""

from sipwatch.cli.main import main

__all__ = ["main"]
