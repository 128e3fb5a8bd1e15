/* How many there are: counted again now and then while they change. */
import { found } from "./list.js";

const COUNT_APART_MS = 8000;

let countTimer;
let countedAt = 0;
export function recount() {
  if (countTimer || !document.getElementById("count")) return;
  countTimer = setTimeout(() => {
    countTimer = undefined;
    countedAt = Date.now();
    if (found() && document.getElementById("count")) window.htmx.ajax("GET", `/messages/count/?${found().dataset.query}`, { target: "#count", swap: "outerHTML" });
  }, Math.max(300, countedAt + COUNT_APART_MS - Date.now()));
}
