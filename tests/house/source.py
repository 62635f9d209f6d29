"""Reading the project itself: its files, its modules, its names."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
CORE_AND_ENGINE = ("fhir", "care", "matching", "reconcile", "access", "audit", "disclosure", "outbox", "sync")
ADAPTERS = ("ehr", "store", "sandbox", "bootstrap", "settings")


def tracked_files() -> list[Path]:
    """Return the files under version control, and those that would be with the next commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=HOUSE, check=True, capture_output=True, text=True).stdout
    return [HOUSE / name for name in sorted(set(listed.split("\0"))) if name and (HOUSE / name).is_file()]


def place(path: Path) -> str:
    """Return a path as one writes it, from the root of the project."""
    return path.relative_to(HOUSE).as_posix()


def modules(under: str = "coordinator") -> list[Path]:
    """Return the Python files in a folder."""
    return sorted((HOUSE / under).rglob("*.py"))


def room(path: Path) -> str:
    """Return the name of the room that a module of ours is in."""
    return path.relative_to(HOUSE / "coordinator").parts[0].removesuffix(".py")


def uses(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each dotted name that a module uses, under the name it was defined with, and its line."""
    yield from names_used(path.read_text(encoding="utf-8"))


def names_used(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and name: `datetime.datetime.now` also where it was imported as something shorter."""
    tree = ast.parse(text)
    known = {"print": "print", "open": "open", "input": "input"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname or alias.name.partition(".")[0]: _origin(alias) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            head, _, rest = (_dotted(node) or "").partition(".")
            if head in known:
                yield node.lineno, f"{known[head]}.{rest}".rstrip(".")


def imported(path: Path) -> set[str]:
    """Return the dotted names that a module imports, modules and what is taken from them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = list(path.relative_to(HOUSE).parent.parts)
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            found |= {re.sub(r"^\.|\.$", "", f"{base}.{node.module or ''}") + f".{alias.name}" for alias in node.names}
    return found


def _origin(alias: ast.alias) -> str:
    return alias.name if alias.asname else alias.name.partition(".")[0]


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := _dotted(node.value)):
        return f"{head}.{node.attr}"
    return None
