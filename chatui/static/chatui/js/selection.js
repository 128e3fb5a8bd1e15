/* Rows picked out by hand: one by one, a range with Shift, all that are shown; and what can be done with them. */
import { openDialog } from "./dialog.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

// As many as fit into an address that every proxy takes; the server takes no more.
const MOST = 200;
const boxes = () => [...document.querySelectorAll("#history-rows [data-pick]")];
const picked = () => boxes().filter((box) => box.checked);
let last = null;

export function drawSelection() {
  const all = boxes();
  const chosen = all.filter((box) => box.checked);
  const head = document.querySelector("[data-pick-all]");
  if (!head) return;
  head.hidden = !all.length;
  head.checked = chosen.length > 0 && chosen.length === all.length;
  head.indeterminate = chosen.length > 0 && chosen.length < all.length;
  const place = document.querySelector("[data-selection] [data-picked]");
  if (place) place.textContent = chosen.length;
}

/* A list that is drawn anew keeps what was picked. */
export function keepSelection(change) {
  const uuids = new Set(picked().map((box) => box.value));
  change();
  for (const box of boxes()) box.checked = uuids.has(box.value);
}

function pick(chosen, isPicked) {
  let room = MOST - picked().length;
  for (const box of chosen) {
    if (isPicked && !box.checked && (room -= 1) < 0) {
      toast(say("mostPicked", { n: MOST }));
      break;
    }
    box.checked = isPicked;
  }
  drawSelection();
}

document.addEventListener("click", ({ target, shiftKey }) => {
  if (target.matches?.("[data-pick-all]")) return pick(boxes(), target.checked);
  if (!target.matches?.("[data-pick]")) return;
  const isPicked = target.checked;
  const all = boxes();
  const [from, to] = [all.indexOf(shiftKey ? last : target), all.indexOf(target)];
  target.checked = !isPicked;
  pick(from < 0 ? [target] : all.slice(Math.min(from, to), Math.max(from, to) + 1), isPicked);
  last = target;
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-selection]")) return;
  event.preventDefault();
  const only = picked().map((box) => box.value);
  if (only.length) openDialog(`${event.target.action}?only=${only.join(",")}`);
});
// The boxes are emptied after the event.
document.addEventListener("reset", ({ target }) => target.matches("[data-selection]") && setTimeout(drawSelection));

export function togglePicked(row) {
  row?.querySelector("[data-pick]")?.click();
}
