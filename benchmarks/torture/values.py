"""Values at random for options: those that fit, that nearly do, and that no one means."""

from __future__ import annotations

import random
from typing import Any

import click
import tree
from siblings import fields

from archscope import specs

ODD = (
    *("", " ", "-1", "0", "1", "2", "3", "7", "1e9", "99999999999999999999", "1.5", "-0.0", "nan"),
    *("inf", "-inf", "1e400", "1_0", "0x10", "٣", "½", "²", "1,2,4", "1/2/4", "1,,2", ",", "1,x,4"),
    *("2x3", "3x5,1", "a", "é漢字", "\x1b[31mred\x1b[0m", "\x00", "\u202eevil", "a\nb", "\x85"),
    *("[bold]x[/bold]", ":smile:", "{}", "[]", "null", "true", "none", "None", "--", "-", "--help"),
    *("16kHz", "250ms", "80GiB", "100k", "1%", "%s%n", "{0}", "/dev/null", "/", ".", "~", "*"),
    *("'", '"', "`id`", "$(id)", "; rm -rf x", "x" * 300, "x" * 5000, "params < 100k", "rf >= 1s"),
    *("depth=3", "=", "a=b=c", ":", "net.py:", "\ud800", "<script>alert(1)</script>", "\ufeff1"),
    *("((((((((((", "1:2", "1:9:0", "9:1", "4:16", "1:4:*2", "1:99999999", "1;2", "None,"),
)  # fmt: skip
"""Values that no one means, or few."""
INTEGERS = ("1", "2", "3", "4", "8")
NUMBERS = ("0.5", "1", "0.1", "2")
MEASURES = ("params", "macs", "rf", "coverage", "ahead", "weights", "flops", "trainable", "depth")
GOOD: dict[str, tuple[str, ...]] = {
    "--sort": ("params", "macs", "rf", "time", "order", "name", "flops", "nothing"),
    "--columns": ("type", "params", "type,params", "path,macs", "nothing", "rf,type"),
    "--assert": ("params < 1k", "complete", "macs <= 1M", "rf >= 7", "params < 4M or rf == 3",
                 "coverage == 100%", "params/2 < 9k", "latency < 1s", "rf >= 1s"),
    "--where": ("params < 100k", "rf >= 9", "rf >= 1s", "depth == 2 and params < 1M",
                "params > 9T"),
    "--measure": (*MEASURES, "params,rf", "params,macs,weights", "nothing"),
    "--pareto": ("params,rf", "params", "params,macs,rf", "nothing"),
    "--minimise": MEASURES, "--maximise": MEASURES,
    "--iso": ("params=2k", "macs=100k", "params=0", "params=1T", "params"),
    "--solve": ("channels", "d_model", "depth", "heads", "kernel_size", "nothing"),
    "--group": ("depth", "channels", "nothing"), "--zip": ("depth,channels", "depth", "a,b"),
    "--plot": ("params,rf", "params,rf,depth", "params,macs,nothing"),
    "--gpu": ("h100", "a100", "a100-40gb", "rtx 4090", "H-100", "nothing"),
    "--device": ("cpu", "auto", "cuda", "cuda:7", "meta", "mps"),
    "--input-shape": ("1,3,8,8", "2,3,8,8", "x:1,3,8,8", "ids:int64<11:1,4", "1,3", "1,3,0,8"),
    "--input": ("x=1", "flag=true", "0=2", "x={}", "x=[1,2]", "x.y=1"),
    "--inputs": ("net.py:batch", "./net.py:batch", "net.py:nothing", "net.py", "missing.py:f"),
    "--method": ("forward", "encode", "__init__", "no_such", "train"),
    "--model-arg": ("width=8", "width=-1", "width=x", "no=1", "width=[1]", "width=1e400"),
    "--freeze": ("*", "blocks.0", "blocks.[0-5]", "nothing", "conv", "**"),
    "--teacher": ("cnn", "lenet", "saved.json", "transformer:depth=1,d_model=8,heads=2"),
    "--fail-on": ("params:+1%", "macs:+0", "rf:-1", "params:+x%", "nothing:+1", "latency:+10%"),
    "--lora": ("r=2", "r=8,targets=qkv", "r=2,targets=nothing", "r=0", "r=2,alpha=4", "save=head"),
    "--recompute": ("none", "full", "every:2", "every:0", "selective"),
    "--tokens": ("1B", "300B", "90M", "0", "1e30"), "--compute": ("1e20", "5.76e23", "0", "1e400"),
    "--sample-rate": ("16kHz", "8000", "1Hz", "0", "0.001Hz"),
    "--of": ("0", "1", "out", "every"), "--unit": ("position", "s", "ms"),
    "--axes": ("0", "1", "time"),
    "--context": ("1", "9", "4096", "1000000"), "--max": ("batch", "seq-len", "depth", "experts"),
    "--card-memory": ("80GiB", "24GB", "1KiB", "0B"), "--cache-memory": ("5.38GiB", "1B"),
    "--only": ("kv", "states", "nothing"), "--config": ("archscope.toml", "missing.toml", "net.py"),
    "-c": ("archscope.toml", "budgets.toml", "missing.toml", "net.py", "."),
    "--config-file": ("budgets.toml",), "--lock": ("archscope.lock", "missing.lock", "saved.json"),
    "--store": ("store.db", "saved.json", "new.db", "."),
    "--show": ("store.db", "missing.db", "net.py"),
    "--parquet": ("out.parquet", ".", "no/such.parquet"), "--saved": ("none", "saved.json"),
    "--executor": ("processes", "serial", "nothing", "dask://127.0.0.1:1"),
    "--memory-limit": ("1GiB", "4GB", "1", "0"), "--workers": ("1", "1", "0", "2"),
    "--branches": ("1,2;1,3", "1;2;3", "1,2"), "--erf": ("1", "2", "0"),
    "--title": ("A title", "é"),
    "--budget": ("0.05", "0.01", "0"), "--runs": ("1", "2", "3"), "--warmup": ("0", "1"),
    "--limit": ("1", "2", "0"), "--sample": ("1", "2"), "--min-coverage": ("50", "100%", "0.5"),
    "-o": ("out.json", "out.html", "out.md", "out.csv", "out.xyz", "saved.json", "no/such.json",
           "-", "/dev/null", "/dev/full", ".", "é.json", "out.xml", "link.json", "../up.json"),
}  # fmt: skip
"""What is usually said of an option, right and nearly so, where its type tells too little."""


