"""Whatever returns a probability for every option of a probe: one file each, behind one small protocol."""
