"""Writes the pages of docs/ that are made from code: `.venv/bin/python tools/pages.py`. A test compares them with the code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from dangol.cli.workspace import setting_sentences
from dangol.events.catalogue import CatalogueEvent, catalogue
from dangol.events.facts import FactKind
from dangol.flow import FLOW
from dangol.settings import RANGES, SECTIONS

ROOT = Path(__file__).resolve().parents[1]
MADE = "<!-- Made by tools/pages.py from {source}. Change that, then run it again. -->"


def main() -> None:
    """Write every page that is made from code."""
    for path, text in pages().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
        print(path)


def pages() -> dict[str, str]:
    """Path below the root -> text."""
    return {
        "docs/flow.md": flow_page(),
        "docs/flow.ko.md": flow_page_in_korean(),
        "docs/howto/settings.md": settings_page(),
        "docs/howto/settings.ko.md": settings_page_in_korean(),
        "docs/events.md": events_page(),
        "docs/decisions/README.md": decisions_page(),
        "docs/benchmarks.ko.md": benchmarks_in_korean(),
    }


def flow_page() -> str:
    """Every fact, what it says, and who reacts in which order."""
    opening = [
        '<p align="right"><a href="flow.ko.md">한국어</a></p>',
        "",
        "# The whole flow",
        MADE.format(source="`FLOW` in src/dangol/flow.py and `FactKind` in src/dangol/events/facts.py"),
        "",
        "A request is answered only after its bytes are on disk. From there one micro-batch is one transaction of State: what follows commits",
        "together or not at all, in this order. `apply_batch` in [flow.py](../src/dangol/flow.py) carries it out.",
        "",
        "| when | room | does | by |",
    ]
    between = [
        "`frame.accepted` is no fact of its own: it is a request in the log, before anybody has read it.",
        "",
        "## Facts",
        "Every fact is kept in the [lake](howto/read-the-lake.md) and told to the subscribers who ask for it; the bodies' node and person ids are UUIDs.",
        "",
        "| fact | what it says |",
    ]
    return _flow(opening, between, {})


def flow_page_in_korean() -> str:
    """The same in Korean."""
    opening = [
        '<p align="right"><a href="flow.md">English</a></p>',
        "",
        "# 전체 흐름",
        MADE.format(source="`FLOW` in src/dangol/flow.py, `FactKind` in src/dangol/events/facts.py and tools/flow.ko.toml"),
        "",
        "요청에는 내용이 디스크에 닿은 뒤에야 답해요. 그다음부터는 작은 묶음 하나가 State의 트랜잭션 하나예요. 아래 일은 이 순서로, 모두 함께",
        "반영되거나 하나도 반영되지 않아요. [flow.py](../src/dangol/flow.py)의 `apply_batch`가 실행해요.",
        "",
        "| 언제 | 방 | 하는 일 | 맡은 함수 |",
    ]
    between = [
        "`frame.accepted`는 사실이 아니에요. 아직 아무도 읽지 않은, 로그에 있는 요청이에요.",
        "",
        "## 사실",
        "모든 사실은 [레이크](howto/read-the-lake.ko.md)에 남고, 구독한 곳에 알려요. 본문의 node와 person ID는 UUID예요.",
        "",
        "| 사실 | 뜻 |",
    ]
    return _flow(opening, between, korean_sentences("flow"))


def flow_sentences() -> list[str]:
    """Every sentence that the flow and its facts say."""
    return [*(_done_by(one.does)[0] for one in FLOW), *_members("src/dangol/events/facts.py", "FactKind").values()]


def _flow(opening: list[str], between: list[str], words: Mapping[str, str]) -> str:
    """The two tables; `words` says a sentence in the page's language."""
    lines = [*opening, "|---|---|---|---|"]
    for reaction in FLOW:
        does, by = _done_by(reaction.does)
        room = f"[{reaction.room}](../src/dangol/{reaction.room}/__init__.py)"
        lines.append(f"| `{reaction.fact}` | {room} | {words.get(does, does)} | {f'`{by}`' if by else ''} |")
    told = _members("src/dangol/events/facts.py", "FactKind")
    lines += ["", *between, "|---|---|"]
    lines += [f"| `{kind.value}` | {words.get(told[kind.name], told[kind.name])} |" for kind in FactKind]
    return "\n".join(lines) + "\n"


