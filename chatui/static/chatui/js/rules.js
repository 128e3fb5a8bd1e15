/* The rule editor: the sentence and the previews follow what is written; steps come and go; nothing is lost unasked.
   The list of rules: into order by dragging, or by Alt and the arrow keys. Without scripts all of it works by buttons. */
import { post } from "./post.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

const AFTER_MS = 350;
const form = () => document.querySelector("[data-rule-form]");

/* --- The sketch --- */
let timer, asked;
function sketchSoon() {
  clearTimeout(timer);
  timer = setTimeout(sketch, AFTER_MS);
}

async function sketch() {
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await post(form().dataset.sketchUrl, new FormData(form()), { signal: asked.signal });
    if (answer.ok) draw(await answer.text());
  } catch {
    // Overtaken by what was written since, or no answer: the next key asks again.
  }
}

function draw(text) {
  const drawn = document.createElement("template");
  drawn.innerHTML = text;
  for (const fresh of drawn.content.querySelectorAll("[data-sketch]")) {
    const place = form().querySelector(`[data-sketch="${fresh.dataset.sketch}"]`);
    if (place && place.innerHTML !== fresh.innerHTML) place.innerHTML = fresh.innerHTML;
  }
}

/* --- What is not saved yet --- */
let isLeaving = false;
document.addEventListener("input", ({ target }) => {
  if (!form()?.contains(target)) return;
  form().dataset.begun = "";
  sketchSoon();
});
/* Confirming a key waits less than answering missed calls; what somebody chose themselves stays. */
document.addEventListener("change", ({ target }) => {
  if (!form()?.contains(target) || target.name !== "trigger") return;
  const { cool_down: amount, "cool_down-unit": unit } = form().elements;
  const { usual, ofKeys } = form().dataset;
  const [from, to] = target.value === "key" ? [usual, ofKeys] : [ofKeys, usual];
  if (amount.value * unit.value !== Number(from)) return;
  const size = [60, 1].find((one) => to % one === 0);
  [amount.value, unit.value] = [to / size, size];
  sketchSoon();
});
addEventListener("beforeunload", (event) => {
  if (form() && "begun" in form().dataset && !isLeaving) event.preventDefault();
});

/* --- Steps --- */
document.addEventListener("submit", async (event) => {
  if (event.target !== form()) return;
  const act = event.submitter?.name === "do" ? event.submitter.value : "";
  if (!act) {
    // A rehearsal opens beside the editor.
    isLeaving = event.submitter?.formTarget !== "_blank";
    return;
  }
  event.preventDefault();
  const values = new FormData(form());
  values.set("do", act);
  try {
    const answer = await post(form().action, values);
    if (!answer.ok) throw new Error(answer.status);
    replaceForm(await answer.text(), act);
  } catch {
    toast(say("noAnswer"), { bad: true });
  }
});

function replaceForm(text, act) {
  const drawn = document.createElement("template");
  drawn.innerHTML = text;
  const fresh = drawn.content.querySelector("[data-rule-form]");
  form().replaceWith(fresh);
  fresh.dataset.begun = "";
  const steps = fresh.querySelectorAll("[data-step]");
  const [what, at] = act.split(":");
  const place = { "raise-step": Number(at) - 1, "lower-step": Number(at) + 1, "drop-step": Math.max(0, Number(at) - 1), "add-language": Number(at) }[what] ?? steps.length - 1;
  const step = steps[Math.max(0, Math.min(place, steps.length - 1))];
  const button = step?.querySelector(`[value^="${what}:"]:not([disabled])`);
  const added = what === "add-language" && [...step.querySelectorAll(".further textarea")].find((area) => !area.value);
  (added || button || step?.querySelector("[data-who]") || fresh.querySelector('[value="add-step"]'))?.focus();
}

/* --- Places to fill in go where the cursor is --- */
document.addEventListener("mousedown", (event) => {
  if (event.target.closest("[data-insert]")) event.preventDefault();
});
document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-insert]");
  if (!button) return;
  const area = document.getElementById(button.dataset.into);
  area.focus();
  // insertText keeps the browser's own undo.
  if (document.execCommand("insertText", false, button.dataset.insert)) return;
  area.setRangeText(button.dataset.insert, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
});

/* --- The first mistake has the focus --- */
const wrong = form()?.querySelector("[autofocus], [aria-invalid], .problem");
(wrong?.matches(".problem") ? wrong.parentElement.querySelector("input, select, textarea, button") : wrong)?.focus();

/* --- The order of the list --- */
const list = () => document.querySelector("[data-rules]");
const rules = () => [...list().querySelectorAll(":scope > [data-rule]")];

async function move(rule, to, focused) {
  const mover = rule.querySelector("[data-move]");
  try {
    // Whoever leaves at once has it, too.
    const answer = await post(mover.action, { to }, { keepalive: true });
    if (!answer.ok) throw new Error(answer.status);
    list().outerHTML = await answer.text();
  } catch {
    toast(say("noAnswer"), { bad: true });
    return;
  }
  const fresh = document.getElementById(rule.id);
  makeDraggable();
  const button = focused && fresh.querySelector(`[data-key-move="${focused}"]`);
  (button?.disabled ? fresh.querySelector("[data-key-move]:not([disabled])") : button)?.focus();
  fresh.scrollIntoView({ block: "nearest" });
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches?.("[data-move]")) return;
  event.preventDefault();
  move(event.target.closest("[data-rule]"), event.submitter.value, event.submitter.dataset.keyMove);
});
document.addEventListener("keydown", (event) => {
  const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
  const rule = event.altKey && way && event.target.closest?.("[data-rule]");
  const button = rule && rule.querySelector(`[data-key-move="${way}"]`);
  if (!button || button.disabled) return;
  event.preventDefault();
  move(rule, button.value, way);
});

let dragged;
function makeDraggable() {
  for (const handle of list()?.querySelectorAll("[data-drag]") ?? []) handle.draggable = true;
}
makeDraggable();
document.addEventListener("dragstart", (event) => {
  const handle = event.target.closest?.("[data-drag]");
  if (!handle) return;
  dragged = handle.closest("[data-rule]");
  dragged.classList.add("dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
  event.dataTransfer.setDragImage(dragged, 16, 16);
});
document.addEventListener("dragover", (event) => {
  if (!dragged) return;
  event.preventDefault();
  const over = event.target.closest?.("[data-rule]");
  if (!over || over === dragged) return;
  const { top, height } = over.getBoundingClientRect();
  over[event.clientY < top + height / 2 ? "before" : "after"](dragged);
});
document.addEventListener("dragend", () => {
  if (!dragged) return;
  const rule = dragged;
  dragged = undefined;
  rule.classList.remove("dragged");
  move(rule, rules().indexOf(rule));
});
