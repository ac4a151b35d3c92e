"""What is known about outcomes, conditions, findings, status codes and causes. Knows nothing of formats."""

from sipwatch.knowledge.book import Knowledge
from sipwatch.knowledge.entries import Entry, Kind
from sipwatch.knowledge.files import KnowledgeError, load

__all__ = ["Entry", "Kind", "Knowledge", "KnowledgeError", "load"]
