"""Evaluates what is literal in a Nix file: strings, lists, sets, let, with, operators, list functions.

Nothing is guessed: what comes from another file, from config or pkgs is Unknown, or a hole in a string.
Steps and depth are bounded, so that no file can keep the program busy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vfio_wizard.lint.nix.tree import Source
from vfio_wizard.lint.nix.values import (
    Attributes,
    Binding,
    Function,
    Guarded,
    Plain,
    Sequence,
    Several,
    String,
    Unknown,
    Value,
)
from vfio_wizard.lint.text import HOLE, Place, Text, joined, standing_at

if TYPE_CHECKING:
    from tree_sitter import Node

MOST_STEPS = 60_000
DEEPEST = 100
_MOST_ITEMS = 2_000
_LONGEST = 200_000

_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r"}


class Thunk:
    """A value that is computed once, when it is first asked for."""

    def __init__(self, compute: Callable[[], Value], place: Place, source: str) -> None:
        self._compute: Callable[[], Value] | None = compute
        self._value: Value = Unknown(source, place)

    def force(self) -> Value:
        """The value; Unknown while it is being computed, so that a circle ends."""
        if self._compute is not None:
            compute, self._compute = self._compute, None
            self._value = compute()
        return self._value


class Env:
    """Names in sight; those of ``with`` come behind all others."""

    def __init__(self, parent: Env | None, names: dict[str, Thunk], *, weak: bool = False) -> None:
        self.parent = parent
        self.names = names
        self.weak = weak

    def find(self, name: str) -> Thunk | None:
        """What a name stands for; None where this file does not tell."""
        behind: Thunk | None = None
        env: Env | None = self
        while env is not None:
            if (found := env.names.get(name)) is not None:
                if not env.weak:
                    return found
                behind = behind or found
            env = env.parent
        return behind


class Evaluator:
    """Evaluates the nodes of one file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.steps = 0
        self.depth = 0
        self._by_type: dict[str, Callable[[Node, Env], Value]] = {
            "string_expression": self._string,
            "indented_string_expression": self._string,
            "uri_expression": self._uri,
            "integer_expression": self._plain,
            "float_expression": self._plain,
            "variable_expression": self._variable,
            "list_expression": self._list,
            "attrset_expression": self._attrset,
            "rec_attrset_expression": self._rec_attrset,
            "let_attrset_expression": self._rec_attrset,
            "let_expression": self._let,
            "with_expression": self._with,
            "assert_expression": self._body,
            "parenthesized_expression": self._inner,
            "source_code": self._inner,
            "if_expression": self._if,
            "binary_expression": self._binary,
            "select_expression": self._select,
            "apply_expression": self._apply,
            "function_expression": Function,
        }

    def evaluate(self, node: Node | None, env: Env) -> Value:
        """The value of a node."""
        if node is None:
            return Unknown("", Place(1, 1))
        self.steps += 1
        if self.steps > MOST_STEPS or self.depth > DEEPEST:
            return self.unknown(node)
        handler = self._by_type.get(node.type)
        if handler is None:
            return self.unknown(node)
        self.depth += 1
        try:
            return handler(node, env)
        finally:
            self.depth -= 1

    def unknown(self, node: Node) -> Unknown:
        """This node, as something that is not told."""
        return Unknown(self.source.text(node), self.source.place(node.start_byte))

    def thunk(self, node: Node, env: Env) -> Thunk:
        """The value of a node, later."""
        place = self.source.place(node.start_byte)
        return Thunk(lambda: self.evaluate(node, env), place, self.source.text(node))

    # --- literals ---------------------------------------------------------------------------------

    def _plain(self, node: Node, _env: Env) -> Value:
        return Plain(self.source.text(node), self.source.place(node.start_byte))

    def _uri(self, node: Node, _env: Env) -> Value:
        return String(standing_at(self.source.text(node), self.source.place(node.start_byte)))

    def _string(self, node: Node, env: Env) -> Value:
        parts = [standing_at("", self.source.place(node.start_byte + 1))]
        for child in node.children:
            place = self.source.place(child.start_byte)
            if child.type == "string_fragment":
                parts.append(standing_at(self.source.slice(child.start_byte, child.end_byte), place))
            elif child.type == "escape_sequence":
                raw = self.source.text(child).removeprefix("''")
                parts.append(standing_at(_ESCAPES.get(raw, raw.removeprefix("\\")), place))
            elif child.type == "interpolation":
                inner = self.evaluate(child.child_by_field_name("expression"), env)
                parts.append(as_text(inner, place))
        return String(bounded(joined(parts)))

    def _list(self, node: Node, env: Env) -> Value:
        children = node.children_by_field_name("element")[:_MOST_ITEMS]
        return Sequence(
            tuple(self.evaluate(child, env) for child in children), self.source.place(node.start_byte)
        )

    # --- names ------------------------------------------------------------------------------------

    def _variable(self, node: Node, env: Env) -> Value:
        name = self.source.text(node)
        found = env.find(name)
        if found is not None:
            return found.force()
        if name in ("true", "false", "null"):
            return Plain(name, self.source.place(node.start_byte))
        return self.unknown(node)

    def _select(self, node: Node, env: Env) -> Value:
        value = self.evaluate(node.child_by_field_name("expression"), env)
        path = node.child_by_field_name("attrpath")
        for name in self._path(path, env) if path is not None else ():
            value = attribute(value, name.value) or self.unknown(node)
        default = node.child_by_field_name("default")
        if isinstance(value, Unknown) and default is not None:
            return Several((self.unknown(node), self.evaluate(default, env)))
        return value

    def _path(self, node: Node, env: Env) -> tuple[Text, ...]:
        names: list[Text] = []
        for child in node.children_by_field_name("attr"):
            place = self.source.place(child.start_byte)
            if child.type == "identifier":
                names.append(standing_at(self.source.text(child), place))
            else:
                names.append(as_text(self.evaluate(self._inside(child), env), place))
        return tuple(names)

    @staticmethod
    def _inside(child: Node) -> Node | None:
        return child.child_by_field_name("expression") if child.type == "interpolation" else child

    # --- sets and scopes --------------------------------------------------------------------------

    def _attrset(self, node: Node, env: Env) -> Value:
        return Attributes(self._bindings(node, env, env), self.source.place(node.start_byte))

    def _rec_attrset(self, node: Node, env: Env) -> Value:
        inner = Env(env, {})
        bindings = self._bindings(node, inner, env)
        inner.names.update(self._names(bindings))
        return Attributes(bindings, self.source.place(node.start_byte))

    def _let(self, node: Node, env: Env) -> Value:
        inner = Env(env, {})
        inner.names.update(self._names(self._bindings(node, inner, env)))
        return self.evaluate(node.child_by_field_name("body"), inner)

    def _with(self, node: Node, env: Env) -> Value:
        scope = self.evaluate(node.child_by_field_name("environment"), env)
        names = self._names(scope.bindings) if isinstance(scope, Attributes) else {}
        return self.evaluate(node.child_by_field_name("body"), Env(env, names, weak=True))

    def _body(self, node: Node, env: Env) -> Value:
        return self.evaluate(node.child_by_field_name("body"), env)

    def _inner(self, node: Node, env: Env) -> Value:
        return self.evaluate(node.child_by_field_name("expression"), env)

    def _bindings(self, node: Node, env: Env, outer: Env) -> tuple[Binding, ...]:
        found: list[Binding] = []
        sets = [child for child in node.named_children if child.type == "binding_set"]
        for child in (one for group in sets for one in group.named_children):
            if child.type == "binding":
                found += self._binding(child, env)
            elif child.type in ("inherit", "inherit_from"):
                found += self._inherited(child, env, outer)
        return tuple(found)

    def _binding(self, node: Node, env: Env) -> list[Binding]:
        path, value = node.child_by_field_name("attrpath"), node.child_by_field_name("expression")
        if path is None or value is None:
            return []
        return [Binding(self._path(path, env), self.thunk(value, env))]

    def _inherited(self, node: Node, env: Env, outer: Env) -> list[Binding]:
        attrs = node.child_by_field_name("attrs")
        scope = node.child_by_field_name("expression")
        found: list[Binding] = []
        for child in attrs.children_by_field_name("attr") if attrs is not None else ():
            name = standing_at(self.source.text(child), self.source.place(child.start_byte))
            found.append(Binding((name,), self._inherited_value(name, scope, env, outer)))
        return found

    def _inherited_value(self, name: Text, scope: Node | None, env: Env, outer: Env) -> Thunk:
        unknown = Unknown(name.value, name.place)

        def compute() -> Value:
            if scope is None:
                seen = outer.find(name.value)
                return seen.force() if seen is not None else unknown
            return attribute(self.evaluate(scope, env), name.value) or unknown

        return Thunk(compute, name.place, name.value)

    @staticmethod
    def _names(bindings: tuple[Binding, ...]) -> dict[str, Thunk]:
        whole = Attributes(bindings, Place(1, 1))
        names: dict[str, Thunk] = {}
        for one in bindings:
            name = one.path[0].value if one.path else ""
            if name and name not in names:
                names[name] = one.thunk if len(one.path) == 1 else _later(whole, name, one.path[0].place)
        return names

    # --- operators --------------------------------------------------------------------------------

    def _if(self, node: Node, env: Env) -> Value:
        condition = node.child_by_field_name("condition")
        decided = self.evaluate(condition, env)
        word = decided.word if isinstance(decided, Plain) else ""
        text = self.source.text(condition) if condition is not None else ""
        branches: list[Value] = []
        if word != "false":
            branches.append(self.evaluate(node.child_by_field_name("consequence"), env))
        if word != "true":
            branches.append(self.evaluate(node.child_by_field_name("alternative"), env))
        if len(branches) == 1:
            return branches[0]
        return Several((Guarded(text, branches[0]), Guarded(f"not {text}", branches[1])))

    def _binary(self, node: Node, env: Env) -> Value:
        operator = node.child_by_field_name("operator")
        sign = self.source.text(operator) if operator is not None else ""
        if sign not in ("++", "+", "//"):
            return self.unknown(node)
        left = self.evaluate(node.child_by_field_name("left"), env)
        right = self.evaluate(node.child_by_field_name("right"), env)
        if sign == "++":
            return _concatenated(left, right)
        if sign == "//":
            return _updated(left, right)
        if isinstance(left, Unknown) and isinstance(right, Unknown):
            return self.unknown(node)
        place = self.source.place(node.start_byte)
        return String(bounded(joined([as_text(left, place), as_text(right, place)])))

    # --- functions --------------------------------------------------------------------------------

    def _apply(self, node: Node, env: Env) -> Value:
        from vfio_wizard.lint.nix.library import LIBRARY  # noqa: PLC0415 - the two need each other

        head = node
        nodes: list[Node] = []
        while head.type == "apply_expression" and len(nodes) < DEEPEST:
            argument = head.child_by_field_name("argument")
            inner = head.child_by_field_name("function")
            if argument is None or inner is None:
                return self.unknown(node)
            nodes.insert(0, argument)
            head = inner
        name = self._library_name(head, env)
        row = LIBRARY.get(name) if name else None
        if row is not None and len(nodes) == row.arguments:
            if row.condition is not None:
                text = self.source.text(nodes[row.condition])
                return Guarded(text, row.of(self, [self.evaluate(nodes[-1], env)]))
            return row.of(self, [self.evaluate(one, env) for one in nodes])
        return self._called(node, head, nodes, env)

    def _library_name(self, head: Node, env: Env) -> str | None:
        """The last word of ``lib.lists.optionals`` or of a bare name that this file does not define."""
        if head.type == "variable_expression":
            name = self.source.text(head)
            return None if env.find(name) is not None else name
        if head.type != "select_expression":
            return None
        path = self.source.text(head).split(".")
        if path[0] not in ("lib", "builtins", "pkgs", "inputs", "nixpkgs") or env.find(path[0]) is not None:
            return None
        return path[-1].strip() if len(path) > 1 else None

    def _called(self, node: Node, head: Node, nodes: list[Node], env: Env) -> Value:
        value = self.evaluate(head, env)
        for number, argument in enumerate(nodes):
            if isinstance(value, Function):
                value = self.call(value, self.evaluate(argument, env))
            else:
                # A function of somewhere else (nixosSystem): sets among its arguments may be modules.
                rest = tuple(self.evaluate(one, env) for one in nodes[number:])
                modules = tuple(one for one in rest if isinstance(one, Attributes | Function))
                return Several((self.unknown(node), *modules)) if modules else self.unknown(node)
        return value

    def call(self, function: Function, argument: Value) -> Value:
        """The body of a lambda with its argument; names that the argument lacks are Unknown."""
        node = function.node
        names: dict[str, Thunk] = {}
        universal = node.child_by_field_name("universal")
        if universal is not None:
            names[self.source.text(universal)] = Thunk(lambda: argument, Place(1, 1), "")
        formals = node.child_by_field_name("formals")
        for formal in formals.children_by_field_name("formal") if formals is not None else ():
            name = formal.child_by_field_name("name")
            if name is not None and isinstance(argument, Attributes):
                given = attribute(argument, self.source.text(name))
                if given is not None:
                    names[self.source.text(name)] = _known(given)
        return self.evaluate(node.child_by_field_name("body"), Env(function.env, names))


