"""A question or a search of a user."""

from typing import Annotated

from msgspec import Meta

NOT_BLANK = r"\S"
QuestionText = Annotated[str, Meta(min_length=1, max_length=8000, pattern=NOT_BLANK)]
