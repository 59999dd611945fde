"""The picture of the README: deliveries per second, as bars that read in light and in dark."""

from html import escape

WIDTH, LEFT, RIGHT = 820, 130, 90
ROW, TOP = 30, 56

STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.note { fill: #59636e; font-size: 12px }
.bar { fill: #9aa4b0 }
.own { fill: #0b7a5b }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #9198a1 }
  .bar { fill: #565f69 }
  .own { fill: #3fb68b }
}
"""


def chart(title: str, note: str, values: dict[str, float], own: str = "quart-chat") -> str:
    """An SVG with a bar per value, longest first. `values` MUST NOT be empty."""
    most = max(values.values())
    rows = sorted(values.items(), key=lambda item: -item[1])
    height = TOP + ROW * len(rows) + 12
    spoken = ", ".join(f"{name} {value:,.0f}" for name, value in rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(f"{title}: {spoken}")}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="0" y="18">{escape(title)}</text>',
        f'<text class="note" x="0" y="38">{escape(note)}</text>',
    ]
    for number, (name, value) in enumerate(rows):
        y = TOP + ROW * number
        length = max(2.0, (WIDTH - LEFT - RIGHT) * value / most)
        kind = "bar own" if name == own else "bar"
        parts += [
            f'<text x="{LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.0f}" height="22" rx="3"/>',
            f'<text x="{LEFT + length + 8:.0f}" y="{y + 16}">{value:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
