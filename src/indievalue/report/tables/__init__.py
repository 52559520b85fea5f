"""Tables of runs and of experiments: one class, in Markdown, LaTeX and CSV."""
