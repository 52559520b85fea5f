"""Figures: everything that is drawn, of runs and of experiments. Charts are Altair's; files are SVG, PNG and PDF."""
