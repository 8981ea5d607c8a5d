"""Characters that no text of a person needs, and that would hide or reorder what stands beside it."""

import re

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, but for tabs and the ends of lines; and halves of characters."""

BREAK = re.compile(r"[\t\n\r\u2028\u2029]")
"""What a line does not hold, though a text may."""

TURN = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""What turns the direction of all that follows, beyond the end of a title or a tag if nothing ends it.

Texts from right to left need none of it: their letters, and the marks U+200E, U+200F and U+061C, say it for themselves.
"""

VISIBLE = re.compile(
    r"[^\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""What somebody can see: neither blank, nor one of those that Unicode has shown as nothing (default ignorable)."""
