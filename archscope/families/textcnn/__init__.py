"""TextCNN: convolutions of several widths over word vectors, each reduced to its maximum."""

from archscope.blocks.examples import text
from archscope.families import Family
from archscope.families.textcnn.census import census
from archscope.families.textcnn.outline import outline
from archscope.families.textcnn.spec import TextCnnSpec, describe

FAMILY = Family(
    name="textcnn",
    summary="TextCNN: convolutions of several widths over word vectors, then max pooling over time",
    spec=TextCnnSpec,
    describe=describe,
    inputs=text,
    module="archscope.families.textcnn.network:TextCnn",
    outline=outline,
    census=census,
    saved_activations="archscope.families.textcnn.saved_activations:saved_activations",
)
