"""Conversations: questions and answers, stored for a day."""
