"""Runs: the predictions of one benchmark with what made them, in memory, saved and loaded."""
