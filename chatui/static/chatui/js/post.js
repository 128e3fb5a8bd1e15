/* POST as our views expect it: CSRF token, frames as the answer. */
const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

export function post(url, values, { signal, timeout = 15000, keepalive = false } = {}) {
  const limit = AbortSignal.timeout(timeout);
  return fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": cookie("csrftoken"), "X-Fonal": "frames", "Content-Type": "application/x-www-form-urlencoded" },
    body: values instanceof FormData ? new URLSearchParams(values) : new URLSearchParams(values),
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
    redirect: "error",
    keepalive,
  });
}

/* crypto.randomUUID needs a secure page; an office may open us by plain http on its own network. */
export function newUuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
