"""What a predictor is asked: which people, which probes, which demonstrations."""
