"""TextCNN: convolutions of several widths over word vectors, each reduced to its maximum."""

from archscope.families._assembly import assemble
from archscope.families.textcnn.spec import TextCnnSpec, build, describe, inputs, outline

FAMILY = assemble(
    name="textcnn",
    summary="TextCNN: convolutions of several widths over word vectors, then their maxima",
    spec=TextCnnSpec,
    describe=describe,
    build=build,
    inputs=inputs,
    outline=outline,
)
