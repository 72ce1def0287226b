"""Text from records, made harmless for where it is shown. Pure.

Records carry names that an attacker may choose. A terminal obeys control sequences (ECMA-48), bidirectional marks
reorder what is read (Unicode TR 36), and a spreadsheet runs cells that begin as a formula (OWASP "CSV Injection").
"""

from __future__ import annotations

import unicodedata

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str) -> str:
    """The text on one line. What a terminal obeys, or nobody sees, is written as an escape such as ``\\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(sign) if unicodedata.category(sign) in _UNSEEN else sign for sign in text)


def csv_cell(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula: one that begins as such gets a ``'`` in front."""
    shown = printable(text)
    return f"'{shown}" if shown.lstrip(" ").startswith(_FORMULA) or text.startswith(_FORMULA) else shown


def _escaped(sign: str) -> str:
    code = ord(sign)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable_json(text: str) -> str:
    """JSON that says the same, with what a terminal obeys or nobody sees written as ``\\u`` escapes.

    Such a sign can only stand within a string of the JSON, where an escape means the sign itself.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_unicode_escaped(sign) if unicodedata.category(sign) in _UNSEEN else sign for sign in text)


def _unicode_escaped(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
