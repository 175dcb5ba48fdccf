"""The guided tour that the demo opens with, in Korean and English."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guest:
    """The made-up person whom the tour introduces, met in many channels."""

    name: str
    member_id: str
    channels: int
    events: int


@dataclass(frozen=True, slots=True)
class Stage:
    """What the tour speaks of."""

    console_url: str
    collect_url: str
    #: How `dangol` commands name this workspace.
    workspace: str
    web_key: str
    guest: Guest | None
    live: bool


def tour(stage: Stage) -> str:
    """Six steps, each with where to look and what to see."""
    guest, url = stage.guest, stage.console_url
    who_ko = f"“{guest.name}” 또는 {guest.member_id}" if guest else "이름이나 전화번호"
    who_en = f"“{guest.name}” or {guest.member_id}" if guest else "a name or a phone number"
    met_ko = f"접점 {guest.channels}곳의 일 {guest.events}건이" if guest else "여러 접점의 일이"
    met_en = f"{guest.events} events from {guest.channels} touchpoints" if guest else "events from several touchpoints"
    live_ko = "지금도 이벤트가 들어오고 있어요." if stage.live else "실시간 이벤트는 꺼져 있어요."
    live_en = "Events are coming in right now." if stage.live else "Live events are switched off."
    return f"""
온결리빙(가상 브랜드) 둘러보기 · 사람과 주문은 모두 지어낸 것이에요
  1. 홈         {url}/  들어온 이벤트 = 반영 + 중복 + 격리 + 제외. 늘 합이 맞아요.
  2. 실시간     {url}/live  {live_ko} 한 줄을 누르면 원문이 보여요.
  3. 고객       {url}/people  찾아보세요: {who_ko}. {met_ko} 한 사람의 한 흐름으로 보여요.
  4. 합칠 후보  {url}/matches  한 사람 같은 두 사람을 곧 찾아 둬요. 왜 그런지 보고 합치거나 거절해 보세요.
  5. 격리       {url}/quarantine  약속과 다른 이벤트가 이유와 함께 기다려요. 하나를 고쳐서 다시 보내 보세요.
  6. 직접 보내기  아래 명령을 붙여 넣고 실시간 화면에서 찾아보세요.

A tour of Ongyeol Living (a made-up brand; every person and order is invented)
  1. Home         {url}/  received = applied + duplicate + quarantined + suppressed. It always adds up.
  2. Live         {url}/live  {live_en} Press a line to see what came.
  3. People       {url}/people  Look for {who_en}: {met_en}, one person, one story.
  4. Matches      {url}/matches  People who are probably one are being looked for. See why, and put them together or not.
  5. Quarantine   {url}/quarantine  Events that broke the plan wait there with their reason. Correct one and replay it.
  6. Your own     Paste this, and find it under Live:

curl -s {stage.collect_url}/v1/track -u {stage.web_key}: -H 'Content-Type: application/json' \\
  -d '{{"anonymousId":"my-first","event":"Products Searched","properties":{{"query":"이불"}}}}'

dangol status --workspace {stage.workspace}   ·   dangol down --workspace {stage.workspace}
"""
