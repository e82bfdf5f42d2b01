/* Draws one message as the phone that gets it shows it. Needs page.js and bubbles.css.

   Bubbles.phone(body, options) → <figure>       a phone with the message on its screen
   Bubbles.draw(body, options)  → <div>          the message alone
   Bubbles.words(text, options) → DocumentFragment   a text as a bubble shows it
   Bubbles.channel(provider)    → {look, name}   look: "sms" or "whatsapp" (a CSS class); name: for people

   body     the JSON body of the API's POST /message, as it is posted. It may be anything: what is of the wrong type is
            shown as JSON, what is not there is left out.
   options  all of them optional:
     template  the catalog's entry of body.template.id: {name, language, header, body, footer, buttons: [text],
               media: "image" | "video" | "document", media_url}, each with its {{1}}. Filled with the message's
               variables. Without an entry, the id and the variables are shown as a table.
     marked    a string: each character that it holds is highlighted in the message's text
     reveal    true: characters that nobody sees (zero-width, direction, control) are shown by name
     time      shown at the end of the bubble, such as "14:02"
     sender    the name in the phone's bar; body.channel_key without it
     whatsapp  (Bubbles.words) true: *bold* _italic_ ~struck~ ```code``` `code` and "> quoted" as WhatsApp shows them

   Nothing is ever fetched: of a picture, a video or a file there are its name and its host. A link is one only where it
   begins with http:// or https://. Everything is put in by DOM calls and as text. */
