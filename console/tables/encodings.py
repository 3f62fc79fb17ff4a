"""In which encoding a text is: by its marks, by whether all of it is UTF-8, else by the letters that it would have.

Counting letters beats the general detectors here: files are short, their words are names, and those call French and
German Windows-1250.
"""

from __future__ import annotations

import codecs
import re
from itertools import pairwise
from typing import IO, Final, NamedTuple

from console.exceptions.tables import Undecodable

BLOCK: Final = 1 << 20
SAMPLE: Final = 1 << 16

# (codec, label), for people to choose from.
ENCODINGS: Final = (
    ("utf-8", "UTF-8"),
    ("utf-16-le", "UTF-16"),
    ("utf-16-be", "UTF-16 (big-endian)"),
    ("cp1252", "Windows-1252"),
    ("iso8859-1", "Latin-1"),
    ("iso8859-15", "Latin-9"),
    ("cp1250", "Windows-1250"),
    ("cp1251", "Windows-1251"),
    ("koi8-r", "KOI8-R"),
    ("cp1253", "Windows-1253"),
    ("cp1254", "Windows-1254"),
    ("cp1255", "Windows-1255"),
    ("cp1256", "Windows-1256"),
    ("cp1257", "Windows-1257"),
    ("mac-roman", "Mac Roman"),
    ("cp932", "Shift JIS"),
    ("gb18030", "GB 18030"),
    ("big5", "Big5"),
    ("cp949", "EUC-KR"),
)
MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

WIDE: Final = frozenset({"utf-16-le", "utf-16-be"})  # whose texts are full of zeros

