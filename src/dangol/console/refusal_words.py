"""Why a document of rules is refused, in Korean: the sentences of profiles and identity, said again. Pure.

A sentence that is not known stays as it is, in English: better than no reason at all.
"""

# ruff: noqa: E501 - a table reads better with one entry per line

from __future__ import annotations

import re

from dangol.console.shown import particle

#: What must stand there, as the rooms say it, and in Korean; {0} and {1} are what the pattern's groups hold.
WANTED: tuple[tuple[str, str], ...] = (
    (r"a whole number from 1 on", "1 이상의 정수"),
    (r"a whole number from ([\d,]+) to ([\d,]+)", "{0}부터 {1}까지의 정수"),
    (r"a whole number of (\d+) or more", "{0} 이상의 정수"),
    (r"a whole number", "정수"),
    (r"a text of 1 to (\d+) characters", "1~{0}자의 글자"),
    (r"true or false", "true 또는 false"),
    (r"a number or a text", "숫자나 글자"),
    (r"a text, a number, true or false.*", "글자, 숫자, true, false 중 하나"),
    (r"at most (\d+)", "{0}개까지"),
    (r"text; put it in quotes", "따옴표로 감싼 글자"),
    (r"named once", "한 번만 적은 이름"),
    (r"a mapping \(name: value, one a line\)", "한 줄에 하나씩 ‘이름: 값’을 적은 모양"),
    (r"a mapping with the keys (.+)", "이 항목을 가진 모양({0})"),
    (r"a mapping from a trait's name to its definition", "‘특성 이름: 정의’를 적은 모양"),
    (r"a mapping from at most (\d+) stages to what each means, in order", "단계마다 뜻을 순서대로 적은 모양(단계는 {0}개 이하)"),
    (r"keys with values, like \{key: value\}", "‘이름: 값’을 적은 모양"),
    (r"a list, like \[one, another\]", "[하나, 둘]처럼 적은 목록"),
    (r"a list of names or kinds of sources, the most trusted first, such as (.+)", "더 믿는 순서로 적은 소스 이름이나 종류의 목록(예: {0})"),
    (r"a policy or \{policy: sources, order: \[…\]\}; policies are: (.+)", "정책 이름 또는 {{policy: sources, order: […]}}(쓸 수 있는 정책: {0})"),
    (r"the name of an identifier type, like email", "email 같은 식별자 종류의 이름"),
    (r"like '30 days' or '24 hours', at most ten years, or 'all time'", "'30 days', '24 hours'처럼 10년 이하의 기간 또는 'all time'"),
    (r"one of:? (.+)", "{0}"),
    (r"left out: (\S+) asks for no order of sources, only (\S+) does", "없음(순서는 {1}만 써요)"),
)

