// Comfort only: every page works without a script. No library, no state but the address.
"use strict";

const list = document.querySelector("[data-list]");
const wide = matchMedia("(min-width: 60rem)");
const links = () => [...list.querySelectorAll("li > a")];
const current = () => list.querySelector("[aria-current]") ?? (list.contains(document.activeElement) ? document.activeElement.closest("li")?.querySelector(":scope > a") : null);

// One answer beside the list, without losing the place in the list. Whatever goes wrong, the link itself leads there.
async function open(link) {
  for (const each of list.querySelectorAll("[aria-current]")) { each.removeAttribute("aria-current"); each.closest("li").classList.remove("here"); }
  link.setAttribute("aria-current", "true");
  link.closest("li").classList.add("here");
  link.scrollIntoView({ block: "nearest" });
  const asked = link.href;
  const reply = await fetch(asked, { headers: { Accept: "text/html" } }).catch(() => null);
  if (current() !== link) return;
  const page = reply?.ok && !reply.redirected ? new DOMParser().parseFromString(await reply.text(), "text/html") : null;
  const found = page?.getElementById("answer");
  if (!found) { location.href = asked; return; }
  document.getElementById("answer").replaceWith(document.adoptNode(found));
  document.title = page.title;
  history.replaceState(null, "", asked);
}

if (list) {
  list.addEventListener("click", (event) => {
    const link = event.target.closest("li > a");
    if (!link || !wide.matches || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    link.focus();
    open(link);
  });

  const press = (value) => document.querySelector(`[data-triage] button[value=${value}]`)?.click();
  const step = (by) => {
    const all = links();
    const next = all[all.indexOf(current()) + by];
    if (!next) return;
    next.focus();
    if (wide.matches) open(next); else next.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    e: () => press("done"),
    a: () => press("archive"),
    u: () => press("unread"),
    x: () => { const box = document.activeElement.closest("li")?.querySelector("input[type=checkbox]"); if (box) { box.checked = !box.checked; box.dispatchEvent(new Event("change", { bubbles: true })); } },
    "?": () => document.getElementById("keys")?.showModal(),
  };
  // Single letters act only while the list has the focus (WCAG 2.1.4), never while letters are being put together.
  list.addEventListener("keydown", (event) => {
    if (event.isComposing || event.metaKey || event.ctrlKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    if ("eau".includes(event.key)) sessionStorage.setItem("triage", "1");
    keys[event.key]();
  });
  // After a key has sent a form, the next answer is there and the list has the focus again.
  if (sessionStorage.getItem("triage")) { sessionStorage.removeItem("triage"); (current() ?? links()[0])?.focus(); }

  const shown = document.querySelector("[data-keys]");
  shown?.classList.remove("unready");
  shown?.addEventListener("click", () => keys["?"]());

  const all = document.querySelector("[data-all]");
  if (all) {
    all.closest("label").classList.remove("unready");
    const boxes = () => [...list.querySelectorAll("input[type=checkbox]")];
    all.addEventListener("change", () => boxes().forEach((box) => { box.checked = all.checked; }));
    list.addEventListener("change", () => { const on = boxes().filter((box) => box.checked).length; all.checked = on === boxes().length; all.indeterminate = on > 0 && !all.checked; });
  }
}

// What is to be pasted elsewhere is copied by a button. Without HTTPS a browser lets no page copy: then there is none.
for (const block of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = block.dataset.copy;
  button.addEventListener("click", () => navigator.clipboard.writeText(block.textContent).then(() => { button.textContent = block.dataset.copied; }));
  block.after(" ", button);
}

// A file that is too large is told before it is sent.
for (const input of document.querySelectorAll("input[data-most]")) {
  input.addEventListener("change", () => input.setCustomValidity(input.files[0]?.size > +input.dataset.most ? input.dataset.large : ""));
}

// What is typed into a survey's settings is seen at once in the frame beside them; where each part has a frame, in all.
const settings = document.querySelector("[data-preview]");
if (settings) {
  let wait = 0;
  const parts = [...settings.elements].filter((one) => one.dataset.part);
  const each = new Set(parts.map((part) => part.formTarget)).size > 1;
  let part = parts[0];
  const turn = (to) => {
    part = to;
    if (each) return;
    for (const one of parts) one.setAttribute("aria-pressed", one === part);
    for (const frame of document.getElementsByName(part.formTarget)) frame.title = part.textContent;
  };
  turn(parts.find((one) => "first" in one.dataset) ?? parts[0]);
  for (const one of parts) one.addEventListener("click", () => turn(one));
  // One after the other: a form forgets a submission that has not begun when the next one comes.
  const show = () => (each ? parts : [part]).forEach((one, at) => setTimeout(() => settings.requestSubmit(one), 100 * at));
  settings.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(show, 500); });
}
