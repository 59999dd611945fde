"""What can be refused, and why: a stable code for programs, an HTTP status, and one sentence for people."""

import math


class ChatError(Exception):
    """A refusal that is shown to whoever asked. Subclasses fix `code` and `status`; `sentence` says what to do."""

    code = "chat_error"
    status = 400
    field = ""
    """Which field of the form is to be changed; empty where none is."""
    sentence = "That did not work. Please try again."
    retry_after: int | None = None
    """Seconds after which the same may be asked again, if that is known."""
    counts = True
    """Whether limits count it: not what others could have somebody's browser ask for, and nothing that is no fault of
    who asks."""

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = sentence or type(self).sentence
        super().__init__(self.sentence)


class Invalid(ChatError):
    """The input breaks a rule; sending it again unchanged cannot help."""

    code = "invalid"
    status = 422


class TextInvalid(Invalid):
    code = "text_invalid"
    field = "text"


class NameInvalid(Invalid):
    code = "name_invalid"
    field = "name"


class NameReserved(NameInvalid):
    code = "name_reserved"
    sentence = "A member whom this room’s site has signed in has a name that looks like this. Please choose another."


class NameOfSite(ChatError):
    """The name of somebody whom a room's site has signed in is that site's."""

    code = "name_of_site"
    status = 403
    field = "name"
    sentence = "The site that has signed you in says what you are called here. Change your name there."


class NobodyYet(ChatError):
    """Who wants to change what they are, and is nobody."""

    code = "nobody_yet"
    status = 403
    sentence = "This browser is nobody here yet. Your first message in a room makes you somebody, with a name."


class KeyInvalid(Invalid):
    code = "key_invalid"
    sentence = "The message key must be 1 to 64 visible ASCII characters. Reload the page and send again."


class RoomInvalid(Invalid):
    code = "room_invalid"

    def __init__(self, sentence: str, field: str = "slug") -> None:
        super().__init__(sentence)
        self.field = field


class ReasonInvalid(Invalid):
    code = "reason_invalid"
    field = "reason"


class OriginInvalid(Invalid):
    """What somebody wrote in a list of origins is none."""

    code = "origin_invalid"
    field = "origins"


class OptionInvalid(Invalid):
    code = "option_invalid"


class EmbedKeyInvalid(Invalid):
    """A key for signing cannot be made, rotated or revoked."""

    code = "embed_key_invalid"


class FormInvalid(ChatError):
    code = "form_invalid"
    status = 400


class BodyUnsupported(ChatError):
    """What was sent is of a media type that the address does not take."""

    code = "body_unsupported"
    status = 415

    def __init__(self, kinds: tuple[str, ...]) -> None:
        super().__init__(f"Send this as {' or '.join(kinds)}." if kinds else "This address takes nothing with it.")


class BodyBroken(ChatError):
    """The rest of a body did not come, or not in time."""

    code = "body_broken"
    status = 408
    counts = False
    sentence = "Not all of that has arrived. Please send it again."


