"""LSTM language models: word vectors, recurrent layers, a linear layer over the words."""

from archscope.families._assembly import assemble
from archscope.families.lstm.spec import LstmSpec, build, describe, inputs, outline

FAMILY = assemble(
    name="lstm",
    summary="LSTM language models: word vectors, recurrent layers, scores of the next word",
    spec=LstmSpec,
    describe=describe,
    build=build,
    inputs=inputs,
    outline=outline,
)
