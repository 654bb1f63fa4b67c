// What makes the pages live. Without it they are read all the same. When the
// chain has a new block, this fetches the page again and merges what differs.

const main = document.getElementById("main");

// merge makes the element from like the element to, touching only what
// differs, so that focus, selection and open details stay.
function merge(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || from.id !== to.id) {
    from.replaceWith(to);
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  for (const a of [...to.attributes]) {
    if (from.getAttribute(a.name) !== a.value) from.setAttribute(a.name, a.value);
  }
  for (const a of [...from.attributes]) {
    if (a.name !== "open" && !to.hasAttribute(a.name)) from.removeAttribute(a.name);
  }
  const a = [...from.childNodes], b = [...to.childNodes];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (i >= b.length) a[i].remove();
    else if (i >= a.length) from.append(b[i]);
    else merge(a[i], b[i]);
  }
}

const pace = 2000; // least time between two looks at the page, ms
let last = Date.now(), waiting = 0, looking = false;

async function look() {
  waiting = 0;
  if (looking) { soon(); return; }
  looking = true;
  try {
    const res = await fetch(location.href);
    if (res.ok) {
      const page = new DOMParser().parseFromString(await res.text(), "text/html");
      const next = page.getElementById("main"), foot = page.querySelector("footer");
      if (next) merge(main, document.adoptNode(next));
      if (foot) merge(document.querySelector("footer"), document.adoptNode(foot));
      // What is settled is not followed any more.
      if (!main.dataset.live) stop();
    }
  } catch {
    // The stream tells when the node is gone, and when it is back.
  } finally {
    last = Date.now();
    looking = false;
  }
}

function soon() {
  if (!waiting) waiting = setTimeout(look, Math.max(0, last + pace - Date.now()));
}

let stream = null, shown = "";
function follow() {
  if (stream || !main.dataset.live || document.hidden) return;
  stream = new EventSource(main.dataset.live);
  stream.addEventListener("open", () => { document.getElementById("stale").hidden = true; });
  stream.addEventListener("block", (e) => {
    if (shown !== e.data) soon();
    shown = e.data;
  });
  stream.addEventListener("error", () => {
    const p = document.getElementById("stale");
    p.textContent = "No connection to the node. What is shown may be old.";
    p.hidden = false;
    if (stream?.readyState === EventSource.CLOSED) {
      stop();
      setTimeout(follow, 5000);
    }
  });
}

function stop() {
  stream?.close();
  stream = null;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) stop();
  else {
    follow();
    if (main.dataset.live) soon();
  }
});
// A page that the browser kept, and shows again, is old.
addEventListener("pageshow", (e) => { if (e.persisted && main.dataset.live) soon(); });
follow();
