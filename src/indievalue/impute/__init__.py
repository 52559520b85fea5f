"""Fill gaps: draws of the answers that are missing from a survey file, written in the file's own format.

``file`` is what ``indievalue impute`` does; ``draws`` draws for people in memory; ``rubin`` pools what was estimated
from several completed files.
"""
