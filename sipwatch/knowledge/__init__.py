"""What is known about the words, codes and ratios of the reports.

Must not know: formats.
"""

from sipwatch.knowledge.book import Knowledge
from sipwatch.knowledge.entries import Entry, Topic
from sipwatch.knowledge.files import KnowledgeError, load

__all__ = ["Entry", "Knowledge", "KnowledgeError", "Topic", "load"]
