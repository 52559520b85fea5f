"""Train the reasoners of an experiment before its cells are run; interrupted trainings resume."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from indievalue.errors import IndievalueError
from indievalue.experiments.engine import Reasoner
from indievalue.experiments.spec import REASONER, Experiment
from indievalue.people.people import People
from indievalue.reasoner import train
from indievalue.reasoner.draw import TRAIN, VALIDATION
from indievalue.reasoner.leakage import check_disjoint
from indievalue.reasoner.settings import TrainingSettings, changed_keys, load_settings
from indievalue.reasoner.training_set import load_training_set, write_training_set

_DECIDES_NOTHING = {"out", "training_set", "resume", "keep", "log_every"}
"""Settings that may differ from those a reasoner was trained with."""


def settings_of(experiment: Experiment, training: str | Path | None, out: Path) -> dict[str, TrainingSettings]:
    """Return the training settings of each reasoner: the file ``training``, updated with the experiment's changes.

    Raises IndievalueError if the file is missing, or a key or value in it is invalid.
    """
    names = experiment.trained
    if names and training is None:
        raise IndievalueError(
            f"the experiment {experiment.name} trains {len(names)} reasoners: give their settings with --training "
            "FILE.yaml (docs: Train a reasoner), or choose other predictors with --predictor"
        )
    return {name: _settings(experiment.reasoners[name], str(training), name, out) for name in names}


def reasoners_of(wanted: Mapping[str, TrainingSettings]) -> dict[str, Reasoner]:
    """Return the location of each reasoner by predictor name."""
    return {
        f"{REASONER}{name}": Reasoner(Path(settings.out), settings.model_dump(mode="json", exclude=_DECIDES_NOTHING))
        for name, settings in wanted.items()
    }


def train_reasoners(
    wanted: Mapping[str, TrainingSettings], people: People, tested: Sequence[str], say: Callable[[str], None]
) -> None:
    """Train the reasoners that do not exist yet, on people who are not tested.

    Raises IndievalueError if one cannot be trained, or already exists with other settings.
    """
    for name, settings in wanted.items():
        if (Path(settings.out) / "training.json").exists():
            _check(settings)
        else:
            say(f"Training the reasoner {name}")
            _train(name, settings, people, set(tested), say)


def _settings(changes: Mapping[str, object], training: str, name: str, out: Path) -> TrainingSettings:
    kept = {"data": None, "survey": None, "training_set": str(out / "training-sets" / name)}
    return load_settings(training, {**changes, **kept, "out": str(out / "reasoners" / name)})


def _train(name: str, settings: TrainingSettings, people: People, tested: set[str], say: Callable[[str], None]) -> None:
    folder = Path(str(settings.training_set))
    if not (folder / "manifest.json").exists():
        write_training_set(people, settings.recipe, tested, folder, force=True)
    made = load_training_set(folder)
    check_disjoint({f"the training set {folder}": made.people_in(TRAIN) | made.people_in(VALIDATION), "tested": tested})

    train(settings, lambda line: say(f"{name}: {line}"))


def _check(settings: TrainingSettings) -> None:
    """Raise IndievalueError if an existing reasoner was trained with other settings."""
    other = changed_keys(Path(settings.out) / "settings.yaml", settings, _DECIDES_NOTHING)
    if other:
        raise IndievalueError(
            f"{settings.out} holds a reasoner trained with another {' and '.join(other)}: choose another --out, "
            "or delete it"
        )
