"""LSTM language models: word vectors, recurrent layers, a linear layer over the words."""

from archscope.blocks.examples import text
from archscope.families import Family
from archscope.families.lstm.census import census
from archscope.families.lstm.outline import outline
from archscope.families.lstm.spec import LstmSpec, describe

FAMILY = Family(
    name="lstm",
    summary="LSTM language models: word vectors, recurrent layers, scores for the next word",
    spec=LstmSpec,
    describe=describe,
    inputs=text,
    module="archscope.families.lstm.network:LstmLanguageModel",
    outline=outline,
    census=census,
    saved_activations="archscope.families.lstm.saved_activations:saved_activations",
    cache="archscope.families.lstm.cache:cache",
)
