"""Puts together the sections of the scaling analysis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from archscope.analyses.scaling.rows import LAWS, MEANINGS, LawRow, MeaningRow, Totals, plain
from archscope.analyses.scaling.settings import Settings, amount
from archscope.families import FAMILIES
from archscope.records import frozen
from archscope.results import Amount, Headline, Note, Section, Words
from archscope.subject import Network
from archscope.theory import scaling
from archscope.theory.meanings import Meanings, meanings


def sections(network: Network, asked: Settings) -> tuple[Section, ...]:
    """Return the sections of a network; see `archscope.analyses.scaling.analysis.run`."""
    found = of_network(network)
    tokens, compute = amount("tokens", asked.tokens), amount("compute", asked.compute)
    totals = _totals(found, tokens)
    rows = tuple(_meaning(one, found, tokens) for one in _meant(found))
    said = tuple(_summary(totals))
    about = " · ".join(
        f"{name} {text}"
        for name, text in (("tokens", asked.tokens), ("compute", asked.compute))
        if text
    )
    return (
        MEANINGS.filled(
            rows, totals=totals, notes=tuple(_notes(found)), headline=tuple(_headline(totals)),
            summary=said, about=about,
        ),
        LAWS.filled(
            (_law(law, found, tokens, compute) for law in scaling.LAWS),
            notes=tuple(_law_notes(found)), summary=said,
        ),
    )  # fmt: skip


def sizes(network: Network, tokens: str | None, analysis: str) -> tuple[Section, ...]:
    """Return the same as a part of another analysis' answer; none where no family tells."""
    family = FAMILIES.get(network.family) if network.family else None
    if family is None or family.census is None:
        return ()
    found = sections(network, Settings(tokens=tokens))
    more = {"analysis": analysis, "about": "", "headline": (), "notes": ()}
    return tuple(replace(section, **more) for section in found)  # type: ignore[arg-type]


def of_network(network: Network) -> Meanings:
    """Return what N may mean of a network: in closed form where its family tells it, else counted.

    Raises `UsageError` where it is counted and not all of its work is known.
    """
    family = FAMILIES.get(network.family) if network.family else None
    if family is not None and family.census is not None:
        return meanings(family.census(network.spec))
    from archscope.analyses.scaling.built import of_subject
    from archscope.running.process import process_as_found

    return of_subject(process_as_found(network.subject))


@frozen
class _Meant:
    """One meaning of N."""

    words: str
    parameters: Fraction
    used_by: str


def _meant(found: Meanings) -> Iterator[_Meant]:
    """Yield the meanings that differ from network to network; of one without experts fewer."""
    yield _Meant(
        words="all parameters", parameters=Fraction(found.all), used_by="Hoffmann 2022, PaLM"
    )
    yield _Meant(
        words="without tables and head",
        parameters=Fraction(found.non_embedding),
        used_by="Kaplan 2020, Pythia, MiniCPM",
    )
    if found.idle:
        assert found.active is not None
        assert found.active_non_embedding is not None
        yield _Meant(
            words="active of all", parameters=Fraction(found.active), used_by="model cards"
        )
        yield _Meant(
            words="active, without tables and head",
            parameters=Fraction(found.active_non_embedding),
            used_by="",
        )
    if found.active_without_lookup is not None:
        yield _Meant(
            words="active, without look-ups",
            parameters=Fraction(found.active_without_lookup),
            used_by="torchtitan, DeepSeek",
        )
    if found.matmul is not None:
        yield _Meant(
            words="weights that multiply a token",
            parameters=found.matmul,
            used_by="nanochat, nanoGPT; exact",
        )


def _share(tokens: float | None, parameters: Fraction | int) -> float | None:
    return None if tokens is None or not parameters else tokens / float(parameters)


def _meaning(meant: _Meant, found: Meanings, tokens: float | None) -> MeaningRow:
    each = 6 * meant.parameters
    whole = each + 6 * (found.attention or 0)
    exact = None if found.matmul is None else 6 * (found.matmul + (found.attention or 0))
    return MeaningRow(
        meaning=meant.words,
        parameters=round(meant.parameters),
        tokens_per_parameter=_share(tokens, meant.parameters),
        flops_per_token=round(each),
        with_attention=round(whole),
        flops=None if tokens is None else float(each) * tokens,
        exact_flops=None if tokens is None else float(whole) * tokens,
        of_exact=None if not exact else float(whole / exact),
        used_by=meant.used_by,
    )