#: Whole sentences, in the same way. {0} is nearly always the place in the document.
SENTENCES: tuple[tuple[str, str], ...] = (
    (r"The (?:trait rules are|rule set is) not valid YAML: ([\s\S]+)", "YAML로 읽을 수 없어요: {0}"),
    (r"(the rule set|\S+) has the key (.+)\. Did you mean (.+)\?", "{0}에 {1}{1:이라는} 항목은 없어요. {2}{2:을} 적으려던 것인가요?"),
    (r"(the rule set|\S+) has the key (.+)\. Known: (.+)\.", "{0}에 {1}{1:이라는} 항목은 없어요. 쓸 수 있는 항목: {2}."),
    (r"(the rule set|\S+) has no (.+); it needs one\. .*", "{0}에 {1} 항목이 없어요. 꼭 있어야 해요."),
    (r"(\S+?):? is no key here(?: \(did you mean (.+)\?\))?; allowed are (.+)\.", "{0} 항목은 여기에 쓸 수 없어요. 쓸 수 있는 항목: {2}."),
    (r"(\S+?):? lacks (\w+)\.", "{0}에 {1} 항목이 없어요. 꼭 있어야 해요."),
    (r"(\S+?):? lacks property: .*", "{0}에 property가 없어요. 속성의 값으로 계산하는 함수라 꼭 있어야 해요."),
    (r"(\S+?):? lacks keep: how many values the list holds, 1 to (\d+)\.", "{0}에 keep이 없어요. 목록에 몇 개를 담을지 1~{1} 사이로 적어 주세요."),
    (r"(\S+?):? is for function list; .*", "{0}{0:은} function이 list일 때만 써요."),
    (r"(\S+?):? is no name for a (?:trait|stage): .*", "{0}{0:은} 이름으로 쓸 수 없어요. 영어 소문자로 시작해 소문자, 숫자, _만 50자까지 쓸 수 있어요."),
    (r"(\S+?):? is a name that Dangol uses itself; these are taken: (.+)\.", "{0}{0:은} Dangol이 쓰는 이름이에요. 이 이름들은 쓸 수 없어요: {1}."),
    (r"(\S+?):? is never reached: (\S+) before it has no `when` and takes everybody\.", "{0} 단계에는 아무도 오지 않아요. 앞의 {1} 단계에 when이 없어서 모두 거기에 들어가요."),
    (r"(\S+?):? is '(.+)', which is no computed trait of these rules(?: \(did you mean (.+)\?\))?; there are (?:none: the section computed is empty|(.+))\.", "{0}에 적은 {1}{1:은} 계산한 특성이 아니에요. 쓸 수 있는 것: {3}."),
    (r"(\S+?):? is (\S+), which is no moment: .*", "{0}에 적은 {1}{1:은} 시각이 아니에요. property 없이 function이 first나 last인 특성이어야 해요."),
    (r"(\S+?):? is (\S+), which is no list of moments: .*", "{0}에 적은 {1}{1:은} 시각의 목록이 아니에요. property 없이 function이 list이고 keep이 2 이상인 특성이어야 해요."),
    (r"(\S+?):? does not fit days; use (.+)\.", "{0}{0:은} 날수에 쓸 수 없어요. {1} 중에서 써 주세요."),
    (r"(\S+?):? must have exactly one of (.+); or be .*", "{0}에는 다음 중 꼭 하나가 있어야 해요: {1}. 또는 {{and: […]}}나 {{or: […]}}만 적어 주세요."),
    (r"(\S+?):? must have property and one of (.+); or be .*", "{0}에는 property와 다음 중 하나가 있어야 해요: {1}. 또는 {{and: […]}}나 {{or: […]}}만 적어 주세요."),
    (r"(\S+?):? must have (\S+) and one of (.+)\.", "{0}에는 {1}{1:과} 다음 중 하나가 있어야 해요: {2}."),
    (r"(\S+?):? has no place here: (\S+) stands alone with types of identifiers\.", "{0}{0:은} 여기에 쓸 수 없어요. {1}에는 식별자 종류만 적어요."),
    (r"(\S+?):? lies (\d+) deep, must be at most (\d+) deep\.", "{0}의 조건이 {1}겹이에요. {2}겹까지 쓸 수 있어요."),
    (r"(\S+?):? (?:has|declares|names) (\d+) [\w ]+, must (?:have|declare|name) at most (\d+)\.", "{0}에 적은 것이 {1}개예요. {2}개까지 쓸 수 있어요."),
    (r"(\S+?):? has (\d+) steps, must have 1 to (\d+)\.", "{0}의 경로가 {1}단계예요. 1~{2}단계로 적어 주세요."),
    (r"(\S+?):? is empty, must name at least one\.", "{0}{0:이} 비어 있어요. 하나 이상 적어 주세요."),
    (r"(\S+?):? is unique, which is a limit of 1 for ever; .*", "{0}{0:은} unique라서 이미 한 사람에 하나예요. limit이나 unique 중 하나를 지워 주세요."),
    (r"blocked\.patterns has (.+), which is no regular expression: (.+)\.", "blocked.patterns의 {0}{0:은} 정규식이 아니에요: {1}."),
)
_WRONG = re.compile(r"(?:a (?P<part>key|name) in )?(?P<place>the document|the rule set|\S+?):? is (?P<seen>[\s\S]+?), must be (?P<wanted>[\s\S]+?)\.?(?: ?\(?[Dd]id you mean '?(?P<near>[^'?]+)'?\?\)?\.?)?")
_FIELD = re.compile(r"\{(\d)(?::(\S+?))?\}")
_WHOLE = "규칙"


def refusal_words(said: str, language: str) -> str:
    """The refusal *said* by profiles or identity, in *language*."""
    if language != "ko":
        return said
    for pattern, korean in SENTENCES:
        if found := re.fullmatch(pattern, said):
            return _filled(korean, found.groups())
    if found := _WRONG.fullmatch(said):
        near = f" {found['near']}{particle(found['near'], '을')} 적으려던 것인가요?" if found["near"] else ""
        place = _WHOLE if found["place"] in ("the document", "the rule set") else found["place"]
        what = {"key": f"{place}에 적은 항목이", "name": f"{place}에 적은 이름이"}.get(found["part"] or "", f"{place} 값이")
        seen = "비어 있음" if found["seen"] in ("empty", "None") else found["seen"]
        return f"{what} 맞지 않아요: {seen}. 쓸 수 있는 것: {_wanted(found['wanted'])}.{near}"
    return said


def _wanted(said: str) -> str:
    for pattern, korean in WANTED:
        if found := re.fullmatch(pattern, said):
            return _filled(korean, found.groups())
    return said


def _filled(korean: str, groups: tuple[str | None, ...]) -> str:
    values = ["없음" if value is None else _WHOLE if value == "the rule set" else value for value in groups]

    def put(field: re.Match[str]) -> str:
        value = values[int(field[1])]
        if field[2] is None:
            return value
        return "이라는" if field[2] == "이라는" and particle(value, "이") == "이" else "라는" if field[2] == "이라는" else particle(value, field[2])

    return _FIELD.sub(put, korean.replace("{{", "\0").replace("}}", "\1")).replace("\0", "{").replace("\1", "}")
