// Keeps the operator's page true. Without it, the page reloads itself now and then.
"use strict";

const HERE = "/operator";
const stale = document.getElementById("stale");

// What just happened was told; reloading must not tell it again.
if (location.search) history.replaceState(null, "", HERE + location.hash);

// Nobody's click, open list or choice that is not sent yet is taken from under their hands.
const inUse = (part) =>
  part.matches(":active") ||
  (part.contains(document.activeElement) && document.activeElement.matches("select")) ||
  [...part.querySelectorAll("option:checked")].some((option) => !option.defaultSelected);

function put(fresh) {
  const part = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
  if (!part || part.innerHTML === fresh.innerHTML || inUse(part)) return;
  const held = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.replaceChildren(...fresh.childNodes);
  if (held) (document.getElementById(held) ?? part.querySelector("button, a"))?.focus();
}

async function renew() {
  if (document.hidden) return;
  try {
    const reply = await fetch(HERE, { redirect: "manual", signal: AbortSignal.timeout(10000) });
    // Signed out, or no operator any more: the server shows what may be seen.
    if (reply.type === "opaqueredirect" || reply.status === 404) return location.reload();
    if (!reply.ok) throw reply.status;
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    page.querySelectorAll("[data-part]").forEach(put);
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
}

(function again() {
  setTimeout(() => renew().finally(again), 5000);
})();
document.addEventListener("visibilitychange", renew);
