"""Hard budgets: reserved before a call in every scope or in none, settled after it."""
