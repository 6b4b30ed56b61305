"""Small changes to a source, each of which some test should notice, and a fair sample of them.

Known tools don't fit. mutmut leaves out every decorated function, and cosmic-ray neither removes statements nor swaps
arguments and brings eighteen libraries; both run one test command for all that they change.
"""

import ast
import copy
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_BRANCHES: Final = (ast.If, ast.IfExp, ast.While)
_LOOSE: Final = (ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.NamedExpr, ast.Lambda, ast.Tuple)
"""What may mean something else beside another operator."""
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_JUMPS: Final = (ast.Break, ast.Continue, ast.Raise)
_ANY_ORDER: Final = {"min", "max", "suppress"}
"""For what is called so the order of arguments is all the same."""
_PIXELS: Final = re.compile(
    r"adjusted|resize|drawRoundedRect|Q(Point|RectF|Size)|add(Spacing|Stretch)|set\w*(Margins?|Spacing|Sizes?|Width)"
)
"""What Qt is told in pixels, as a style sheet tells it to others: these numbers, too, a test could only repeat."""

_Change = tuple[ast.expr | ast.stmt, ast.expr | ast.stmt]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A source with one small change."""

    path: Path
    line: int
    original: str
    span: tuple[int, int]
    """Where it is changed, in bytes of UTF-8."""
    text: str
    """What stands there instead."""

    def source(self) -> str:
        """Return the whole source, changed."""
        begin, end = self.span
        whole = self.original.encode()
        return (whole[:begin] + self.text.encode() + whole[end:]).decode()


def find_mutants(path: Path, source: str) -> Iterator[Mutant]:
    """Yield a source's mutants in the order of their places."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tree = ast.parse(source)
    pixels = frozenset(number for node in ast.walk(tree) for number in _pixels(node))
    for node, changed in _changes(tree, pixels):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        span = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        text = ast.unparse(changed)
        yield Mutant(path, node.lineno, source, span, f"({text})" if isinstance(changed, _LOOSE) else text)


def sample_mutants(mutants: Iterable[Mutant], *, seed: int, count: int) -> list[Mutant]:
    """Return some mutants by chance, at most one of a line: so each package has its share by what it has of lines."""
    by_line: dict[tuple[Path, int], list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_line[mutant.path, mutant.line].append(mutant)
    chance = random.Random(seed)
    places = chance.sample(sorted(by_line), min(count, len(by_line)))
    return [chance.choice(by_line[place]) for place in places]


def _changes(node: ast.AST, pixels: frozenset[ast.AST], *, top: bool = True) -> Iterator[_Change]:
    """Yield each expression or statement that can be changed, and what it becomes.

    Left out: annotations, patterns and decorators; strings and a module's own numbers, which a test could only repeat;
    pixels; what f-strings hold, for Python 3.11 doesn't say where it stands.
    """
    if isinstance(node, ast.JoinedStr | ast.pattern) or _is_for_types(node) or _is_declaration(node) or node in pixels:
        return
    match node:
        case ast.Expr(ast.Call(args=[_, *_] as arguments)) if pixels.issuperset(arguments):
            return
    if isinstance(node, ast.expr):
        yield from ((node, changed) for changed in _change_expression(node, pixels))
    elif isinstance(node, ast.stmt) and _can_go(node):
        yield node, ast.Pass()
    if isinstance(node, _BRANCHES):
        yield node.test, ast.UnaryOp(ast.Not(), node.test)
    for child in _children(node, top=top):
        yield from _changes(child, pixels, top=top and not isinstance(node, _SCOPES))


def _children(node: ast.AST, *, top: bool) -> Iterator[ast.AST]:
    left_out = {"annotation", "returns", "decorator_list"}
    if top and isinstance(node, ast.Assign | ast.AnnAssign):
        left_out.add("value")
    for name, value in ast.iter_fields(node):
        if name not in left_out:
            yield from (
                child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)
            )


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _is_declaration(node: ast.AST) -> bool:
    """Tell whether it is for a dataclass's decorator."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "field"


def _pixels(node: ast.AST) -> list[ast.expr]:
    """Return the numbers that are given to what takes pixels."""
    match node:
        case ast.Call(ast.Attribute(attr=name) | ast.Name(id=name), args) if _PIXELS.fullmatch(name):
            return [number for each in args for number in _terms(each) if _is_number(number)]
    return []


def _terms(node: ast.expr) -> list[ast.expr]:
    """Return what is added up."""
    match node:
        case ast.BinOp(left, ast.Add() | ast.Sub(), right):
            return [*_terms(left), *_terms(right)]
    return [node]


def _is_number(node: ast.expr) -> bool:
    match node:
        case ast.UnaryOp(ast.USub(), operand):
            return _is_number(operand)
        case ast.List(elements):
            return all(map(_is_number, elements))
    return isinstance(node, ast.Constant) and type(node.value) in {int, float}


def _can_go(node: ast.stmt) -> bool:
    """Tell whether a program without this statement is another one that still may run."""
    match node:
        case ast.Expr(ast.Constant()):  # a docstring
            return False
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.Return(None):
            return True
    return isinstance(node, (ast.Expr, ast.AugAssign, ast.Delete, *_JUMPS))


def _change_expression(node: ast.expr, pixels: frozenset[ast.AST]) -> Iterator[ast.expr]:
    match node:
        case ast.Compare():
            for number, operator in enumerate(node.ops):
                for other in _COMPARISONS[type(operator)]:
                    yield _with(node, ops=_replaced(node.ops, number, other()))
        case ast.Call(ast.Name(name)) if name in _ANY_ORDER:
            pass
        case ast.Call():
            for number, (first, second) in enumerate(pairwise(node.args)):
                if ast.dump(first) != ast.dump(second) and not pixels >= {first, second}:
                    yield _with(node, args=_replaced(node.args, number, second, first))
        case _:
            yield from filter(None, [_change_operator(node)])


def _change_operator(node: ast.expr) -> ast.expr | None:
    match node:
        case ast.BoolOp():
            return _with(node, op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            return _with(node, op=_ARITHMETIC[type(node.op)]())
        case ast.UnaryOp(ast.Not() | ast.USub()):
            return node.operand
        case ast.Constant(bool(value)):
            return ast.Constant(not value)
        case ast.Constant(int(value)) | ast.Constant(float(value)):
            return ast.Constant(value + 1)
    return None


def _replaced(nodes: Sequence[ast.AST], number: int, *others: ast.AST) -> list[ast.AST]:
    return [*nodes[:number], *others, *nodes[number + len(others) :]]


def _with(node: ast.expr, **fields: object) -> ast.expr:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