class RequestTooLarge(ChatError):
    code = "too_large"
    status = 413
    sentence = "That is too much to send at once."

    def __init__(self, sentence: str | None = None, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class OriginRefused(ChatError):
    code = "origin_refused"
    status = 403
    counts = False


class HostUnknown(ChatError):
    """The request names a host that is not this server's."""

    code = "host_unknown"
    status = 421
    sentence = (
        "This server does not know itself by the name in this address. If it is yours, set QUART_CHAT_PUBLIC_URL to "
        "the address that people use, such as https://chat.example.org, or add the name to QUART_CHAT_HOSTS."
    )


class MethodNotAllowed(ChatError):
    code = "method_not_allowed"
    status = 405
    sentence = "This address can only be read: by GET or HEAD."


class VersionUnsupported(ChatError):
    code = "version_unsupported"
    status = 505
    counts = False
    sentence = "This server speaks HTTP/1.1. HTTP/2 and HTTP/3 belong to the proxy in front of it."


class NotYours(ChatError):
    code = "not_yours"
    status = 403
    sentence = "Only its author can change this message."


class NotModerator(ChatError):
    code = "not_moderator"
    status = 403
    sentence = "Only who looks after this room can do this: its owner and its moderators."


class CannotRemove(ChatError):
    """Whoever asks may remove people, but not this one."""

    code = "cannot_remove"
    status = 403


class CannotAppoint(ChatError):
    """Nor may be made to look after the room, or stop."""

    code = "cannot_appoint"
    status = 403


class RankInvalid(Invalid):
    code = "rank_invalid"
    field = "rank"
    sentence = "What somebody can be made here is a moderator, or a member."


class NotOperator(ChatError):
    code = "not_operator"
    status = 403
    sentence = "Only who runs this server can do this."


class NotOwner(ChatError):
    code = "not_owner"
    status = 403
    sentence = "Only the owner of this room can change this."


class EmbedRefused(ChatError):
    """An embed says that it is in the page of an origin that the room's list does not have."""

    code = "embed_refused"
    status = 403


class NeedsConfirmation(ChatError):
    """Nothing is destroyed from within an embed: the page around it could have led the click there."""

    code = "needs_confirmation"
    status = 403
    sentence = "This needs to be confirmed on a page of its own. Press the button again."


class ConfirmationInvalid(ChatError):
    code = "confirmation_invalid"
    status = 403
    sentence = "This page is too old. Close it, and press the button again."


class EmbedForbidden(ChatError):
    """https://oembed.com/ has this status for what must not be shown elsewhere."""

    code = "embed_forbidden"
    status = 401
    sentence = "No other site may show this room. Its owner can say which may."


class FormatUnsupported(ChatError):
    code = "format_unsupported"
    status = 501
    sentence = "There is only JSON: leave format away, or say format=json."


class IdentityRefused(ChatError):
    """A signed token cannot be accepted. The sentence is for the developer of the site that signs."""

    code = "identity_refused"
    status = 401


class IdentityExpired(IdentityRefused):
    code = "identity_expired"


class SignInOver(ChatError):
    """The same, for whoever is signed in."""

    code = "sign_in_over"
    status = 401
    sentence = (
        "Your sign-in on the other site has run out. Close this page, reload that one, and press the button again."
    )


class SignedOnly(ChatError):
    code = "signed_only"
    status = 403
    sentence = "In this room only people write whom its site has signed in. Sign in there first."


class NotFound(ChatError):
    code = "not_found"
    status = 404
    sentence = "There is nothing here."


class RoomNotFound(NotFound):
    code = "room_not_found"
    sentence = "There is no room at this address. Look at the list of rooms, or create it."


class MessageNotFound(NotFound):
    code = "message_not_found"
    sentence = "This message does not exist, or it has been deleted."


class MemberNotFound(NotFound):
    code = "member_not_found"
    sentence = "There is nobody with this number in this room."


class RoomTaken(ChatError):
    """There is a room at `slug` already."""

    code = "room_taken"
    status = 409
    field = "slug"

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is a room at “{slug}” already. Open that one, or choose another address.")
        self.slug = slug


class EditConflict(ChatError):
    """What was edited is not what is there any more."""

    code = "edit_conflict"
    status = 409
    sentence = "The message was changed elsewhere while you were writing. Save again to replace that, or cancel."


class RoomsFull(ChatError):
    """There are as many rooms as the operator allows."""

    code = "rooms_full"
    status = 403
    sentence = "This server has as many rooms as it may have. Its operator can allow more (QUART_CHAT_ROOMS)."


class KeyReused(ChatError):
    code = "key_reused"
    status = 409
    sentence = "This form has already sent another message. Your text is still here: send it again."


class TooFast(ChatError):
    """A rate limit was hit.

    `retry_after` is in seconds, at least 1.
    """

    code = "too_fast"
    status = 429
    counts = False

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"That was too fast. Wait {_duration(retry_after)}, then send it again.")
        self.retry_after = retry_after


class Busy(ChatError):
    """Too much is being received from, or sent to, whoever asks, or everybody."""

    code = "busy"
    status = 503
    retry_after: int = 5
    counts = False
    sentence = "Too much is on its way at the moment. Wait 5 seconds, then try again."


class StoreUnavailable(ChatError):
    """The database could not commit (full disk, locked file). Nothing was changed."""

    code = "store_unavailable"
    status = 503
    counts = False
    sentence = "The server cannot store messages at the moment. Nothing was sent; please try again soon."


class StoreFull(StoreUnavailable):
    """There is so little room left on the disk that nothing is added. Deleting works."""

    code = "store_full"
    sentence = "The server’s disk is nearly full. Nothing was sent; please try again later, or tell its operator."


class RemovedFromRoom(ChatError):
    code = "removed"
    status = 403
    sentence = "You were removed from this room. Whoever looks after it can let you in again."

    def __init__(self, reason: str = "") -> None:
        """`reason` is told as it was given."""
        super().__init__(f"{self.sentence} The reason given: {reason}" if reason else None)
        self.reason = reason


class NetworkShut(RemovedFromRoom):
    """The same for somebody who was never in: to pages and programs it is one thing, to people it is not."""

    sentence = (
        "Nobody new can come into this room from your network at the moment. Whoever looks after the room can open it "
        "again."
    )


class Draining(ChatError):
    code = "draining"
    status = 503
    counts = False
    sentence = "The server is restarting. Please try again in a moment."


class Failed(ChatError):
    """There is a fault in the server."""

    code = "chat_error"
    status = 500
    counts = False
    sentence = "Something went wrong on the server. Nothing was changed; please try again."


class StartupError(Exception):
    """The server cannot start. The message is one line that tells the operator what to do; exit code 2."""


def _duration(seconds: int) -> str:
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{math.ceil(seconds / length)} {unit}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
