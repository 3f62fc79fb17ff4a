"""The shapes of the chips, as the inside of a 16 x 16 SVG drawn in the text's colour."""

from __future__ import annotations

_LINE = 'fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"'
_FULL = 'fill="currentColor"'
_DASH = 'stroke-dasharray="2.2 2.2"'

_BARS = f'<path d="M6 5v6M10 5v6" {_LINE}/>'
_RING = '<circle cx="8" cy="8" r="6" {}/>'
_TRIANGLE = f'<path d="M8 1.8 15 14H1z" {_LINE}/>'

SHAPES = {
    "queued": _RING.format(_LINE),
    "preparing": _RING.format(_LINE) + f'<path d="M8 8V2a6 6 0 0 1 6 6z" {_FULL}/>',
    "running": f'<path d="M4.5 2.5v11l9-5.5z" {_FULL}/>',
    "waiting": f'<path d="M13.5 8a5.5 5.5 0 1 1-1.8-4.1M12 1.2v3H9" {_LINE}/>',
    "pausing": _RING.format(f"{_LINE} {_DASH}") + _BARS,
    "paused": f'<path d="M5.5 3v10M10.5 3v10" {_LINE.replace("1.6", "2.6")}/>',
    "cancelling": _RING.format(f"{_LINE} {_DASH}") + f'<path d="M4 12 12 4" {_LINE}/>',
    "cancelled": _RING.format(_LINE) + f'<path d="M4 12 12 4" {_LINE}/>',
    "succeeded": f'<path d="M2.5 8.5 6.5 12.5 13.5 4" {_LINE.replace("1.6", "2.2")}/>',
    "partly": _TRIANGLE + f'<path d="M5.6 10.2 7.4 12 10.6 8" {_LINE.replace("1.6", "1.4")}/>',
    "failed": f'<path d="M3.5 3.5l9 9M12.5 3.5l-9 9" {_LINE.replace("1.6", "2.2")}/>',
    "dry": f'<path d="M8 2.2c2.4 3 4 4.9 4 7a4 4 0 0 1-8 0c0-2.1 1.6-4 4-7zM3 13.5 13 3" {_LINE}/>',
    "silent": f'<path d="M4 2h8M4 14h8M5 2c0 3 6 4 6 6s-6 3-6 6M11 2c0 3-6 4-6 6s6 3 6 6" {_LINE.replace("1.6", "1.3")}/>',
    "locked": f'<rect x="3" y="7" width="10" height="7" rx="1.2" {_FULL}/><path d="M5 7V5a3 3 0 0 1 6 0v2" {_LINE}/>',
    "shared": f'<rect x="3" y="7" width="10" height="7" rx="1.2" {_LINE}/><path d="M5 7V4.6a3 3 0 0 1 5.8-1" {_LINE}/>',
}
