"""`Idempotency-Key`: the same call twice is answered twice and done once."""
