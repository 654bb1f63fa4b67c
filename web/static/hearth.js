// What makes the pages live. Without it they are read and set all the same:
// every control is a form. The server draws everything; this fetches the page
// again when the home changed, merges what differs, and lets the dial turn.

const $ = (id) => document.getElementById(id);
const main = $("main");

// ---- merging a newer page into this one -------------------------------------

// merge makes the element from like the element to, touching only what
// differs, so that focus, open details and what a person is typing stay.
function merge(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || from.id !== to.id) {
    from.replaceWith(to);
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.hasAttribute("data-busy") || to.hasAttribute("data-keep") || from.classList.contains("tip")) return;
  const typing = from === document.activeElement && /^(INPUT|SELECT)$/.test(from.nodeName);
  for (const a of [...to.attributes]) {
    if (from.getAttribute(a.name) !== a.value) from.setAttribute(a.name, a.value);
  }
  for (const a of [...from.attributes]) {
    if (a.name !== "open" && !to.hasAttribute(a.name)) from.removeAttribute(a.name);
  }
  if (typing) return;
  const a = [...from.childNodes], b = [...to.childNodes];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (i >= b.length) a[i].remove();
    else if (i >= a.length) from.append(b[i]);
    else merge(a[i], b[i]);
  }
}

// take merges the main part of a page's text, and tells a listener the
// sentence if something worth telling changed.
function take(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const next = page.getElementById("main");
  if (!next) return;
  upgrade(next);
  const before = main.dataset.announce;
  merge(main, document.adoptNode(next));
  const foot = page.querySelector("footer"), mine = document.querySelector("footer");
  if (foot && mine) merge(mine, document.adoptNode(foot));
  if (main.dataset.announce !== before) {
    $("announce").textContent = page.getElementById("announce")?.dataset.sentence ?? "";
  }
}

function complain(text) {
  const p = $("problem");
  p.textContent = text;
  p.hidden = !text;
  clearTimeout(complain.timer);
  if (text) complain.timer = setTimeout(() => complain(""), 12000);
}

// ---- following the home ------------------------------------------------------

const pace = 1000; // least time between two looks at the page, ms
const chartAge = 60000; // how old a chart may get, ms
let last = Date.now(), drawn = Date.now(), waiting = 0, looking = false, again = false;
let leaving = false; // logging out: what is answered from then on is of no account

async function look() {
  waiting = 0;
  if (looking) { again = true; return; }
  looking = true;
  try {
    const whole = Date.now() - drawn > chartAge;
    const res = await fetch(location.href, { headers: whole ? {} : { "Hearth-Live": "figures" }, redirect: "manual" });
    if (leaving) return;
    if (res.type === "opaqueredirect") { location.reload(); return; } // logged out elsewhere
    if (res.ok) {
      if (whole) drawn = Date.now();
      take(await res.text());
    }
  } catch {
    // The stream of events tells when the home is gone, and when it is back.
  } finally {
    last = Date.now();
    looking = false;
    if (again) { again = false; soon(); }
  }
}

function soon() {
  if (!waiting) waiting = setTimeout(look, Math.max(0, last + pace - Date.now()));
}

