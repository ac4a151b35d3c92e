"""Meaning to people: tables, ladders, progress."""
