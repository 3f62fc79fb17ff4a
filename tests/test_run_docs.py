"""The page on the life of a run is drawn from the tables."""

from pathlib import Path

from console.states import MEANINGS, TRANSITIONS, VERBS, State

PAGE = Path(__file__).parent.parent / "docs" / "run.md"


def states_table() -> str:
    """Return the table of states."""
    rows = [f"| {state.value} | {MEANINGS[state]} | {', '.join(VERBS[state]) or '–'} |" for state in State]
    return "\n".join(["| state | meaning | verbs |", "|---|---|---|", *rows])


def transitions_table() -> str:
    """Return the table of transitions."""
    rows = [f"| {old.value} | {new.value} | {cause} |" for (old, new), cause in TRANSITIONS.items()]
    return "\n".join(["| from | to | cause |", "|---|---|---|", *rows])


def test_the_page_on_the_life_of_a_run_says_what_the_tables_say() -> None:
    """docs/run.md holds both tables, word for word."""
    text = PAGE.read_text()
    assert states_table() in text
    assert transitions_table() in text


def test_every_state_has_a_meaning_and_its_verbs() -> None:
    """No state is without words, and none without a line in the table of verbs."""
    assert set(MEANINGS) == set(VERBS) == set(State)
