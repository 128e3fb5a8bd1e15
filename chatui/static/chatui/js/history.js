/* The list of messages: rows appear in their place, change where they stand, or go, and what is being read stays where it is. */
import { showMore } from "./clamp.js";
import "./history/answers.js";
import { drawRows } from "./history/drawing.js";
import { found, rows } from "./history/list.js";
import "./history/opening.js";
import "./history/pages.js";
import { comeBack } from "./history/return.js";

if (found()) {
  drawRows();
  document.fonts?.ready.then(() => showMore(rows()));
  comeBack();
}
