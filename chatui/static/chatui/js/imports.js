/* An import of contacts: its page follows what the worker does, and shows the next step as soon as there is one. */
import { closeDialog } from "./dialog.js";
import { adopt, onFrame } from "./frames.js";

const ASK_EVERY_MS = 1500;
const place = () => document.querySelector("[data-import]");
const isWorking = () => place() && "working" in place().dataset;
let asking;
let isFetching = false;

onFrame("live-import", (told) => {
  const shown = place();
  if (shown?.dataset.import !== told.getAttribute("import")) return;
  if (told.getAttribute("state") !== shown.dataset.state) return showAnew();
  if (Number(told.getAttribute("done")) < Number(shown.dataset.done)) return;
  shown.dataset.done = told.getAttribute("done");
  const [figures, bar] = [shown.querySelector("[data-figures]"), shown.querySelector("progress")];
  if (!bar) return;
  figures.textContent = told.textContent;
  bar.max = Number(told.getAttribute("total")) || 1;
  // Without a value it says that nobody knows yet.
  if (Number(told.getAttribute("total"))) bar.value = Number(told.getAttribute("done"));
});

async function showAnew() {
  if (isFetching) return;
  isFetching = true;
  try {
    const answer = await fetch(location.pathname, { headers: { "X-Fonal": "frames" } });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) return;
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    bring(template.content.querySelector("[data-import]"));
  } catch {
    // The next question will tell.
  } finally {
    isFetching = false;
    askWhileWorking();
  }
}

function bring(fresh) {
  const shown = place();
  if (!fresh || !shown) return;
  const isOther = fresh.dataset.state !== shown.dataset.state;
  shown.replaceWith(adopt(fresh));
  // Read aloud, and the keyboard begins here.
  if (isOther) fresh.querySelector("h2")?.focus({ preventScroll: true });
}

/* Frames come to who has started it, and only where there is a socket. */
function askWhileWorking() {
  const mustAsk = isWorking();
  if (mustAsk) asking ??= setInterval(() => isWorking() && isUntold() && showAnew(), ASK_EVERY_MS);
  else asking = clearInterval(asking);
}
const isUntold = () => "foreign" in place().dataset || !window.fonal?.status().isConnected;

/* The file comes without a page of its own: the dialog has done its work. */
document.addEventListener("submit", (event) => {
  if (event.target.matches("dialog [data-contacts-export]")) setTimeout(closeDialog);
});

if (isWorking()) {
  askWhileWorking();
  // It may be done since the page was drawn.
  if (document.readyState === "complete") showAnew();
  else addEventListener("load", showAnew, { once: true });
}
