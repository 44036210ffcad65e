"""Makes identifiers of requests and traces."""

import secrets


def new_request_id() -> str:
    return f"req_{secrets.token_hex(12)}"


def new_traceparent() -> str:
    """A W3C trace context, version 00, sampled, for a call that continues no trace."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
