/* Short notes at the bottom of the page. */
const place = document.getElementById("toasts");

export function toast(text, { bad = false, seconds = bad ? 8 : 4 } = {}) {
  const note = document.createElement("div");
  note.className = bad ? "toast bad" : "toast";
  note.textContent = text;
  place.append(note);
  setTimeout(() => note.remove(), seconds * 1000);
}

// What can be taken back stays until it is left alone.
const isInUse = (note) => note.matches(":hover, :focus-within");
function leave(note) {
  if (isInUse(note)) setTimeout(leave, 2000, note);
  else note.remove();
}
for (const note of place?.children ?? []) setTimeout(leave, note.querySelector("form") ? 15000 : 6000, note);
