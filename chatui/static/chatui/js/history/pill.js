/* "2 new": what came above of what is in sight, and the way there. */
import { say } from "../words.js";
import { found } from "./list.js";
import { isAbove, scroller, whenScrolled } from "./sight.js";

const news = new Set();

export function tellOf(row) {
  if (isAbove(row)) news.add(row);
  drawPill();
}

export function drawPill() {
  const pill = found()?.querySelector("[data-news]");
  if (!pill) return;
  for (const row of news) if (!row.isConnected || !isAbove(row)) news.delete(row);
  pill.hidden = !news.size;
  pill.querySelector("[data-label]").textContent = say("newMessages", { n: news.size });
}

whenScrolled(drawPill);
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-news] button")) scroller().scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
});
