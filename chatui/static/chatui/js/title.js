/* How many conversations have something unread: in the tab's title, on the rail, on the icon. All from one set. */
const unread = new Set(JSON.parse(document.getElementById("unread-ids")?.textContent || "[]") || []);
const icon = document.querySelector("[data-favicon]");
const plainIcon = icon?.href;
let title = document.body.dataset.title;

export function showUnread(id, count) {
  if (count === undefined) return;
  if (count > 0 ? unread.has(id) : !unread.has(id)) return;
  if (count > 0) unread.add(id);
  else unread.delete(id);
  draw();
}

export function setTitle(text) {
  title = text || document.body.dataset.title;
  draw();
}

function draw() {
  const n = unread.size;
  document.title = n ? `(${n}) ${title}` : title;
  for (const badge of document.querySelectorAll("[data-unread-total]")) {
    badge.hidden = n === 0;
    badge.textContent = n > 99 ? "99+" : n;
  }
  if (icon) icon.href = n ? dotted() : plainIcon;
}

let drawn;
function dotted() {
  drawn ??= `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0e6e68"/><path d="M8.500 21.500c0-7 3.200-11 8-11s7.200 3.200 7.200 6.400-2.400 5.600-5.600 5.600-4.800-2-4.800-4.400 1.600-4.400 3.600-4.400 3.200 1.300 3.200 2.900M8.500 21.500v3.500" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"/><circle cx="25" cy="7" r="6.500" fill="#f0713a" stroke="#fff" stroke-width="1.500"/></svg>')}`;
  return drawn;
}

draw();
