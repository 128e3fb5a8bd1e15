/* A double click or Enter on a row opens its thread. */
const isControl = (target) => target.closest("a, button, input, [popover]");
document.addEventListener("dblclick", ({ target }) => {
  const row = target.closest?.("#history-rows > tr[data-uuid]");
  if (row && !isControl(target)) row.querySelector("[data-open]").click();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !event.target.matches?.("#history-rows > tr[data-uuid]")) return;
  event.preventDefault();
  event.target.querySelector("[data-open]").click();
});