def _totals(found: Meanings, tokens: float | None) -> Totals:
    per_token = None if found.tokens is None else Fraction(3 * found.forward_flops, found.tokens)
    return Totals(
        n_all=found.all,
        n_embeddings=found.embeddings,
        n_non_embedding=found.non_embedding,
        n_active=found.active,
        n_active_non_embedding=found.active_non_embedding,
        n_active_without_lookup=found.active_without_lookup,
        n_matmul=plain(found.matmul),
        attention_macs=plain(found.attention),
        tokens=found.tokens,
        forward_flops=found.forward_flops,
        train_flops_per_token=plain(per_token),
        train_flops=None
        if per_token is None or tokens is None
        else plain(per_token * Fraction(tokens)),
    )


def _law(law: scaling.Law, found: Meanings, tokens: float | None, compute: float | None) -> LawRow:
    size = _counted(law, found) or None  # no law tells of a network of no parameters
    best = None if size is None else law.flops(parameters=size)
    optimal = None if best is None else law.optimum(best).tokens
    spent = None if compute is None else law.optimum(compute)
    return LawRow(
        law=law.name,
        about=law.about,
        counts=law.counts,
        parameters=size,
        optimal_tokens=optimal,
        tokens_per_parameter=None if optimal is None or size is None else optimal / size,
        optimal_flops=best,
        tokens_of_optimal=None if tokens is None or optimal is None else tokens / optimal,
        loss=None if tokens is None or size is None else law.predicted(size, tokens),
        best_parameters=None if spent is None else spent.parameters,
        best_tokens=None if spent is None else spent.tokens,
        best_ratio=None if spent is None else spent.tokens / spent.parameters,
        source=law.source,
        trap=law.trap,
    )


def _counted(law: scaling.Law, found: Meanings) -> float | None:
    """Return N of a network as a law counts it; None where the law says nothing of such."""
    if found.matmul is None or found.attention is None:
        return None
    if law.counts == "non-embedding":
        return found.active_non_embedding
    if law.counts == "all":
        return found.active
    lookup = found.head or found.tied_head
    return float(found.matmul - lookup + found.attention)


def _summary(totals: Totals) -> Iterator[Words]:
    yield (
        "Parameters ",
        Amount(value=totals.n_all, kind="count"),
        " · without tables and head ",
        Amount(value=totals.n_non_embedding, kind="count"),
    )
    if totals.train_flops_per_token is not None:
        line: Words = (
            "Training, 3 x forward: ",
            Amount(value=totals.train_flops_per_token, kind="work"),
            "FLOPs for each token",
        )
        if totals.train_flops is not None:
            line += (" · ", Amount(value=totals.train_flops, kind="work"), "FLOPs in all")
        yield line


def _headline(totals: Totals) -> Iterator[Headline]:
    yield Headline(name="Parameters", value=totals.n_all, kind="count", about="params")
    if totals.train_flops_per_token is not None:
        yield Headline(
            name="Training FLOPs per token", value=totals.train_flops_per_token, kind="work"
        )


def _notes(found: Meanings) -> Iterator[Note]:
    if found.idle is None:
        yield Note(
            level="warning",
            text="which experts a token is routed to is unknown, so active parameters are too",
        )
    if found.tokens is None:
        yield Note(
            level="info",
            text="it has no token embedding, so there are no figures per token: one forward pass "
            f"is {found.forward_flops:,} FLOPs, and a step three times that",
        )
    elif found.unweighted:
        yield Note(
            level="info",
            text="1 multiply-accumulate (MAC) = 2 FLOPs; attention is counted with masked pairs "
            "included; a kernel that skips them does about half",
        )


def _law_notes(found: Meanings) -> Iterator[Note]:
    if found.tokens is None:
        yield Note(
            level="info",
            text="scaling laws are about language models; this network has no token embedding",
        )
    elif found.idle:
        yield Note(
            level="info", text="the laws are about dense networks; N here is the active parameters"
        )
    yield Note(
        level="info",
        text="each law's loss is for its own data and tokenizer and cannot be compared with "
        "another's",
    )
