"""Two networks or more side by side: what is the same, what is not, and by how much."""

from archscope.studies import Study
from archscope.studies.compare.rows import COMPONENTS, MODULES, NETWORKS, TOTALS, TYPES
from archscope.studies.compare.teaching import TEACHING

STUDY = Study(
    name="compare",
    summary="networks side by side: totals and modules, differences and ratios",
    sections=(TOTALS, MODULES, COMPONENTS, TYPES, TEACHING, NETWORKS),
)
