"""Export of benchmarks to other formats, and import of other programs' answers."""
