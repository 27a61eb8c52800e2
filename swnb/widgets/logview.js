// The browser's side of LogView; the rules stand in logview.py. Lines go into the page by textContent only.

const KEPT = 2000;
const NEAR = 24; // px from the end that count as being there

function make(tag, className = "", attributes = {}, text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

class LogPane {
  constructor(model, el) {
    this.model = model;
    this.root = make("div", "swnb-follow", { "data-lm-suppress-shortcuts": "true" });
    this.said = make("span", "swnb-follow-said");
    this.jump = make("button", "", { type: "button" });
    this.end = make("button", "", { type: "button" }, "Follow ↓");
    const bar = make("div", "swnb-follow-bar");
    bar.append(this.said, this.jump, this.end);
    this.excerpt = make("pre", "swnb-log swnb-excerpt", { "aria-label": "The first error" });
    this.pre = make("pre", "swnb-log", { role: "log", "aria-label": "Log", "aria-live": "off", tabindex: "0" });
    this.root.append(bar, this.excerpt, this.pre);
    el.append(this.root);
    this.watched = {
      "change:said change:first_error": () => this.takeLabels(),
      "change:_log": () => this.restart(),
      "msg:custom": (message) => this.hear(message),
    };
    for (const [event, call] of Object.entries(this.watched)) model.on(event, call);
    this.pre.addEventListener("scroll", () => this.scrolled());
    this.jump.addEventListener("click", () => this.toError());
    this.end.addEventListener("click", () => this.toEnd());
    this.restart();
    model.send({ kind: "all" });
  }

  close() {
    for (const [event, call] of Object.entries(this.watched)) this.model.off(event, call);
    this.root.remove();
  }

  restart() {
    this.first = 1; // the number of the first line in the page
    this.waiting = 0; // lines that came while it was paused
    this.follows = true;
    this.pre.replaceChildren();
    this.excerpt.hidden = true;
    this.takeLabels();
  }

  get last() {
    return this.first + this.pre.childElementCount - 1;
  }

  hear({ kind, log, first, lines }) {
    if (log !== this.model.get("_log")) return;
    if (kind === "error") return this.showExcerpt(lines);
    if (kind === "all") {
      this.pre.replaceChildren();
      this.first = first;
    } else if (first > this.last + 1) {
      this.model.send({ kind: "all" }); // some were missed
      return;
    }
    this.append(lines.slice(this.last + 1 - first));
  }

  append(lines) {
    const error = this.model.get("first_error");
    const number = this.last + 1;
    this.pre.append(...lines.map((text, at) => make("span", number + at === error ? "swnb-bad" : "", {}, `${text}\n`)));
    const before = this.pre.scrollHeight;
    const over = this.pre.childElementCount - KEPT;
    for (let at = 0; at < over; at++) this.pre.firstChild.remove();
    this.first += Math.max(over, 0);
    if (this.follows) this.toEnd();
    else {
      this.pre.scrollTop -= before - this.pre.scrollHeight; // what is read stays where it is
      this.waiting += lines.length;
      this.takeLabels();
    }
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.pre;
    this.follows = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.follows) this.waiting = 0;
    this.takeLabels();
  }

  toEnd() {
    this.follows = true;
    this.waiting = 0;
    this.pre.scrollTop = this.pre.scrollHeight;
    this.takeLabels();
  }

  /** The line in the page, or what the kernel has kept of it. */
  toError() {
    const number = this.model.get("first_error");
    const line = this.pre.children[number - this.first];
    if (!line) { this.model.send({ kind: "error" }); return; }
    line.classList.add("swnb-bad");
    this.follows = false;
    this.pre.scrollTop = line.offsetTop - this.pre.offsetTop - 40;
    this.takeLabels();
    this.pre.focus({ preventScroll: true });
  }

  showExcerpt(lines) {
    this.excerpt.replaceChildren(...lines.map((text, at) => make("span", at ? "" : "swnb-bad", {}, `${text}\n`)));
    this.excerpt.hidden = false;
  }

  takeLabels() {
    const error = this.model.get("first_error");
    const count = this.last.toLocaleString("en-US");
    const cut = this.first > 1 ? `, of which the last ${this.pre.childElementCount.toLocaleString("en-US")} are here` : "";
    const paused = this.follows ? this.model.get("said") : `Paused: ${this.waiting.toLocaleString("en-US")} new lines below.`;
    const text = `${paused}${this.pre.childElementCount ? ` ${count} lines${cut}.` : ""}`;
    if (this.said.textContent !== text) this.said.textContent = text;
    this.jump.hidden = !error;
    this.jump.textContent = `First error: line ${error.toLocaleString("en-US")}`;
    this.end.hidden = this.follows;
  }
}

export default {
  render({ model, el }) {
    const pane = new LogPane(model, el);
    return () => pane.close();
  },
};
