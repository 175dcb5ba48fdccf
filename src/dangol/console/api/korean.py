"""The API's page in Korean: what each operation does and what its parameters mean. The English stands with the operations."""

from __future__ import annotations

#: By the operation's name.
DESCRIPTIONS: dict[str, str] = {
    "read_person": "식별자로 찾은 한 사람에 대해 아는 것을 모두 보여드려요. {person}에는 email:mina@brand.kr처럼 종류:값을 퍼센트 인코딩해서 적어요. "
    "person:ID에는 그 사람이 가졌던 어떤 ID든 적을 수 있어요. 역할이 허락하지 않으면 개인정보는 가려서 보여드려요.",
    "explain_trait": "어떤 규칙이 이 값을 골랐는지, 다른 값은 왜 쓰지 않는지, 어떤 이벤트가 알려 줬는지 보여드려요. says는 Accept-Language(ko, en)를 따라요.",
    "read_computed": "계산한 특성의 값과 그 값을 만든 이벤트를 최근 것부터 보여드려요. as_of를 적으면 그때까지 일어난 이벤트로 계산한 그때의 값을 보여드려요. "
    "역할이 허락하지 않으면 개인정보는 가려요.",
    "read_trait_rules": "지금 쓰는 문서와 그동안의 판, 계산한 특성과 단계의 뜻, 지난 기록을 어디까지 읽었는지 보여드려요.",
    "put_trait_rules": "어떤 값을 쓸지는 바로 바뀌어요. 새로 계산하는 특성은 지난 기록을 다 읽을 때까지 filling이고 값이 없어요. "
    "맞지 않는 문서는 어느 키가 왜 안 맞는지 알려드리고 적용하지 않아요. 이전 문서를 다시 적용하면 되돌아가요.",
    "read_group": "group 호출로 알려 준 그룹과 그 구성원을 보여드려요. 사람이 합쳐지거나 나뉘면 구성원도 따라가요. "
    "left: true를 담은 group 호출은 그룹에서 나갔다는 뜻이에요. 역할이 허락하지 않으면 개인정보는 가려요.",
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
    "replay_quarantined": "수집 계획이나 Dangol을 고친 뒤에 쓰면 좋아요. 두 번 보내도 한 번만 반영해요.",
    "dismiss_quarantined": "이벤트는 그대로 남아 있고, 다시 열 수 있어요.",
    "reopen_quarantined": "반영하지 않기로 한 결정을 되돌려요.",
    "read_fact": "그 위치에 있는 사실을 보여드려요. 시간순 기록의 이벤트라면(seq) 들어온 그대로의 이벤트예요. 개인정보는 역할을 따라요.",
    "read_feed": "모든 사실을 하나도 빠뜨리지 않고 순서대로 드려요. "
    "Accept: text/event-stream으로 부르면 바뀐 지 1초 안에 흘려보내고 Last-Event-ID로 이어 받을 수 있어요. "
    "아니면 페이지로 답해요: 앞 페이지의 position을 after=에 적어 다시 물어보세요. 토큰의 역할이 볼 수 없으면 개인정보는 가려요.",
    "list_subscriptions": "누구에게 무엇을 어디까지 알렸고, 마지막에 무엇이 잘못됐는지 보여드려요.",
    "add_webhook": "사실을 순서대로, 적어도 한 번 보내고 Standard Webhooks 방식으로 서명해요. 비밀 키는 이 답에서 한 번만 보여드려요. "
    "내부 네트워크로 가는 주소는 deliver.private_networks가 허락하지 않으면 받지 않아요. 아직 찾을 수 없는 이름은 저장하고 last_error에 적어 둬요.",
    "read_subscription": "어디까지 알렸고, 마지막에 무엇이 잘못됐는지 보여드려요.",
    "change_webhook": "멈추고, 다시 시작하고, 위치를 옮기고, 주소를 바꿔요. 빈 내용으로 보내면 바로 다시 시도해요.",
    "remove_webhook": "이 주소에는 더 이상 알리지 않아요. 30일 안에는 되살릴 수 있어요.",
    "restore_webhook": "그 이름으로 마지막에 지운 웹훅이 같은 비밀 키로 멈춘 곳부터 이어 가고, 그동안 놓친 것도 받아요.",
    "try_webhook": "사실 없이 dangol.test 메시지 하나를 서명해서 보내고 답을 10초까지 기다려요. 다른 것은 바뀌지 않아요.",
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
    "list_suggestions": "같은 사람일 수 있는 짝을 지금 모습대로 보여드려요. 합쳐지거나 나뉜 사람을 따라가요.",
    "read_suggestion": "항목마다 무엇이 맞고 무엇이 다른지, 두 사람이 동의해야 한다면 그 까닭도 보여드려요.",
    "accept_suggestion": "되돌릴 수 있는 결정으로 둘을 합쳐요. risks가 비어 있지 않으면 운영자 두 사람이 동의해야 해요. "
    "첫 사람의 답은 first이고, 같은 사람은 다시 할 수 없으며, 프로그램은 둘 중 하나가 될 수 없어요.",
    "reject_suggestion": "둘은 다른 사람으로 남아요. 그때 비교하지 않은 값이 같은 사람이라고 말할 때만 다시 나와요.",
    "never_suggest": "합쳐지거나 나뉘어 누가 되더라도 둘은 다른 사람으로 남고 다시 나오지 않아요.",
    "undo_suggestion": "합친 사람은 합친 적이 없던 것처럼 나뉘고, 짝은 다시 기다려요.",
    "read_matching_model": "판 번호, 언제 몇 사람으로 배웠는지 보여드려요. 0판은 처음부터 들어 있는 모델이에요.",
    "list_matching_runs": "최근 스무 번을 새것부터, 얼마나 진행됐고 무엇을 찾았는지 보여드려요.",
    "start_matching_run": "짝 찾기를 부탁해요. learn이 몇 초 안에 시작해요. 얼마나 됐는지는 기록에서 볼 수 있어요. 이미 기다리는 것이 있으면 거기에 더해요.",
    "read_health": "이 프로세스와 State가 답하면 200, 아니면 503이에요. 누구나 물을 수 있어서 그 밖의 것은 말하지 않아요.",
    "read_status": "프로세스, 건수, 지연을 보여드려요. 모두 처리되면 received = applied + duplicate + quarantined + suppressed예요.",
    "read_audit": "누가 언제 왜 개인정보를 봤거나 무엇을 바꿨는지 최근 것부터 보여드려요.",
}

