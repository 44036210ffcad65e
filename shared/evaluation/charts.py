"""Draws the plots of a report as SVG: stacked bars and curves."""

from collections.abc import Mapping, Sequence
from html import escape

_COLOURS = ("#2a7f4f", "#c0392b", "#d9a441", "#8e44ad", "#7f9fb5")
_FONT = 'font-family="sans-serif" font-size="12"'
_LEFT, _RIGHT, _BAR, _ROW, _HEAD = 190, 480, 16, 24, 34


def stacked_bars(title: str, kinds: Sequence[str], rows: Mapping[str, Sequence[int]]) -> str:
    """One bar a row, as long for each; its parts are as wide as their share."""
    width, height = _LEFT + _RIGHT + 60, _HEAD + 20 + _ROW * len(rows)
    parts = [_text(4, 16, title, weight="bold"), *_legend(kinds)]
    for place, (name, counts) in enumerate(rows.items()):
        top, start, total = _HEAD + 18 + place * _ROW, float(_LEFT), sum(counts)
        parts.append(_text(_LEFT - 8, top + 12, name, anchor="end"))
        for colour, count in zip(_COLOURS, counts, strict=False):
            if count:
                wide = _RIGHT * count / total
                parts.append(f'<rect x="{start:.1f}" y="{top}" width="{wide:.1f}" height="{_BAR}" fill="{colour}"/>')
                if wide > 18:
                    parts.append(_text(start + wide / 2, top + 12, str(count), anchor="middle", colour="#fff"))
                start += wide
        parts.append(_text(_LEFT + _RIGHT + 8, top + 12, str(total)))
    return _svg(width, height, parts)


def _legend(kinds: Sequence[str]) -> list[str]:
    parts, left = [], float(_LEFT)
    for colour, kind in zip(_COLOURS, kinds, strict=False):
        parts.append(f'<rect x="{left:.1f}" y="{_HEAD - 10}" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(left + 14, _HEAD - 1, kind))
        left += 24 + 7 * len(kind)
    return parts


def curve(title: str, across: str, up: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Lines through points whose coordinates lie between 0 and 1."""
    side, left, top = 320, 50, 40
    parts = [_text(4, 16, title, weight="bold")]
    for step in range(6):
        at = step / 5
        x, y = left + side * at, top + side * (1 - at)
        parts.append(f'<path d="M{left} {y:.0f}h{side}M{x:.0f} {top}v{side}" stroke="#ddd" fill="none"/>')
        parts += [
            _text(left - 6, y + 4, f"{at:.1f}", anchor="end"),
            _text(x, top + side + 16, f"{at:.1f}", anchor="middle"),
        ]
    for number, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = "".join(
            f"{'L' if place else 'M'}{left + side * x:.1f} {top + side * (1 - y):.1f}"
            for place, (x, y) in enumerate(points)
        )
        parts.append(f'<path d="{path}" stroke="{colour}" stroke-width="2" fill="none"/>')
        parts.append(_text(left + side + 12, top + 16 + 18 * number, name, colour=colour))
    parts.append(_text(left + side / 2, top + side + 34, across, anchor="middle"))
    parts.append(_text(4, top - 8, up))
    return _svg(left + side + 150, top + side + 44, parts)


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#222", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" {_FONT} font-weight="{weight}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}">\n<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )
