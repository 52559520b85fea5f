"""A study of made-up gardeners, small enough to be answered in a test."""

from indievalue.app.study.settings import Content, Item, Person, Plan, Study

YEAR = 365 * 86_400.0


def small_study(people: int = 3, probes: int = 2, created: float = 0.0, **plan: int) -> tuple[Study, Content]:
    """A study, made at time 0 unless ``created`` says otherwise, and what its raters read."""
    settings = Plan(**{"people": people, "probes": probes, "raters_per_person": 2, "attention_every": 0} | plan)
    study = Study(name="garden", survey="garden", form="polar", context="statements", plan=settings, created=created)
    every = settings.attention_every
    shown = tuple(
        Person(
            number=number,
            id=f"g{number:04d}",
            demographics=("I live on the Island.",),
            check=bool(every) and number % every == 0,
            probes=tuple(
                Item(
                    question=f"P{place + 1}",
                    setup=0,
                    asks=f"How much do you like plant {place}?",
                    options=(f"I like plant {place}.", f"I do not like plant {place}."),
                    statements=(f"Person {number} likes hedgehogs.",),
                )
                for place in range(probes)
            ),
        )
        for number in range(people)
    )
    own = tuple(item.model_copy(update={"statements": ()}) for item in shown[0].probes[: settings.own])
    return study, Content(people=shown, own=own)