"use strict";
const Bubbles = (() => {
  const { make } = Page;
  const LONGEST = 20000; // characters of a text that are drawn; a phone would not show so many either
  const MOST_ROWS = 100; // variables of a template that are listed; Twilio allows no more
  const WHATSAPP = new Set(["twlowa", "gswa"]);
  const MEDIA = [["image", "image_url"], ["video", "video_url"], ["file", "file_url"]];
  const DRAWN_AS = { image: "image", video: "video", document: "file", file: "file" };
  const SUFFIXES = { image: /\.(jpe?g|png|gif|webp|heic|bmp)$/i, video: /\.(mp4|3gpp?|mov|webm|avi)$/i };
  const ICONS = {
    image: "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 5M15.5 8.5a1 1 0 1 0 .01 0",
    video: "M4 5h16v14H4zM10 9l5 3-5 3z",
    file: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
    person: "M12 12a4 4 0 1 0-.01 0M4.5 20a7.5 7.5 0 0 1 15 0",
    clock: "M12 3a9 9 0 1 0 .01 0M12 7v5l3 2",
  };
  const NAMES = {
    9: "TAB", 0xa0: "NBSP", 0xad: "SHY", 0x61c: "ALM", 0x200b: "ZWSP", 0x200c: "ZWNJ", 0x200d: "ZWJ", 0x200e: "LRM",
    0x200f: "RLM", 0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO", 0x202f: "NNBSP",
    0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0xfeff: "BOM",
  };
  const INVISIBLE =
    "(?<![\\p{Extended_Pictographic}\\p{Emoji_Modifier}]\\ufe0f?)\\u200d|[\\0-\\t\\v-\\x1f\\x7f-\\xa0\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4" +
    "\\u17b5\\u180e\\u200b\\u200c\\u200e\\u200f\\u202a-\\u202f\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}]";

  // ---- texts ---------------------------------------------------------------------------------------------------

  /** Appends plain text; what is to be marked, revealed or still to be filled is an element of its own. */
  function plain(parent, text, how) {
    const parts = [];
    if (how.unfilled) parts.push("(?<unfilled>\\{\\{\\s*[^{}\\s]+\\s*\\}\\})");
    if (how.reveal) parts.push(`(?<invisible>${INVISIBLE})`);
    if (how.marked) {
      const codes = [...new Set(how.marked)].map((character) => `\\u{${character.codePointAt(0).toString(16)}}`);
      parts.push(`(?<marked>[${codes.join("")}]+)`);
    }
    if (parts.length === 0) return parent.append(text);
    let at = 0;
    for (const found of text.matchAll(new RegExp(parts.join("|"), "gu"))) {
      parent.append(text.slice(at, found.index));
      at = found.index + found[0].length;
      if (found.groups.invisible !== undefined) parent.append(revealed(found[0]));
      else parent.append(make("mark", { text: found[0], title: found.groups.unfilled ? "no value for this" : null }));
    }
    return parent.append(text.slice(at));
  }

  function revealed(character) {
    const code = character.codePointAt(0);
    const name = NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    return make("span", { class: "invisible", text: name, title: "a character that nobody sees" });
  }

  const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"\u0000-\u001f]+/giu;

  function linked(parent, text, how) {
    let at = 0;
    for (const found of text.matchAll(LINK)) {
      const shown = found[0].slice(0, 2000).replace(/[.,;:!?'*_~)\]}»”’]+$/u, "");
      const address = address_of(/^www\./i.test(shown) ? `http://${shown}` : shown);
      if (address === null) continue;
      plain(parent, text.slice(at, found.index), how);
      const link = make("a", { href: address.href, target: "_blank", rel: "noopener noreferrer nofollow" });
      plain(link, shown, { ...how, reveal: true });
      parent.append(link);
      at = found.index + shown.length;
    }
    plain(parent, text.slice(at), how);
  }

  /** Returns a web address as a URL; null for what is none, such as javascript:. */
  function address_of(text) {
    try {
      const url = new URL(text);
      return url.protocol === "http:" || url.protocol === "https:" ? url : null;
    } catch {
      return null;
    }
  }

  const STYLES = { "*": "strong", "_": "em", "~": "s" };
  const LETTER = /[\p{L}\p{N}]/u;

  /** WhatsApp's marks in one line. A mark opens before and closes after a word; without a partner it is a character. */
  function styled(parent, line, how, open = "") {
    let from = 0;
    const alone = new Set(open);
    for (let at = 0; at < line.length; at++) {
      const mark = line[at];
      if (!(mark in STYLES || mark === "`") || alone.has(mark) || !opens(line, at)) continue;
      const end = closing(line, at);
      if (end < 0) {
        alone.add(mark); // looked for to the end of the line: no later one closes either
        continue;
      }
      linked(parent, line.slice(from, at), how);
      const inner = line.slice(at + 1, end);
      if (mark === "`") parent.append(make("code", { text: inner }));
      else {
        const element = make(STYLES[mark]);
        styled(element, inner, how, open + mark);
        parent.append(element);
      }
      from = at = end + 1;
      at -= 1;
    }
    linked(parent, line.slice(from), how);
  }

  function opens(line, at) {
    return (at === 0 || !LETTER.test(line[at - 1])) && at + 1 < line.length && !/\s/.test(line[at + 1]) && line[at + 1] !== line[at];
  }

  function closing(line, at) {
    for (let end = line.indexOf(line[at], at + 2); end >= 0; end = line.indexOf(line[at], end + 1)) {
      if (!/\s/.test(line[end - 1]) && (end + 1 === line.length || !LETTER.test(line[end + 1]))) return end;
    }
    return -1;
  }

  function words(text, how = {}) {
    const fragment = document.createDocumentFragment();
    const cut = text.length > LONGEST;
    const drawn = cut ? text.slice(0, LONGEST) : text;
    if (!how.whatsapp) linked(fragment, drawn, how);
    else {
      drawn.split("```").forEach((part, index, all) => {
        const is_code = index % 2 === 1 && index < all.length - 1 && part.trim() !== "";
        if (is_code) fragment.append(make("code", { text: part }));
        else lines(fragment, index % 2 === 1 ? `\`\`\`${part}${index < all.length - 1 ? "```" : ""}` : part, how);
      });
    }
    if (cut) {
      const more = (text.length - LONGEST).toLocaleString("en");
      fragment.append(make("span", { class: "bubble-note", text: `\n… and ${more} more characters` }));
    }
    return fragment;
  }

  function lines(parent, text, how) {
    text.split("\n").forEach((line, index) => {
      if (index > 0) parent.append("\n");
      if (!line.startsWith("> ") || line.length < 3) return styled(parent, line, how);
      const quoted = make("span", { class: "quoted" });
      styled(quoted, line.slice(2), how);
      parent.append(quoted);
    });
  }

  // ---- values that may be anything --------------------------------------------------------------------------------

  function text_of(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "string") return value;
    try {
      return JSON.stringify(value);
    } catch {
      return "…"; // nested too deeply
    }
  }

  function entries(value) {
    return typeof value === "object" && value !== null ? Object.entries(value) : [];
  }

  function value_of(object, name) {
    return typeof object === "object" && object !== null && Object.hasOwn(object, name) ? object[name] : undefined;
  }

  function filled(text, values) {
    return text_of(text).replace(/\{\{\s*([^{}\s]+)\s*\}\}/g, (whole, name) => {
      const value = value_of(values, name);
      return value === undefined ? whole : text_of(value);
    });
  }

  // ---- parts of a message -----------------------------------------------------------------------------------------

  function icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const path = document.createElementNS(space, "path");
    const looks = { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.6", "aria-hidden": "true" };
    for (const [key, value] of Object.entries({ ...looks, "stroke-linejoin": "round", "stroke-linecap": "round" })) {
      svg.setAttribute(key, value);
    }
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  function media_card(kind, address) {
    const url = address_of(address);
    let name = kind;
    if (url !== null) {
      const last = url.pathname.split("/").pop();
      try {
        name = decodeURIComponent(last) || kind;
      } catch {
        name = last || kind;
      }
    }
    const host = url === null ? `no web address: ${address.slice(0, 200)}` : url.host;
    const label = make("span", { class: "media-name" });
    plain(label, name.length > 80 ? `${name.slice(0, 79)}…` : name, { reveal: true });
    const where = make("span", { class: "media-host" });
    plain(where, host, { reveal: true });
    const title = { image: "picture", video: "video", file: "file" }[kind];
    return make("div", { class: `media-card ${kind}`, title: address.slice(0, 2000) },
      icon(kind), make("span", {}, make("span", { class: "unseen", text: `${title}: ` }), label, where));
  }

  function kind_of(address) {
    const path = address_of(address)?.pathname ?? address;
    return Object.keys(SUFFIXES).find((kind) => SUFFIXES[kind].test(path)) ?? "file";
  }

  function paragraph(name, text, how) {
    return make("div", { class: name, dir: "auto" }, words(text, how));
  }

  function end_of(body, options) {
    const schedule = text_of(value_of(body, "schedule"));
    if (schedule === "" && !options.time) return null;
    const parts = [];
    if (schedule !== "") {
      const clock = icon("clock");
      clock.setAttribute("width", "12");
      clock.setAttribute("height", "12");
      parts.push(clock, make("time", { datetime: schedule.slice(0, 60), text: `Scheduled for ${readable(schedule)}` }));
    }
    return make("div", { class: "bubble-end" }, parts, options.time ? make("span", { text: options.time }) : null);
  }

  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  /** An ISO 8601 time in words, in its own time zone: what it says there, not what it is here. */
  function readable(schedule) {
    const found = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d:\d\d)(?::\d\d)?(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?$/i.exec(schedule);
    const month = found && MONTHS[Number(found[2]) - 1];
    if (!month) return schedule.slice(0, 60);
    const zone = (found[5] ?? "").toUpperCase() === "Z" ? " UTC" : found[5] ? ` ${found[5].replace("-", "−")}` : "";
    return `${Number(found[3])} ${month} ${found[1]}, ${found[4]}${zone}`;
  }

  /** A template's bubble, from the catalog's entry and the message's variables. */
  function from_catalog(given, entry, provider, how) {
    const variables = value_of(given, "variables");
    const of_part = (part) => (provider === "gswa" ? value_of(variables, part) : variables);
    const mark = { ...how, unfilled: true };
    const address = text_of(value_of(variables, "MEDIA_URL")) || filled(entry.media_url, of_part("Body"));
    const kind = DRAWN_AS[entry.media] ?? kind_of(address);
    const parts = [
      address ? media_card(kind, address) : null,
      entry.header ? paragraph("bubble-text bubble-header", filled(entry.header, of_part("Header")), { ...mark, whatsapp: false }) : null,
      entry.body ? paragraph("bubble-text", filled(entry.body, of_part("Body")), mark) : null,
      entry.footer ? paragraph("bubble-text bubble-footer", filled(entry.footer, of_part("Footer")), { ...mark, whatsapp: false }) : null,
    ];
    const buttons = Array.isArray(entry.buttons) ? entry.buttons : [];
    const list = buttons.length === 0 ? null : make("ul", { class: "bubble-buttons", "aria-label": "Buttons" },
      buttons.map((button, index) => {
        const item = make("li", { dir: "auto" });
        plain(item, filled(button, of_part("Buttons")), mark);
        const value = provider === "gswa" ? value_of(of_part("Buttons"), String(index + 1)) : undefined;
        if (value !== undefined) item.append(make("small", { text: text_of(value) }));
        return item;
      }));
    return { has_media: Boolean(address), parts, list };
  }

  /** A template that no catalog tells of: its id, and its variables as they were given. */
  function from_id(given, how) {
    const rows = [];
    const add = (name, value) => {
      if (rows.length === MOST_ROWS) return;
      const cell = make("td", { dir: "auto" });
      plain(cell, text_of(value).slice(0, LONGEST), how);
      rows.push(make("tr", {}, make("th", { scope: "row", text: name.slice(0, 100) }), cell));
    };
    for (const [name, value] of entries(value_of(given, "variables"))) {
      if (name === "MEDIA_URL") continue; // it has a card
      if (entries(value).length === 0) add(name, value);
      else for (const [inner, it] of entries(value)) add(`${name} ${inner}`, it);
    }
    const media = text_of(value_of(value_of(given, "variables"), "MEDIA_URL"));
    const id = typeof given === "object" ? text_of(value_of(given, "id")) : text_of(given);
    const parts = [
      media ? media_card(kind_of(media), media) : null,
      make("div", { class: "bubble-note", text: "Template" }),
      make("div", { class: "bubble-text mono", dir: "auto", text: id.slice(0, 400) || "without an id" }),
      rows.length ? make("table", { class: "template-table", "aria-label": "Variables of the template" }, make("tbody", {}, rows)) : null,
    ];
    return { has_media: Boolean(media), parts, list: null };
  }

  function part(kids, has_media = false) {
    return make("div", { class: has_media ? "bubble-part has-media" : "bubble-part" }, kids);
  }

  function draw(body, options = {}) {
    const { look } = channel(value_of(body, "provider"));
    const whatsapp = look === "whatsapp";
    const how = { whatsapp, marked: options.marked ?? "", reveal: options.reveal === true };
    const bubble = make("div", { class: `bubble ${look}` });
    const media = MEDIA.map(([kind, key]) => [kind, text_of(value_of(body, key))]).filter(([, address]) => address !== "");
    const text = text_of(value_of(body, "text"));
    const template = value_of(body, "template");
    const given = template !== undefined && template !== null;
    const end = end_of(body, options);
    if (given && whatsapp) {
      const entry = options.template ?? null;
      const drawn = entry ? from_catalog(template, entry, value_of(body, "provider"), how) : from_id(template, how);
      const alone = media.length === 0 && text === "";
      bubble.append(part([drawn.parts, alone ? end : null], drawn.has_media));
      if (drawn.list) bubble.append(drawn.list);
      if (alone) return bubble;
    }
    const cards = media.map(([kind, address]) => media_card(kind, address));
    const said = text === "" ? null : paragraph("bubble-text", text, how);
    if (whatsapp && (cards.length || said)) {
      bubble.append(...cards.slice(0, -1).map((card) => part([card], true)));
      bubble.append(part([cards.at(-1), said, end], cards.length > 0));
      return bubble;
    }
    bubble.append(...cards.map((card) => part([card], true)));
    if (said) bubble.append(part([said]));
    if (!cards.length && !said) {
      const why = given ? "SMS has no templates: nothing would be shown." : "Nothing to show: no text, no media, no template.";
      bubble.append(part([make("div", { class: "bubble-note", text: why })]));
    }
    if (end) bubble.append(end);
    return bubble;
  }

  function channel(provider) {
    return WHATSAPP.has(provider) ? { look: "whatsapp", name: "WhatsApp" } : { look: "sms", name: "SMS" };
  }

  function phone(body, options = {}) {
    const { look, name } = channel(value_of(body, "provider"));
    const sender = (options.sender ?? text_of(value_of(body, "channel_key"))) || "Sender";
    const who = make("b", { dir: "auto" });
    plain(who, sender.slice(0, 80), { reveal: true });
    return make("figure", { class: `phone ${look}`, "aria-label": `${name} message as the phone shows it` },
      make("div", { class: "phone-bar" },
        make("span", { class: "phone-face" }, icon("person")),
        make("div", { class: "phone-who" }, who, make("span", { text: name }))),
      make("div", { class: "phone-screen" }, draw(body, options)));
  }

  return Object.freeze({ phone, draw, words, channel });
})();
