"""The API's page in Korean: what each operation does and what its parameters mean. The English stands with the operations."""

from __future__ import annotations

#: By the operation's name.
DESCRIPTIONS: dict[str, str] = {
    "read_person": "식별자로 찾은 한 사람에 대해 아는 것을 모두 보여드려요. {person}에는 email:mina@brand.kr처럼 종류:값을 퍼센트 인코딩해서 적어요. "
    "person:ID에는 그 사람이 가졌던 어떤 ID든 적을 수 있어요. 역할이 허락하지 않으면 개인정보는 가려서 보여드려요.",
    "read_timeline": "한 사람의 시간순 기록을 최근 것부터 보여드려요. properties에는 문장에 필요한 값만 있고, seq로 이벤트 전체(/facts/{seq})를 볼 수 있어요.",
    "read_sessions": "한 기기에서 30분 넘게 쉬지 않은 활동을 묶어서 최근 것부터 보여드려요.",
    "find_people": "이름, 이메일, 전화번호, 회원 번호, 주문 번호로 찾아요. 검색어가 없으면 최근에 본 사람을 보여드려요.",
    "read_identity": "식별자와 식별자를 이어 준 이벤트, 잇지 않은 이유, 직접 내린 결정을 보여드려요. says와 because는 Accept-Language(ko, en)를 따라요. "
    "식별자가 아주 많은 사람은 한 페이지씩 보여드려요.",
    "read_path": "{person}에서 to까지 한 걸음씩 어떤 이벤트와 결정이 이어 주는지, 아니면 무엇이 잇지 않게 했는지 보여드려요.",
    "split_person": "{person}의 식별자와 from이 서로 다른 사람의 것이라고 정해요. 어떤 이벤트가 와도 되돌리기 전까지 지켜요. "
    "preview면 아무것도 바꾸지 않아요. 이미 나눈 것을 다시 보내면 그 번호로 답해요.",
    "merge_people": "a와 b가 한 사람의 것이라고 정해요. 규칙이 무엇이라 하든 되돌리기 전까지 지켜요. preview면 아무것도 바꾸지 않아요. "
    "redirected의 ID는 남는 사람에게 이어져요.",
    "read_decisions": "담당자가 직접 나누고 합친 기록을 근거와 함께 최근 것부터 보여드려요.",
    "undo_decision": "그동안 온 이벤트까지 포함해서 이벤트가 말하는 대로 돌아가요. 결정은 기록에 남아요.",
    "read_shared": "여러 사람이 함께 써서 아무도 이어 주지 않는 식별자예요. 이것만 있는 이벤트는 누구의 것으로도 보지 않아요. 알려 주지 않아도 찾아요.",
    "read_rule_set": "지금 쓰는 규칙과 그동안 적용한 판을 모두 보여드려요.",
    "read_rule_version": "적용했던 그대로의 문서예요. 다시 적용하면 그때로 돌아가요.",
    "try_rule_set": "누가 합쳐지고 누가 나뉘는지 알려 주는 시험을 시작해요. 아무것도 바꾸지 않고 처리도 멈추지 않아요. "
    "/identity/rules/runs/{run}에서 확인하세요. 한 번에 하나만 할 수 있어요.",
    "apply_rule_set": "처음부터 이 규칙이었던 것처럼 모든 사람을 다시 만들어요. 수집은 계속되고 처리는 그동안 기다려요. "
    "/identity/rules/runs/{run}에서 확인하세요. 이전 문서를 다시 적용하면 되돌아가요.",
    "read_runs": "최근에 시험하고 적용한 기록을 진행 상황, 결과와 함께 보여드려요.",
    "read_run": "state는 waiting, running, done, failed예요. 끝나면 tried나 applied에 결과가 있어요.",
    "read_receipt": "이 messageId의 이벤트가 어떻게 됐는지, 왜 그런지, 누구의 것이고 언제인지 알려드려요. 받았지만 아직 처리하지 않은 이벤트는 waiting이에요.",
    "list_quarantine": "격리된 이벤트를 이유와 함께 최근 것부터 보여드려요.",
    "count_quarantine": "이유마다 몇 건이 언제부터 기다리는지 세어 드려요.",
    "read_quarantined": "키나 messageId로 들어온 그대로의 이벤트를 보여드려요. 역할이 허락하지 않으면 개인정보는 가려요.",
    "correct_quarantined": "고친 이벤트를 수집할 때와 똑같이 확인하고, 로그에 적은 뒤 원래 messageId로 한 번만 반영해요. "
    "patch로 다른 부분만 보내면 개인정보를 보지 않아도 돼요. event에서 가려진 채로 둔 값은 원래 값을 지켜요.",
    "replay_quarantined": "추적 계획이나 Dangol을 고친 뒤에 쓰면 좋아요. 두 번 보내도 한 번만 반영해요.",
    "dismiss_quarantined": "이벤트는 그대로 남아 있고, 다시 열 수 있어요.",
    "reopen_quarantined": "반영하지 않기로 한 결정을 되돌려요.",
    "read_fact": "그 위치에 있는 사실을 보여드려요. 시간순 기록의 이벤트라면(seq) 들어온 그대로의 이벤트예요. 개인정보는 역할을 따라요.",
    "read_feed": "모든 사실을 하나도 빠뜨리지 않고 순서대로 드려요. "
    "Accept: text/event-stream으로 부르면 바뀐 지 1초 안에 흘려보내고 Last-Event-ID로 이어 받을 수 있어요. "
    "아니면 페이지로 답해요: 앞 페이지의 position을 after=에 적어 다시 물어보세요. 토큰의 역할이 볼 수 없으면 개인정보는 가려요.",
    "list_subscriptions": "누구에게 무엇을 어디까지 알렸고, 마지막에 무엇이 잘못됐는지 보여드려요.",
    "add_webhook": "사실을 순서대로, 적어도 한 번 보내고 Standard Webhooks 방식으로 서명해요. 비밀 키는 이 답에서 한 번만 보여드려요.",
    "read_subscription": "어디까지 알렸고, 마지막에 무엇이 잘못됐는지 보여드려요.",
    "change_webhook": "멈추고, 다시 시작하고, 위치를 옮기고, 주소를 바꿔요. 빈 내용으로 보내면 바로 다시 시도해요.",
    "remove_webhook": "이 주소에는 더 이상 알리지 않아요.",
    "read_plan": "계획이 있는 이벤트마다 지금 쓰는 판을 보여드려요.",
    "read_versions": "최근 것부터 보여드려요. retired_at이 없는 것이 지금 쓰는 판이에요.",
    "add_plan_version": "바로 쓰기 시작하고 앞의 판은 거둬요. 수집은 1초 안에 새 판으로 확인해요.",
    "retire_plan": "지금 쓰는 판을 거둬요. 모든 판은 계속 읽을 수 있어요.",
    "try_plan": "이 이름의 최근 이벤트 가운데 몇 건이 맞고 나머지는 왜 안 맞는지 알려드려요. 아무것도 바꾸지 않아요.",
    "read_catalogue": "서비스끼리 주고받는 것과 그것을 알리는 이벤트를 두 언어로 설명해요.",
    "list_sources": "보낼 수 있는 곳부터 모두 보여드려요. 쓰기 키는 바꿀 수 있는 역할에만 보여요.",
    "add_new_source": "새 쓰기 키와 함께 더해요. 수집은 1초 안에 알아요.",
    "read_source": "이름으로 한 곳을 보여드려요.",
    "rotate_source_key": "새 쓰기 키를 만들고 예전 키는 1초 안에 거절해요. 예전 키로 보내면 401로 답해요.",
    "pause_source": "보내는 쪽은 404를 받고 멈춰요. 이미 받은 것은 건드리지 않아요.",
    "unpause_source": "다시 받기 시작해요.",
    "read_health": "이 프로세스와 State가 답하면 200, 아니면 503이에요. 누구나 물을 수 있어서 그 밖의 것은 말하지 않아요.",
    "read_status": "프로세스, 건수, 지연을 보여드려요. 모두 처리되면 received = applied + duplicate + quarantined + suppressed예요.",
    "read_audit": "누가 언제 왜 개인정보를 봤거나 무엇을 바꿨는지 최근 것부터 보여드려요.",
}