let stream = null;
function follow() {
  if (stream || !main.dataset.live || document.hidden) return;
  stream = new EventSource(main.dataset.live);
  stream.addEventListener("open", () => { $("stale").hidden = true; });
  // The first may tell of a change since this page was made: it counts too.
  stream.addEventListener("state", soon);
  stream.addEventListener("error", () => {
    const t = document.querySelector("footer time");
    $("stale").textContent = `No connection to the home. These figures are from ${t ? t.textContent : "before"}.`;
    $("stale").hidden = false;
    if (stream.readyState === EventSource.CLOSED) {
      stream = null;
      setTimeout(follow, 5000);
    }
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else {
    follow();
    if (main.dataset.live) soon();
  }
});

// ---- forms -------------------------------------------------------------------

// send posts a form and shows the page it leads to.
async function send(form, body) {
  complain("");
  let res;
  try {
    res = await fetch(form.action, { method: "POST", body });
  } catch {
    complain("No connection to the home: nothing was changed.");
    return false;
  }
  const text = await res.text();
  if (!res.ok) {
    const page = new DOMParser().parseFromString(text, "text/html");
    complain(page.querySelector("[data-problem]")?.textContent ?? text);
    return false;
  }
  if (new URL(res.url).pathname !== location.pathname) {
    location.assign(res.url);
    return true;
  }
  const dial = form.closest(".dial");
  if (dial && !timers.has(dial.dataset.zone)) dial.removeAttribute("data-busy");
  drawn = Date.now();
  take(text);
  last = Date.now();
  return true;
}

document.addEventListener("submit", async (e) => {
  const form = e.target;
  if (form.getAttribute("action") === "/logout") leaving = true; // a reload would cut it short
  if (form.method !== "post" || "plain" in form.dataset || form.getAttribute("action") === "/logout") return;
  e.preventDefault();
  if (form.classList.contains("turn") && e.submitter?.dataset.turn) {
    turn(form.closest(".dial"), Number(e.submitter.dataset.turn));
    return;
  }
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  await send(form, new URLSearchParams(new FormData(form, e.submitter)));
  form.ariaBusy = null;
});

// ---- the dial ----------------------------------------------------------------

const centre = 160, radius = 132, start = 135, sweep = 270; // as in dial.go
const point = (share) => {
  const a = ((start + sweep * share) * Math.PI) / 180;
  return [centre + radius * Math.cos(a), centre + radius * Math.sin(a)];
};
const arc = (share) => {
  const [x0, y0] = point(0), [x1, y1] = point(share);
  return `M${x0} ${y0}A${radius} ${radius} 0 ${sweep * share > 180 ? 1 : 0} 1 ${x1} ${y1}`;
};

// upgrade makes the dials under root sliders, which only a script can serve.
function upgrade(root) {
  for (const dial of root.querySelectorAll(".dial[data-set]")) {
    const d = dial.dataset, face = dial.querySelector(".face");
    dial.setAttribute("data-turnable", "");
    face.setAttribute("role", "slider");
    face.setAttribute("tabindex", "0");
    face.setAttribute("aria-label", `Set-point of ${d.name}`);
    face.setAttribute("aria-valuemin", d.min);
    face.setAttribute("aria-valuemax", d.max);
    face.setAttribute("aria-valuenow", d.set);
    face.setAttribute("aria-valuetext", `set to ${d.set} °C, now ${d.now ? d.now + " °C" : "unknown"}`);
  }
}

const timers = new Map(); // by zone: a set-point about to be sent

// turn moves a dial by steps; put shows a set-point at once and sends it when
// the dial has come to rest.
function turn(dial, steps) {
  const d = dial.dataset;
  put(dial, Number(d.want ?? d.set) + steps * (Number(d.step) || 0.5));
}

function put(dial, value) {
  const d = dial.dataset, min = Number(d.min), max = Number(d.max), step = Number(d.step) || 0.5;
  value = Math.min(max, Math.max(min, Math.round(value / step) * step));
  const text = value.toFixed(1);
  d.want = text;
  dial.setAttribute("data-busy", "");
  const share = (value - min) / (max - min);
  dial.querySelector(".fill").setAttribute("d", arc(share));
  const [x, y] = point(share), handle = dial.querySelector(".handle");
  handle.setAttribute("cx", x);
  handle.setAttribute("cy", y);
  dial.querySelector(".set-value").textContent = `${text} °C`;
  const face = dial.querySelector(".face");
  face.setAttribute("aria-valuenow", text);
  face.setAttribute("aria-valuetext", `set to ${text} °C`);
  clearTimeout(timers.get(d.zone));
  timers.set(d.zone, setTimeout(() => rest(dial), 600));
}

async function rest(dial) {
  const d = dial.dataset, form = dial.querySelector(".turn"), want = d.want;
  timers.delete(d.zone);
  const body = new URLSearchParams(new FormData(form));
  body.set("value", want);
  const ok = await send(form, body);
  if (timers.has(d.zone)) return; // turned again meanwhile
  delete d.want;
  dial.removeAttribute("data-busy");
  if (!ok) look();
}

document.addEventListener("keydown", (e) => {
  const dial = e.target.closest?.(".dial[data-set]");
  if (!dial || e.target.getAttribute("role") !== "slider" || e.ctrlKey || e.altKey || e.metaKey) return;
  const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 2, PageDown: -2 }[e.key];
  if (steps) turn(dial, steps);
  else if (e.key === "Home") put(dial, Number(dial.dataset.min));
  else if (e.key === "End") put(dial, Number(dial.dataset.max));
  else return;
  e.preventDefault();
});

