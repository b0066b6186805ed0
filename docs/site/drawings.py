"""The drawings of the pages, as boxes and lists: no script draws them, and none is loaded.

The pages hold Mermaid text, which repository hosts draw. The three forms that the pages use are read here: layers with
rooms in them, arrows from box to box, and messages between participants.
"""

from __future__ import annotations

import html
import re

STYLE = """
.callkaro-layer { border: 1px solid #8886; border-radius: .4em; padding: .4em .8em; margin: .4em 0; }
.callkaro-layer > em { opacity: .8; }
.callkaro-room { display: inline-block; border: 1px solid #8888; border-radius: .3em; }
.callkaro-room { padding: .2em .6em; margin: .2em; }
.callkaro-room.pure { border-color: #4a8f45; border-width: 2px; }
.callkaro-foot { font-size: .85em; }
table { display: block; overflow-x: auto; }
"""


def drawn(fence: str) -> str:
    """The HTML of a drawing, from the whole fenced block."""
    text = "\n".join(fence.splitlines()[1:-1])
    if text.lstrip().startswith("sequenceDiagram"):
        return _sequence(text)
    return _layers(text) if "subgraph" in text else _arrows(text)


def _layers(text: str) -> str:
    pure = set(",".join(re.findall(r"^ +class ([\w,]+) pure$", text, re.MULTILINE)).split(","))
    shown = []
    for title, body in re.findall(r"subgraph \w+ \[(.*?)\]\n(.*?) end\n", text, re.DOTALL):
        shown.append(f'<div class="callkaro-layer"><em>{html.escape(title)}</em><br>{_rooms(body, pure)}</div>')
    outside = re.sub(r"subgraph .*? end\n", "", text, flags=re.DOTALL)
    return "\n".join([*shown, f'<div class="callkaro-layer">{_rooms(outside, pure)}</div>'])


def _rooms(body: str, pure: set[str]) -> str:
    rooms = re.findall(r'^ +(\w+)\["(.*?)"\]', body, re.MULTILINE)
    return " ".join(
        f'<span class="callkaro-room{" pure" if name in pure else ""}">'
        f"<b>{html.escape(label.split('<br>')[0])}</b> {html.escape(' '.join(label.split('<br>')[1:]))}</span>"
        for name, label in rooms
    )


def _arrows(text: str) -> str:
    found = re.findall(r'^ +(\w+) (<-\.->|-->)\|"(.*?)"\| (\w+)$', text, re.MULTILINE)
    lines = [
        f"<li><code>{first}</code> {'↔' if '<' in arrow else '→'} <code>{second}</code>: {html.escape(said)}</li>"
        for first, arrow, said, second in found
    ]
    return "<ul>\n" + "\n".join(lines) + "\n</ul>"


def _sequence(text: str) -> str:
    names = dict(re.findall(r"participant (\w+) as (.*)$", text, re.MULTILINE))
    lines = []
    for line in text.splitlines():
        step = line.strip()
        if message := re.fullmatch(r"(\w+)-?->>(\w+): (.*)", step):
            first, second, said = message.groups()
            lines.append(f"<li>{names[first]} → {names[second]}: {html.escape(said)}</li>")
        elif note := re.fullmatch(r"Note over [\w,]+: (.*)", step):
            lines.append(f"<li><em>{html.escape(note[1])}</em></li>")
        elif group := re.fullmatch(r"(?:alt|loop) (.*)", step):
            lines.append(f"<li><b>{html.escape(group[1])}</b><ul>")
        elif step == "end":
            lines.append("</ul></li>")
    return "<ul>\n" + "\n".join(lines) + "\n</ul>"
