"""The frame that every movable thing has in a page."""

import hashlib
import html
import json
from importlib import resources


def element(kind: str, *, content: object, body: str, caption: str) -> str:
    """A figure that brings its own style, content and script, and asks for no other file.

    Args:
        kind: `explorer` or `clip`; names the class, and the script beside this module.
        content: what the script reads, as JSON.
        body: the controls and the picture before the reader touches anything.
        caption: plain text.
    """
    files = resources.files("cfkd_core.explore")
    style = files.joinpath("explore.css").read_text(encoding="utf-8")
    script = files.joinpath(f"{kind}.js").read_text(encoding="utf-8")
    # a script element ends at the first "</", wherever that stands
    json_text = json.dumps(content, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    digest = hashlib.sha256(f"{kind}{json_text}{body}{caption}".encode()).hexdigest()[:12]
    shown = html.escape(caption)
    return (
        f'<figure class="explore {kind}" id="{kind}-{digest}" role="group" aria-label="{shown}">'
        f"<style>{style}</style>{body}<figcaption>{shown}</figcaption>"
        f'<script type="application/json">{json_text}</script><script>{script}</script></figure>'
    )


def slider(label: str, *, values: list[str], start: int) -> str:
    """A range input over the positions of `values`, with the value beside it."""
    name = html.escape(label)
    value = html.escape(values[start])
    return (
        f'<label class="slider"><span>{name}</span>'
        f'<input type="range" min="0" max="{len(values) - 1}" step="1" value="{start}" '
        f'aria-label="{name}" aria-valuetext="{value}" autocomplete="off">'
        f'<output aria-live="off">{value}</output></label>'
    )
