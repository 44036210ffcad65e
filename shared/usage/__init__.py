"""The book: who used what, what left the house and what it cost, kept for good and sealed."""
