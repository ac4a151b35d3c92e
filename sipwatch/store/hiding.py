"""What may be read of people, on the way into the store: what is hidden there nobody can bring back.

Must not know: files, tables. Passwords and what is computed of them are hidden always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.export.privacy import policy_of
from sipwatch.export.rawmask import Disguise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.classify.peers import Privacy
    from sipwatch.export.record import CallRecord
    from sipwatch.store.attempts import RegisterAttempt
    from sipwatch.store.book import KeptMessage
    from sipwatch.store.spool import Kept


class Hiding:
    """Hides in calls and their messages as ``privacy`` asks."""

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy
        self._policy = policy_of(privacy)

    def call(self, record: CallRecord, messages: Sequence[KeptMessage]) -> tuple[CallRecord, list[KeptMessage]]:
        """Return a call and its messages as they may be read. Whoever is named in one message is hidden in all."""
        if messages:
            disguise = Disguise(self._privacy, [one.message.raw for one in messages])
            messages = [one._replace(message=_hidden(one.message, disguise)) for one in messages]
        return (record if self._policy is None else self._policy.call(record)), list(messages)

    def attempt(self, attempt: RegisterAttempt) -> RegisterAttempt:
        """Return an attempt to register as it may be read. Whom hiding makes alike is one from then on."""
        policy = self._policy
        if policy is None:
            return attempt
        aor, user_agent = policy.registered(attempt.aor, attempt.user_agent)
        return attempt._replace(
            aor=aor,
            device=policy.address(attempt.device),
            registrar=policy.address(attempt.registrar),
            user_agent=user_agent,
        )


def _hidden(message: Kept, disguise: Disguise) -> Kept:
    """Hide in a message. What stood around it in its packet stays only with a text as it was: lengths, sums."""
    raw = disguise.message(message.raw)
    half = (len(message.ends) - 4) // 2
    ends = disguise.address(message.ends[:half]) + disguise.address(message.ends[half:-4]) + message.ends[-4:]
    if raw == message.raw and ends == message.ends:
        return message
    return message._replace(raw=raw, ends=ends, link_type=-1, before=b"", after=b"")
