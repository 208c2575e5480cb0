"""What a rule's rows depend on, as one fingerprint: an equal one means equal rows, so they need not be derived again.

A rule's rows are a function of its query and of the facts of the kinds that the query reads. The kinds are found by looking at the
query's words: every label and relationship type that it names counts with the whole content of its table, wherever it stands. What
cannot be bounded so (a node without a label, a relationship without a type, a key that is no node's) counts as reading everything.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from hashlib import sha256

import polars as pl

from graphmodel.kinds import EDGES, NODES
from graphmodel.store.difference import FINGERPRINT, fingerprinted
from graphmodel.store.port import Derivation
from graphmodel.view import View

_KINDS = {name.casefold(): name for name in (*NODES, *EDGES)}
_NAMES = frozenset(_KINDS.values())
_COMMENTS = re.compile(r"^\s*//.*$", re.MULTILINE)
_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_WORD = re.compile(r"[A-Za-z_]\w*")
_NODE = re.compile(r"(?<![\w`])\(\s*([A-Za-z_]\w*)?\s*(?::([^(){}]*?))?\s*(?:\{[^{}]*\}\s*)?\)")
_RELATIONSHIP = re.compile(r"-\s*\[\s*(?:[A-Za-z_]\w*)?\s*(?::([^\[\]{}*]*))?[^\[\]]*\]\s*-")
_BARE = re.compile(r"--|<-\s*-|-\s*->")
_ENDS = re.compile(r"\b\w+\.key\s+AS\s+(source|target)\b", re.IGNORECASE)
KEY_OF_END = re.compile(r"\b(\w+)\.key(\s+AS\s+(?:source|target)\b)", re.IGNORECASE)
_END = re.compile(r"\bAS\s+(source|target)\b", re.IGNORECASE)


def kinds_read(cypher: str) -> frozenset[str] | None:
    """The labels and types of which a step's rows are a function; None: of all of them."""
    text = _STRINGS.sub("''", _COMMENTS.sub("", cypher))
    if not _all_named(text) or not _ends_are_nodes(text):
        return None
    patterns = " ".join([labels for _, labels in _NODE.findall(text)] + _RELATIONSHIP.findall(text)).casefold()
    return frozenset(_KINDS[word] for word in _WORD.findall(patterns) if word in _KINDS) | {word for word in _WORD.findall(text) if word in _NAMES}


_NESTED = re.compile(r"\b(?:EXISTS|COUNT)\s*\{[^{}]*\}", re.IGNORECASE)
_UNION = re.compile(r"\bUNION\b", re.IGNORECASE)


def may_find(cypher: str, there: Container[str]) -> bool:
    """Whether a step's query can have rows where only the relationship types of `there` have any.

    False only where every branch of the query has a pattern that must match and whose types all are empty: then it need not be run.
    """
    text = _NESTED.sub("", _STRINGS.sub("''", _COMMENTS.sub("", cypher)))
    if re.search(r"\bOPTIONAL\b|\bEXISTS\b|\bCOUNT\s*\{", text, re.IGNORECASE):
        return True  # a pattern that need not match, or one that was too deep to be taken out
    return any(all(_some_there(types, there) for types in _RELATIONSHIP.findall(branch)) for branch in _UNION.split(text))


def _some_there(types: str, there: Container[str]) -> bool:
    names = _WORD.findall(types)
    return not names or any(_KINDS.get(name.casefold(), name) in there for name in names)


def _all_named(text: str) -> bool:
    """Whether every node pattern has declared labels (its variable, somewhere), and every relationship declared types."""
    nodes = _NODE.findall(text)
    named = {variable for variable, labels in nodes if variable and labels}
    if any(not labels and variable not in named for variable, labels in nodes):
        return False
    types = _RELATIONSHIP.findall(text)
    if _BARE.search(text) or not all(types):
        return False
    return all(_declared(words) for words in (*(labels for _, labels in nodes if labels), *types))


def _declared(labels: str) -> bool:
    found = _WORD.findall(labels)
    return bool(found) and "!" not in labels and "%" not in labels and all(word.casefold() in _KINDS for word in found)


def end_nodes(cypher: str) -> bool:
    """Whether each `source` and `target` is the key of a variable that stands in a node pattern."""
    text = _STRINGS.sub("''", _COMMENTS.sub("", cypher))
    return _ends_are_nodes(text) and {name for name, _ in KEY_OF_END.findall(text)} <= {variable for variable, _ in _NODE.findall(text)}


def _ends_are_nodes(text: str) -> bool:
    """Whether each `source` and `target` is the key of a node that the query has matched: then its kind has been read too."""
    return len(_END.findall(text)) == len(_ENDS.findall(text)) > 0


class Prints:
    """Fingerprints of a view: of each row, of each table, of each rule.

    `nodes`, `edges`: the view's tables with a last column `fingerprint`.
    """

    def __init__(self, view: View) -> None:
        self.nodes = {label: fingerprinted(frame) for label, frame in view.nodes.items()}
        self.edges = {type_: fingerprinted(frame) for type_, frame in view.edges.items()}
        tables = self.nodes | self.edges
        self._contents = {kind: digest(tables[kind][FINGERPRINT]) if kind in tables else "" for kind in (*NODES, *EDGES)}

    def rule(self, derivation: Derivation, made_by: str) -> str:
        """The fingerprint of a rule's steps. `made_by`: whatever else they depend on, such as the engine's version."""
        read = kinds_read(derivation.cypher)
        inputs = [(kind, self._contents[kind]) for kind in (sorted(self._contents) if read is None else sorted(read))]
        header = (derivation.rule, derivation.hold, derivation.vantage, derivation.profile)
        return sha256(repr((made_by, pl.__version__, derivation.cypher, header, inputs)).encode()).hexdigest()[:32]

    def rules(self, derivations: Iterable[Derivation], made_by: str) -> dict[str, str]:
        """Rule -> fingerprint."""
        return {derivation.rule: self.rule(derivation, made_by) for derivation in derivations}


def digest(*columns: pl.Series) -> str:
    """A name for the content of integer columns, in their order."""
    whole = sha256()
    for column in columns:
        whole.update(column.to_numpy().tobytes())
        whole.update(b"|")
    return whole.hexdigest()[:32]


def edges_read(derivations: Sequence[Derivation], view: View) -> int:
    """How many relationships these rules read: about as many steps as they will make."""
    types: set[str] = set()
    for derivation in derivations:
        read = kinds_read(derivation.cypher)
        types |= set(view.edges) if read is None else read & view.edges.keys()
    return sum(view.edges[type_].height for type_ in types)
