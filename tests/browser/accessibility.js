/* What keeps people out of a page, found in the page as it is drawn; the part of WCAG 2.2 AA that a program can see.

Contrast is computed from the colours that the browser has resolved, the paper of every ancestor composed; so dark mode
and states are judged as they are.

   Run as a function's body: arguments[0] is a CSS selector; returns a list of lines, empty where the page is sound. */
const root = document.querySelector(arguments[0]);
const found = [];
const say = (element, what) => found.push(
  `${element.tagName.toLowerCase()}${element.id ? "#" + element.id : ""}${[...element.classList].map((c) => "." + c).join("")}`
  + ` "${(element.textContent || "").trim().slice(0, 40)}": ${what}`);

const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const colours = new Map();
function rgba(colour) {
  if (!colours.has(colour)) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    colours.set(colour, [r, g, b, a / 255]);
  }
  return colours.get(colour);
}
const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
function paper(element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const colour = rgba(getComputedStyle(at).backgroundColor);
    layers.push(colour);
    if (colour[3] === 1) break;
  }
  const canvasColour = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
  return layers.reverse().reduce((below, layer) => over(layer, below), canvasColour);
}
const channel = (value) => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
const judged = new Set();
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || judged.has(element) || !element.checkVisibility()) continue;
  judged.add(element);
  if (element.closest(".unseen, script, style, [aria-hidden=true], :disabled, datalist, option")) continue;
  const style = getComputedStyle(element);
  const size = parseFloat(style.fontSize);
  const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  let ink = rgba(element.closest("svg") ? style.fill : style.color);
  const behind = paper(element);
  for (let at = element; at; at = at.parentElement) ink = [...ink.slice(0, 3), ink[3] * Number(getComputedStyle(at).opacity)];
  const ratio = contrast(over(ink, behind), behind);
  if (ratio < (isLarge ? 3 : 4.5)) say(element, `contrast ${ratio.toFixed(2)} of ${style.color} on rgb(${behind.slice(0, 3).map(Math.round)})`);
}

function name(element) {
  const by = (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
  const texts = by.map((id) => document.getElementById(id)?.textContent ?? "");
  const label = element.labels ? [...element.labels].map((it) => it.textContent) : [];
  const own = element.matches("input, select, textarea") ? "" : element.textContent;
  return [element.getAttribute("aria-label"), ...texts, ...label, own, element.title].filter(Boolean).join(" ").trim();
}
const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=tab], [tabindex]";
for (const element of root.querySelectorAll(controls)) {
  if (!element.checkVisibility()) continue;
  if (!name(element) && !(element.hasAttribute("tabindex") && element.tabIndex < 0)) say(element, "a control without a name");
  if (element.tabIndex > 0) say(element, "a tabindex above 0");
  const box = element.getBoundingClientRect();
  const inline = getComputedStyle(element).display === "inline";
  if (!inline && element.matches("button, select, summary, input:not([type=checkbox]):not([type=radio])") && (box.width < 24 || box.height < 24) && box.width > 1) {
    say(element, `a target of ${Math.round(box.width)} × ${Math.round(box.height)} px`);
  }
  if (element.matches("input, select, textarea") && !element.disabled) {
    const style = getComputedStyle(element);
    const edge = contrast(over(rgba(style.borderTopColor), paper(element)), paper(element.parentElement));
    if (style.borderTopWidth !== "0px" && edge < 3) say(element, `a border with contrast ${edge.toFixed(2)}`);
  }
}
for (const element of root.querySelectorAll("img, [role=img]")) {
  if (!element.hasAttribute("alt") && !name(element)) say(element, "a picture without words");
}
for (const element of root.querySelectorAll("svg")) {
  if (element.getAttribute("aria-hidden") !== "true" && element.getAttribute("role") !== "img") say(element, "neither a picture nor hidden");
}
for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
  for (const element of root.querySelectorAll(`[${attribute}]`)) {
    for (const id of element.getAttribute(attribute).split(/\s+/)) if (!document.getElementById(id)) say(element, `${attribute} names no element: ${id}`);
  }
}
for (const table of root.querySelectorAll("table")) if (!table.querySelector("th")) say(table, "a table without headings");
const ids = new Map();
for (const element of document.querySelectorAll("[id]")) {
  if (ids.has(element.id)) say(element, "an id that another element has");
  ids.set(element.id, element);
}
if (root === document.body) {
  if (!document.documentElement.lang) found.push("the page has no language");
  if (!document.title.trim()) found.push("the page has no title");
  if (document.querySelectorAll("main").length !== 1) found.push("the page has not one <main>");
  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((it) => it.checkVisibility()).map((it) => Number(it.tagName[1]));
  if (headings.filter((level) => level === 1).length !== 1) found.push("the page has not one <h1>");
  headings.forEach((level, index) => { if (index && level > headings[index - 1] + 1) found.push(`a heading of level ${level} follows one of level ${headings[index - 1]}`); });
  const width = document.documentElement.scrollWidth;
  if (width > innerWidth + 1) found.push(`the page is ${width} px wide in a window of ${innerWidth}`);
}
return found;
