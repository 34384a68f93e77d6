"""Many variants of one network: which meet a condition, and which are better than all others."""

from archscope.studies import Study

STUDY = Study(
    name="sweep",
    summary="many variants of one network, measured and ranked",
    of_config="archscope.studies.sweep.rows:declared",
)
