"""U-Net: a path down and a path up, joined at each resolution."""

from archscope.families._assembly import assemble, images
from archscope.families.u_net.spec import UnetSpec, build, describe, outline

FAMILY = assemble(
    name="u-net",
    summary="U-Net: a path down and a path up, joined at each resolution",
    spec=UnetSpec,
    describe=describe,
    build=build,
    inputs=images,
    outline=outline,
)
