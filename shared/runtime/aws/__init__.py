"""How AWS Lambda brings what a function is for: what its events look like, and what it wants to hear."""
