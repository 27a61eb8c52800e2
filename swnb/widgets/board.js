// The browser's side of Board; the rules stand in board.py. Text goes into the page by textContent only, a row keeps
// its element while it is there, and a second that passes touches only the texts that tell time.

const SIGNS = {
  queued: "○", running: "▶", paused: "‖", stopping: "◌",
  succeeded: "✓", failed: "✗", cancelled: "⊘", unknown: "?",
};
const COLUMNS = [
  ["status", "Status"], ["name", "Job"], ["progress", "Progress"], ["elapsed", "Elapsed"], ["left", "Left"],
  ["line", "Last line or cause"],
];

function make(tag, className = "", attributes = {}, text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** `1h 02m 03s`, as static.py writes it. */
function duration(seconds) {
  const left = Math.max(Math.round(seconds), 0);
  const parts = [[Math.floor(left / 86400), "d"], [Math.floor(left / 3600) % 24, "h"], [Math.floor(left / 60) % 60, "m"], [left % 60, "s"]];
  const first = parts.findIndex(([count]) => count);
  return parts.slice(first < 0 ? 3 : first)
    .map(([count, unit], at) => `${at ? String(count).padStart(2, "0") : count}${unit}`).join(" ");
}

class BoardView {
  constructor(model, el) {
    this.model = model;
    this.id = Math.random().toString(36).slice(2);
    this.lines = new Map(); // uri -> the <tr> of it
    this.skew = Infinity; // ms that the page's clock is ahead of the kernel's, at most
    this.said = model.get("_says").turn;
    this.rung = this.newest();
    this.dismissed = 0;
    this.focus = ""; // the URI of the row that the Tab key stops at
    this.desktop = false;
    this.root = make("div", "swnb-grid swnb-board", { "data-lm-suppress-shortcuts": "true" });
    this.build();
    el.append(this.root);
    this.listen();
    this.shade = make("style");
    document.head.append(this.shade);
    this.takeTwins();
    this.takeLabels();
    this.takeClock();
    this.takeRows();
    this.takeNotices();
    this.timer = setInterval(() => this.tick(), 1000);
    this.tell(true);
  }

  build() {
    this.caption = make("span", "swnb-caption");
    this.search = make("input", "", { type: "search", placeholder: "Filter jobs", "aria-label": "Filter jobs" });
    this.active = this.button("Only active", "Leave out jobs that have ended");
    this.refresh = this.button("Refresh", "Ask the servers now");
    this.bell = this.button("Desktop notices", "Let this page show notices on your desktop");
    this.sound = this.button("Sound", "Ring when a notice comes");
    this.counts = make("span", "swnb-counts");
    const bar = make("div", "swnb-bar");
    bar.append(this.caption, this.search, this.active, this.refresh, this.bell, this.sound, this.counts);
    this.notices = make("ul", "swnb-notices", { "aria-label": "Notices" });
    this.grid = make("table", "swnb-jobs", { role: "grid" });
    const head = make("thead");
    const line = make("tr", "", { role: "row" });
    for (const [key, label] of COLUMNS) line.append(make("th", `swnb-at-${key}`, { scope: "col", role: "columnheader" }, label));
    head.append(line);
    this.body = make("tbody", "", { role: "rowgroup" });
    this.grid.append(head, this.body);
    this.port = make("div", "swnb-window");
    this.port.append(this.grid);
    this.empty = make("div", "swnb-empty");
    this.health = make("div", "swnb-health");
    this.polite = make("div", "swnb-unseen", { role: "status", "aria-live": "polite" });
    this.root.append(bar, this.health, this.notices, this.port, this.empty, this.polite);
  }

  button(text, title) {
    return make("button", "", { type: "button", title }, text);
  }

  listen() {
    this.watched = {
      "change:_twins": () => this.takeTwins(),
      "change:caption change:search change:active change:_rings change:asleep": () => this.takeLabels(),
      "change:_rows change:_total": () => this.takeRows(),
      "change:picked": () => this.mark(),
      "change:_clock change:_health": () => this.takeClock(),
      "change:_notices": () => this.takeNotices(),
      "change:_says": () => this.announce(),
    };
    for (const [event, call] of Object.entries(this.watched)) this.model.on(event, call);
    this.search.addEventListener("input", () => this.find());
    this.active.addEventListener("click", () => this.set("active", !this.model.get("active")));
    this.refresh.addEventListener("click", () => this.model.send({ kind: "refresh" }));
    this.bell.addEventListener("click", () => this.askDesktop());
    this.sound.addEventListener("click", () => this.turnSound());
    this.body.addEventListener("click", (event) => this.pick(event.target.closest("tr")?.dataset.uri));
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("focusin", (event) => this.roam(event.target.closest("tr")?.dataset.uri));
    this.leaves = () => this.tell(false);
    this.comes = (event) => event.persisted && this.tell(true);
    window.addEventListener("pagehide", this.leaves);
    window.addEventListener("pageshow", this.comes);
  }

  close() {
    clearInterval(this.timer);
    clearTimeout(this.typing);
    for (const [event, call] of Object.entries(this.watched)) this.model.off(event, call);
    window.removeEventListener("pagehide", this.leaves);
    window.removeEventListener("pageshow", this.comes);
    this.ringer?.close();
    this.root.remove();
    this.shade.remove();
    this.tell(false);
  }

  // -- talking with the kernel

  /** Whether this view is looked at: without any the kernel stops asking. A model whose kernel has gone takes nothing. */
  tell(on) {
    try {
      this.model.send({ kind: "view", id: this.id, on });
    } catch { /* nobody is there to be told */ }
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  find() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.set("search", this.search.value), 150);
  }

  // -- what the kernel says

  takeTwins() {
    const ids = this.model.get("_twins").filter((id) => /^\w+$/.test(id));
    this.shade.textContent = ids.map((id) => `[data-swnb-twin="${id}"] { display: none !important; }`).join("\n");
  }

  takeLabels() {
    put(this.caption, this.model.get("caption"));
    this.grid.setAttribute("aria-label", this.model.get("caption") || "Jobs");
    if (document.activeElement !== this.search) this.search.value = this.model.get("search");
    this.active.setAttribute("aria-pressed", String(this.model.get("active")));
    this.paintBells();
    this.tick();
  }

  takeClock() {
    this.skew = Math.min(this.skew, Date.now() - this.model.get("_clock"));
    this.paintHealth();
    this.tick();
  }

  takeRows() {
    const rows = this.model.get("_rows");
    const held = this.hold();
    const there = new Set(rows.map((row) => row.uri));
    for (const [uri, line] of this.lines) if (!there.has(uri)) { line.remove(); this.lines.delete(uri); }
    const first = !this.lines.size;
    let next = this.body.firstChild;
    for (const row of rows) {
      const line = this.lines.get(row.uri) ?? this.makeLine(row, first);
      if (line === next) next = next.nextSibling;
      else this.body.insertBefore(line, next);
      this.paintLine(line, row);
    }
    for (const [key, used] of [["progress", rows.some((row) => row.share !== null || row.said)], ["left", rows.some((row) => row.left)]])
      this.grid.classList.toggle(`swnb-no-${key}`, !used);
    this.takeTotal(rows.length);
    this.mark();
    this.tick();
    held();
  }

  /** What is in view stays where it is when rows come above it. */
  hold() {
    const top = this.port.scrollTop;
    const line = top > 0 && [...this.lines.values()].find((each) => each.offsetTop + each.offsetHeight > top);
    const before = line ? line.offsetTop : 0;
    return () => { if (line?.isConnected) this.port.scrollTop = top + line.offsetTop - before; };
  }

  takeTotal(shown) {
    const { jobs, match, counts, known } = this.model.get("_total");
    const cut = shown < match ? `the first ${shown} of ${match.toLocaleString("en-US")} · ` : "";
    const filtered = match < jobs ? `${match.toLocaleString("en-US")} of ${jobs.toLocaleString("en-US")} jobs · ` : "";
    put(this.counts, cut + filtered + counts);
    put(this.empty, !known ? "Asking for the jobs …" : jobs ? "No job matches the filter." : "There are no jobs yet; new ones appear here.");
    this.empty.hidden = shown > 0;
    this.grid.hidden = !shown;
  }

  makeLine(row, quiet) {
    const line = make("tr", "", { role: "row", tabindex: "-1" });
    line.dataset.uri = row.uri;
    if (!quiet) line.classList.add("swnb-fresh");
    for (const [key] of COLUMNS) line.append(make("td", `swnb-at-${key}`, { role: "gridcell" }));
    const [status, name, progress, , left] = line.children;
    status.append(make("span", "swnb-sign", { "aria-hidden": "true" }), make("span"), make("span", "swnb-removed"));
    const who = make("div", "swnb-who");
    who.append(make("span", "swnb-name"), make("span", "swnb-soft"));
    name.append(who);
    progress.append(make("progress", "", { max: "1" }), make("span", "swnb-soft"));
    left.append(make("span"), make("span", "swnb-soft"));
    this.lines.set(row.uri, line);
    return line;
  }

  /** Only what has changed is touched. */
  paintLine(line, row) {
    const key = JSON.stringify(row);
    if (line.key === key) return;
    line.key = key;
    line.row = row;
    const [status, name, progress, , left, last] = line.children;
    const known = SIGNS[row.status] ? row.status : "unknown";
    status.firstChild.className = `swnb-sign swnb-${known}`;
    put(status.firstChild, SIGNS[known]);
    put(status.children[1], row.status);
    put(status.children[2], row.removed ? "removed" : "");
    status.title = row.raw === row.status ? "" : `the platform says: ${row.raw || "(nothing)"}`;
    line.classList.toggle("swnb-gone", row.removed);
    const who = name.firstChild.children;
    put(who[0], row.name);
    put(who[1], [row.id !== row.name && row.id, row.place].filter(Boolean).join(" · "));
    name.title = row.uri;
    this.paintProgress(...progress.children, row);
    put(left.firstChild, row.left);
    put(left.lastChild, row.spread);
    last.className = `swnb-at-line${row.cause ? " swnb-cause" : ""}`;
    put(last, row.cause ? `cause: ${row.cause}` : row.line);
    last.title = row.cause && row.line ? `${row.cause}\nlast line: ${row.line}` : last.textContent;
  }

  paintProgress(bar, words, row) {
    bar.hidden = row.share === null;
    if (row.share !== null) bar.value = row.share;
    const share = row.share === null ? "" : `${Math.round(row.share * 100)} %`;
    bar.setAttribute("aria-label", `${row.name}: ${share}`);
    put(words, [share, row.said].filter(Boolean).join(" · "));
  }

  paintHealth() {
    const servers = this.model.get("_health");
    while (this.health.childElementCount > servers.length) this.health.lastChild.remove();
    while (this.health.childElementCount < servers.length) {
      const line = make("div", "swnb-server");
      line.append(make("span", "swnb-soft"), make("span", "swnb-lost", { role: "alert" }));
      this.health.append(line);
    }
    servers.forEach((each, at) => put(this.health.children[at].lastChild, each.problem ? `✗ connection lost: ${each.problem}` : ""));
  }

  // -- what time changes

  /** The kernel's time, as far as the page can tell. */
  now() {
    return Date.now() - this.skew;
  }

  tick() {
    const now = this.now();
    const asleep = this.model.get("asleep");
    const problems = new Set(this.model.get("_health").filter((each) => each.problem).map((each) => each.server));
    this.root.classList.toggle("swnb-stale", problems.size > 0 || Boolean(asleep));
    for (const line of this.lines.values()) {
      const { ticks, since, took } = line.row;
      const seconds = ticks && since !== null ? (now - since) / 1000 : took;
      put(line.children[3], seconds === null ? "" : duration(seconds));
    }
    this.model.get("_health").forEach((each, at) => {
      const line = this.health.children[at];
      if (line) put(line.firstChild, `${each.server}: ${asleep || this.told(each, now)}`);
    });
  }

  told({ asked, next, problem }, now) {
    const ago = asked === null ? "not answered yet" : `as of ${duration((now - asked) / 1000)} ago`;
    if (next === null) return ago;
    const wait = (next - now) / 1000;
    const word = problem ? "trying again" : "next";
    return `${ago}, ${wait < 1 ? `${word} now` : `${word} in ${duration(wait)}`}`;
  }

  // -- notices

  newest() {
    return this.model.get("_notices").at(-1)?.number ?? 0;
  }

  takeNotices() {
    const all = this.model.get("_notices");
    const shown = all.filter((each) => each.number > this.dismissed).slice(-5).reverse();
    this.notices.replaceChildren(...shown.map((each) => this.makeNotice(each)));
    const fresh = all.filter((each) => each.number > this.rung);
    this.rung = this.newest();
    for (const each of fresh) this.popUp(each);
    if (fresh.length && this.ringer) this.ring();
  }

  makeNotice({ number, time, name, text, uri }) {
    const line = make("li", "swnb-notice");
    const go = make("button", "swnb-go", { type: "button", title: `Select ${uri}` }, name);
    go.addEventListener("click", () => this.pick(uri, true));
    const away = make("button", "swnb-away", { type: "button", title: "Dismiss this and older notices", "aria-label": `Dismiss: ${name}` }, "×");
    away.addEventListener("click", () => { this.dismissed = number; this.takeNotices(); });
    line.append(make("span", "swnb-soft", {}, time), go, make("span", "swnb-text", {}, text), away);
    return line;
  }

  announce() {
    const { turn, text } = this.model.get("_says");
    if (turn > this.said) put(this.polite, text);
    this.said = turn;
  }

  /** Desktop notices are asked for by the button only. */
  async askDesktop() {
    if (Notification.permission === "default") await Notification.requestPermission();
    this.desktop = Notification.permission === "granted" && !this.desktop;
    this.paintBells();
  }

  paintBells() {
    const rings = this.model.get("_rings");
    const able = "Notification" in window;
    this.bell.hidden = !rings || !able;
    this.sound.hidden = !rings;
    const denied = able && Notification.permission === "denied";
    this.bell.disabled = denied;
    if (denied) this.bell.title = "This browser does not let this page show notices";
    this.bell.setAttribute("aria-pressed", String(this.desktop));
    this.sound.setAttribute("aria-pressed", String(Boolean(this.ringer)));
  }

  popUp({ number, name, text, uri }) {
    if (!this.desktop) return;
    new Notification(name, { body: text, tag: `swnb-${uri}-${number}` }); // one tag: two views show one notice
  }

  /** Browsers let a page sound only after a click in it: this is the click. */
  turnSound() {
    if (this.ringer) { this.ringer.close(); this.ringer = null; }
    else this.ringer = new AudioContext();
    this.paintBells();
  }

  ring() {
    const tone = this.ringer.createOscillator();
    const volume = this.ringer.createGain();
    const now = this.ringer.currentTime;
    tone.frequency.value = 740;
    volume.gain.setValueAtTime(0.12, now);
    volume.gain.exponentialRampToValueAtTime(0.001, now + 0.5);
    tone.connect(volume).connect(this.ringer.destination);
    tone.start(now);
    tone.stop(now + 0.5);
  }

  // -- choosing a row

  pick(uri, keep = false) {
    if (!uri) return;
    this.set("picked", !keep && this.model.get("picked") === uri ? "" : uri);
    if (keep) this.lines.get(uri)?.scrollIntoView({ block: "nearest" });
  }

  mark() {
    const picked = this.model.get("picked");
    for (const [uri, line] of this.lines) line.setAttribute("aria-selected", String(uri === picked));
    if (!this.lines.has(this.focus)) this.focus = this.lines.has(picked) ? picked : (this.body.firstChild?.dataset.uri ?? "");
    this.roam(this.focus);
  }

  /** One row is the stop of the Tab key; the arrows go on from it. */
  roam(uri) {
    if (!uri) return;
    this.focus = uri;
    for (const [each, line] of this.lines) line.tabIndex = each === uri ? 0 : -1;
  }

  key(event) {
    const line = event.target.closest("tr");
    const steps = {
      ArrowUp: line.previousSibling, ArrowDown: line.nextSibling, Home: this.body.firstChild, End: this.body.lastChild,
    };
    if (event.key in steps) steps[event.key]?.focus();
    else if (event.key === "Enter" || event.key === " ") this.pick(line.dataset.uri);
    else if (event.key === "Escape") this.set("picked", "");
    else return;
    event.preventDefault();
  }
}

export default {
  render({ model, el }) {
    const view = new BoardView(model, el);
    return () => view.close();
  },
};
