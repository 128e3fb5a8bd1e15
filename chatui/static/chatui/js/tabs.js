/* Where the tabs do not fit beside one another, the one whose page this is stands in sight. */
const strip = document.querySelector(".tabs.places");
const current = strip?.querySelector("[aria-current]");
if (current) strip.scrollLeft += current.getBoundingClientRect().right - strip.getBoundingClientRect().right + strip.clientWidth / 3;
