/* Short notes at the bottom of the page. */
const place = document.getElementById("toasts");

export function toast(text, { bad = false, seconds = bad ? 8 : 4 } = {}) {
  const note = document.createElement("div");
  note.className = bad ? "toast bad" : "toast";
  note.textContent = text;
  place.append(note);
  setTimeout(() => note.remove(), seconds * 1000);
}

for (const note of place?.children ?? []) setTimeout(() => note.remove(), 6000);
