"""Figures of runs and experiments, drawn with Altair and written as SVG, PNG and PDF."""
