/* A page that could not be fetched: what is on the screen stays, and a word says so. */
import { toast } from "./toast.js";
import { say } from "./words.js";

const A_FORM_WITH_MISTAKES = 422;
const LOGGED_OUT = 401;

document.addEventListener("htmx:before:response", (event) => {
  const { status } = event.detail.ctx.response;
  if (status < 400 || status === A_FORM_WITH_MISTAKES) return;
  event.preventDefault();
  if (status === LOGGED_OUT) location.reload();
  else toast(say("noAnswer"), { bad: true });
});
document.addEventListener("htmx:error", ({ detail }) => {
  // A search that a newer one has overtaken is no failure.
  if (detail.error?.name !== "AbortError") toast(say("noAnswer"), { bad: true });
});
