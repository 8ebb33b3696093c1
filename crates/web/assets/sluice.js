// The page works without this file; with it, it is alive. No framework, no inline handlers, nothing kept between visits.
"use strict";

// The form: Enter sends, Shift+Enter makes a new line; a second click while the first is under way does nothing.
for (const field of document.querySelectorAll("textarea[data-enter-sends]")) {
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (field.value.trim()) field.form.requestSubmit();
    }
  });
}
addEventListener("submit", ({ target, submitter, defaultPrevented }) => {
  // A download leaves this page in its place.
  if (target.matches("[data-live]") || defaultPrevented || !submitter || submitter.matches("[data-stays]")) return;
  submitter.setAttribute("aria-busy", "true");
  setTimeout(() => (submitter.disabled = true));
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[aria-busy]")) {
    button.removeAttribute("aria-busy");
    button.disabled = false;
  }
});

// What is behind the link, as soon as one is in the field: one question at a time, and a newer link ends it.
const preview = document.getElementById("preview");
if (preview) {
  const field = document.getElementById("url");
  const { form } = field;
  const link = () => field.value.trim().match(/^https?:\/\/\S+$/i)?.[0];
  let seen = preview.firstChild && link();
  let asking = new AbortController();
  let timer = 0;

  // Sizes belong to the link that they were told for.
  const forget = () => {
    clearTimeout(timer);
    asking.abort();
    seen = null;
    preview.replaceChildren();
    for (const told of form.querySelectorAll(".pill small, .whys")) told.remove();
    for (const pill of form.querySelectorAll(".refused")) pill.classList.remove("refused");
  };

  // What was chosen meanwhile stays chosen; what has the focus keeps it.
  const show = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    const [here, fresh] = [form, template.content].map((part) => part.querySelector(".presets"));
    const { value } = form.elements.preset;
    const held = here.contains(document.activeElement) && document.activeElement;
    fresh.querySelector("details").open ||= here.querySelector("details").open;
    here.replaceWith(fresh);
    form.elements.preset.value = value;
    if (held) fresh.querySelector(held.value ? `[value="${held.value}"]` : "summary").focus();
    preview.replaceChildren(...template.content.getElementById("preview").childNodes);
  };

  const look = async () => {
    forget();
    if (!(seen = link())) return;
    const ours = (asking = new AbortController());
    preview.innerHTML = '<div class="look"><div class="pic"></div><p class="quiet">Looking…</p></div>';
    try {
      const reply = await fetch("/preview", { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "application/json" }, redirect: "manual", signal: ours.signal });
      if (!reply.ok) throw reply.status;
      show((await reply.json()).html);
    } catch {
      if (!ours.signal.aborted) preview.innerHTML = '<p class="note">No preview just now. Sending works all the same.</p>';
    }
  };

  field.addEventListener("input", ({ inputType }) => {
    if (seen && link() === seen) return;
    forget();
    timer = setTimeout(look, inputType === "insertFromPaste" ? 0 : 700);
  });
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (!event.submitter?.dataset.preview) return;
    event.preventDefault();
    look();
  });
  if (!seen) look();
}

// The menu closes like a menu.
const menu = document.querySelector(".who");
addEventListener("click", (event) => { if (menu && !menu.contains(event.target)) menu.open = false; });
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu?.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A picture that does not come leaves the symbol behind it.
const drop = (image) => image.remove();
addEventListener("error", ({ target }) => { if (target instanceof HTMLImageElement) drop(target); }, true);
for (const image of document.images) if (image.complete && !image.naturalWidth) drop(image);

// Times: "3 min ago" stays true.
function relative(time) {
  const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
  const size = Math.abs(seconds);
  const [unit, length] = size < 60 ? ["second", 1] : size < 3600 ? ["minute", 60] : size < 86400 ? ["hour", 3600] : ["day", 86400];
  const text = size < 45 && seconds <= 0 ? "just now"
    : new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" }).format(Math.round(seconds / length), unit).replace(".", "");
  if (time.textContent !== text) time.textContent = text;
}
function tick() {
  for (const time of document.querySelectorAll("time[data-relative]")) relative(time);
}
setInterval(tick, 5000);

