"""Experiments: a question about predictors as data, the grid of runs that answers it, its table and its figure."""
