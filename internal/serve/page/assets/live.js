// Keeps a page current. The server says that something has changed, and the page
// looks again: parts marked with data-live are exchanged for their newer selves.
"use strict";

const every = 5000; // how often to look without being told, in milliseconds
const soonest = 1000; // the least time between two looks
let last = 0;
let timer = 0;

const feed = document.getElementById("feed");

// differs reports whether a part is to be exchanged: not while someone selects text
// in it.
function differs(now, next) {
  const selection = document.getSelection();
  const selecting = selection && !selection.isCollapsed && now.contains(selection.anchorNode);
  return !selecting && (now.className !== next.className || now.innerHTML !== next.innerHTML);
}

// exchange puts the newer part in place, and the focus where it was.
function exchange(now, next) {
  const focus = place(now, document.activeElement);
  now.className = next.className;
  now.replaceChildren(...document.adoptNode(next).childNodes);
  if (focus) named(now, focus.name)[focus.n]?.focus({ preventScroll: true });
}

// nameOf is what a stop of the keyboard is for.
const nameOf = (e) => e.tagName + (e.getAttribute("href") ?? e.previousElementSibling?.textContent ?? "");

// named are the stops in a part that are for the same, in their order.
const named = (part, name) => [...part.querySelectorAll("a[href], button")].filter((e) => nameOf(e) === name);

// place says which stop of a part an element is.
function place(part, e) {
  if (!e || !part.contains(e)) return null;
  const name = nameOf(e);
  return { name, n: named(part, name).indexOf(e) };
}

async function look() {
  last = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const next of page.querySelectorAll("[data-live]")) {
      const now = document.querySelector(`[data-live="${next.dataset.live}"]`);
      if (now && differs(now, next)) exchange(now, next);
    }
    document.title = page.title;
    document.getElementById("main").className = page.getElementById("main").className;
    say("live");
  } catch {
    say("not reached; trying again");
  }
}

// say changes the text only if it is another one: it is read aloud.
function say(text) {
  if (feed.textContent !== text) feed.textContent = text;
}

// soon looks in a moment, however often it is asked to.
function soon() {
  if (timer || document.hidden) return;
  timer = setTimeout(() => {
    timer = 0;
    look();
  }, Math.max(0, last + soonest - Date.now()));
}

document.addEventListener("visibilitychange", soon);
setInterval(soon, every);
const events = new EventSource("/events");
events.addEventListener("hello", () => say("live"));
events.addEventListener("change", soon);

if (navigator.clipboard) {
  document.documentElement.classList.add("copies");
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
}
