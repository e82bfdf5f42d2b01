/* The dialog that changes the faults and the latency of the running sandbox. Needs page.js.

   Faults.shown(settings)          what /_sandbox/settings or the event "settings" said
   Faults.asked = (faults, latency) → Promise<string | null>   called to apply; answers what is wrong, or null */
"use strict";
const Faults = (() => {
  const { make } = Page;
  const $ = (id) => document.getElementById(id);
  const PRESETS = [
    ["Calm", [], "0ms"],
    ["Busy", ["429:1=20%"], "50ms..400ms"],
    ["Flaky", ["500=5%", "reset-before=5%"], "20ms..200ms"],
    ["Lost answers", ["reset-after=10%", "500-after=5%"], "0ms"],
    ["Outage", ["503=100%"], "0ms"],
  ];
  const handlers = { asked: async () => null };
  let settings = { faults: [], latency: "0ms", kinds: [] };

  function shown(now) {
    settings = now;
    const words = [...now.faults.map(readable), ...(now.latency === "0ms" ? [] : [now.latency.replace("..", " to ")])];
    const button = $("open-faults");
    button.replaceChildren(make("span", { text: words.length === 0 ? "Faults" : `Faults: ${words.join(", ")}` }));
    button.classList.toggle("on", words.length > 0);
    button.title = words.join(", ");
  }

  function parsed(text) {
    const found = /^([a-z0-9-]+)(?::([0-9.]+))?=([0-9.]+)(%?)$/.exec(text);
    return { kind: found[1], seconds: found[2] ?? "", percent: short(Number(found[3]) * (found[4] ? 1 : 100)) };
  }

  function readable(text) {
    const { kind, seconds, percent } = parsed(text);
    return `${percent} % ${kind}${seconds ? ` of ${seconds} s` : ""}`;
  }

  const short = (number) => String(Number(number.toPrecision(10)));

  function row({ kind, seconds, percent }) {
    const choice = make("select", { "aria-label": "Fault" },
      settings.kinds.map((one) => make("option", { value: one.kind, text: one.kind, selected: one.kind === kind })));
    const rate = make("input", { type: "number", min: "0.0001", max: "100", step: "any", required: true, value: percent, name: "percent" });
    const time = make("input", { type: "number", min: "0", max: "3600", step: "any", value: seconds, name: "seconds" });
    const times = make("label", {}, time, "s");
    const says = make("span", { class: "says" });
    const about = () => {
      const one = settings.kinds.find((candidate) => candidate.kind === choice.value);
      times.hidden = one.unit === "";
      time.disabled = one.unit === "";
      time.placeholder = one.unit === "" ? "" : String(one.default);
      time.setAttribute("aria-label", `Seconds of ${one.kind}`);
      rate.setAttribute("aria-label", `Percent of requests that meet ${one.kind}`);
      says.textContent = one.says;
    };
    choice.addEventListener("change", about);
    about();
    const item = make("li", {}, choice, make("label", {}, rate, "%"), times,
      make("button", { type: "button", class: "quiet", text: "Remove", onclick: () => { item.remove(); $("add-fault").focus(); } }), says);
    return item;
  }

  function fill(faults, latency) {
    $("fault-rows").replaceChildren(...faults.map((text) => row(parsed(text))));
    const [low, high] = latency.split("..").map((part) => part.replace("ms", ""));
    $("latency-low").value = low;
    $("latency-high").value = high ?? low;
    complain(null);
  }

  function complain(text) {
    $("faults-error").textContent = text ?? "";
    $("faults-error").hidden = text === null;
  }

  function written() {
    const faults = [...$("fault-rows").children].map((item) => {
      const kind = item.querySelector("select").value;
      const seconds = item.querySelector("[name=seconds]");
      const wait = seconds.disabled || seconds.value === "" ? "" : `:${seconds.value}`;
      return `${kind}${wait}=${item.querySelector("[name=percent]").value}%`;
    });
    const low = $("latency-low").value || "0";
    return [faults, `${low}ms..${$("latency-high").value || low}ms`];
  }

  function ready() {
    $("presets").append(...PRESETS.map(([name, faults, latency]) =>
      make("button", { type: "button", class: "chip", text: name, onclick: () => fill(faults, latency) })));
    $("open-faults").addEventListener("click", () => {
      fill(settings.faults, settings.latency);
      $("faults").showModal();
    });
    $("add-fault").addEventListener("click", () => {
      const used = new Set([...$("fault-rows").querySelectorAll("select")].map((choice) => choice.value));
      const free = ["500", "429", "reset-after", "hang", ...settings.kinds.map((one) => one.kind)].find((kind) => !used.has(kind));
      if (free === undefined) return;
      $("fault-rows").append(row({ kind: free, seconds: "", percent: "10" }));
      $("fault-rows").lastElementChild.querySelector("select").focus();
    });
    $("faults").querySelector("form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const wrong = await handlers.asked(...written());
      complain(wrong);
      if (wrong === null) $("faults").close();
    });
  }

  return Object.freeze({ shown, ready, handlers });
})();
