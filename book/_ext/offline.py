"""Sphinx extension: the pages ask nothing of any other server."""

import importlib.util
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

# one self-contained file; the HTML flavours of MathJax load fonts beside themselves
MATHJAX = "tex-svg.js"


def add_mathjax(app: Sphinx, config: Config) -> None:
    """Takes MathJax from the installed package instead of a content delivery network."""
    # the package's import name has hyphens, and its own extension copies twelve times as much
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    origin = next(Path(package.submodule_search_locations[0]).rglob(MATHJAX))
    folder = Path(app.outdir).parent / "mathjax"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(origin, folder)
    config.html_static_path.append(str(folder))
    config.mathjax_path = MATHJAX


def drop_thebe(app: Sphinx, name: str, template: str, context: dict, doctree: object) -> None:
    """Leaves out the loader of live kernels: it points to a server, and is declared twice."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in str(getattr(script, "filename", script)).lower()
        and "THEBE" not in str(getattr(script, "attributes", {}).get("body", ""))
    ]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", add_mathjax)
    # after the themes have added their own scripts
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
