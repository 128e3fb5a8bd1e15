/* Pages: the next one comes before the end of the last is in sight. */
import { ask } from "./asking.js";
import { drawRows } from "./drawing.js";
import { found, further, position } from "./list.js";
import { whenScrolled } from "./sight.js";

const AHEAD = 800;

// What happened while a page was on its way may lack in it, and was not put there: it is told again.
let pageAsked = null;

/* Before its end is in sight; htmx itself would ask only then. */
function fetchAhead() {
  const next = further();
  if (!next || "asked" in next.dataset || next.getBoundingClientRect().top > innerHeight + AHEAD) return;
  next.dataset.asked = "";
  window.htmx.trigger(next, "intersect");
}

whenScrolled(fetchAhead);

document.addEventListener("htmx:before:request", ({ target }) => {
  if (target.matches?.("[data-further]")) pageAsked = { further: target, position: position() };
});
document.addEventListener("htmx:after:swap", () => {
  if (!found()) return;
  // Other parts of the page are replaced meanwhile, too.
  if (pageAsked && !pageAsked.further.isConnected) {
    if (position() > pageAsked.position) {
      found().dataset.position = pageAsked.position;
      ask();
    }
    pageAsked = null;
  }
  drawRows();
});