def _known(value: Value) -> Thunk:
    return Thunk(lambda: value, Place(1, 1), "")


def _later(whole: Attributes, name: str, place: Place) -> Thunk:
    return Thunk(lambda: attribute(whole, name) or Unknown(name, place), place, name)


def bounded(text: Text) -> Text:
    """No string grows beyond what configuration ever is."""
    return text if len(text.value) <= _LONGEST else text.cut(0, _LONGEST)


def as_text(value: Value, place: Place) -> Text:
    """A value inside a string: a hole where it is not known."""
    match value:
        case String(text):
            return text
        case Plain(word, _):
            return standing_at(word, place)
        case Guarded(_, inner):
            return as_text(inner, place)
        case _:
            return standing_at(HOLE, place)


def attribute(value: Value, name: str) -> Value | None:
    """One attribute of a set; None where the set is not known or has it not."""
    if isinstance(value, Guarded):
        return attribute(value.value, name)
    if isinstance(value, Several):
        found = tuple(seen for part in value.values if (seen := attribute(part, name)) is not None)
        return Several(found) if len(found) > 1 else next(iter(found), None)
    if not isinstance(value, Attributes):
        return None
    whole: list[Value] = []
    rest: list[Binding] = []
    for one in value.bindings:
        if one.path and one.path[0].value == name:
            if len(one.path) == 1:
                whole.append(one.thunk.force())
            else:
                rest.append(Binding(one.path[1:], one.thunk))
    if rest:
        whole.append(Attributes(tuple(rest), value.place))
    return Several(tuple(whole)) if len(whole) > 1 else next(iter(whole), None)


def _concatenated(left: Value, right: Value) -> Value:
    if isinstance(left, Sequence) and isinstance(right, Sequence):
        return Sequence((left.items + right.items)[:_MOST_ITEMS], left.place)
    return Several((left, right))


def _updated(left: Value, right: Value) -> Value:
    """``//``: what the right side sets, the left side does not."""
    if isinstance(left, Attributes) and isinstance(right, Attributes):
        names = {one.path[0].value for one in right.bindings if one.path}
        kept = tuple(one for one in left.bindings if not one.path or one.path[0].value not in names)
        return Attributes(kept + right.bindings, left.place)
    return Several((left, right))
