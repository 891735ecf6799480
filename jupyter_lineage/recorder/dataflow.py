"""Which names of the notebook a cell reads and which it writes, by parsing its source alone.

What really happened to the objects (``names`` of a ``cell_end`` record) is seen in the kernel;
here are the names that the text tells. A cell that can't be parsed has none.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from functools import lru_cache
from typing import Any

_BUILTIN = frozenset(dir(builtins)) | {"get_ipython", "In", "Out", "exit", "quit", "display"}
_CELL_MAGIC_OF_PYTHON = re.compile(
    r"%%(?:time|timeit|capture|prun|track|memit)\b[^\n]*\n?", re.ASCII
)
_LINE_MAGIC = re.compile(r"^(?P<indent>[ \t]*)(?:%[^\n]*|![^\n]*|[^\n=#'\"]*\?{1,2}[ \t]*)$", re.M)
_ASSIGNED_MAGIC = re.compile(r"^(?P<left>[^\n=#'\"(]+=)[ \t]*[%!][^\n]*$", re.M)


def reads(source: str) -> set[str]:
    """Return the names that a cell takes from the notebook: loaded before it binds them itself.

    >>> sorted(reads("y = f(x); y += 1"))
    ['f', 'x']
    """
    return set(_flow(source)[0])


def writes(source: str) -> set[str]:
    """Return the names that a cell binds, deletes, or changes in place by subscript or attribute.

    >>> sorted(writes("df['a'] = 1; import numpy as np"))
    ['df', 'np']
    """
    return set(_flow(source)[1])


@lru_cache(maxsize=64)
def _flow(source: str) -> tuple[frozenset[str], frozenset[str]]:
    tree = _parse(source)
    if tree is None:
        return frozenset(), frozenset()
    flow = _Flow()
    try:
        flow.body(tree.body)
    except RecursionError:
        return frozenset(), frozenset()
    return frozenset(flow.read), frozenset(flow.written)


def _parse(source: str) -> ast.Module | None:
    text = source
    if text.lstrip().startswith("%%"):
        text, count = _CELL_MAGIC_OF_PYTHON.subn("", text.lstrip(), count=1)
        if not count:
            return None  # another language
    return _parse_python(text) or _parse_python(_without_magics(text))


def _parse_python(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _without_magics(text: str) -> str:
    text = _ASSIGNED_MAGIC.sub(r"\g<left> None", text)
    return _LINE_MAGIC.sub(r"\g<indent>pass", text)


class _Flow(ast.NodeVisitor):
    """Walks a cell in the order in which it runs.

    ``read`` holds names that came from outside, ``written`` those bound at the cell's own level or
    changed in place.
    """

    def __init__(self, local: frozenset[str] = frozenset()) -> None:
        self.read: set[str] = set()
        self.written: set[str] = set()
        self._bound: set[str] = set(local)

    def body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.visit(statement)

    def _load(self, name: str) -> None:
        if name not in self._bound and name not in _BUILTIN:
            self.read.add(name)

    def _bind(self, name: str) -> None:
        self._bound.add(name)
        self.written.add(name)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._load(node.id)
        elif isinstance(node.ctx, ast.Del):
            self._load(node.id)
            self.written.add(node.id)
            self._bound.discard(node.id)
        else:
            self._bind(node.id)

    def _changed(self, node: ast.expr) -> None:
        """Note the object that a subscript or attribute of it is stored in."""
        while isinstance(node, (ast.Subscript, ast.Attribute)):
            node = node.value
        if isinstance(node, ast.Name):
            self.written.add(node.id)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            self._changed(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            self._changed(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self._load(node.target.id)
            self._bind(node.target.id)
        else:
            self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.visit(node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self.visit(node.target)
        self._maybe(node.body)
        self._maybe(node.orelse)

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._maybe(node.body)
        self._maybe(node.orelse)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        before = set(self._bound)
        self.body(node.body)
        one, self._bound = self._bound, set(before)
        self.body(node.orelse)
        # Sure to be bound afterwards is only what both ways bind.
        self._bound = one & self._bound | before

    def _maybe(self, statements: list[ast.stmt]) -> None:
        """Walk statements that may not run at all: what they bind is not sure to be bound."""
        before = set(self._bound)
        self.body(statements)
        self._bound = before

    def visit_Try(self, node: Any) -> None:
        self.body(node.body)
        after = set(self._bound)
        for handler in node.handlers:
            self._bound = set(after)
            if handler.type is not None:
                self.visit(handler.type)
            if handler.name:
                self._bound.add(handler.name)
            self.body(handler.body)
        self._bound = after
        self._maybe(node.orelse)
        self.body(node.finalbody)

    visit_TryStar = visit_Try

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.body(node.body)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                self._bind(alias.asname or alias.name.partition(".")[0])

    visit_ImportFrom = visit_Import

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._signature(node.args)
        self._bind(node.name)
        self._inner(node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._signature(node.args)
        self._inner(node.args, [ast.Expr(node.body)])

    def _signature(self, arguments: ast.arguments) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)

    def _inner(self, arguments: ast.arguments, body: list[ast.stmt]) -> None:
        """Take what a function's body uses of the notebook; its own names stay its own."""
        own = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        own += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        names = {argument.arg for argument in own} | _locals(body)
        inner = _Flow(frozenset(names))
        inner.body(body)
        shared = _declared_global(body)
        for name in inner.read | (shared & inner.written):
            self._load(name)
        self.written |= inner.written & shared

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for expression in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self.visit(expression)
        inner = _Flow()
        inner.body(node.body)
        for name in inner.read:
            self._load(name)
        self._bind(node.name)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._generators(node.generators, node.elt)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = _comprehension

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._generators(node.generators, node.key, node.value)

    def _generators(self, generators: list[ast.comprehension], *results: ast.expr) -> None:
        inner = _Flow(frozenset(self._bound))
        for generator in generators:
            inner.visit(generator.iter)
            inner.visit(generator.target)
            for condition in generator.ifs:
                inner.visit(condition)
        for result in results:
            inner.visit(result)
        for name in inner.read:
            self._load(name)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.pattern is not None:
            self.visit(node.pattern)
        if node.name:
            self._bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self._bind(node.rest)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._bind(node.name)


def _locals(body: list[ast.stmt]) -> set[str]:
    """Return the names that a function binds itself, inner functions' own ones not counted."""
    flow = _Flow()
    flow.body(body)
    stored = {
        node.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    bound_here = flow.written & (stored | flow._bound)
    return bound_here - _declared_global(body)


def _declared_global(body: list[ast.stmt]) -> set[str]:
    return {
        name
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Global)
        for name in node.names
    }
