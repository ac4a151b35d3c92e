"""Meaning to the world: records and their formats. Knows nothing of terminals."""
