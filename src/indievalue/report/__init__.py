"""Present runs as tables, figures and an HTML page."""
