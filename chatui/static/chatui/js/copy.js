/* A button that copies what stands elsewhere on the page, and one that prints it; without scripts neither is there. */
import { toast } from "./toast.js";
import { say } from "./words.js";

for (const button of document.querySelectorAll("[data-copy-from], [data-print-page]")) button.hidden = false;

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copy-from], [data-print-page]");
  if (!button) return;
  if ("printPage" in button.dataset) window.print();
  else copy(textOf(document.querySelector(button.dataset.copyFrom)));
});

const textOf = (place) => [...place.querySelectorAll("code")].map((code) => code.textContent).join("\n") || place.value || place.textContent.trim();

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // An office may open us by plain http on its own network, where there is no clipboard.
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(say("copied"));
}