#: By the parameter's name.
MEANINGS: dict[str, str] = {
    "person": "종류:값. person:ID에는 그 사람이 가졌던 어떤 ID든 적을 수 있어요.",
    "group_id": "group 호출에 담긴 groupId 그대로예요.",
    "as_of": "지금 대신 이때의 값을 봐요 (시간대를 함께 적어요).",
    "trait": "특성(trait)의 이름이에요.",
    "others": "쓰지 않는 다른 값도 출처와 함께 보여드려요.",
    "message_id": "보낸 쪽이 붙인 messageId예요.",
    "key": "목록에 보이는 키나 이벤트의 messageId예요.",
    "position": "변경 피드에서의 위치, 또는 시간순 기록의 seq예요.",
    "suggestion": "목록에 보이는 짝의 번호예요.",
    "above": "가능성이 이 값 이상인 것만 봐요. 0부터 1까지예요.",
    "below": "가능성이 이 값보다 낮은 것만 봐요. 0부터 1까지예요.",
    "second": "두 번째 운영자를 기다리는 것만 봐요.",
    "sort": "probability는 가능성이 높은 것부터, newest는 새것부터예요.",
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
    "channel": "이 종류의 소스에서 온 것만 봐요: web, app, pos, …",
    "before_known": "누구인지 알기 전에 브라우저, 기기, 카드로 한 일만 봐요.",
    "since": "이때부터 (시간대를 함께 적어요).",
    "until": "이때 전까지 (시간대를 함께 적어요).",
    "query": "이름, 이메일, 전화번호, 회원 번호, 주문 번호나 그 앞부분이에요.",
    "state": "이 상태인 것만 봐요. 격리는 open, replayed, dismissed(비우면 모두), 짝은 open, accepted, automatic, rejected, never, gone, all이에요.",
    "reason": "이 이유만 봐요.",
    "source": "소스의 이름이에요.",
    "event": "이벤트의 이름이에요. 계획에서는 identify, page, screen, group, alias도 돼요.",
    "after": "이 위치 다음의 사실부터예요. 0은 처음부터, now는 지금부터예요.",
    "facts": "이것만 받아요: 사실의 이름(person.merged)이나 이벤트의 이름(Order Completed)을 쉼표로 나눠 적어요.",
    "actor": "이 사람이나 토큰이 한 것만 봐요.",
    "act": "이 행동만 봐요: person.unmasked, source.added, …",
    "subject": "이 대상에 관한 것만 봐요: person:ID, source:web, …",
    "before": "앞 페이지의 next예요.",
    "removed": "최근 30일 안에 지워서 되살릴 수 있는 것만 봐요.",
}

