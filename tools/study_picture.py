"""A picture of a question to a rater, in light and dark: python tools/study_picture.py docs/images/study.png

The person is synthetic. The dark one is written beside the light one, as study-dark.png.
"""

import argparse
import tempfile
import time
from pathlib import Path

from pictures import photograph, served

import indievalue as iv
from indievalue.app.serving import Access
from indievalue.app.study import raters
from indievalue.app.study.assignment import claim
from indievalue.app.study.create import Wanted, make_study
from indievalue.app.study.database import Database
from indievalue.app.study.server import OPEN_PATHS, Served, study_server
from indievalue.app.study.settings import Plan

HEIGHT = 900
PERSON = "synthetic-000778"


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="PNG to write")
    file = parser.parse_args().file
    people = iv.synthetic_people(1000)
    drawn = iv.build_benchmark(people, people_tested=[PERSON], setups=[0])
    study, content, _ = make_study("strangers", people, drawn, Wanted(Plan(people=1, statements=12, attention_every=0)))
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/study.db")
        with database.writing() as session:
            raters.add_study(session, study, content)
            (link,) = raters.invite(session, study, 1)
            rater = raters.find_rater(session, study, link.token)
            rater.consented = time.time()
            person = claim(session, study, rater, time.time())
        access = Access(token="for nobody but the picture", open_paths=OPEN_PATHS)
        with served(study_server(access, Served(study, content, "", database))) as address:
            photograph([f"{address}/r/{link.token}", f"{address}/study/person/{person}/0"], file, HEIGHT)
        database.close()


if __name__ == "__main__":
    main()
