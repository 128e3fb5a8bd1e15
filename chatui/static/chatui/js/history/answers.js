/* What the answers say: rows appear in their place, change where they stand, or go. */
import { showMore } from "../clamp.js";
import { onFrame } from "../frames.js";
import { drawSelection } from "../selection.js";
import { freshen } from "../times.js";
import { loadAnew } from "./anew.js";
import { ask } from "./asking.js";
import { recount } from "./count.js";
import { body, found, further, rowOf, rows } from "./list.js";
import { drawPill, tellOf } from "./pill.js";
import { isBeingRead, keepingSight } from "./sight.js";

onFrame("live-history-position", (statement) => {
  found().dataset.position = statement.getAttribute("number");
  if (statement.hasAttribute("more")) ask();
});
onFrame("live-history-reload", () => loadAnew());
onFrame("live-history-gone", (statement) => leave([rowOf(statement.getAttribute("uuid"))]));
onFrame("live-history-threads", (statement) => {
  const [threads, kept] = ["conversations", "rows"].map((name) => new Set(statement.getAttribute(name).split(" ")));
  leave(rows().filter((row) => threads.has(row.dataset.conversation) && !kept.has(row.dataset.uuid)));
});
onFrame("live-history-names", (statement) => {
  const concerned = rows().filter((row) => row.dataset.conversation === statement.getAttribute("conversation"));
  if (!concerned.length) return;
  keepingSight(() => {
    for (const row of concerned) row.querySelector("[data-partner]").innerHTML = statement.innerHTML;
  });
});
onFrame("live-history-row", (statement) => {
  if (!body()) return loadAnew();
  const fresh = statement.querySelector("tr");
  const old = rowOf(fresh.dataset.uuid);
  if (old?.dataset.position === fresh.dataset.position) return redraw(old, fresh);
  insert(fresh, old);
  if (!old || statement.hasAttribute("new")) recount();
});

/* Only what can change: the row itself keeps focus, tick, menu, and what was unfolded in it. */
function redraw(old, fresh) {
  old.className = fresh.className;
  keepingSight(() => {
    [...old.cells].forEach((cell, index) => {
      if (!cell.matches(".pick, .text, .tools") && cell.innerHTML !== fresh.cells[index].innerHTML) cell.innerHTML = fresh.cells[index].innerHTML;
    });
  });
  freshen(old);
}

function insert(fresh, old) {
  const next = rowAfter(fresh);
  // Outside of what is loaded: it comes with its page.
  if (next === undefined) return;
  const isRead = isBeingRead();
  const change = () => {
    old?.remove();
    body().insertBefore(fresh, next);
    freshen(fresh);
    showMore([fresh]);
  };
  if (isRead) keepingSight(change);
  else change();
  if (old) return;
  fresh.classList.add("arriving");
  tellOf(fresh);
  drawSelection();
}

/* The row it goes before; null at the list's end; undefined when its place is not loaded. */
function rowAfter(fresh) {
  const isLater = ({ dataset }) => (found().dataset.oldest ? dataset.position > fresh.dataset.position : dataset.position < fresh.dataset.position);
  const next = rows().find(isLater);
  if (next) return next === rows()[0] && new URLSearchParams(location.search).has("before") ? undefined : next;
  return further() ? undefined : null;
}

function leave(gone) {
  const going = gone.filter(Boolean);
  if (!going.length) return;
  keepingSight(() => going.forEach((row) => row.remove()), going);
  drawPill();
  drawSelection();
  recount();
  if (!rows().length) loadAnew();
}