#: Fields of bodies, by the body's name.
BODIES: dict[str, dict[str, str]] = {
    "TraitRulesBody": {"document": "특성 규칙 문서예요. YAML로 적어요.", "why": "바꾸는 이유예요. 판과 함께 남아요."},
    "SplitBody": {
        "from": "다른 쪽 식별자예요. 종류:값이나 person:ID로 적어요.",
        "why": "어떻게 알았는지 적어요. 결정과 함께 남아요. 미리 볼 때는 없어도 돼요.",
        "preview": "아무것도 바꾸지 않고 어떻게 될지만 알려드려요.",
    },
    "MergeBody": {
        "a": "한쪽 식별자예요. 종류:값이나 person:ID로 적어요.",
        "b": "다른 쪽 식별자예요. 종류:값이나 person:ID로 적어요.",
        "why": "어떻게 알았는지 적어요. 결정과 함께 남아요. 미리 볼 때는 없어도 돼요.",
        "preview": "아무것도 바꾸지 않고 어떻게 될지만 알려드려요.",
    },
    "Correction": {
        "event": "이벤트 전체예요. 가려진 채로 둔 값은 원래 값을 지켜요.",
        "patch": "다른 부분만 JSON merge patch(RFC 7396)로 적어요. null은 그 키를 지워요.",
        "note": "나중에 보는 사람을 위해 이유를 적어요.",
    },
    "Chosen": {"keys": "격리된 이벤트의 키예요. 목록에 보여요.", "note": "나중에 보는 사람을 위해 이유를 적어요."},
    "NewWebhook": {
        "name": "warehouse 같은 이름이에요. 보내는 글마다 들어 있어요.",
        "url": "https://…로 적어요. 다른 주소로 넘겨도 따라가지 않아요.",
        "facts": "이것만 보내요: 사실의 이름(person.merged)이나 이벤트의 이름(Order Completed). 비우면 모두예요.",
        "after": "now는 지금부터, 위치는 그다음 사실부터예요.",
        "personal": "개인정보도 보내요. 개인정보를 보는 역할만 할 수 있어요.",
    },
    "WebhookChange": {
        "url": "https://…로 적어요. 다른 주소로 넘겨도 따라가지 않아요.",
        "facts": "이것만 보내요: 사실의 이름(person.merged)이나 이벤트의 이름(Order Completed). 비우면 모두예요.",
        "paused": "true는 잠시 멈춰요. false는 그동안 못 보낸 것부터 이어서 보내요.",
        "position": "이 위치 다음부터 보내요. 다시 보내거나 건너뛸 때 써요.",
    },
    "TryBody": {"document": "식별 규칙 문서예요. YAML로 적어요."},
    "ApplyBody": {
        "document": "식별 규칙 문서예요. YAML로 적어요.",
        "why": "바꾸는 이유예요. 판과 함께 남아요.",
        "replaces": "tried.version이에요. 그동안 다른 판을 적용했으면 아무것도 바꾸지 않아요(rules_overtaken). null이면 지금 쓰는 판이 무엇이든 바꿔요.",
    },
    "NewVersion": {
        "schema": "속성의 JSON Schema(draft 2020-12)예요. {properties, traits, context}로 부분마다 따로 적어도 돼요.",
        "from_catalogue": "스키마를 표준 데이터 모델에서 가져와요.",
        "action": "맞지 않는 이벤트를 어떻게 할지예요.",
        "description": "어떤 이벤트인지 한 문장으로 적어요.",
    },
    "TrialOf": {
        "schema": "속성의 JSON Schema(draft 2020-12)예요. {properties, traits, context}로 부분마다 따로 적어도 돼요.",
        "events": "이 이름의 최근 이벤트를 몇 건 볼지예요.",
    },
    "NewSource": {
        "name": "web이나 pos-gangnam 같은 이름이에요.",
        "kind": "어떤 접점인지예요.",
        "mapping": "웹훅으로 온 JSON을 어떻게 이벤트로 바꿀지예요.",
        "synthetic": "지어낸 이벤트를 보내는 소스예요. 보이는 곳마다 표시해요.",
    },
    "VerdictBody": {"why": "이유를 적어요. 판단과 함께 남아요."},
    "RunBody": {
        "train": "우리 고객으로 모델을 먼저 새로 만들어요.",
        "everybody": "지난번 뒤에 바뀐 사람만이 아니라 모두를 서로 비교해요.",
    },
}
