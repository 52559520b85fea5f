"""People: reads survey files, keeps what is missing and why, and makes synthetic people."""
