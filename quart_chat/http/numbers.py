"""What a number in an address is."""

from werkzeug.routing import BaseConverter


class Number(BaseConverter):
    """In rules `<number:...>`: the id of a row, written in one way only. Werkzeug's own `int` also takes digits of
    other scripts, zeros before it, and numbers past those that databases hold. Whatever else stands there leads
    nowhere."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)
