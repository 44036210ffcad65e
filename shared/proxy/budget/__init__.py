"""Hard budgets: an amount is reserved before a call, in every scope or in none, and settled after it."""
