"""Every call of a language model: where it runs, what it may cost, and what it did cost."""
