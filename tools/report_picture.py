"""Pictures of the first screen of a report, in light and dark: python tools/report_picture.py docs/images/report.png

The report is on synthetic people. The dark one is written beside the light one, as report-dark.png.
"""

import argparse
import tempfile
from pathlib import Path

from pictures import photograph

import indievalue as iv

HEIGHT = 1080


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="PNG to write")
    file = parser.parse_args().file
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        report(page)
        photograph([page.resolve().as_uri()], file, HEIGHT)


def report(page: Path) -> None:
    """Write a report on synthetic people."""
    people = iv.synthetic_people(5000)
    benchmark = iv.build_benchmark(people, form="polar", people_tested=300)
    iv.evaluate(people, benchmark, ["random", "majority", "resemble:k=35", "gaussian"]).report(page)


if __name__ == "__main__":
    main()
