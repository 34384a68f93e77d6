"""Which variant of a family is best under conditions, exactly, and what the conditions cost."""

from archscope.studies import Study

STUDY = Study(
    name="search",
    summary="the best variant of a family under conditions, and what each condition costs",
    of_config="archscope.studies.search.rows:declared",
)
