/* The preview: phones, search, filters and pages, in place of the plain list that the HTML has. After bubbles.js.

   The data (page.py writes them):
     specs       [{file, id, edition, description, notes, unsaid, findings, messages}]
       findings  [{code, name, severity, message, line, col, excerpt: [before, marked, after], notes, shared, of_rows}]
       messages  [[origin, number, body, key, recipient_key, obstacles, findings, segments, forcing, template]]
                 body is JSON as it would be posted, findings are indexes into the spec's, template into `templates`,
                 obstacles [[code, name, words]], segments [encoding, units, count] or null
     templates   the catalog's entries, as Bubbles takes them
     characters  {character: its name}, for those that force UCS-2 */
"use strict";
(() => {
  const { make } = Page;
  const PER_PAGE = 20;
  const LARGEST_BODY = 200000; // characters of a body's JSON that are shown
  const MOST_FORCING = 24; // characters that are listed
  const data = Page.data("preview");
  const [ORIGIN, NUMBER, BODY, KEY, RECIPIENT_KEY, OBSTACLES, FINDINGS, SEGMENTS, FORCING, TEMPLATE] = Array(10).keys();

  // One entry a message; a spec without any has one entry of its own, so that its findings are seen.
  const entries = data.specs.flatMap((spec) =>
    spec.messages.length ? spec.messages.map((message) => ({ spec, message })) : [{ spec, message: null }]);
  for (const spec of data.specs) spec.general = spec.findings.filter((finding) => !finding.of_rows).length > 0;

  const view = { words: "", spec: "", channel: "", found: false, reveal: false, page: 0, shown: entries };

  // ---- search ------------------------------------------------------------------------------------------------------

  function folded(text) {
    return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  }

  function body_of(entry) {
    entry.body ??= JSON.parse(entry.message[BODY]);
    return entry.body;
  }

  /** All that a search looks at: what a body's values say, the key, and whose it is. */
  function haystack(entry) {
    if (entry.hay === undefined) {
      const words = [entry.spec.id, entry.spec.file];
      const walk = (value) => {
        if (typeof value === "object" && value !== null) Object.values(value).forEach(walk);
        else words.push(String(value));
      };
      if (entry.message) {
        walk(body_of(entry));
        words.push(entry.message[KEY], entry.message[RECIPIENT_KEY], `${entry.message[ORIGIN]} ${entry.message[NUMBER]}`);
        entry.digits = String(body_of(entry).to ?? "").replace(/\D/g, "");
      }
      entry.hay = folded(words.join("\n"));
    }
    return entry.hay;
  }

  function matches(entry, words, digits) {
    if (view.spec !== "" && entry.spec !== data.specs[view.spec]) return false;
    if (view.channel !== "" && (entry.message === null || body_of(entry).provider !== view.channel)) return false;
    if (view.found && !(entry.spec.general || (entry.message ? entry.message[FINDINGS].length || entry.message[OBSTACLES].length : entry.spec.findings.length))) return false;
    if (words === "") return true;
    return haystack(entry).includes(words) || (digits.length > 2 && (entry.digits ?? "").includes(digits));
  }

  function search() {
    const words = folded(view.words.trim());
    const digits = /^[\d\s+().-]+$/.test(words) ? words.replace(/\D/g, "") : "";
    view.shown = entries.filter((entry) => matches(entry, words, digits));
    view.page = 0;
    draw();
  }

  // ---- what stands beside a phone ----------------------------------------------------------------------------------

  function finding(it, spec, beside) {
    const notes = beside ? it.shared : it.notes;
    const line = make("pre", {}, make("code", {},
      make("span", { class: "where", text: `${it.line} │ ` }), it.excerpt[0].trimStart(), make("mark", { text: it.excerpt[1] }), it.excerpt[2]));
    return make("li", { class: `finding ${it.severity}` },
      make("p", {}, make("span", { class: `badge ${it.severity}`, text: it.severity }), " ",
        make("span", { class: "code", text: `${it.code} ${it.name}` })),
      make("p", { dir: "auto" }, with_code(it.message)),
      it.excerpt.join("").trim() === "" ? null : line,
      make("span", { class: "unseen", text: `${spec.file}, line ${it.line}, column ${it.col}` }),
      notes.length ? make("ul", { class: "notes" }, notes.map((note) => make("li", { text: note }))) : null);
  }

  /** What stands between backticks is code; a lone one is a character. */
  function with_code(words) {
    const parts = words.split("`");
    if (parts.length % 2 === 0) return [words];
    return parts.map((part, index) => (index % 2 ? make("code", { text: part }) : part));
  }

  function findings(list, spec, beside = false) {
    return list.length ? make("ul", { class: "findings", "aria-label": "Findings" }, list.map((it) => finding(it, spec, beside))) : null;
  }

  function cost(message) {
    if (!message[SEGMENTS]) return null;
    const [encoding, units, count] = message[SEGMENTS];
    const gsm = encoding === "GSM-7";
    const room = count === 1 ? (gsm ? 160 : 70) : count * (gsm ? 153 : 67);
    const gauge = make("span", { class: "gauge", "aria-hidden": "true" }, Array.from({ length: Math.min(count, 8) }, (_, index) => {
      const bar = make("i");
      const full = Math.max(0, Math.min(1, (units / room) * count - index));
      bar.style.setProperty("--full", `${Math.round(full * 100)}%`);
      return bar;
    }));
    return make("div", { class: "cost" },
      make("span", { class: "badge", text: counted(count, "segment") }),
      make("span", { class: gsm ? "badge" : "badge doubt", text: encoding }), gauge,
      make("span", { class: "soft", text: `${units.toLocaleString("en")} of ${room.toLocaleString("en")} ${gsm ? "septets" : "code units"}` }));
  }

  function forcing(message) {
    const characters = [...message[FORCING]];
    if (!characters.length) return null;
    const list = characters.slice(0, MOST_FORCING).map((character) => {
      const code = `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
      return make("li", {}, make("b", {}, Bubbles.words(character, { reveal: true })),
        make("small", { text: `${code} ${(data.characters[character] ?? "").toLowerCase()}` }));
    });
    if (characters.length > MOST_FORCING) list.push(make("li", { text: `and ${characters.length - MOST_FORCING} more` }));
    return make("div", {}, make("p", { class: "note", text: "Outside GSM-7, so the whole text is UCS-2:" }), make("ul", { class: "forcing" }, list));
  }

  /** JSON with line breaks, its tokens as they are: a number that JavaScript cannot hold stays what it is. */
  function indented(json) {
    let out = "", depth = 0;
    for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^"{}[\],:\s]+/g)) {
      if (token === "{" || token === "[") out += `${token}\n${"  ".repeat(++depth)}`;
      else if (token === "}" || token === "]") out = `${out.trimEnd()}${/[{[]$/.test(out.trimEnd()) ? "" : `\n${"  ".repeat(depth - 1)}`}${token}`, depth--;
      else if (token === ",") out += `,\n${"  ".repeat(depth)}`;
      else out += token === ":" ? ": " : token;
    }
    return out;
  }

  function copier(what, text) {
    const button = make("button", { class: "quiet", type: "button", text: `Copy ${what}`, onclick: async () => {
      const done = await Page.copy(text);
      button.textContent = done ? "Copied" : "The browser did not let me copy";
      Page.say(button.textContent);
      setTimeout(() => (button.textContent = `Copy ${what}`), 2000);
    } });
    return button;
  }

  function json(entry) {
    const { message } = entry;
    const details = make("details", { class: "json", open: entry.open === true }, make("summary", { text: message[KEY] ? "Exact JSON" : "What there is of the JSON" }));
    details.addEventListener("toggle", () => {
      entry.open = details.open; // also when the page is drawn anew
      if (details.childElementCount > 1) return;
      const body = message[BODY];
      const text = body.length > LARGEST_BODY ? `${body.slice(0, LARGEST_BODY)}\n…` : indented(body);
      const shown = make("code", {}, Bubbles.words(text.slice(0, 20000), { reveal: true }));
      details.append(make("div", { class: "row" }, copier("JSON", body)), make("pre", { tabindex: "0", role: "region", "aria-label": "JSON" }, shown));
    });
    return details;
  }

  /** Why a message would not be sent, as far as no finding beside it says so. */
  function barred(message, spec) {
    if (!message[OBSTACLES].length) return null;
    const said = new Set(message[FINDINGS].map((index) => spec.findings[index].code));
    const rest = message[OBSTACLES].filter(([code]) => !said.has(code));
    const above = new Set(spec.findings.map((it) => it.code));
    return make("div", { class: "barred" }, make("p", {}, make("strong", { text: "Would not be sent" })),
      rest.length ? make("ul", {}, rest.map(([code, name, words]) => make("li", {}, make("code", { text: `${code} ${name}` }), words && !above.has(code) ? [": ", with_code(words)] : ""))) : null);
  }

  function card(entry) {
    const { message, spec } = entry;
    const body = body_of(entry);
    const name = typeof body.name === "string" ? body.name : "";
    const what = message[ORIGIN] === "message" ? "The message" : `${message[ORIGIN] === "row" ? "Row" : "Sample"} ${message[NUMBER].toLocaleString("en")}`;
    const template = message[TEMPLATE] === null ? null : data.templates[message[TEMPLATE]];
    const options = { template, marked: message[FORCING], reveal: view.reveal };
    const { name: channel } = Bubbles.channel(body.provider);
    return make("article", { class: message[OBSTACLES].length ? "card message unsendable" : "card message", "aria-label": `${spec.id || spec.file}, ${what}` },
      Bubbles.phone(body, options),
      make("div", { class: "facts" },
        make("div", { class: "whose" }, make("h3", { text: what }), name ? make("bdi", { text: name.slice(0, 200) }) : null,
          make("span", { class: "to mono", text: String(body.to ?? "no number").slice(0, 60) }),
          make("span", { class: "badge", text: typeof body.provider === "string" ? `${channel} · ${body.provider.slice(0, 20)}` : channel }),
          body.schedule ? make("span", { class: "badge scheduled", text: "scheduled" }) : null),
        barred(message, spec), cost(message), forcing(message),
        template ? make("p", { class: "note", text: ["Template", template.name, template.language, template.category.toLowerCase(), template.status].filter(Boolean).join(" · ") }) : null,
        json(entry),
        message[KEY] ? make("div", { class: "key row" }, make("span", {}, "Key ", make("code", { text: message[KEY].slice(0, 16), title: message[KEY] })), copier("key", message[KEY]),
          message[RECIPIENT_KEY] ? make("span", {}, "for ", make("code", { dir: "auto", text: message[RECIPIENT_KEY].slice(0, 200) })) : null) : null),
      findings(message[FINDINGS].map((index) => spec.findings[index]), spec, true));
  }

  function spec_head(spec) {
    const edition = spec.edition === 1 ? "" : ` · edition ${spec.edition}`;
    const beside = new Set(spec.messages.flatMap((message) => message[FINDINGS]));
    const here = spec.findings.filter((_, index) => !beside.has(index));
    const more = [
      beside.size ? `${counted(beside.size, "finding")} ${beside.size === 1 ? "stands" : "stand"} beside the messages` : "",
      spec.unsaid ? `${counted(spec.unsaid, "finding")} more: msgspec-runner lint ${spec.file}` : "",
    ].filter(Boolean);
    return make("div", { class: "spec-head" },
      make("h2", { text: spec.id || spec.file, dir: "auto" }),
      make("p", { class: "note" }, make("code", { text: spec.file }), edition),
      spec.description ? make("p", { text: spec.description, dir: "auto" }) : null,
      spec.notes.map((note) => make("p", { class: "note", text: note })),
      here.length ? make("details", { class: "said", open: here.length < 4 || here.some((it) => it.severity === "error") },
        make("summary", { text: `${counted(here.length, "finding")} in the spec` }), findings(here, spec)) : null,
      more.map((words) => make("p", { class: "note", text: words })));
  }

  function counted(number, noun) {
    return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
  }

  // ---- the page ----------------------------------------------------------------------------------------------------

  const place = document.getElementById("messages");
  const tally = make("p", { class: "tally", role: "status", "aria-live": "polite" });

  function draw() {
    const first = view.page * PER_PAGE;
    const shown = view.shown.slice(first, first + PER_PAGE);
    const sections = [];
    let spec = null;
    for (const entry of shown) {
      if (entry.spec !== spec) sections.push(make("section", { class: "spec" }, spec_head(entry.spec), make("div", { class: "gallery" })));
      spec = entry.spec;
      if (entry.message) sections.at(-1).lastElementChild.append(card(entry));
    }
    if (!sections.length) sections.push(make("p", { class: "empty", text: "No message is like that." }));
    place.replaceChildren(...sections, pager());
    const found = view.shown.filter((entry) => entry.message).length;
    const all = entries.filter((entry) => entry.message).length;
    const before = view.shown.slice(0, first).filter((entry) => entry.message).length;
    const here = shown.filter((entry) => entry.message).length;
    const range = here < found ? `, ${(before + 1).toLocaleString("en")} to ${(before + here).toLocaleString("en")} here` : "";
    tally.textContent = `${found.toLocaleString("en")} of ${counted(all, "message")}${range}`;
  }

  function pager() {
    const last = Math.ceil(view.shown.length / PER_PAGE) - 1;
    if (last < 1) return make("div");
    const go = (page) => {
      view.page = Math.max(0, Math.min(last, page));
      draw();
      place.focus({ preventScroll: true });
      place.scrollIntoView({ block: "start" });
    };
    const field = make("input", { id: "page-number", type: "number", min: 1, max: last + 1, value: view.page + 1,
      onchange: (event) => go((Number.parseInt(event.target.value, 10) || 1) - 1) });
    return make("nav", { class: "pager", "aria-label": "Pages" },
      make("button", { type: "button", text: "Previous", disabled: view.page === 0, onclick: () => go(view.page - 1) }),
      make("label", { for: "page-number", text: "Page" }), field, make("span", { text: `of ${(last + 1).toLocaleString("en")}` }),
      make("button", { type: "button", text: "Next", disabled: view.page === last, onclick: () => go(view.page + 1) }));
  }

  function field(label, id, control, extra = "") {
    return make("div", { class: `field ${extra}` }, make("label", { for: id, text: label }), control);
  }

  function choice(label, id, options, choose) {
    const select = make("select", { id, onchange: (event) => { choose(event.target.value); search(); } },
      options.map(([value, text]) => make("option", { value, text })));
    return field(label, id, select);
  }

  function toggle(text, name, redraw) {
    const button = make("button", { class: "chip", type: "button", text, "aria-pressed": "false", onclick: () => {
      view[name] = !view[name];
      button.setAttribute("aria-pressed", String(view[name]));
      redraw();
    } });
    return button;
  }

  function tools() {
    const box = make("input", { id: "search", type: "search", autocomplete: "off", spellcheck: "false",
      placeholder: "Words, a name, a number, a key", oninput: (event) => { view.words = event.target.value; search(); } });
    const providers = [...new Set(entries.filter((entry) => entry.message).map((entry) => body_of(entry).provider))].filter((it) => typeof it === "string").sort();
    return make("div", { class: "tools", role: "search" },
      field("Search", "search", box, "search"),
      data.specs.length > 1 ? choice("Spec", "spec", [["", "All specs"], ...data.specs.map((spec, index) => [index, spec.id || spec.file])], (value) => (view.spec = value)) : null,
      providers.length > 1 ? choice("Provider", "provider", [["", "All providers"], ...providers.map((it) => [it, `${Bubbles.channel(it).name} · ${it}`])], (value) => (view.channel = value)) : null,
      toggle("With findings", "found", search), toggle("Show the invisible", "reveal", draw));
  }

  document.getElementById("tools").append(tools(), tally);
  draw();
})();
