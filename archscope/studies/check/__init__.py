"""Whether networks stay within their budgets, and within what a lock file says of them."""

from archscope.studies import Study
from archscope.studies.check.rows import LIMITS

STUDY = Study(
    name="check",
    summary="networks checked against their budgets",
    sections=(LIMITS,),
)
