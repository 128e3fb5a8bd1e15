/* Loading the page anew when it is no longer what a fresh one would be. Never without end: when the fresh pages
   are told so, too, they wait. */
const KEPT = "fonal.reloads";
const MOST = 5;
const WITHIN_MS = 10000;
const LEAVES_WITHIN_MS = 5000;
let isOnItsWay = false;
let sentAt = -LEAVES_WITHIN_MS;

// A form is on its way (ending something, logging out): where it leads comes before a reload.
addEventListener("submit", (event) => {
  if (!event.defaultPrevented) sentAt = performance.now();
});

export function loadAnew() {
  if (performance.now() - sentAt < LEAVES_WITHIN_MS) return setTimeout(loadAnew, LEAVES_WITHIN_MS);
  // The answer to a form: loading it again would send the form again.
  if (isOnItsWay || "answer" in document.body.dataset) return;
  isOnItsWay = true;
  const lately = before().filter((at) => Date.now() - at < WITHIN_MS);
  sessionStorage.setItem(KEPT, JSON.stringify([...lately, Date.now()].slice(-MOST)));
  // Not by a timer when it needn't: a tab in the background would be late.
  if (lately.length < MOST) location.reload();
  else setTimeout(() => location.reload(), WITHIN_MS);
}

/* The same, but a text that stands in an open dialog is finished first: the server decides about it anyway. */
export function loadAnewWhenWritten() {
  // Nor is what was written into a page's own form thrown away: saving leads on anyway.
  if (document.querySelector("form[data-begun]")) return;
  const dialog = document.querySelector("dialog[open]");
  const isWriting = [...(dialog?.querySelectorAll("textarea") ?? [])].some((area) => area.value.trim());
  if (isWriting) dialog.addEventListener("close", loadAnew, { once: true });
  else loadAnew();
}

function before() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}