def of_option(option: click.Option, chance: random.Random) -> str:
    """Return a value for an option of a command."""
    flag = option.opts[-1] if option.opts[-1] in GOOD else option.opts[0]
    draw = chance.random()
    if draw < 0.06:
        return chance.choice(ODD)
    if isinstance(option.type, click.Choice) and draw < 0.98:
        return str(chance.choice(list(option.type.choices)))
    said = GOOD.get(flag) or tree.shown().get(flag)
    if said and draw < 0.95:
        return chance.choice(said)
    if isinstance(option.type, click.types.FloatParamType):
        return chance.choice(NUMBERS)
    return chance.choice((*INTEGERS, "params", "cpu", "x.json"))


def of_field(field: specs.Field, chance: random.Random) -> str | None:
    """Return a value for a field of a network as it is typed; None: it is a switch."""
    if field.kind == "switch":
        return None
    draw = chance.random()
    if draw < 0.04:
        return chance.choice(ODD)
    if draw < 0.06:
        return chance.choice(("-3", "0", "100000", "1000000000", "1,2,3,4,5,6,7,8"))
    return typed(chance.choice([field.default, *fields.values(field)]))


def typed(value: Any) -> str:
    """Return a value of a field as it is typed."""
    return specs.listed(value) if isinstance(value, tuple) else specs.typed(value)
