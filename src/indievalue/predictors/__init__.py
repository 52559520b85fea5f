"""Predictors of people's answers: one file each, behind a small protocol."""
