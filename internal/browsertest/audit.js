// Returns what is wrong with the page for people who see little, hear it, or
// hold a small phone: a list of sentences.
(() => {
  const found = [];
  const name = (e) => `<${e.nodeName.toLowerCase()}${e.id ? "#" + e.id : ""}${e.getAttribute("class") ? "." + e.getAttribute("class").replaceAll(" ", ".") : ""}> ${(e.textContent ?? "").trim().slice(0, 40)}`;

  // Nothing is wider than the screen.
  // (innerWidth will not do: a phone zooms out until all is in.)
  const wide = document.documentElement.scrollWidth, room = document.documentElement.clientWidth;
  if (wide > room) {
    found.push(`the page is ${wide} px wide on a screen of ${room} px`);
    for (const e of document.querySelectorAll("main *")) {
      if (e.getBoundingClientRect().right > room + 1 && !e.closest(".scroll") && !e.closest("svg svg")) found.push(`sticks out: ${name(e)}`);
    }
  }

  // Contrast by WCAG 2.2: 4.5 for text, 3 for large text.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
    }
    return rgba("white");
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement;
    if (!n.data.trim() || !e.checkVisibility({ visibilityProperty: true }) || e.closest(".visually-hidden, :disabled, option")) continue;
    const style = getComputedStyle(e);
    const ink = rgba(e.closest("svg") ? style.fill : style.color), paper = ground(e);
    let strength = 1;
    for (let p = e; p; p = p.parentElement) strength *= Number(getComputedStyle(p).opacity);
    const seen = ink.slice(0, 3).map((v, i) => v * strength + paper[i] * (1 - strength));
    const [a, b] = [light(seen), light(paper)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const px = parseFloat(style.fontSize), large = px >= 24 || (px >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`contrast ${ratio.toFixed(2)}: ${name(e)}`);
    if (px < 11) found.push(`text of ${px} px: ${name(e)}`);
  }

  // Everything that can be used has a name; nothing is named twice.
  const named = (e) => e.getAttribute("aria-label")?.trim() || e.textContent.trim() || (e.labels && [...e.labels].some((l) => l.textContent.trim()));
  for (const e of document.querySelectorAll("a, button, input:not([type=hidden]), select, summary, [role=img], [role=slider], nav, meter")) {
    if (!named(e)) found.push(`has no name: ${name(e)}`);
  }
  for (const e of document.querySelectorAll("button, a.button, .tabs a, nav a, select, input:not([type=hidden])")) {
    const r = e.getBoundingClientRect();
    if (e.checkVisibility() && (r.height < 24 || r.width < 24)) found.push(`too small to touch, ${r.width}×${r.height}: ${name(e)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids)) if (ids.filter((x) => x === id).length > 1) found.push(`two elements have the id ${id}`);
  for (const e of document.querySelectorAll("[aria-labelledby]")) if (!document.getElementById(e.getAttribute("aria-labelledby"))) found.push(`is named by nothing: ${name(e)}`);
  if (document.querySelectorAll("h1").length !== 1) found.push(`${document.querySelectorAll("h1").length} main headings`);
  let level = 1;
  for (const h of document.querySelectorAll("h1, h2, h3, h4")) {
    const l = Number(h.nodeName[1]);
    if (l > level + 1) found.push(`heading skips a level: ${name(h)}`);
    level = l;
  }
  for (const e of document.querySelectorAll("[style], script:not([src]), style")) found.push(`inline style or script: ${name(e)}`);
  return found;
})()