_COMMON = "“”„‘’‚–—…€«»°ºª§·"
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ"
_WESTERN: Final = (
    "éèêëàâçîïôùûüœæÿ",
    "äöüß",
    "áéíóúñü¿¡ª",
    "áâãàçéêíóôõúü",
    "àèéìíòóù",
    "åäöæøé",
    "ëïéèöü",
    "áéíóúýþðæö",
)
# Letters beyond ASCII by encoding, one string a language. The first encoding wins where several know all letters.
_ALPHABETS: Final = (
    ("cp1252", _WESTERN),
    ("cp1250", ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ")),
    ("cp1254", ("çğıöşüâîûİ",)),
    ("cp1257", ("āčēģīķļņšūž", "ąčęėįšųūž", "äöõüšž")),
    ("cp1255", ("אבגדהוזחטיךכלםמןנסעףפץצקרשת",)),  # before Cyrillic, which reads it as words without a capital
    ("cp1251", (_CYRILLIC,)),
    ("koi8-r", (_CYRILLIC,)),
    ("cp1253", ("αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ",)),
    ("cp1256", ("ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءآأؤإئ",)),
    ("mac-roman", ("éèêëàâçîïôùûü", "äöüß", "áéíóúñ", "áâãàçéêíóôõú")),
)
_OTHER_SCRIPTS: Final = frozenset({"cp1251", "koi8-r", "cp1253", "cp1255", "cp1256"})
_WITHIN_A_WORD: Final = re.compile(r"[A-Za-z](?=[^\W\d_A-Za-z])|[^\W\d_A-Za-z](?=[A-Za-z])")


class _Pair(NamedTuple):
    """An encoding of two bytes a character: the first bytes of those in everyday use."""

    codec: str
    first: int
    last: int


_PAIRS: Final = (
    _Pair("cp949", 0xB0, 0xC8),
    _Pair("gb18030", 0xB0, 0xD7),
    _Pair("big5", 0xA4, 0xC6),
    _Pair("cp932", 0x81, 0x97),
)
_WELL_KNOWN = 0.9
_HARDLY_KNOWN = 0.7
_NUL_SHARE = 0.25


def label(codec: str) -> str:
    """Return the name of an encoding as people know it."""
    return dict(ENCODINGS).get(codec, codec)


def mark_of(head: bytes, codec: str) -> int:
    """Return how many bytes the byte order mark of `codec` takes at the start of `head`: none, if there is none."""
    return next((len(mark) for mark, name in MARKS if name == codec and head.startswith(mark)), 0)


def detect(file: IO[bytes]) -> str:
    """Return the codec that a text is most probably written in; `file` is read whole, in blocks."""
    head = file.read(SAMPLE)
    for mark, codec in MARKS:
        if head.startswith(mark):
            return codec
    if b"\0" in head and (codec := _wide_unmarked(head)):
        return codec
    file.seek(0)
    foreign = _not_utf8(file)
    return guess(foreign) if foreign else "utf-8"


def _wide_unmarked(head: bytes) -> str:
    """Tell UTF-16 without a mark by its zeros, every second byte of Western text."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) < len(head) / 2 * _NUL_SHARE:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _not_utf8(file: IO[bytes]) -> bytes:
    """Return the first lines that hold bytes beyond ASCII, if the text is not UTF-8; empty if it is, or mostly so.

    A text with more letters in UTF-8 than stray bytes is UTF-8 with a fault in it, which its row will name.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        file.seek(0)
    else:
        return b""
    lines, size, well, stray = [], 0, 0, 0
    while size < SAMPLE and (line := file.readline(SAMPLE)):
        if not line.isascii():
            text = line.decode("utf-8", "replace")
            stray += text.count("�")
            well += sum(not character.isascii() for character in text.replace("�", ""))
            lines.append(line)
            size += len(line)
    return b"" if well > stray else b"".join(lines)


def guess(sample: bytes) -> str:
    """Return the codec whose letters explain `sample` best: text beyond ASCII that is not UTF-8."""
    scores = [(_letters(sample, codec, alphabets), codec) for codec, alphabets in _ALPHABETS]
    best, codec = max(scores, key=lambda score: score[0])  # the first of equals
    if best < _WELL_KNOWN:  # words of several languages, or of one that has no alphabet
        if _letters(sample, "cp1252", ("".join(_WESTERN),)) >= _WELL_KNOWN:
            return "cp1252"
        wide, wide_codec = max(((_everyday(sample, each), each.codec) for each in _PAIRS), key=lambda score: score[0])
        if wide > best:
            return wide_codec
    return codec if best > _HARDLY_KNOWN else "cp1252"


def _letters(sample: bytes, codec: str, alphabets: tuple[str, ...]) -> float:
    """Return the share of the characters beyond ASCII that the language which knows most of them has."""
    try:
        text = sample.decode(codec)
    except UnicodeDecodeError:
        return 0.0
    beyond = [character for character in text if not character.isascii()]
    # A text of capitals in small letters' places, as one Cyrillic encoding makes of the other, is not likely.
    swapped = sum(before.islower() and after.isupper() for before, after in pairwise(text))
    if codec in _OTHER_SCRIPTS:  # whose letters do not stand within a Latin word
        swapped += len(_WITHIN_A_WORD.findall(text))
    known = max(sum(each in _both_cases(alphabet) for each in beyond) for alphabet in alphabets)
    return max(known - swapped, 0) / len(beyond) if beyond else 0.0


def _both_cases(alphabet: str) -> frozenset[str]:
    return frozenset(alphabet + alphabet.upper() + _COMMON)


def _everyday(sample: bytes, encoding: _Pair) -> float:
    """Return the share of two-byte characters whose first byte is one of those in everyday use."""
    try:
        text = sample.decode(encoding.codec)
    except UnicodeDecodeError:
        return 0.0
    firsts = [each.encode(encoding.codec)[0] for each in text if not each.isascii()]
    return sum(encoding.first <= first <= encoding.last for first in firsts) / len(firsts) if firsts else 0.0


def transcode(source: IO[bytes], target: IO[bytes], codec: str, mark: int) -> None:
    """Write the text `source` into `target` in UTF-8, block by block.

    Raises:
        Undecodable: It holds bytes that the encoding does not have.
    """
    source.seek(mark)
    decoder = codecs.getincrementaldecoder(codec)()
    lines = 1
    while block := source.read(BLOCK):
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError as error:
            well = error.object[: error.start].decode(codec, "replace")
            raise Undecodable(lines + _line_ends(well), label(codec)) from None
        target.write(text.encode())
        lines += _line_ends(text)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Undecodable(lines, label(codec)) from None


def _line_ends(text: str) -> int:
    return text.count("\n") or text.count("\r")
