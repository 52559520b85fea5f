"""Runs: the predictions of a benchmark and the settings that produced them, in memory and on disk."""
