"""stub"""
from pathlib import Path
from fuzz.files import Outcome
def check(seed: int, number: int, folder: Path) -> Outcome:
    return Outcome("x", "equal")
