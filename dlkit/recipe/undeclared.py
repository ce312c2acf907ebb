"""Components without what they declare: as they stand where there is no dlkit."""

from __future__ import annotations

import ast

from dlkit.recipe.declarations import is_register


class Undeclared(ast.NodeTransformer):
    """Takes `@register` away, and the ranges in annotations."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._without_register(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_register(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple):
            bare: ast.AST = self.visit(node.slice.elts[0])
            return bare
        return self.generic_visit(node)

    def _without_register(self, node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
        node.decorator_list = [each for each in node.decorator_list if not is_register(each)]
        return self.generic_visit(node)