def _done_by(does: str) -> tuple[str, str]:
    """What a reaction does, and the function that does it."""
    said, by = re.fullmatch(r"(.*?)(?: \((\w+)\))?", does, re.DOTALL).groups()  # type: ignore[union-attr]
    return said, by or ""


def _members(path: str, enum: str) -> dict[str, str]:
    """The `#:` sentences of an enum's members."""
    body = (ROOT / path).read_text(encoding="utf-8").split(f"class {enum}(", 1)[1].split("\nclass ", 1)[0]
    return {found[1]: found[2].strip() for found in re.finditer(r'^    (\w+) = "[^"]*"\s+#: (.*)$', body, re.MULTILINE)}


def settings_page() -> str:
    """Every key, its default, its range and what it does."""
    opening = [
        '<p align="right"><a href="settings.ko.md">한국어</a></p>',
        "",
        "# Settings",
        MADE.format(source="src/dangol/settings.py"),
        "",
        "A workspace's `dangol.toml` holds only what differs from these defaults; `dangol init` writes it with every key commented out.",
        "Each key is also an environment variable, which wins: `[collect] port` is `DANGOL_COLLECT_PORT`.",
        "A key or value that is not known is refused, with the nearest right one. Changes take effect when the process starts again.",
    ]
    return "\n".join([*opening, *_sections("| key | default | range | what it does |", {})]) + "\n"


def settings_page_in_korean() -> str:
    """The same in Korean; a sentence that has no Korean yet stands in English, and a test says which."""
    opening = [
        '<p align="right"><a href="settings.md">English</a></p>',
        "",
        "# 설정",
        MADE.format(source="src/dangol/settings.py and tools/settings.ko.toml"),
        "",
        "워크스페이스의 `dangol.toml`에는 기본값과 다른 것만 적으면 돼요. `dangol init`이 모든 키를 주석으로 적어 줘요.",
        "모든 키는 환경 변수로도 정할 수 있고, 환경 변수가 우선이에요. `[collect] port`는 `DANGOL_COLLECT_PORT`예요.",
        "모르는 키나 값은 가장 비슷한 것을 알려 주며 거절해요. 바꾼 설정은 그 프로세스를 다시 시작하면 적용돼요.",
    ]
    return "\n".join([*opening, *_sections("| 키 | 기본값 | 범위 | 하는 일 |", korean_sentences())]) + "\n"


def korean_sentences(of: str = "settings") -> dict[str, str]:
    """English sentence -> Korean one. Args: of: settings or flow."""
    return tomllib.loads((ROOT / "tools" / f"{of}.ko.toml").read_text(encoding="utf-8"))


def english_sentences() -> list[str]:
    """Every sentence that the settings say, in their order: each section's own, then its keys'."""
    return [one for kind in SECTIONS.values() for one in ((kind.__doc__ or "").strip(), *setting_sentences(kind).values())]


def _sections(heads: str, words: Mapping[str, str]) -> list[str]:
    """A heading and a table for each section; `words` says a sentence in the page's language."""
    lines: list[str] = []
    for section, kind in SECTIONS.items():
        about = (kind.__doc__ or "").strip()
        told = setting_sentences(kind)
        lines += ["", f"## [{section}]", words.get(about, about), "", heads, "|---|---|---|---|"]
        for item in fields(kind):
            low_high = RANGES.get(f"{section}.{item.name}")
            shown = f'"{item.default}"' if isinstance(item.default, str) else str(item.default)
            sentence = told.get(item.name, "")
            lines.append(
                f"| `{item.name}` | `{shown}` | {f'{low_high[0]}..{low_high[1]}' if low_high else ''} | {_cell(words.get(sentence, sentence))} |"
            )
    return lines


def events_page() -> str:
    """The standard data model in both languages."""
    known = catalogue()
    lines = [
        "# Events of the standard data model · 표준 데이터 모델의 이벤트",
        MADE.format(source="src/dangol/events/catalogue.yaml"),
        "",
        f"Version {known.version}. Names and properties mean the same in every service. Nothing here is enforced until a brand puts an entry into its",
        "tracking plan (`dangol plan`, or the console's page); other events and properties are welcome.",
        "모든 서비스에서 같은 뜻으로 쓰는 이벤트와 속성이에요. 브랜드가 수집 계획에 넣기 전에는 강제하지 않아요.",
    ]
    for entity in known.entities.values():
        events = [event for event in known.events.values() if event.entity == entity.name]
        lines += ["", f"## {entity.title['en']} · {entity.title['ko']}", f"{entity.description['en']}  ", entity.description["ko"], ""]
        if events:
            lines += ["| event | when | 언제 | properties (**required**) |", "|---|---|---|---|", *(_event_row(event) for event in events)]
    lines += ["", "## Properties · 속성", "", "| property | meaning | 뜻 |", "|---|---|---|"]
    used = {one.name: one for event in known.events.values() for one in event.fields}
    lines += [f"| `{name}` | {_cell(one.description['en'])} | {_cell(one.description['ko'])} |" for name, one in sorted(used.items())]
    return "\n".join(lines) + "\n"


