"""The comments of the shipped rule documents, English and Korean. Pure.

Documents are kept with English comments, so that versions differ only where rules do; an editor shows them in its reader's language.
A comment that somebody wrote themselves stays as it is.
"""

# ruff: noqa: E501 - a table reads better with one entry per line

from __future__ import annotations

#: English line -> Korean line, without the indentation. Line for line, so that the number of a line means the same in both.
COMMENTS: dict[str, str] = {
    # identity/rules.yaml
    "# The rule set that ships with Dangol. A brand may apply its own; versions are kept.": "# Dangol에 들어 있는 식별 규칙이에요. 브랜드에 맞게 바꿔 쓸 수 있고, 바꾼 버전은 모두 남아요.",
    "# rank: the lower, the more an identifier leads: it owns the event and gives the person its id.": "# rank: 작을수록 앞서는 식별자예요. 이벤트의 주인이 되고, 고객 ID의 바탕이 돼요.",
    "# unique: one person has at most one value of it; two people who each have one are never joined.": "# unique: 한 사람이 하나만 가질 수 있어요. 각자 하나씩 가진 두 사람은 절대 합치지 않아요.",
    "# known: it stands for somebody known (unique ones do): an unverified claim never joins two known people.": "# known: 누구인지 아는 사람을 뜻해요(unique면 언제나 그래요). 확인되지 않은 값만으로는 아는 두 사람을 합치지 않아요.",
    "# typed: anybody may type it, so it proves nothing unless the event says so (trait email_verified: true).": "# typed: 누구나 입력할 수 있어서, 이벤트가 확인됐다고 할 때만(특성 email_verified: true) 증거로 봐요.",
    "# normaliser: text, lower, email or phone, each with a version (email@1); a name alone means version 1, so an upgrade changes nobody.": "# normaliser: 값을 맞추는 방식이에요. text, lower, email, phone에 버전을 붙여요(email@1). 이름만 쓰면 버전 1이라 업그레이드해도 아무도 바뀌지 않아요.",
    "#   text@2 takes full-width letters and digits (Ｍ１２) for ordinary ones (M12).": "#   text@2는 전각 글자와 숫자(Ｍ１２)를 보통 글자(M12)로 봐요.",
    "#   email@2 also leaves out what stands after a plus sign (mina+shop@ is mina@).": "#   email@2는 더하기 뒤도 빼고 봐요(mina+shop@은 mina@과 같아요).",
    "# limit: one person gets at most so many values of it; with days: so many new ones within so many days. The claim that would is refused.": "# limit: 한 사람이 가질 수 있는 개수예요. days가 있으면 그 기간에 새로 가질 수 있는 개수예요. 넘으면 잇지 않아요.",
    "# shared: with so many owners (known people) at once, within so many days, it joins nobody any more; neither does one of which so": "# shared: 정한 기간에 아는 사람 여럿(owners)이 함께 쓰면 더는 누구도 이어 주지 않아요. 언제든 여러 회원(proven)이 저마다",
    "#   many members (owners of a unique type) each proved, at whatever time, that it is theirs: a number that changed hands, a device on which": "#   자기 것이라고 증명한 값도 마찬가지예요. 주인이 바뀐 번호나, 다른 회원이 로그인한 기기가 그래요.",
    "#   a second member logged in. What they do there while logged in is theirs all the same.": "#   로그인한 동안 한 일은 그래도 그 회원의 것이에요.",
    "# A browser that forgets makes a new one at every visit, so the limit is wide: it is there against runaway clients.": "# 쿠키를 지우는 브라우저는 올 때마다 새 값을 만들어서 한도가 넉넉해요. 잘못 도는 프로그램만 막아요.",
    "# An identifier with more claims than this joins nobody any more, whatever its type.": "# 이보다 많은 식별자와 이어지려는 값은 종류와 상관없이 누구도 이어 주지 않아요.",
    "# An identifier type that is not named above (from externalIds) is taken with this rank.": "# 위에 없는 종류(externalIds로 온 것)는 이 rank로 받아요.",
    "# Sources whose device is known to serve many: these types name the device there, never a customer.": "# 여러 사람이 쓰는 기기의 소스예요. 여기서 온 이 종류의 값은 고객이 아니라 기기를 가리켜요.",
    "# Traits and context traits that are identifiers as well: trait name -> type.": "# 식별자이기도 한 특성이에요(context의 특성 포함). 특성 이름: 식별자 종류",
    "# Values that name nobody, whatever their type. `any_case` is compared without regard to case.": "# 누구도 가리키지 않는 값이에요. 종류와 상관없어요. any_case는 대소문자를 가리지 않고 비교해요.",
    # profiles/traits.yaml
    "# The trait rules that ship with Dangol. A brand may apply its own; versions are kept (`dangol traits apply`).": "# Dangol에 들어 있는 특성 규칙이에요. 브랜드에 맞게 바꿔 쓸 수 있고, 바꾼 버전은 모두 남아요(`dangol traits apply`).",
    "# Guide: docs/howto/traits.md.": "# 안내: docs/howto/traits.ko.md.",
    "# Which value of a trait counts when it was told more than one; the others are kept and shown beside it.": "# 한 특성에 값이 여럿 들어왔을 때 어떤 값을 쓸지 정해요. 나머지 값도 남아 있고 옆에 보여요.",
    "#   newest          the value told last": "#   newest          가장 최근에 들어온 값",
    "#   oldest          the value told first": "#   oldest          가장 먼저 들어온 값",
    "#   sources         {policy: sources, order: [crm, pos]}: names or kinds of sources, the most trusted first": "#   sources         {policy: sources, order: [crm, pos]}: 더 믿는 순서로 적은 소스의 이름이나 종류",
    "#   verified_first  a value that its event says was verified (trait NAME_verified: true), before any other": "#   verified_first  이벤트가 확인됐다고 한 값(특성 이름_verified: true)을 먼저",
    "#   most_frequent   the value that most events told": "#   most_frequent   가장 여러 번 들어온 값",
    "#   union           all of them, as a list": "#   union           모두 모은 목록",
    "#   min, max        the least, the greatest: of numbers, of times, else in alphabetical order": "#   min, max        가장 작은 값, 가장 큰 값. 숫자, 시각, 그 밖에는 글자 순서로 비교해요",
    "# Traits that Dangol works out of events, for every person, however late or often events come (docs/howto/computed-traits.md).": "# 이벤트로 계산하는 특성이에요. 이벤트가 늦게 오거나 여러 번 와도 고객마다 정확해요(docs/howto/computed-traits.ko.md).",
    "#   function  count, sum, min, max, mean, first, last, distinct_count, most_frequent, or list with keep: how many": "#   function  count(개수), sum(합계), min, max, mean(평균), first(처음), last(마지막), distinct_count(서로 다른 수), most_frequent(가장 잦은 값), list(목록, keep에 개수)",
    "#   events    names of track events, or call types (track, identify, page, screen, group, alias), or {type: page, name: Cart}": "#   events    track 이벤트의 이름, 호출 종류(track, identify, page, screen, group, alias), 또는 {type: page, name: Cart}",
    "#   property  path into properties, such as total or products.category; without one, first, last and list tell the moment": "#   property  total, products.category 같은 속성의 자리. 없으면 first, last, list는 시각을 알려 줘요",
    "#   where     {property: channel, equals: store}; equals, not, in, exists, contains, >, >=, <, <=; a list means all; {or: […]}": "#   where     {property: channel, equals: store}. equals, not, in, exists, contains, >, >=, <, <=. 목록은 모두 맞아야 해요. {or: […]}",
    "#   window    all time, or a sliding one: 30 days, 24 hours": "#   window    전체 기간(all time) 또는 최근 기간(30 days, 24 hours)",
    "# Where in their life as a customer somebody stands: the first stage whose `when` holds. Days are full days.": "# 고객이 지금 어느 단계에 있는지 정해요. 위에서부터 when이 처음 맞는 단계예요. 날수는 꽉 찬 하루로 세요.",
    "#   {computed: NAME, …}  {days_since: NAME, …}  {days_between: LIST, …}  {has: [TYPE]}  {has_not: [TYPE]}; a list means all; {or: […]}": "#   {computed: 이름, …}  {days_since: 이름, …}  {days_between: 목록, …}  {has: [종류]}  {has_not: [종류]}. 목록은 모두 맞아야 해요. {or: […]}",
}

_ENGLISH = {korean: english for english, korean in COMMENTS.items()}


def comments_in(document: str, language: str) -> str:
    """*document* with the shipped comments in *language* (ko or en); everything else is left alone."""
    words = COMMENTS if language == "ko" else _ENGLISH
    return "\n".join(_line(line, words) for line in document.split("\n"))


def _line(line: str, words: dict[str, str]) -> str:
    bare = line.strip()
    return line.replace(bare, words[bare]) if bare in words else line
