"""What the server has acknowledged, and what happened on the way there."""

import time
from dataclasses import dataclass, field


@dataclass
class Posted:
    """One acknowledged message, with all that was acknowledged about it since."""

    id: int
    key: str
    texts: list[str]
    """As posted, then each edit."""
    deleted_at: float | None = None
    """When the acknowledgement of its deletion was here, on this process's clock."""


@dataclass
class Outcast:
    """Somebody who is put out of the room again and again, and let in again each time."""

    name: str
    user_id: int
    returns: list[float] = field(default_factory=list)
    """When each return began to be asked for, on this process's clock."""


@dataclass
class Ledger:
    messages: dict[int, Posted] = field(default_factory=dict)
    passing: list[Posted] = field(default_factory=list)
    """Those whose authors are gone: only a moderator still changes them."""
    names: dict[int, str] = field(default_factory=dict)
    """By their numbers, what people who change their names are called by now."""
    strange: int = 0
    """Rows of the log that nobody can show, put there on purpose."""
    authors: int = 0
    kills: int = 0
    retries: int = 0
    cut: int = 0
    """Requests that had reached the server and were never answered, because it was killed."""
    found: int = 0
    """Posts that the server answered with the message an earlier attempt had made."""
    reconnects: int = 0
    removals: int = 0
    renames: int = 0
    refused: int = 0
    """Answers that were "removed"."""

    def posted(self, message_id: int, key: str, text: str) -> Posted:
        known = self.messages.get(message_id)
        assert known is None, f"message {message_id} was made for {known.key} and for {key}" if known else ""
        self.messages[message_id] = Posted(message_id, key, [text])
        return self.messages[message_id]

    def edited(self, message: Posted, text: str) -> None:
        message.texts.append(text)

    def deleted(self, message: Posted) -> None:
        message.deleted_at = time.monotonic()

    def __str__(self) -> str:
        edits = sum(len(message.texts) - 1 for message in self.messages.values())
        deletions = sum(message.deleted_at is not None for message in self.messages.values())
        return (
            f"{self.kills} kills, {len(self.messages)} messages by {self.authors} authors, {edits} edits, "
            f"{deletions} deletions, {self.removals} removals, {self.renames} new names, {self.strange} strange rows, "
            f"{self.retries} retries, {self.cut} requests cut off, {self.found} posts found again, "
            f"{self.reconnects} reconnects, {self.refused} refused"
        )
