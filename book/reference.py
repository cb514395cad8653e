"""The page of all public names of `cfkd_core`, made from the source: nothing is imported.

A name is public if it has no leading underscore and its module has none. What a page says of it is
its signature and its docstring, whose reStructuredText becomes the book's MyST.
"""

import ast
import re
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path

HEAD = """# Reference

All public names of `cfkd_core`, from the lowest layer to the highest: a module imports only from
those before it. Shapes are part of the signatures: `Float[Tensor, "b 4"]` is a batch of boxes.
What a beginner needs first: `cfkd_core.load_tracker`, `tracking.tracker.track`,
`datasets.readers.load_benchmark`, `benchmarks.ope.run` and `score`, `experiments.rows.EXPERIMENTS`.
"""

# Layers from the bottom, as pyproject.toml's import contract has them from the top.
ORDER = (
    *("paths", "errors", "provenance", "files", "boxes", "ops", "patches"),
    *("models", "datasets", "tracking"),
    *("losses", "benchmarks", "training", "explore", "figures", "experiments"),
    *("claims", "doctor", "options"),
)
SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Source", "Differs")

Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """One file: its dotted name and what it holds."""

    name: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The name's second part: the layer."""
        return self.name.split(".")[1]


def modules(package: Path) -> list[Module]:
    """The public modules below `package`, layer by layer."""
    found = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if len(parts) > 1 and not any(part.startswith("_") for part in parts):
            text = path.read_text(encoding="utf-8")
            found.append(Module(".".join(parts), ast.parse(text)))
    return sorted(found, key=_place)


def _place(module: Module) -> tuple[int, str]:
    known = module.package in ORDER
    return ORDER.index(module.package) if known else len(ORDER), module.name


def public(body: list[ast.stmt]) -> list[Definition]:
    """Functions and classes of a module or class without a leading underscore."""
    return [
        each
        for each in body
        if isinstance(each, ast.FunctionDef | ast.ClassDef) and not each.name.startswith("_")
    ]


def page(root: Path) -> str:
    """The reference as MyST."""
    parts, layer = [HEAD], None
    for module in modules(root / "cfkd_core"):
        if module.package != layer:
            layer = module.package
            parts.append(f"## {layer}")
        parts.append(_section(module))
    return "\n\n".join(parts) + "\n"


def _section(module: Module) -> str:
    """One module: its docstring, its public names."""
    said = ast.get_docstring(module.tree)
    text = [f"### `{module.name}`"] if "." in module.name.partition(".")[2] else []
    text.append(f"```{{py:module}} {module.name}\n```")
    text += [_prose(said)] if said else []
    text += [_entry(each, fence=4) for each in public(module.tree.body)]
    return "\n\n".join(text)


def _entry(found: Definition, fence: int) -> str:
    """A function, or a class with its methods, as a directive of Sphinx's Python domain."""
    said = _prose(ast.get_docstring(found) or "")
    ticks = "`" * fence
    if isinstance(found, ast.FunctionDef):
        kind = "property" if _is_property(found) else "function" if fence == 4 else "method"
        signature = "" if kind == "property" else _signature(found)
        return f"{ticks}{{py:{kind}}} {found.name}{signature}\n{said}\n{ticks}"
    inner = [said, *(_entry(each, fence - 1) for each in public(found.body))]
    body = "\n\n".join(part for part in inner if part)
    return f"{ticks}{{py:class}} {found.name}{_fields(found)}\n{body}\n{ticks}"


def _is_property(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(each) == "property" for each in function.decorator_list)


def _signature(function: ast.FunctionDef) -> str:
    arguments = ast.unparse(function.args)
    arguments = re.sub(r"^(self|cls)(, )?", "", arguments)
    result = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"({arguments}){result}"


def _fields(found: ast.ClassDef) -> str:
    """What its constructor takes: its `__init__`, or the fields of a dataclass or named tuple."""
    for each in found.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return _signature(each).removesuffix(" -> None")
    fields = [each for each in found.body if isinstance(each, ast.AnnAssign)]
    words = [_field(each) for each in fields if not ast.unparse(each.target).startswith("_")]
    return f"({', '.join(words)})" if words else ""


def _field(field: ast.AnnAssign) -> str:
    value = f" = {ast.unparse(field.value)}" if field.value else ""
    return f"{ast.unparse(field.target)}: {ast.unparse(field.annotation)}{value}"


def _prose(docstring: str) -> str:
    """Google's sections and reStructuredText's formulas, as MyST."""
    block = r"^( *)\.\. math::((?:.*)(?:\n\1 +\S.*)*)"
    text = re.sub(block, _formula, cleandoc(docstring), flags=re.MULTILINE)
    text = re.sub(r":math:`([^`]+)`", r"$\1$", text)
    lines, section = [], None
    for line in text.splitlines():
        opened = re.match(rf"({'|'.join(SECTIONS)}):\s*(.*)$", line)
        if opened:
            section = opened[1]
            gap = [""] if lines and lines[-1] else []
            lines += [*gap, f"**{section}** {opened[2]}".rstrip()]
            lines += [""] if section in SECTIONS[:4] else []
        elif section in ("Args", "Attributes", "Raises") and re.match(r"    \S", line):
            name, colon, rest = line.strip().partition(": ")
            lines.append(f"- `{name}`: {rest}" if colon else f"- {line.strip()}")
        elif section and line.startswith("    "):
            lines.append(f"  {line.strip()}" if section != "Returns" else line.strip())
        else:
            section = section if line.strip() == "" else None
            lines.append(line)
    return "\n".join(lines)


def _formula(found: re.Match) -> str:
    """A formula of one line or several, at the indentation of its directive."""
    lines = [line.strip() for line in found[2].strip().splitlines()]
    aligned = any("&" in line for line in lines)
    lines = [r"\begin{aligned}", *lines, r"\end{aligned}"] if aligned else lines
    return "\n".join(f"{found[1]}{line}" for line in ("$$", *lines, "$$"))
