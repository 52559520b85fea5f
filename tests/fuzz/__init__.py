"""Damaged files: whatever is wrong with one, it is read as it says, reported, or refused, and never changes silently.

`python -m fuzz --seed 0 --files 3000 --boundaries 300` with `tests` on the path, or `make fuzz`.
"""
