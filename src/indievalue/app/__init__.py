"""Servers for the browser: the explorer, and what they share. They need the extra ``app``."""
