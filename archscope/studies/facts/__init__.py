"""Published figures, each one recomputed: how far archscope is from what was printed."""

from archscope.studies import Study
from archscope.studies.facts.rows import FACTS, SUBJECTS

STUDY = Study(
    name="facts",
    summary="published figures, each one recomputed",
    sections=(FACTS, SUBJECTS),
)
