"""A question or a search of a user."""

from typing import Annotated

from msgspec import Meta

NOT_BLANK = r"[^\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
"""At least one character that is displayed: neither space, nor control, nor a mark of no width."""

QuestionText = Annotated[str, Meta(min_length=1, max_length=8000, pattern=NOT_BLANK)]
