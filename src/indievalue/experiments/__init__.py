"""Experiments: grids of runs specified as YAML, with tables and figures."""
