"""The benchmark in others' formats, and answers that others' programs gave."""
