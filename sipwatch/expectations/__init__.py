"""A capture as a test: what is expected of its calls, and whether it is so. Must not know: files, commands."""
