"""Surveys: load and validate a survey spec."""
