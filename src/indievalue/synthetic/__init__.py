"""Synthetic people, drawn from a shipped model of aggregates: no answer of a real person is in it."""
