/* The list as it is now, without the rest of the page: what somebody types into the filter stays. */
import { adopt } from "../frames.js";
import { keepSelection } from "../selection.js";
import { recount } from "./count.js";
import { drawRows } from "./drawing.js";
import { found } from "./list.js";
import { placeToReturnTo, returnTo } from "./return.js";
import { isBeingRead } from "./sight.js";

const LOOK_EVERY_MS = 5000;

// "Today" is another day after midnight.
const today = () => new Date().toLocaleDateString("en", { timeZone: document.body.dataset.zone || undefined });
let drawnOn = today();
setInterval(() => !document.hidden && found() && today() !== drawnOn && !isBeingRead() && loadAnew(), LOOK_EVERY_MS);

let isLoading = false;
export async function loadAnew() {
  const place = found();
  if (isLoading || !place) return;
  isLoading = true;
  try {
    const answer = await fetch(`/messages/?${place.dataset.query}`, { headers: { "HX-Request": "true" } });
    if (answer.status === 401) return location.reload();
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    const fresh = template.content.getElementById("found");
    if (!fresh || place !== found()) return;
    const whereTo = placeToReturnTo();
    keepSelection(() => place.replaceWith(fresh));
    adopt(fresh);
    drawnOn = today();
    drawRows();
    recount();
    await returnTo(whereTo);
  } catch {
    // It is tried again with the next news.
  } finally {
    isLoading = false;
  }
}
