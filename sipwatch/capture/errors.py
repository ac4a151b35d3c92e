"""What can go wrong with a source, in words for its user.

Must not know: formats, files, or who shows the words.
"""


class CaptureError(Exception):
    """A source that cannot be read; the text says what, why, and what to do, on one line."""


class CaptureDenied(CaptureError):  # noqa: N818 - a kind of CaptureError
    """An interface that may not be captured without more privileges."""


class CaptureLimit(CaptureError):  # noqa: N818 - a kind of CaptureError
    """A file that this process may not open besides those that it has open."""


class Damage(Exception):  # noqa: N818 - not an error of ours: the end of what can be read
    """Where a file stops making sense; what was read before it stands. Never leaves this package."""
