"""Text that every encoder takes."""


def replace_surrogates(text: str) -> str:
    """Lone surrogates, which neither UTF-8 nor a tokenizer takes, become question marks: every offset stays."""
    return text.encode("utf-8", "replace").decode()
