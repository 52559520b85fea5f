"""Registry of predictors: make one from a name such as ``resemble:k=35`` or ``openai/gpt-4o``."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from indievalue.benchmark.model import Benchmark, Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError, did_you_mean, importing
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.blend import ON_THIS_MACHINE, Blend, parts_of
from indievalue.predictors.boosting import Boosting
from indievalue.predictors.embedding.predictor import Embedding
from indievalue.predictors.embedding.similar_majority import SimilarMajority
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.local import make_local
from indievalue.predictors.logistic import Logistic
from indievalue.predictors.majority import Majority
from indievalue.predictors.masked import make_masked
from indievalue.predictors.protocol import READS, BasePredictor, Cost, Guesses, Predictor, Report
from indievalue.predictors.random import Random
from indievalue.predictors.resemble import Resemble
from indievalue.predictors.vllm import make_vllm
from indievalue.prompts.prompt import PromptStyle


@dataclass(frozen=True)
class Kind:
    """One kind of predictor.

    Attributes:
        shown: how its names are written, for lists and errors.
        matches: returns whether a name is of this kind.
        make: returns the predictor with a name, given how language models are asked.
        options: options that can follow the name, as ``name:option=value``, and their types.
        reads_prompts: whether it is a language model, whose predictions depend on how prompts are written.
        quick: whether its running time can be estimated within seconds, by trying it on a few people.
    """

    shown: str
    matches: Callable[[str], bool]
    make: Callable[[str, AskingOptions], Predictor]
    options: Mapping[str, type] = field(default_factory=dict)
    quick: bool = False
    reads_prompts: bool = False


def make_predictor(name: str, asking: AskingOptions | None = None) -> Predictor:
    """Return a new predictor; ``asking`` are the options for asking a language model.

    Raises IndievalueError that lists the known ones if the name or an option is unknown.

    >>> make_predictor("resemble:k=35")
    Resemble(k=35)
    """
    return kind_of(name).make(name, asking or AskingOptions())


def make_predictors(names: Sequence[str], asking: AskingOptions | None = None) -> dict[str, Predictor]:
    """Return the predictors by name. Raises IndievalueError if a name is unknown or given twice."""
    if len(set(names)) < len(names):
        raise IndievalueError("a predictor is named twice")
    return {name: make_predictor(name, asking) for name in names}


def kind_of(name: str) -> Kind:
    """Return the kind of ``name``. Raises IndievalueError that lists all kinds if there is none."""
    found = next((kind for kind in KINDS if kind.matches(name)), None)
    if found is None:
        word = name.partition(":")[0]
        known = [kind.shown for kind in KINDS]
        close = did_you_mean(word, [name.partition(":")[0] for name in known])
        raise IndievalueError(f"there is no predictor {word!r}; there are {', '.join(known)}{close}")
    return found


def reads_prompts(name: str) -> bool:
    """Return whether a predictor's answers depend on how prompts are written. Raises IndievalueError as `kind_of`."""
    members = parts_of(name) if name.partition(":")[0] == BLEND else (name,)
    return any(kind_of(member).reads_prompts for member in members)


def is_statistical(name: str) -> bool:
    """Return whether a predictor of this name learns from people's answers alone, and asks no language model."""
    members = parts_of(name) if name.partition(":")[0] == BLEND else (name,)
    return all(any(kind.matches(member) for kind in STATISTICAL) for member in members)


def adopt(predictor: object) -> Predictor:
    """Return ``predictor`` itself if it is a BasePredictor, else wrapped so that missing methods have defaults.

    Raises IndievalueError if it has no ``fit`` or no ``predict``.
    """
    if isinstance(predictor, BasePredictor):
        return predictor
    if not isinstance(predictor, _FitPredict):
        raise IndievalueError(
            f"{predictor!r:.80} is not a predictor: it needs the methods fit(people, form, shown_form) and "
            "predict(task)"
        )
    return _Adopted(predictor)


@runtime_checkable
class _FitPredict(Protocol):
    """The minimum that a user-defined predictor has."""

    def fit(self, people: People, form: FormName, shown_form: FormName) -> object: ...

    def predict(self, task: Task) -> Guesses: ...


