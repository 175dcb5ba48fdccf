"""Why something is refused, in Korean: what profiles, identity, events and intake say, said again.

A sentence that is not known stays as it is, in English: better than no reason at all.
"""

# ruff: noqa: E501 - a table reads better with one entry per line

from __future__ import annotations

import re

from django.utils import translation

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
    (r"an object like (.+)", "{0} 같은 객체"),
    (r"an object with the fields of an event", "이벤트의 필드를 적은 객체"),
    (r"a list of at least one rule", "규칙이 하나 이상 있는 목록"),
    (r"a value, a list of values, (\{.+\}) or (\{.+\})", "값, 값의 목록, {0}, {1} 중 하나"),
    (r"like (%.+), or seconds, or milliseconds", "{0} 같은 형식, seconds, milliseconds 중 하나"),
    (r"left out: (\S+) asks for no order of sources, only (\S+) does", "없음(순서는 {1}만 써요)"),
)

#: How rows become events (intake.mapping).
MAPPINGS: tuple[tuple[str, str], ...] = (
    (r"A mapping is an object: .*", '매핑은 규칙 하나이거나 {{"events": [규칙, …]}} 모양이어야 해요.'),
    (r"(mapping\S*) has '(.+)', which is not known there\. Did you mean '(.+)'\?", "{0}에 {1}{1:이라는} 항목은 쓸 수 없어요. {2}{2:을} 적으려던 것인가요?"),
    (r"(mapping\S*) has '(.+)', which is not known there\. Known: (.+)\.", "{0}에 {1}{1:이라는} 항목은 쓸 수 없어요. 쓸 수 있는 것: {2}."),
    (r"(mapping\S*) needs \"type\", one of (.+)\.", "{0}에 type이 없어요. 다음 중 하나를 적어 주세요: {1}."),
    (r"(mapping\S*) needs \"(\w+)\".*", "{0}에는 {1}도 적어야 해요."),
    (r"(mapping\S*) must be a list.*", "{0}에는 목록을 적어 주세요."),
    (r"(mapping\S*): '(.+)' is not an operator; known: (.+)\.", "{0}의 {1}{1:은} 쓸 수 없어요. 쓸 수 있는 것: {2}."),
    (r"(mapping\S*): beside (\S+) stands '(.+)'; only (.+) may\.", "{0}에서 {1} 옆에 {2}{2:은} 쓸 수 없어요. 쓸 수 있는 것: {3}."),
    (r"(mapping\S*): zone == '?(.*?)'? is not a time zone; .*", "{0}의 시간대 {1}{1:을} 알 수 없어요. Asia/Seoul처럼 적어 주세요."),
    (r"(mapping\S*): '(.+)' cannot be read from '(.+)' on; write .*", '{0}의 {1}{1:을} ‘{2}’부터 읽을 수 없어요. $.customer.id, $.items[0].sku, $["Order ID"]처럼 적어 주세요.'),
    (r"(mapping\S*): (.+) is not a place; .*", "{0}의 {1}{1:은} 자리가 아니에요. $.customer.id나 $item.sku처럼 적어 주세요."),
    (r"Source '?(.+?)'? has no mapping.*", "{0} 소스에 쓸 수 있는 매핑이 없어요. 소스 화면에서 매핑을 적고 다시 보내 주세요."),
    (r"No rule of the mapping is for this row: .*", "매핑에 이 행에 맞는 규칙이 없어요. when이 맞지 않거나 each의 목록이 비어 있어요."),
    (r"The row would become more than (\d+) events\. .*", "이 행이 이벤트 {0}건을 넘게 돼요. 매핑의 each를 살펴봐 주세요."),
    (r"timestamp == ([\s\S]+) is no time, or is not written as the mapping says: .*", "timestamp의 값 {0}{0:은} 시각이 아니거나 매핑에 적은 모양과 달라요. 소스의 매핑에서 timestamp의 format을 고쳐 주세요."),
)
#: What is wrong with an event or a row (intake.check, intake.files, events.envelope).
EVENTS: tuple[tuple[str, str], ...] = (
    (r"The event has neither userId nor anonymousId; .*", "userId도 anonymousId도 없어요. 둘 중 하나를 적어 주세요."),
    (r"A track event needs .*", "track 이벤트에는 event, 곧 무슨 일인지를 적어야 해요."),
    (r"\"messageId\" has (\d+) characters, must be at most (\d+)\.", "messageId가 {0}자예요. {1}자까지 쓸 수 있어요."),
    (r"\"(\w+)\" must be an object, it begins with '([\s\S]+)'\.", "{0}에는 {{…}} 모양의 객체가 와야 하는데 {1}{1:으로} 시작해요."),
    (r"\"(\w+)\" is not UTF-8 text\.", "{0}{0:이} UTF-8 글자가 아니에요."),
    (r"(\d+) bytes, must be at most (\d+) .*", "이벤트가 {0}바이트예요. {1}바이트까지 받아요."),
    (r"The event is not UTF-8 text: .*", "이벤트가 UTF-8 글자가 아니에요. CP949(EUC-KR)가 아니라 UTF-8로 보내 주세요."),
    (r"Expected `(.+)`, got `(.+)` - at `\$\.?(.*)`", "{2}의 종류가 맞지 않아요: {1}. 쓸 수 있는 것: {0}."),
    (r"A corrected event is one JSON object like (.+); nothing was sent\.", "고친 이벤트는 {0} 같은 JSON 객체 하나여야 해요. 아무것도 보내지 않았어요."),
    (r"it has (\d+) columns, the first line names (\d+)", "칸이 {0}개인데 첫 줄의 이름은 {1}개예요."),
    (r"it has (\d+) columns, the first line names (\d+), and it runs from line (\d+) to line (\d+): .*", "칸이 {0}개인데 첫 줄의 이름은 {1}개이고, {2}번째 줄에서 {3}번째 줄까지 이어져요. {2}번째 줄에 닫지 않은 따옴표가 있나요?"),
    (r"it has (\d+) columns, the first line names (\d+), and there the file ends: .*", "칸이 {0}개인데 첫 줄의 이름은 {1}개이고, 여기서 파일이 끝나요. 복사하다가 잘렸나요?"),
    (r"it is not a JSON object, it begins with '([\s\S]+)'", "JSON 객체가 아니에요. {0}{0:으로} 시작해요."),
    (r"the body is JSON, but not an object with an event in it", "JSON이지만 이벤트가 든 객체가 아니에요."),
    (r"(?:it is )?not JSON: .*", "JSON이 아니에요."),
    (r"it is not (\S+) text", "{0} 글자가 아니에요."),
    (r".+: line (\d+) column (\d+) \(char \d+\)", "{0}번째 줄 {1}번째 글자부터 읽을 수 없어요"),
)
#: Schemas of the tracking plan, and where an event does not fit one (events.schemas, jsonschema).
SCHEMAS: tuple[tuple[str, str], ...] = (
    (r"A schema is an object like (.+), not .*", "스키마는 {0} 같은 객체여야 해요."),
    (r"The schema is larger than ([\d,]+) bytes\. .*", "스키마가 {0}바이트보다 커요. 사람이 읽는 계획이니 더 짧게 적어 주세요."),
    (r"'(.+)' is not a part of an event that .* use (.+)\.", "{0}{0:은} 스키마로 적을 수 있는 부분이 아니에요. 쓸 수 있는 것: {1}."),
    (r"Under \"(\w+)\" stand names of fields \((.+)\), but a JSON Schema was expected: (.+)\.", "{0} 아래에 필드 이름({1})이 바로 있어요. 이렇게 적어 주세요: {2}."),
    (r"\"(\S+)\" is not a JSON Schema \(draft 2020-12\): \"(.*)\" is not a \"regex\"\.", "{0}의 {1}{1:은} 쓸 수 있는 정규식이 아니에요. 앞뒤를 살피는 식과 되짚는 식은 쓸 수 없어요."),
    (r"\"(\S+)\" is not a JSON Schema \(draft 2020-12\): it points to (\S+), and Dangol fetches nothing\..*", "{0}{0:이} {1}{1:을} 가리키는데, 단골은 다른 주소에서 가져오지 않아요. 같은 스키마의 $defs 아래에 적어 주세요."),
    (r"\"(\S+)\" is not a JSON Schema \(draft 2020-12\): (.+) is no type; use (.+)\.", "{0}의 {1}{1:은} 종류가 아니에요. 쓸 수 있는 것: {2}."),
    (r"\"(\S+)\" is not a JSON Schema \(draft 2020-12\): (.+) is not of types? (.+)\.", "{0}에 {1}{1:은} 쓸 수 없어요. 쓸 수 있는 종류: {2}."),
    (r"\"(\S+)\" is not a JSON Schema \(draft 2020-12\): ([\s\S]+)\.", "{0}{0:이} JSON Schema(draft 2020-12)가 아니에요: {1}."),
    (r"(\S+): (.+) does not match \"(.+)\"", "{0}에 정해진 모양({2})과 다른 {1}{1:이} 왔어요."),
    (r"(\S+): (.+) is less than the minimum of (.+)", "{0}에는 {2} 이상이 와야 하는데 {1}{1:이} 왔어요."),
    (r"(\S+): (.+) is less than or equal to the minimum of (.+)", "{0}에는 {2}보다 큰 값이 와야 하는데 {1}{1:이} 왔어요."),
    (r"(\S+): (.+) is greater than the maximum of (.+)", "{0}에는 {2} 이하가 와야 하는데 {1}{1:이} 왔어요."),
    (r"(\S+): (.+) is greater than or equal to the maximum of (.+)", "{0}에는 {2}보다 작은 값이 와야 하는데 {1}{1:이} 왔어요."),
    (r"(\S+): (.+) is shorter than (\d+) characters?", "{0}에는 {2}자 이상이 와야 하는데 {1}{1:이} 왔어요."),
    (r"(\S+): (.+) is longer than (\d+) characters?", "{0}에는 {2}자까지 올 수 있는데 {1}{1:이} 왔어요."),
    (r"(\S+): (.+) is not a \"(.+)\"", "{0}의 값 {1}{1:이} {2} 모양이 아니에요."),
    (r"(\S+): (.+) is not a multiple of (.+)", "{0}에는 {2}의 배수가 와야 하는데 {1}{1:이} 왔어요."),
    (r"(\S+): (.+) was expected", "{0}에는 {1}만 올 수 있어요."),
    (r"(\S+): .+ has less than (\d+) (?:items?|propert\w+)", "{0}에는 {1}개 이상 있어야 해요."),
    (r"(\S+): .+ has more than (\d+) (?:items?|propert\w+)", "{0}에는 {1}개까지 있을 수 있어요."),
    (r"(\S+): .+ has non-unique elements", "{0}에 같은 값이 두 번 있어요."),
    (r"(\S+): (?:Additional|Unevaluated) properties are not allowed \((.+) (?:was|were) unexpected\)", "{0}에 적혀 있지 않은 {1}{1:이} 왔어요."),
    (r"(\S+): False schema does not allow (.+)", "{0}에는 아무것도 올 수 없는데 {1}{1:이} 왔어요."),
    (r"(\S+): (.+) is (?:not valid under any|valid under more than one) of the schemas .*", "{0}의 값 {1}{1:이} 정해진 어느 모양에도 꼭 맞지 않아요."),
)
#: Splits and merges by hand (identity.deciding).
DECISIONS: tuple[tuple[str, str], ...] = (
    (r"A decision about people needs a reason .*", "다음 사람이 알 수 있게 이유를 적어 주세요."),
    (r"Both sides are the same identifier\. .*", "양쪽이 같은 식별자예요. 사람마다 식별자를 하나씩 골라 주세요."),
    (r"Decision (\d+) says the opposite about these two\. .*", "결정 {0}이 이 둘을 반대로 정했어요. ‘나누고 합친 기록’에서 그 결정을 먼저 되돌려 주세요."),
    (r"One of the two identifiers has never been seen\. .*", "둘 중 하나는 온 적이 없는 식별자예요. 종류와 값을 확인해 주세요."),
    (r"Operators keep these two apart by a decision in force\. .*", "이 둘은 운영자가 나눠 두었어요. ‘나누고 합친 기록’에서 그 결정을 먼저 되돌려 주세요."),
)
#: Addresses of webhooks (feeds.subscriptions, feeds.post).
WEBHOOKS: tuple[tuple[str, str], ...] = (
    (r"url '([\s\S]*)' must be like (\S+), at most (\d+) characters\.", "{1}처럼 {2}자 안으로 적어 주세요."),
    (r"(\d+) names of facts, must be at most (\d+)\. .*", "이름을 {0}개 적었어요. {1}개까지 적을 수 있어요. 모두 보내려면 비워 두세요."),
    (r"fact '([\s\S]*)' must be 1 to (\d+) readable .*", "{0}{0:은} 쓸 수 없어요. 이름은 1~{1}자의 글자예요."),
    (r"A url with a name and password in it is not kept\. .*", "이름과 비밀번호가 든 주소는 받지 않아요. 보낸 쪽은 서명으로 확인할 수 있어요."),
    (r"A subscription named '(.+)' exists already\. .*", "{0}{0:이라는} 웹훅이 이미 있어요. 다른 이름을 적어 주세요."),
    (r"There are (\d+) subscriptions, the most there can be\. .*", "웹훅은 {0}개까지 만들 수 있어요. 더 읽을 곳은 변화 피드를 써 주세요."),
    (r"No subscription named '(.+)' was removed in the last (\d+) days\.", "최근 {1}일 안에 지운 웹훅 가운데 {0}{0:이라는} 것은 없어요."),
    (r"(\S+) leads to (\S+), a private or local address\. .*", '{0}{0:은} 내부 주소({1})예요. 회사 안의 주소라면 dangol.toml에 deliver.private_networks = "{1}"을 적고 Dangol을 다시 켜 주세요.'),
    (r"(\S+) is a private or local address\. .*", '{0}{0:은} 내부 주소예요. 회사 안의 주소라면 dangol.toml에 deliver.private_networks = "{0}"{0:을} 적고 Dangol을 다시 켜 주세요.'),
    (r"(\S+) is not known: .*", "{0}{0:이라는} 이름을 찾을 수 없어요."),
    (r"no whole answer within (\S+) s", "{0}초 안에 답이 끝나지 않았어요."),
    (r"(\S+) does not answer: .*", "{0}에 연결할 수 없어요."),
    (r"TLS: ([\s\S]*)", "인증서를 믿을 수 없어요: {0}"),
    (r"what came back is not HTTP: [\s\S]*", "HTTP가 아닌 것이 돌아왔어요."),
    (r"answered (\d+), and redirects are not followed\. .*", "{0}으로 답하며 다른 주소로 보냈는데, 따라가지 않아요. 그 주소를 적어 주세요."),
    (r"answered 410: [\s\S]*", "410으로 답했어요. 더 받지 않겠다는 뜻이에요."),
    (r"answered (\d+): ?", "{0}으로 답했어요."),
    (r"answered (\d+): ([\s\S]+)", "{0}으로 답했어요: {1}"),
)
#: What cannot be read as YAML (yaml_reader).
YAML: tuple[tuple[str, str], ...] = (
    (r"it goes on behind ([\d,]+) characters, ([\d,]+) in all\. .*", "모두 {1}자인데 {0}자까지만 쓸 수 있어요. 줄여 주세요."),
    (r"there is nothing in it\. .*", "비어 있어요. ‘이름: 값’을 적어 주세요."),
    (r"byte 0x(\w+) is not UTF-8\. .*", "UTF-8이 아닌 바이트(0x{0})가 있어요. CP949(EUC-KR)나 UTF-16이 아니라 UTF-8로 저장해 주세요."),
    (r"the character (U\+\w+) is no text\. .*", "글자가 아닌 문자({0})가 있어요. 지워 주세요."),
    (r"(.+) is no mapping\. .*", "‘이름: 값’을 적은 모양이 아니에요. ‘이름: 값’으로 적어 주세요."),
    (r"the key '(.*)' stands in line (\d+) already\. .*", "{0} 항목이 {1}번째 줄에 이미 있어요. 둘 중 하나만 남겨 주세요."),
    (r"the alias (\*.*) stands for nothing before it\. .*", "별명 {0} 앞에 그 이름을 붙인 값이 없어요. 값을 그대로 적거나, 글자라면 따옴표로 감싸 주세요."),
    (r"its aliases stand for more than ([\d,]+) values\. .*", "별명이 가리키는 값이 {0}개를 넘어요. 필요한 것만 그대로 적어 주세요."),
    (r"keys cannot be merged with <<\. .*", "<<로 항목을 합칠 수 없어요. 항목을 그대로 적어 주세요."),
    (r"the tag (.+) is not allowed\. .*", "태그 {0}{0:은} 쓸 수 없어요. 값만 적어 주세요."),
    (r"a second document begins\. .*", "문서가 하나 더 시작돼요. --- 없이 하나만 남겨 주세요."),
    (r"it lies more than (\d+) lists and mappings deep\. .*", "{0}겹보다 깊어요. 괄호가 너무 많은가요?"),
    (r"a list or mapping stands where a key must\. .*", "항목의 이름이 와야 할 곳에 목록이나 묶음이 있어요. ‘이름: 값’으로 적어 주세요."),
    (r"the number (.+) is too large\. .*", "수 {0}{0:이} 너무 커요. 이름이라면 따옴표로 감싸 주세요."),
    (r"a tab stands where spaces must\. .*", "띄어쓰기가 와야 할 곳에 탭이 있어요. 탭 하나를 띄어쓰기 두 칸으로 바꿔 주세요."),
    (r"no value can begin with (.)\. .*", "값은 {0}{0:으로} 시작할 수 없어요. 따옴표로 감싸 주세요."),
    (r"': ' stands where no key can be\. .*", "이름이 올 수 없는 곳에 ‘: ’가 있어요. 글자라면 따옴표로 감싸고, 아니면 윗줄과 들여쓰기를 맞춰 주세요."),
    (r"a key has no ': ' behind it\. .*", "이름 뒤에 ‘: ’가 없어요. ‘이름: 값’으로 적어 주세요."),
    (r"the line fits none above it\. .*", "위의 어느 줄과도 들여쓰기가 맞지 않아요. 들여쓰기를 맞추고, 따옴표가 너무 일찍 닫히지 않았는지 봐 주세요."),
    (r"a list goes on without '-'\. .*", "목록이 ‘-’ 없이 이어져요. 들여쓰기를 맞춰 주세요."),
    (r"what a bracket begins lacks a comma .*", "괄호 안에 쉼표가 빠졌거나 괄호가 닫히지 않았어요."),
    (r"a value is missing before this\. .*", "이 앞에 값이 빠졌어요. 값을 적거나 괄호를 닫아 주세요."),
    (r"a quote is never closed\. .*", "따옴표가 닫히지 않았어요."),
    (r"a backslash in double quotes .*", "큰따옴표 안의 \\ 뒤에 알 수 없는 글자가 있어요. 작은따옴표로 감싸 주세요."),
    (r"an escape stands for half a character\. .*", "\\u로 적은 값이 반쪽 글자예요. 글자를 그대로 적어 주세요."),
    (r"'-' stands behind a key\. .*", "이름 바로 뒤에 ‘-’가 있어요. 목록은 다음 줄에서 시작해 주세요."),
    (r"it is not YAML: (.+)\. Compare .*", "YAML로 읽을 수 없어요: {0}. 고쳐 주세요."),
)
#: Runs of rule sets (identity.runs, identity.versions, processes.rebuild).
RUNS: tuple[tuple[str, str], ...] = (
    (r"(.+) put version (\d+) in force since; this was compared with version (\d+)\. .*", "그 사이 {0} 님이 버전 {1}{1:을} 적용했어요. 이 시험은 버전 {2}{2:과} 견준 결과예요. 아무것도 바꾸지 않았어요. 지금은 무엇이 달라지는지 다시 시험해 주세요."),
    (r"Run (\d+) is under way, .*", "{0}번 시험이나 적용이 진행 중이에요. 과거 기록은 한 번에 하나씩만 훑으니 끝난 뒤에 다시 해 주세요."),
    (r"Its process ended without a word\. .*", "진행하던 프로그램이 말없이 끝났어요. 아무것도 바뀌지 않았어요. 다시 해 주세요."),
    (r"Another rebuild or rehearsal is under way\. .*", "다른 재구성이나 시험이 진행 중이에요. 끝난 뒤에 다시 해 주세요."),
    (r"Lane (\S+) is not evenly processed after (\d+) s\. .*", "{1}초를 기다려도 처리가 고르게 따라오지 않았어요. 처리 프로그램이 모두 돌고 있는지 dangol status로 확인해 주세요."),
)
#: Whole sentences, in the same way. {0} is nearly always the place in the document.
SENTENCES: tuple[tuple[str, str], ...] = (
    (r"name .+ must be 1 to (\d+) readable characters.*", "이름은 1~{0}자로 적어 주세요."),
    (r"(the rule set|\S+) has the key (.+)\. Did you mean (.+)\?", "{0}에 {1}{1:이라는} 항목은 없어요. {2}{2:을} 적으려던 것인가요?"),
    (r"(the rule set|\S+) has the key (.+)\. Known: (.+)\.", "{0}에 {1}{1:이라는} 항목은 없어요. 쓸 수 있는 항목: {2}."),
    (r"(the rule set|\S+) has no (.+); it needs one\. .*", "{0}에 {1} 항목이 없어요. 꼭 있어야 해요."),
    (r"(\S+?):? is no key here(?: \(did you mean (.+)\?\))?; allowed are (.+)\.", "{0} 항목은 여기에 쓸 수 없어요. 쓸 수 있는 항목: {2}."),
    (r"(\S+) has (.+), must be text; put it in quotes\.", "{0}에 글자가 아닌 {1}{1:이} 있어요. 따옴표로 감싸 주세요."),
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
    *YAML,
    *RUNS,
    *MAPPINGS,
    *EVENTS,
    *SCHEMAS,
    *DECISIONS,
    *WEBHOOKS,
)
_WRONG = re.compile(r"(?:a (?P<part>key|name) in )?(?P<place>the document|the rule set|a condition|mapping\S*: \w+|\S+?):? (?:is|==) (?P<seen>[\s\S]+?), must be (?P<wanted>[\s\S]+?)\.?(?: ?\(?[Dd]id you mean '?(?P<near>[^'?]+)'?\?\)?\.?)?")
_FIELD = re.compile(r"\{(\d)(?::(\S+?))?\}")
#: A row of a file, a line of a document.
_AT = re.compile(r"(?:The [\w ]+, )?(row|line) (\d+): ([\s\S]+)")
_WHOLE = "규칙"


