"""Published facts, each computed again: how far what archscope says is from what is printed."""

from archscope.studies import Study
from archscope.studies.facts.rows import FACTS, SUBJECTS

STUDY = Study(
    name="facts",
    summary="published figures, each one recomputed",
    sections=(FACTS, SUBJECTS),
)
