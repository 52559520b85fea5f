"""Reads predictions and nothing else: how often right, how sure, how evenly."""
