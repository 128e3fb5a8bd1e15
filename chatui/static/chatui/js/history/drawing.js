/* Rows that the server drew become the list's: each is there once, with its times, its boxes and its "more". */
import { showMore } from "../clamp.js";
import { drawSelection } from "../selection.js";
import { freshen } from "../times.js";
import { found, rows } from "./list.js";
import { drawPill } from "./pill.js";

export function drawRows() {
  const seen = new Set();
  for (const row of rows()) {
    if (seen.has(row.id)) row.remove();
    seen.add(row.id);
  }
  freshen(found() ?? document);
  showMore(rows());
  drawSelection();
  drawPill();
}