def refusal_words(said: str, language: str) -> str:
    """The refusal *said* by a room, in *language*."""
    if language != "ko":
        return said
    if at := _AT.fullmatch(said):
        return f"{at[2]}번째 {'행' if at[1] == 'row' else '줄'}: {refusal_words(at[3], language)}"
    for pattern, korean in SENTENCES:
        if found := re.fullmatch(pattern, said):
            return _filled(korean, found.groups())
    if found := _WRONG.fullmatch(said):
        near = f" {found['near']}{particle(found['near'], '을')} 적으려던 것인가요?" if found["near"] else ""
        place = {"the document": _WHOLE, "the rule set": _WHOLE, "a condition": "조건"}.get(found["place"], found["place"].strip('"'))
        what = {"key": f"{place}에 적은 항목이", "name": f"{place}에 적은 이름이"}.get(found["part"] or "", f"{place} 값이")
        seen = "비어 있음" if found["seen"] in ("empty", "None") else found["seen"]
        return f"{what} 맞지 않아요: {seen}. 쓸 수 있는 것: {_wanted(found['wanted'])}.{near}"
    return said


def told(refusal: Exception) -> str:
    """What *refusal* says, in the language of the page that is being made."""
    return refusal_words(str(refusal), translation.get_language() or "ko")


def _wanted(said: str) -> str:
    for pattern, korean in WANTED:
        if found := re.fullmatch(pattern, said):
            return _filled(korean, found.groups())
    return said


def _filled(korean: str, groups: tuple[str | None, ...]) -> str:
    values = ["없음" if value in (None, "nothing") else _WHOLE if value == "the rule set" else value for value in groups]

    def put(field: re.Match[str]) -> str:
        value = values[int(field[1])]
        if field[2] is None:
            return value
        return "이라는" if field[2] == "이라는" and particle(value, "이") == "이" else "라는" if field[2] == "이라는" else particle(value, field[2])

    return _FIELD.sub(put, korean.replace("{{", "\0").replace("}}", "\1")).replace("\0", "{").replace("\1", "}")