#: By the parameter's name.
MEANINGS: dict[str, str] = {
    "person": "종류:값. person:ID에는 그 사람이 가졌던 어떤 ID든 적을 수 있어요.",
    "message_id": "보낸 쪽이 붙인 messageId예요.",
    "key": "목록에 보이는 키나 이벤트의 messageId예요.",
    "position": "변화 흐름에서의 위치, 또는 시간순 기록의 seq예요.",
    "decision": "나누거나 합칠 때 답으로 받은 번호예요.",
    "version": "규칙의 판 번호예요.",
    "run": "규칙을 시험하거나 적용할 때 답으로 받은 번호예요.",
    "to": "다른 쪽 식별자예요. 종류:값으로 적어요.",
    "in_force": "되돌린 결정은 빼고 봐요.",
    "type": "이 종류의 식별자만 봐요.",
    "unmask": "개인정보를 보여드려요. why에 이유가 있어야 하고, 볼 때마다 감사 기록에 남아요.",
    "why": "개인정보가 필요한 이유를 짧게 적어요.",
    "mask": "역할이 볼 수 있어도 가려서 보여드려요.",
    "cursor": "앞 페이지의 next예요.",
    "limit": "한 페이지에 담을 개수예요.",
    "name": "이름이에요. 시간순 기록에서는 이 이름이나 종류의 이벤트만 봐요.",
    "channel": "이 종류의 보내는 곳에서 온 것만 봐요: web, app, pos, …",
    "since": "이때부터 (시간대를 함께 적어요).",
    "until": "이때 전까지 (시간대를 함께 적어요).",
    "query": "이름, 이메일, 전화번호, 회원 번호, 주문 번호나 그 앞부분이에요.",
    "state": "open, replayed, dismissed. 비우면 모두예요.",
    "reason": "이 이유만 봐요.",
    "source": "보내는 곳의 이름이에요.",
    "event": "이벤트의 이름이에요. 계획에서는 identify, page, screen, group, alias도 돼요.",
    "after": "이 위치 다음의 사실부터예요. 0은 처음부터, now는 지금부터예요.",
    "facts": "이것만 받아요: 사실의 이름(person.merged)이나 이벤트의 이름(Order Completed)을 쉼표로 나눠 적어요.",
    "actor": "이 사람이나 토큰이 한 것만 봐요.",
    "act": "이 행동만 봐요: person.unmasked, source.added, …",
    "subject": "이 대상에 관한 것만 봐요: person:ID, source:web, …",
    "before": "앞 페이지의 next예요.",
}
