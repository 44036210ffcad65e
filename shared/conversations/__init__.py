"""Conversations: what was asked and answered, kept for a while."""
