"""All 15,625 cells of NAS-Bench-201, counted without building one.

    python examples/nas_bench_201.py

A family's census has a spec's layers in closed form. The benchmark's FLOPs are multiply-accumulates
and the bias of the classifier.
"""

from itertools import product

from archscope.families import FAMILIES

family = FAMILIES.get("nasbench201")
counted = {}
for digits in product("01234", repeat=6):
    spec = family.spec(cell="".join(digits))
    census = family.census(spec)
    counted[spec.cell] = census.params, census.macs + spec.classes

least, most = min(counted.values()), max(counted.values())
print(f"{len(counted):,} cells")
print(f"parameters {least[0] / 1e6} M to {most[0] / 1e6} M")
print(f"FLOPs      {least[1] / 1e6} M to {most[1] / 1e6} M")
small = [cell for cell, (params, _) in counted.items() if params <= 500_000]
print(f"{len(small):,} have at most half a million parameters; the most work among them do")
for cell in sorted(small, key=lambda cell: counted[cell][1])[-3:]:
    params, flops = counted[cell]
    print(f"  {cell}  {params:,} parameters, {flops / 1e6} M FLOPs")
