"""A picture of a person in the explorer, in light and dark: python tools/explore_picture.py docs/images/explore.png

The people are synthetic. The dark one is written beside the light one, as explore-dark.png.
"""

import argparse
import tempfile
from pathlib import Path

from pictures import photograph, served

import indievalue as iv
from indievalue.app.explore.server import explorer
from indievalue.app.serving import Access

HEIGHT = 1000
PREDICTORS = ("majority", "resemble:k=35", "gaussian")


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="PNG to write")
    file = parser.parse_args().file
    with tempfile.TemporaryDirectory() as folder:
        people = iv.synthetic_people(5000)
        run = iv.evaluate(people, iv.build_benchmark(people, people_tested=300), list(PREDICTORS))
        run.save(Path(folder) / "run")
        with served(explorer(Access(), runs=[Path(folder) / "run"])) as address:
            photograph([f"{address}/person?id={run.people['person'][2]}"], file, HEIGHT)


if __name__ == "__main__":
    main()
