/* The list of messages as it stands in the page. */
export const found = () => document.getElementById("found");
export const body = () => document.getElementById("history-rows");
export const further = () => body()?.querySelector("[data-further]");
export const position = () => Number(found()?.dataset.position ?? NaN);
export const rows = () => [...(body()?.querySelectorAll(":scope > tr[data-uuid]") ?? [])];
export const rowOf = (uuid) => document.getElementById(`message-${uuid}`);
