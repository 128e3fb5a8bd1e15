/* Forms that change something and are answered with frames: assign, done, retry, delete. */
import { applyFrames } from "./frames.js";
import { post } from "./post.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-act]")) return;
  event.preventDefault();
  if (form.dataset.busy || (form.dataset.confirm && !confirm(say(form.dataset.confirm)))) return;
  form.dataset.busy = "true";
  form.closest("details")?.removeAttribute("open");
  try {
    const answer = await post(form.action, new FormData(form, event.submitter));
    applyFrames(await answer.text());
    if (answer.status >= 500 || answer.status === 403 || answer.status === 404) toast(say("noAnswer"), { bad: true });
  } catch {
    toast(say("noAnswer"), { bad: true });
  } finally {
    delete form.dataset.busy;
  }
});
