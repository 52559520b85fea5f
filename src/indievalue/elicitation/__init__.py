"""Choosing what to ask: the question whose answer says most about the others, and an interview that does so."""
