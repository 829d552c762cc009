"""What is odd in the characters themselves: masks, misread characters, widths, brackets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from service.plan.parsing.findings import excerpt, finding
from service.plan.parsing.shapes import Fragment, Irregularity, Role

CJK = "\u3400-\u4dbf\u4e00-\u9fff"
MASKED_YEAR = re.compile(r"(?<![0-9])[0-9]{2}\*\*")
MASK = re.compile(rf"[{CJK}0-9A-Za-z＋]?\*+[{CJK}A-Za-z]?")
STOP_MISREAD = re.compile(r"[％%][oO0○〇](?=[\u3400-\u9fff]|$)")
LONE_LETTER = re.compile(rf"(?<=[{CJK}])[a-z](?=[{CJK}*])")
ANGLE = re.compile("[＜＞<>]")
HALF_WIDTH = re.compile(rf"(?<=[{CJK}])[,;:!?()]|[,;:!?()](?=[{CJK}])")
FULL_WIDTH = re.compile("[０-９Ａ-Ｚａ-ｚ]+")
UNEXPECTED = re.compile(rf"[^{CJK}\u3000-\u303f\uff00-\uffef\t\x20-\x7e“”‘’…—–·•×℃‰№○①-⑳Ⅰ-Ⅻ]")
MAYBE_HEAD = re.compile(
    r"(?<=[。；])\s*(?:[（(](?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})[）)]|[0-9]{1,2}[.．](?![0-9]))"
)
# Words that only a misreading makes of common ones in administrative Chinese.
MISREAD_WORDS = {"叶督": "监督", "巾帽": "巾帼", "考核计规划": "考核计划"}
ANGLE_LIKELY = {"＜": "〈", "<": "〈", "＞": "〉", ">": "〉"}
PAIRS = {"（": "）", "(": ")", "《": "》", "〈": "〉", "“": "”", "〔": "〕", "【": "】", "「": "」"}
CLOSERS = set(PAIRS.values())
SAME_BRACKET = str.maketrans("()", "（）")
AROUND = 6


def check_wording(fragment: Fragment) -> Iterator[Irregularity]:
    """Masks, probable misreadings, foreign characters and mixed widths in one fragment."""
    text, line, ref = fragment.text, fragment.line, fragment.ref
    years = MASKED_YEAR.findall(text)
    if years:
        shown = excerpt("、".join(years))
        yield finding("masked_year", line=line, ref=ref, count=len(years), text=shown)
    masks = MASK.findall(MASKED_YEAR.sub("", text))
    if masks:
        shown = excerpt("、".join(masks))
        yield finding("masked_text", line=line, ref=ref, count=len(masks), text=shown)
    yield from _widths(fragment)
    yield from _misread(fragment)
    if fragment.role in (Role.SECTION, Role.TASK, Role.MEASURE):
        for head, count in Counter(m.strip() for m in MAYBE_HEAD.findall(text)).items():
            yield finding("maybe_joined", line=line, ref=ref, count=count, text=head)


def _widths(fragment: Fragment) -> Iterator[Irregularity]:
    found = HALF_WIDTH.findall(fragment.text) + FULL_WIDTH.findall(fragment.text)
    if found:
        shown = excerpt(" ".join(dict.fromkeys(found)))
        yield finding(
            "mixed_width", line=fragment.line, ref=fragment.ref, count=len(found), text=shown
        )


def _around(text: str, position: int) -> str:
    return text[max(0, position - AROUND) : position + AROUND]


def _misread(fragment: Fragment) -> Iterator[Irregularity]:
    text, line, ref = fragment.text, fragment.line, fragment.ref
    strange = Counter(UNEXPECTED.findall(text))
    if strange:
        shown = excerpt("、".join(f"U+{ord(c):04X}" for c in strange))
        count = strange.total()
        yield finding("unexpected_character", line=line, ref=ref, count=count, text=shown)
    slips = Counter((m[0], m[0][0] + "。") for m in STOP_MISREAD.finditer(text))
    slips.update((m[0], ANGLE_LIKELY[m[0]]) for m in ANGLE.finditer(text))
    for word, likely in MISREAD_WORDS.items():
        if times := text.count(word):
            slips[word, likely] += times
    for (written, likely), count in slips.items():
        yield finding("ocr_slip", line=line, ref=ref, count=count, text=written, likely=likely)
    letters = [match.start() for match in LONE_LETTER.finditer(text)]
    if letters:
        first = letters[0]
        shown = _around(text, first)
        yield finding(
            "stray_letter", line=line, ref=ref, count=len(letters), letter=text[first], text=shown
        )


def check_brackets(lines: Iterable[tuple[int, str]], ref: str) -> Iterator[Irregularity]:
    """Brackets of one item, over all its lines, that have no other half.

    The half-width and the full-width form of a bracket close each other; the mixture itself is
    told by `check_wording`.
    """
    waiting: list[tuple[str, int]] = []
    unopened: Counter[tuple[str, int]] = Counter()
    for line, text in lines:
        for character in text.translate(SAME_BRACKET):
            if character in PAIRS:
                waiting.append((character, line))
            elif character in CLOSERS:
                if waiting and PAIRS[waiting[-1][0]] == character:
                    waiting.pop()
                else:
                    _close(waiting, unopened, character, line)
    for (bracket, line), count in Counter(waiting).items():
        yield finding("unclosed_bracket", line=line, ref=ref, count=count, bracket=bracket)
    for (bracket, line), count in unopened.items():
        yield finding("unopened_bracket", line=line, ref=ref, count=count, bracket=bracket)


def _close(
    waiting: list[tuple[str, int]], unopened: Counter[tuple[str, int]], closer: str, line: int
) -> None:
    """Close the nearest bracket of the same kind, leaving those in between open."""
    for index in range(len(waiting) - 1, max(-1, len(waiting) - 50), -1):
        if PAIRS[waiting[index][0]] == closer:
            del waiting[index]
            return
    unopened[closer, line] += 1
