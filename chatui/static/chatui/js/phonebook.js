/* The phone book: entries are drawn anew where they stand, the panel beside a thread follows, a field for one more appears. */
import { adopt, onFrame } from "./frames.js";

const offer = () => {
  const notice = document.querySelector("[data-changed]");
  if (notice) notice.hidden = false;
};

onFrame("live-contact", (statement) => {
  const id = statement.getAttribute("contact");
  const page = document.querySelector("[data-entry]");
  // One's own form comes back from the server as it was saved; somebody else's change is only offered.
  if (page?.dataset.entry === id) return offer();
  if (!document.querySelector("[data-contacts]")) return;
  const old = document.getElementById(`contact-${id}`);
  const fresh = statement.querySelector("tr");
  if (old && fresh) {
    old.replaceWith(fresh);
    adopt(fresh);
  }
  // Another name has another place; what is being read stays where it is.
  if (!old || !fresh || name(old) !== name(fresh)) offer();
});

const name = (row) => row.querySelector("strong").textContent;

onFrame("live-person", (statement) => {
  const person = document.getElementById("person");
  const fresh = statement.firstElementChild;
  const open = document.getElementById("talk")?.dataset.conversation;
  if (!person || statement.getAttribute("conversation") !== open || person.innerHTML === fresh.innerHTML) return;
  person.replaceWith(fresh);
  adopt(fresh);
});

/* Several numbers, addresses, tags: whoever fills the last field finds one more. */
document.addEventListener("input", ({ target }) => {
  const group = target.closest?.("[data-several]");
  const fields = [...(group?.querySelectorAll("input") ?? [])];
  if (!fields.length || target !== fields.at(-1) || !target.value.trim()) return;
  const next = target.cloneNode();
  next.value = "";
  next.removeAttribute("aria-invalid");
  target.after(next);
});
