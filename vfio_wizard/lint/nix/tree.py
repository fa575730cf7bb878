"""The syntax tree of a Nix file, from tree-sitter's grammar, with places in characters."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vfio_wizard.lint.text import Place
from vfio_wizard.model.errors import UsageError

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

HOW_TO_GET_IT = (
    "Nix files are read with tree-sitter, which is not installed: pip install 'vfio-wizard[lint]'"
    " (or the packages tree-sitter and tree-sitter-nix)"
)


class Source:
    """One parsed file: its bytes, its tree, and the way from a byte to a place."""

    def __init__(self, text: str) -> None:
        """Raises UsageError, with the way to get it, where tree-sitter is not installed."""
        self.data = text.encode("utf-8", "replace")
        self.tree = _parse(self.data)
        self._starts = [0]
        for number, byte in enumerate(self.data):
            if byte == 0x0A:
                self._starts.append(number + 1)

    @property
    def root(self) -> Node:
        """The node of the whole file."""
        return self.tree.root_node

    def place(self, byte: int) -> Place:
        """Line and column of a byte, in characters."""
        line = bisect_right(self._starts, byte)
        return Place(line, len(self.data[self._starts[line - 1] : byte].decode("utf-8", "replace")) + 1)

    def text(self, node: Node, limit: int = 400) -> str:
        """The source of a node, as far as it is of use in a message."""
        return self.data[node.start_byte : min(node.end_byte, node.start_byte + limit)].decode(
            "utf-8", "replace"
        )

    def slice(self, start: int, end: int) -> str:
        """The source between two bytes."""
        return self.data[start:end].decode("utf-8", "replace")

    def walk(self) -> Iterator[Node]:
        """Every node in the order of the file, without recursion."""
        cursor = self.tree.walk()
        while True:
            node = cursor.node
            if node is not None:
                yield node
            if cursor.goto_first_child():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return

    def first_error(self) -> Node | None:
        """The first place that is no Nix, or None."""
        if not self.root.has_error:
            return None
        return next((node for node in self.walk() if node.is_error or node.is_missing), self.root)


def _parse(data: bytes) -> Tree:
    try:
        import tree_sitter  # noqa: PLC0415 - only Nix files need it, and it is an extra
        import tree_sitter_nix  # noqa: PLC0415 - as above
    except ImportError:
        raise UsageError(HOW_TO_GET_IT) from None
    language = tree_sitter.Language(tree_sitter_nix.language())
    return tree_sitter.Parser(language).parse(data)