@dataclass(repr=False)
class _Adopted(BasePredictor):
    """A user-defined predictor, with defaults for the methods that it lacks."""

    own: _FitPredict
    learns: bool = field(init=False)
    reads: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.learns = bool(getattr(self.own, "learns", True))
        self.reads = frozenset(getattr(self.own, "reads", READS))

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        fitted = self.own.fit(people, form, shown_form or form)
        if isinstance(fitted, _FitPredict):
            self.own = fitted
        return self

    def predict(self, task: Task) -> Guesses:
        return self.own.predict(task)

    def predict_all(self, tasks: Sequence[Task]) -> Iterable[Guesses]:
        own = getattr(self.own, "predict_all", None)
        return own(tasks) if own else super().predict_all(tasks)

    def identity(self) -> str | None:
        own = getattr(self.own, "identity", None)
        return own() if own else None

    def cost(self, tasks: Iterable[Task]) -> Cost | None:
        own = getattr(self.own, "cost", None)
        return own(tasks) if own else None

    def effort(self) -> Report | None:
        own = getattr(self.own, "effort", None)
        return own() if own else None

    def write_log(self, benchmark: Benchmark, folder: Path) -> None:
        if own := getattr(self.own, "write_log", None):
            own(benchmark, folder)

    def expect_unseen(self, questions: Sequence[str]) -> None:
        if own := getattr(self.own, "expect_unseen", None):
            own(questions)

    def __repr__(self) -> str:
        return repr(self.own)


def _statistical(
    name: str, make: Callable[..., Predictor], options: Mapping[str, type] | None = None, *, quick: bool = False
) -> Kind:
    """Return a kind whose names are ``name`` or ``name:option=value,…``."""
    known = options or {}

    def made(written: str, asking: AskingOptions) -> Predictor:
        return make(**dict(_arguments(written, name, known)))

    return Kind(name, lambda written: written.partition(":")[0] == name, made, known, quick)


def _arguments(written: str, kind: str, known: Mapping[str, type]) -> Iterator[tuple[str, object]]:
    for part in filter(None, written.partition(":")[2].split(",")):
        key, _, value = part.partition("=")
        if key not in known:
            options = ", ".join(f"{kind}:{option}=…" for option in known) or "none"
            raise IndievalueError(f"predictor {kind} has no option {key!r}; it has {options}")
        try:
            yield key, known[key](value)
        except ValueError:
            raise IndievalueError(f"predictor {written}: {value!r} is no {known[key].__name__}") from None


def _on_this_machine(prefix: str, what: str, make: Callable[[str, PromptStyle], Predictor] = make_local) -> Kind:
    """Return a kind for local language models: a model by path or id, or a reasoner by its folder."""
    return Kind(
        f"{prefix}:{what}",
        lambda written: written.partition(":")[0] == prefix,
        lambda written, asking: make(written.removeprefix(f"{prefix}:"), asking.style),
        reads_prompts=True,
    )


def _make_chat_model(name: str, asking: AskingOptions) -> Predictor:
    try:
        with importing(f"asking {name} needs", "api"):
            from indievalue.predictors.chat.predictor import ChatModel
    except ImportError as error:  # installed, but too old
        raise IndievalueError(f"asking {name} needs a newer Inspect AI: {error}") from None
    return ChatModel(name, asking)


def _make_blend(name: str, asking: AskingOptions) -> Predictor:
    members = parts_of(name)
    allowed = [
        kind
        for kind in KINDS
        if kind.shown != BLEND and (kind in STATISTICAL or kind.shown.startswith(ON_THIS_MACHINE))
    ]
    for member in members:
        if not any(kind.matches(member) for kind in allowed):
            close = did_you_mean(member, [kind.shown for kind in allowed])
            names = ", ".join(kind.shown for kind in allowed)
            raise IndievalueError(f"a blend pools some of {names}, and {member!r} is none of them{close}")
    return Blend(make_predictors(members, asking))


_MASKED_OPTIONS = {"seed": int, "epochs": int, "hidden": int, "members": int, "dropout": float, "device": str}

BLEND = "blend"
"""Name of the predictor that pools others, which may follow: ``blend:gaussian+resemble``."""

STATISTICAL: tuple[Kind, ...] = (
    _statistical("random", Random, quick=True),
    _statistical("majority", Majority, quick=True),
    _statistical("resemble", Resemble, {"k": int}, quick=True),
    _statistical("gaussian", Gaussian, quick=True),
    _statistical("masked", make_masked, _MASKED_OPTIONS),
    Kind(BLEND, lambda written: written.partition(":")[0] == BLEND, _make_blend),
    _statistical("boosting", Boosting, {"trees": int}),
    _statistical("logistic", Logistic, {"c": float}),
    _statistical("embedding", Embedding, {"model": str}),
    _statistical("similar-majority", SimilarMajority, {"k": int, "model": str}),
)
"""Predictors that are not language models."""

KINDS: tuple[Kind, ...] = (
    *STATISTICAL,
    _on_this_machine("local", "MODEL"),
    _on_this_machine("reasoner", "FOLDER"),
    _on_this_machine("vllm", "MODEL", make_vllm),
    # An Inspect model, such as openai/gpt-4o, has a slash before any colon.
    Kind("PROVIDER/MODEL", lambda written: "/" in written.partition(":")[0], _make_chat_model, reads_prompts=True),
)
"""Every kind of predictor. A new one is an entry here."""
