"""Addresses of the console. Acts are nouns: POST /sources/web/key makes a new key."""

from __future__ import annotations

from django.urls import path

from dangol.console import assets
from dangol.console.pages import (
    account,
    audit,
    doors,
    errors,
    find,
    home,
    live,
    operators,
    patterns,
    people,
    person,
    plan,
    quarantine,
    sources,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("now", home.now, name="now"),
    path("find", find.find, name="find"),
    path("health", doors.health, name="health"),
    path("sign-in", doors.sign_in, name="sign-in"),
    path("sign-out", doors.sign_out, name="sign-out"),
    path("first-run", doors.first_run, name="first-run"),
    path("preferences", doors.preferences, name="preferences"),
    path("live", live.live, name="live"),
    path("live/<int:seq>", live.one, name="live-one"),
    path("people", people.people, name="people"),
    path("people/<uuid:person_id>", person.person, name="person"),
    path("people/<uuid:person_id>/timeline", person.more, name="person-timeline"),
    path("people/<uuid:person_id>/events/<int:seq>", person.event, name="person-event"),
    path("people/<uuid:person_id>/unmasking", person.unmasking, name="person-unmasking"),
    path("quarantine", quarantine.queue, name="quarantine"),
    path("quarantine/acts", quarantine.acts, name="quarantine-acts"),
    path("quarantine/<uuid:key>", quarantine.one, name="quarantine-one"),
    path("quarantine/<uuid:key>/check", quarantine.check, name="quarantine-check"),
    path("sources", sources.sources, name="sources"),
    path("sources/new", sources.new, name="source-new"),
    path("sources/<int:source_id>", sources.source, name="source"),
    path("sources/<int:source_id>/key", sources.key, name="source-key"),
    path("sources/<int:source_id>/pause", sources.pause, name="source-pause"),
    path("sources/<int:source_id>/mapping", sources.mapping, name="source-mapping"),
    path("plan", plan.plan, name="plan"),
    path("plan/new", plan.edit, name="plan-new"),
    path("plan/event", plan.event, name="plan-event"),
    path("plan/event/edit", plan.edit, name="plan-edit"),
    path("plan/event/trial", plan.trial, name="plan-trial"),
    path("plan/event/retirement", plan.retirement, name="plan-retirement"),
    path("operators", operators.operators, name="operators"),
    path("operators/<int:operator_id>", operators.change, name="operator"),
    path("operators/tokens", operators.tokens, name="operator-tokens"),
    path("audit", audit.audit, name="audit"),
    path("audit/chain", audit.chain, name="audit-chain"),
    path("account", account.account, name="account"),
    path("patterns", patterns.patterns, name="patterns"),
    path("static/<str:stamp>/<path:name>", assets.serve, name="asset"),
]

handler404 = errors.not_found
handler500 = errors.broken
