"""Servers of language models, as the proxy calls them."""