// The list.
const list = document.querySelector("[data-events]");
if (list) {
  const announcements = document.getElementById("announcements");
  const line = document.getElementById("line");

  const parse = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  };

  // Same shape: only words and numbers change, so nothing that has the focus or the pointer is touched. The bar never runs backwards.
  const patch = (row, fresh) => {
    const bar = row.querySelector("progress");
    const value = fresh.querySelector("progress")?.value;
    const backwards = bar && value < bar.value;
    for (const part of fresh.querySelectorAll("[data-part]")) {
      const here = row.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!here || (backwards && part.dataset.part === "percent")) continue;
      if (part.dateTime) here.dateTime = part.dateTime;
      if (here.textContent !== part.textContent) here.textContent = part.textContent;
    }
    if (bar?.hasAttribute("value") && !backwards) bar.value = value;
  };

  // A job's own page shows facts beside the row: when the row takes another shape, they are read again. It may have become a list.
  const renewFacts = async () => {
    const facts = document.getElementById("facts");
    if (!facts) return;
    const page = await fetch(location.href).then((reply) => (reply.ok ? reply.text() : ""), () => "");
    const fresh = new DOMParser().parseFromString(page, "text/html");
    const items = fresh.getElementById("items");
    if (items && !document.getElementById("items")) facts.before(items);
    if (fresh.getElementById("facts")) facts.replaceWith(fresh.getElementById("facts"));
    tick();
  };

  const swap = (row, fresh) => {
    const active = document.activeElement;
    const held = row.contains(active) ? active.dataset.act || "title" : null;
    row.replaceWith(fresh);
    const act = (name) => name && fresh.querySelector(`[data-act="${name}"]`);
    if (held) (act(held) || act({ Pause: "Resume", Resume: "Pause" }[held]) || fresh.querySelector("a, button"))?.focus();
    if (fresh.dataset.announce && !row.dataset.announce) announcements.textContent = fresh.dataset.announce;
    if (fresh.parentElement === list) renewFacts();
  };

  // An unknown row is new at the top of the newest downloads, or belongs before the row that a whole list names.
  const put = (html, into = list, before = undefined) => {
    const fresh = parse(html);
    const row = document.getElementById(fresh.id);
    if (!row) {
      if (before === undefined && into.dataset.first === undefined) return;
      fresh.classList.add("fresh");
      into.insertBefore(fresh, before === undefined ? into.firstElementChild : before);
    } else if (row.dataset.shape === fresh.dataset.shape) {
      patch(row, fresh);
    } else {
      swap(row, fresh);
    }
    tick();
  };

  const whole = (into, rows) => {
    const ids = new Set(rows.map(({ id }) => `job-${id}`));
    for (const row of [...into.children]) if (!ids.has(row.id)) row.remove();
    rows.forEach(({ html }, index) => put(html, into, into.children[index] ?? null));
  };

  const handlers = {
    job: ({ html }) => put(html),
    deleted: ({ id }) => document.getElementById(`job-${id}`)?.remove(),
    list: ({ rows, items }) => {
      whole(list, rows);
      const into = document.querySelector("[data-items]");
      if (!items || !into) return;
      whole(into, items.rows);
      document.getElementById("range").textContent = items.range;
      const next = document.getElementById("next");
      next.hidden = !items.next;
      if (items.next) next.href = items.next;
    },
    // Signed out elsewhere: the server shows what a signed-out person may see.
    bye: () => location.reload(),
  };

  let source = null;
  let wait = 1000;
  let timer = 0;
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const connect = () => {
    close();
    source = new EventSource(list.dataset.events);
    source.onopen = () => {
      wait = 1000;
      line.hidden = true;
    };
    source.onerror = () => {
      close();
      line.hidden = false;
      // Signed out while this page slept: an EventSource does not say why it was refused, so it is asked for.
      fetch(list.dataset.events, { method: "HEAD" }).then((reply) => reply.status === 401 && location.reload(), () => {});
      timer = setTimeout(connect, wait);
      wait = Math.min(wait * 2, 15000);
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
  };
  // A hidden page holds no connection (browsers allow six for one server); on return the server tells all that happened.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : connect()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  if (!document.hidden) connect();

  // Cancel, pause, retry, remove: without leaving the page; whatever goes wrong here goes the plain way.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-live]")) return;
    event.preventDefault();
    const button = event.submitter;
    button?.setAttribute("aria-busy", "true");
    try {
      const reply = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "application/json" } });
      if (!reply.ok) throw reply.status;
    } catch {
      form.submit();
    } finally {
      button?.removeAttribute("aria-busy");
    }
  });
}
tick();
