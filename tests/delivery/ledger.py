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
class Ledger:
    messages: dict[int, Posted] = field(default_factory=dict)
    authors: int = 0
    kills: int = 0
    retries: int = 0
    cut: int = 0
    """Requests that had reached the server and were never answered, because it was killed."""
    found: int = 0
    """Posts that the server answered with the message an earlier attempt had made."""
    reconnects: int = 0

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
            f"{deletions} deletions, {self.retries} retries, {self.cut} requests cut off, {self.found} posts found "
            f"again, {self.reconnects} reconnects"
        )