document.addEventListener("pointerdown", (e) => {
  const dial = e.target.closest?.(".dial[data-set]");
  if (!dial || !e.target.matches(".handle, .track, .fill") || e.button > 0) return;
  e.preventDefault();
  const face = dial.querySelector(".face"), d = dial.dataset;
  const to = (ev) => {
    const box = face.getBoundingClientRect();
    let a = (Math.atan2(ev.clientY - box.top - box.height / 2, ev.clientX - box.left - box.width / 2) * 180) / Math.PI - start;
    a = ((a % 360) + 360) % 360;
    if (a > sweep) a = a > sweep + (360 - sweep) / 2 ? 0 : sweep;
    put(dial, Number(d.min) + (a / sweep) * (Number(d.max) - Number(d.min)));
  };
  const stop = () => {
    removeEventListener("pointermove", to);
    removeEventListener("pointerup", stop);
    removeEventListener("pointercancel", stop);
  };
  addEventListener("pointermove", to);
  addEventListener("pointerup", stop);
  addEventListener("pointercancel", stop);
  face.focus();
  to(e);
});

// ---- pointing at a chart -----------------------------------------------------

document.addEventListener("pointermove", (e) => {
  const canvas = e.target.closest?.(".canvas");
  for (const other of document.querySelectorAll(".tip:not([hidden])")) {
    if (other.parentElement !== canvas) quiet(other.parentElement);
  }
  if (!canvas) return;
  const chart = canvas.querySelector(".chart"), box = chart.getBoundingClientRect(), d = chart.dataset;
  const share = (e.clientX - box.left) / box.width;
  const when = Number(d.from) + share * (Number(d.to) - Number(d.from));
  // The figures are those of the table below the chart.
  const plot = canvas.closest(".plot");
  const names = [...plot.querySelectorAll("thead th")].slice(1).map((t) => t.textContent);
  let found = null;
  for (const row of plot.querySelectorAll("tbody tr")) {
    if (Date.parse(row.querySelector("time").dateTime) > when) break;
    found = row;
  }
  if (!found || share < 0 || share > 1) return quiet(canvas);
  const cells = [...found.querySelectorAll("td")].map((t) => t.textContent.trim());
  const tip = canvas.querySelector(".tip"), line = chart.querySelector(".cursor");
  tip.textContent = [found.querySelector("time").textContent, ...names.map((n, i) => `${n} ${cells[i]}`)].join("\n");
  tip.hidden = false;
  const x = e.clientX - box.left;
  tip.style.left = `${x > box.width / 2 ? Math.max(0, x - tip.offsetWidth - 12) : x + 12}px`;
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  line.setAttribute("visibility", "visible");
});

function quiet(canvas) {
  canvas.querySelector(".tip").hidden = true;
  canvas.querySelector(".cursor").setAttribute("visibility", "hidden");
}

upgrade(document);
follow();

// ---- the planner -------------------------------------------------------------

// asked is the link to what a form says other than its defaults. Untouched
// fields stay as they were: said, or left to the place.
function asked(form) {
  const link = new URLSearchParams();
  for (const field of form.elements) {
    if (!field.name || field.name === "was" || field.value === "") continue;
    const before = field.nodeName === "SELECT" ? field.querySelector("[selected]")?.value : field.getAttribute("value");
    if (field.dataset.said === "true" || field.value !== before) link.set(field.name, field.value);
  }
  const text = link.toString();
  return text ? `${form.action}?${text}` : form.action;
}

let asking = null, next = null; // a question under way, and the one after it

// ask shows the answer to what the form says now; while one is under way only
// the newest of the others waits.
async function ask(form) {
  if (asking) { next = form; return; }
  asking = asked(form);
  try {
    const res = await fetch(asking, { headers: { "Hearth-Live": "figures" } });
    history.replaceState(null, "", asking);
    take(await res.text());
    for (const field of form.elements) {
      if (field === document.activeElement) continue;
      if (field.nodeName === "INPUT" && field.type !== "hidden") field.value = field.getAttribute("value") ?? "";
    }
  } catch {
    complain("No connection to the home: the answer is the one from before.");
  } finally {
    asking = null;
    if (next) { const f = next; next = null; ask(f); }
  }
}

document.addEventListener("input", (e) => {
  const form = e.target.closest?.("form[data-ask]");
  if (!form) return;
  if (e.target.type === "range") {
    const step = Number(e.target.dataset.step);
    const tidy = Number((Math.round(Number(e.target.value) / step) * step).toFixed(6));
    if (tidy !== Number(e.target.value)) e.target.value = tidy;
  }
  if (e.target.type !== "text") ask(form);
});
document.addEventListener("change", (e) => {
  const form = e.target.closest?.("form[data-ask]");
  if (form && e.target.type === "text") ask(form);
});
document.addEventListener("submit", (e) => {
  if (!("ask" in e.target.dataset)) return;
  e.preventDefault();
  ask(e.target);
});
