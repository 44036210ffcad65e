"""The retry policy of events: how many attempts before a dead letter, and the pauses between them."""

ATTEMPTS = 5
_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 60.0


def pause(attempts: int) -> float:
    """Seconds before the next attempt: 2, 4, 8 … 60."""
    return min(_FIRST_PAUSE_S * (1 << attempts), _LONGEST_PAUSE_S)
