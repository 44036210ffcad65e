"""Entities and relations in a passage."""