def decisions_page() -> str:
    """Every decision record by its title."""
    lines = [
        "# Decisions",
        MADE.format(source="the titles of the records"),
        "",
        "Why it is so: context, choice, what was rejected, and how we would notice that it was wrong. One record where a choice binds two rooms",
        "or takes more than a day to undo.",
        "",
        "| | |",
        "|---|---|",
    ]
    for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        title = path.read_text(encoding="utf-8").split("\n", 1)[0]
        lines.append(f"| [{path.name[:4]}]({path.name}) | {re.sub(r'^# *[0-9]+[.:]? *', '', title)} |")
    return "\n".join(lines) + "\n"


#: A figure of a benchmark, M for millions with it; digits of a name (p99, F1) are none.
FIGURE = re.compile(r"(?<![\w`])\d(?:[\d,.]*\d)?(?: M\b)?")
#: What parts a cell into phrases.
_BETWEEN = re.compile(r"(; |, |: | ?\(|\))")
#: Names and units that both languages write alike.
_ALIKE = re.compile(
    r"`[^`]*`|\*\*|\b(?:p50|p99|ms|µs|s|B|KB|MB|GB|UTC|CPU|PSS|RSS|PostgreSQL|DuckDB|Dangol|Splink|recordlinkage|ECM|F1|P|R|D|S|r|fsync|fdatasync|"
    r"intake-batch|intake-single|intake-latency|profile-read|process|scale|receipts|identity|freshness|memory|lake|GET /api/v1/people/…|"
    r"febrl\d|fake_1000|historical_50k|foreigners|transactions)(?!\w)"
)


def benchmarks_in_korean() -> str:
    """The Korean page as it stands, its tables made anew from those of the English page: the figures are written once."""
    path = ROOT / "docs" / "benchmarks.ko.md"
    words = korean_sentences("benchmarks")
    tables = [["| " + " | ".join(_in_korean(cell, words) for cell in row) + " |" if row else rule for row, rule in table] for table in _benchmark_tables()]
    parts = re.split(r"((?:^\|.*\n)+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if len(parts) != 2 * len(tables) + 1:
        raise ValueError(f"{path} has {len(parts) // 2} tables, the English page {len(tables)}: begin one with a line of its own, |, where it belongs.")
    parts[1::2] = ["\n".join(table) + "\n" for table in tables]
    return "".join(parts)


def benchmark_phrases() -> list[str]:
    """Every phrase of the tables of docs/benchmarks.md that has words, with {} for its figures."""
    cells = [cell for table in _benchmark_tables() for row, _ in table for cell in row]
    return list(dict.fromkeys(phrase for cell in cells for phrase in _phrases(cell) if re.search("[A-Za-z]", _ALIKE.sub("", phrase))))


def _benchmark_tables() -> list[list[tuple[list[str], str]]]:
    """The tables of the English page: the cells of each line, or none and the line itself where it is the rule below the head."""
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    return [
        [([] if line.startswith("|--") else [cell.strip() for cell in line.strip().strip("|").split("|")], line) for line in block.splitlines()]
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    ]


def _phrases(cell: str) -> list[str]:
    return _BETWEEN.split(FIGURE.sub("{}", cell))


def _in_korean(cell: str, words: Mapping[str, str]) -> str:
    figures = iter(f"{int(one[:-2].replace(',', '')) * 100:,}만" if one.endswith(" M") else one for one in FIGURE.findall(cell))
    said = "".join(words.get(phrase, phrase).format(*(next(figures) for _ in range(phrase.count("{}")))) for phrase in _phrases(cell))
    return re.sub("만(?=[개건명])", "만 ", said)


def _event_row(event: CatalogueEvent) -> str:
    properties = ", ".join(f"**{one.name}**" if one.name in event.required else one.name for one in event.fields)
    return f"| {event.name} | {_cell(event.description['en'])} | {_cell(event.description['ko'])} | {properties} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    main()
