/* Draws one request as the inbox shows it. Needs page.js and bubbles.js.

   Arrivals.fill(article, entry, now)   what arrived, as the phone shows it, and what became of it
   Arrivals.inspection(entry)           → <div>: the request as it came, and the answer
   Arrivals.left(entry, now)            → text: how long a scheduled message still waits
   Arrivals.copier(label, text)         → <button> that copies what text() returns

   An entry is one of GET /_sandbox/requests (docs/sandbox.md). What a client sent is hostile: it is text here, always. */
"use strict";
const Arrivals = (() => {
  const { make } = Page;
  const LONGEST = 100000; // characters of a request that are shown; "Copy" takes all of them
  const STATES = {
    sent: ["accepted", "sent"],
    scheduled: ["scheduled", "scheduled"],
    cancelled: ["skipped", "cancelled"],
    refused: ["rejected", "refused"],
    failed: ["doubt", "not kept"],
  };
  const FAULTS = {
    slow: "a late answer",
    garbage: "a 200 that is no JSON",
    hang: "no answer",
    "hang-after": "no answer",
    "reset-before": "a reset",
    "reset-after": "a reset",
  };

  function word(entry, name) {
    const value = entry.message?.[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  }

  function when(iso) {
    const time = new Date(iso);
    const today = time.toDateString() === new Date().toDateString();
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    return today
      ? time.toLocaleTimeString([], clock)
      : time.toLocaleString([], { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  }

  function badge(kind, text, title = null) {
    return make("span", { class: `badge ${kind}`, text, title });
  }

  function badges(entry) {
    const [kind, text] = STATES[entry.state] ?? ["skipped", entry.state];
    const { look } = Bubbles.channel(entry.message?.provider);
    const channel = { twlo: "SMS", twlowa: "WhatsApp · Twilio", gswa: "WhatsApp · Gupshup" }[word(entry, "provider")];
    return [
      badge(kind, text),
      channel ? badge(look, channel) : null,
      entry.duplicate ? badge("doubt", "came before", "A message with this very body was kept before: a person would have got it twice.") : null,
      entry.fault !== null ? badge("doubt", `fault ${entry.fault}`) : null,
    ];
  }

  /** Why a request was refused, or what its client got to see of a message that met a fault. */
  function reasons(entry) {
    if (entry.state === "refused") {
      return make("ul", { class: "arrival-why" }, entry.reasons.map((text) => make("li", { text })));
    }
    if (entry.fault === null) return null;
    const told = FAULTS[entry.fault] ?? `HTTP ${entry.answer.status}`;
    const kept = entry.state === "failed" ? "The message was not kept." : "The message was kept: a real server would have sent it.";
    return make("ul", { class: "arrival-why fault" }, make("li", { text: `The client saw ${told}. ${kept}` }));
  }

  /** The message on its screen; where there is none, the beginning of what came instead. */
  function screen(entry) {
    const parts = ["text", "image_url", "video_url", "file_url", "template"];
    if (entry.message !== null && parts.some((part) => entry.message[part])) {
      const { look } = Bubbles.channel(entry.message.provider);
      const unsent = ["refused", "failed", "cancelled"].includes(entry.state);
      return make("div", { class: `arrival-screen ${look}${unsent ? " unsent" : ""}` },
        Bubbles.draw(entry.message, { reveal: true }));
    }
    const raw = entry.request.body;
    return make("pre", { class: "arrival-raw", dir: "auto" }, raw === "" ? "(an empty body)" : raw.slice(0, 600));
  }

  function left(entry, now) {
    const seconds = Math.max(0, Math.ceil((Date.parse(entry.due) - now) / 1000));
    const days = Math.floor(seconds / 86400);
    const two = (number) => String(number).padStart(2, "0");
    const clock = `${Math.floor((seconds % 86400) / 3600)}:${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
    return days > 0 ? `${days} d ${clock}` : clock;
  }

  function fill(article, entry, now) {
    const id = `to-${entry.number}`;
    const name = word(entry, "name");
    const waits = entry.state !== "scheduled" ? null : make("div", { class: "arrival-end" },
      make("span", {}, "goes out in ", make("span", { class: "countdown", text: left(entry, now) })),
      make("button", { type: "button", class: "quiet", "data-cancel": true, "aria-describedby": id, text: "Cancel" }));
    article.replaceChildren(
      make("div", { class: "arrival-head" },
        make("h3", { class: "arrival-to", id },
          make("bdi", { class: "arrival-number", text: word(entry, "to").slice(0, 60) || "no number" }),
          name ? make("bdi", { class: "arrival-name", text: name.slice(0, 200) }) : null),
        make("time", { datetime: entry.at, title: entry.at, text: when(entry.at) }),
        make("div", { class: "row arrival-badges" }, badges(entry)),
        make("button", { type: "button", class: "quiet", "data-inspect": true, "aria-expanded": "false", "aria-describedby": id, text: "Details" })),
      reasons(entry) ?? "", screen(entry), waits ?? "");
  }

  // ---- the request as it came -------------------------------------------------------------------------------------

  function shortened(text) {
    const more = text.length - LONGEST;
    return more <= 0 ? text : `${text.slice(0, LONGEST)}\n… and ${more.toLocaleString("en")} more characters`;
  }

  function pretty(text) {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return null;
    }
  }

  function copier(label, text) {
    return make("button", { type: "button", class: "quiet", text: label, onclick: async (event) => {
      const done = await Page.copy(text());
      event.target.textContent = done ? "Copied" : "Not copied";
      Page.say(done ? "Copied" : "Not copied");
      setTimeout(() => { event.target.textContent = label; }, 1500);
    } });
  }

  /** The request as a command line for sh; the key stays in the environment. */
  function curl(entry) {
    const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
    return `curl ${quoted(new URL("message", location.href).href)} \\\n  -H "apikey: $SOCIOCS_API_KEY" \\\n` +
      `  -H 'Content-Type: application/json' \\\n  --data-raw ${quoted(entry.request.body)}\n`;
  }

  /** A body: in order where it is JSON, and as it came. */
  function body_of(text, name) {
    const ordered = pretty(text);
    const shown = make("pre", { tabindex: "0", role: "region", "aria-label": name, text: shortened(ordered ?? text) });
    if (text === "") shown.textContent = "(empty)";
    if (ordered === null || ordered === text) return [shown];
    const toggle = make("button", { type: "button", class: "chip", "aria-pressed": "false", text: "As it came", onclick: () => {
      const raw = toggle.getAttribute("aria-pressed") !== "true";
      toggle.setAttribute("aria-pressed", String(raw));
      shown.textContent = shortened(raw ? text : ordered);
    } });
    return [shown, toggle];
  }

  function inspection(entry) {
    const { headers, body } = entry.request;
    const { status, body: answer } = entry.answer;
    const [shown, toggle] = body_of(body, "Body of the request");
    const told = status === null ? "no answer" : `HTTP ${status}`;
    const rows = headers.map(([name, value]) => make("tr", {}, make("th", { scope: "row", text: name }), make("td", { text: value })));
    return make("div", { class: "inspection" },
      make("div", { class: "spread" },
        make("h4", { text: "The client sent" }),
        make("div", { class: "row" }, toggle ?? null, copier("Copy body", () => body), copier("Copy as curl", () => curl(entry)))),
      make("details", {}, make("summary", { text: `POST /message, ${headers.length} headers` }), make("table", { "aria-label": "Headers" }, make("tbody", {}, rows))),
      shown,
      make("div", { class: "spread" },
        make("h4", { text: "The sandbox answered" }),
        make("span", { class: `badge ${status === null ? "doubt" : status < 300 && entry.state !== "refused" ? "accepted" : "rejected"}`, text: told })),
      status === null ? null : body_of(answer, "Body of the answer")[0],
      make("p", { class: "soft inspection-end" }, make("time", { datetime: entry.at, text: entry.at }),
        entry.message_id === null ? null : [" · message ", make("code", { text: entry.message_id })]));
  }

  return Object.freeze({ fill, inspection, left, copier });
})();
