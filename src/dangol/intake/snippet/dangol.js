/* dangol.js tells Dangol what happens on this page. See docs/howto/snippet.md. Apache-2.0 */
(function () {
  "use strict";
  if (window.dangol && window.dangol.version) return;
  const script = document.currentScript, stub = window.dangol || [];
  const BATCH_EVENTS = 100, BATCH_BYTES = 6e4, KEPT_MAX = 1000, SESSION_MS = 18e5, WAIT_MS = 1000, WAIT_MAX_MS = 3e5;
  let options, prefix, allowed, choices, who, held = [], waiting = [], counter = 0, lost = 0;
  let timer, timerAt, sending, waitMs = 0, blockedUntil = 0, oneByOne, left = "";

  // Every event has its own key, so that tabs never overwrite each other.
  let store = {};
  try { localStorage.setItem("dangol", ""); localStorage.removeItem("dangol"); store = localStorage; } catch { /* this page's memory */ }
  const get = (name) => JSON.parse(store[prefix + name] || "null");
  const remove = (name) => { delete store[prefix + name]; };
  const queued = () => Object.keys(store).filter((key) => key.startsWith(prefix + "q.")).map((key) => key.slice(prefix.length)).sort();
  function put(name, value) {
    try { store[prefix + name] = JSON.stringify(value); } catch {
      const oldest = queued()[0];
      if (oldest) { remove(oldest); lost++; put(name, value); }
    }
  }
  function cookie(value) {
    if (value === undefined) return (document.cookie.match(/(?:^|; )dangol_anonymous_id=([^;]+)/) || [])[1];
    const more = (options.cookieDomain ? "; domain=" + options.cookieDomain : "") + (location.protocol === "https:" ? "; Secure" : "");
    document.cookie = `dangol_anonymous_id=${value}; path=/; SameSite=Lax; max-age=${value ? 31536e3 : 0}${more}`;
  }
  // crypto.randomUUID would need https.
  const uuid = () => "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) => (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));

  // Who: remembered while it is allowed.
  const nobody = () => ({ anonymousId: uuid(), traits: {} });
  function remember() { if (allowed) { put("who", who); cookie(who.anonymousId); } }
  function recall() {
    const kept = get("who") || { anonymousId: cookie() };
    who = { ...kept, ...who, userId: who.userId || kept.userId, anonymousId: kept.anonymousId || who.anonymousId };
    remember();
  }
  function session() {
    const now = Date.now(), last = get("session") || {}, id = now - last.at < SESSION_MS ? last.id : now;
    if (allowed) put("session", { id, at: now });
    return String(id);
  }
  function context(more) {
    const campaign = {}, found = {
      library: { name: "dangol.js", version: "1" }, page: page(), locale: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, sessionId: session(), groupId: who.groupId,
    };
    new URLSearchParams(location.search).forEach((value, key) => {
      if (key.startsWith("utm_")) { campaign[key === "utm_campaign" ? "name" : key.slice(4)] = value; found.campaign = campaign; }
    });
    if (choices) found.consent = { categoryPreferences: choices };
    if (lost) { found.eventsLost = lost; lost = 0; }
    return { ...found, ...more };
  }
  const page = () => ({ url: location.href, path: location.pathname, search: location.search, title: document.title, referrer: document.referrer });

  // All of an event is fixed now, however late it is sent.
  function enqueue(event, more = {}) {
    if (!allowed && (choices || options.consent !== "hold")) return;
    if (allowed) who = get("who") || who; // another tab may know better
    event = {
      messageId: more.messageId || "dangol-js-" + uuid(), timestamp: new Date(more.timestamp || Date.now()).toISOString(),
      anonymousId: who.anonymousId, userId: who.userId, ...event, context: context(more.context), integrations: more.integrations,
    };
    if (!allowed) { held.push(event); held.splice(0, held.length - KEPT_MAX); return; }
    keep(event);
    later(+options.flushAfter);
  }
  function keep(event) {
    for (const names = queued(); names.length >= KEPT_MAX; lost++) remove(names.shift());
    put("q." + Date.now() + String(counter++ % 1e6).padStart(6, "0") + event.messageId.slice(-4), event);
  }

  // One tab sends at a time, oldest first. An event that is sent twice counts once.
  function later(ms) {
    const at = Math.max(Date.now() + ms, blockedUntil);
    if (timer && timerAt <= at) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(() => { timer = 0; flush(); }, at - Date.now());
  }
  function batchOf(all) {
    const names = [], texts = [];
    let bytes = 0;
    for (const name of all) {
      const text = store[prefix + name] || "", size = new Blob([text]).size;
      if (names.length && (oneByOne || names.length === BATCH_EVENTS || bytes + size > BATCH_BYTES)) break;
      names.push(name);
      if (size) texts.push(text); // another tab may have sent it meanwhile
      bytes += size;
    }
    return { names, bytes, body: `{"writeKey":"${options.writeKey}","sentAt":"${new Date().toISOString()}","batch":[${texts}]}` };
  }
  async function flush() {
    if (!options || !allowed || sending) return;
    if (Date.now() < blockedUntil) return later(0);
    sending = true;
    let again = 0;
    try {
      if (navigator.locks) await navigator.locks.request(prefix + "send", { ifAvailable: true }, (lock) => (lock ? send() : (again = WAIT_MS)));
      else await send();
    } finally { sending = false; }
    if (queued().length) later(again);
  }
  async function send() {
    for (let batch; (batch = batchOf(queued())).names.length; ) {
      let status = 0, retryAfter = 0;
      try {
        // Plain text needs no preflight; keepalive outlives the page.
        const answer = await fetch(options.host + "/v1/batch", {
          method: "POST", body: batch.body, keepalive: batch.bytes < BATCH_BYTES, credentials: "omit",
        });
        await answer.text(); // unread, it keeps its connection
        status = answer.status;
        retryAfter = Number(answer.headers.get("Retry-After")) || 0;
      } catch { /* offline: status 0 */ }
      if (status === 200 || (status === 400 && batch.names.length === 1)) {
        batch.names.forEach(remove);
        waitMs = 0;
        oneByOne = false;
      } else if (status === 400) oneByOne = true; // find out which one cannot be read
      else {
        waitMs = Math.min(waitMs * 2 || WAIT_MS, WAIT_MAX_MS);
        blockedUntil = Date.now() + Math.min(retryAfter * 1000 || waitMs, WAIT_MAX_MS) * (1 + Math.random() / 10);
        return;
      }
    }
  }
  function leave() {
    // Nobody learns if it arrived: events stay queued.
    const batch = batchOf(allowed && navigator.onLine ? queued().filter((name) => name > left) : []);
    left = batch.names[batch.names.length - 1] || left;
    if (batch.names.length) navigator.sendBeacon(`${options.host}/beacon/v1/batch?writeKey=${options.writeKey}`, batch.body);
  }

  const api = {
    load(writeKey, given = {}) {
      if (options) return;
      prefix = `dangol.${writeKey}.`;
      options = { flushAfter: 300, consent: "none", host: script ? new URL(script.src).origin : location.origin, ...given, writeKey };
      choices = get("consent");
      allowed = choices ? choices.analytics !== false : options.consent === "none";
      who = nobody();
      if (allowed) { recall(); later(+options.flushAfter); }
      document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave());
      window.addEventListener("pagehide", leave);
      window.addEventListener("online", () => { blockedUntil = waitMs = 0; later(0); });
      waiting.splice(0).forEach((call) => call());
    },
    page(name, properties, more) {
      if (name && typeof name === "object") [name, properties, more] = [null, name, properties];
      enqueue({ type: "page", name, properties: { ...page(), ...properties } }, more);
    },
    track(event, properties, more) { enqueue({ type: "track", event, properties: properties || {} }, more); },
    identify(userId, traits, more) {
      if (userId && typeof userId === "object") [userId, traits, more] = [null, userId, traits];
      const known = userId == null || String(userId) === who.userId;
      // Somebody else signed in: a visitor of their own, as with analytics.js.
      if (!known && who.userId) api.reset();
      who = { ...who, userId: known ? who.userId : String(userId), traits: { ...(known ? who.traits : {}), ...traits } };
      remember();
      enqueue({ type: "identify", traits: traits || {} }, more);
    },
    group(groupId, traits, more) {
      who.groupId = String(groupId);
      remember();
      enqueue({ type: "group", groupId: who.groupId, traits: traits || {} }, more);
    },
    alias(userId, previousId, more) { enqueue({ type: "alias", userId: String(userId), previousId: previousId || who.userId || who.anonymousId }, more); },
    reset() { who = nobody(); remove("session"); remember(); },
    // analytics decides whether anything is kept or sent.
    consent(given) {
      const before = allowed;
      choices = given;
      allowed = given.analytics !== false;
      if (allowed) {
        if (!before) recall();
        const consent = { categoryPreferences: given }, anonymousId = who.anonymousId;
        held.splice(0).forEach((event) => keep({ ...event, anonymousId, context: { ...event.context, consent } }));
        later(0);
      } else {
        held = [];
        [...queued(), "who", "session"].forEach(remove);
        cookie("");
        who = nobody();
      }
      put("consent", given);
    },
    flush() { blockedUntil = 0; return flush(); },
    ready(call) { if (options) call(); else waiting.push(call); },
  };
  const shown = { version: "1", user: () => ({ ...who }), push: (call) => shown[call[0]](...call.slice(1)) };
  Object.keys(api).forEach((name) => {
    shown[name] = (...given) => {
      try {
        return options || name === "load" || name === "ready" ? api[name](...given) : void waiting.push(() => shown[name](...given));
      } catch (error) { return void console.error("dangol." + name, error); } // never break the page
    };
  });
  window.dangol = shown;
  Array.from(stub).forEach(shown.push); // calls made before this file arrived
  if (script && script.dataset.key) {
    shown.load(script.dataset.key, { ...script.dataset });
    if ("page" in script.dataset) shown.page();
  }
})();
