// The browser's side of Grid; the rules and the words (position, place, data, version) stand in grid.py.
// The table itself never scrolls: it sticks to the top of a tall empty box, and the scroll position of the
// box says which rows it shows. So a box may be shorter than its rows are (browsers cap heights), and nothing
// is ever seen half loaded. Text goes into the page by textContent only.

const ROW = 24;
const HEAD = 28;
const TALL = 12_000_000; // px; Firefox stops at 17.8 million
const SPARE = 20; // rows asked for on either side of those in view
const NEAR = 6; // ask again when fewer than these are left
const KEEP = 200; // rows remembered on either side

const SIGNS = {
  queued: "○", running: "▶", paused: "‖", stopping: "◌",
  succeeded: "✓", failed: "✗", cancelled: "⊘", unknown: "?",
};

function make(tag, className, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function clamp(value, low, high) {
  return Math.max(low, Math.min(value, high));
}

function cellText(value) {
  return Array.isArray(value) ? value[0] : (value ?? "");
}

class GridView {
  constructor(model, el) {
    this.model = model;
    this.root = make("div", "swnb-grid", { "data-lm-suppress-shortcuts": "true" }); // or Lab takes the keys
    this.who = Math.random().toString(36).slice(2);
    this.turn = 0; // numbers the requests of this view
    this.flight = null; // the id of the one request for rows under way
    this.rows = new Map(); // place -> [position, chosen, cells]
    this.old = null; // what is painted until rows of a new version are here: { rows, data }
    this.lines = new Map(); // place -> the element that shows it
    this.widths = new Map(); // label -> px, measured once, so that columns do not jump
    this.focus = { place: 0, column: 0 }; // place -1 is the header
    this.top = 0; // px of rows above the first one in view
    this.build();
    el.append(this.root);
    this.listen();
    this.shade = document.createElement("style");
    document.head.append(this.shade);
    this.takeTwins();
    this.takeLabels();
    this.takeHead();
    this.takeBody();
    if (model.get("_picks").count) this.askMarks();
  }

  build() {
    const { height, click } = this.model.get("_options");
    this.height = height;
    this.opensOnClick = click;
    this.root.classList.toggle("swnb-click", click);
    this.caption = make("span", "swnb-caption");
    this.search = make("input", "", { type: "search", placeholder: "Filter rows", "aria-label": "Filter rows" });
    this.chooser = make("button", "", { type: "button", "aria-expanded": "false" });
    this.chooser.textContent = "Columns";
    this.status = make("span", "", { role: "status", "aria-live": "polite" });
    this.picked = make("span", "");
    const counts = make("span", "swnb-counts");
    counts.append(this.status, this.picked);
    const bar = make("div", "swnb-bar");
    bar.append(this.caption, this.search, this.chooser, counts);
    this.menu = make("div", "swnb-menu", { role: "group", "aria-label": "Columns shown" });
    this.menu.hidden = true;
    this.grid = make("div", "swnb-pane", { role: "grid", "aria-multiselectable": "true" });
    this.headline = make("div", "swnb-line swnb-headline", { role: "row", "aria-rowindex": "1" });
    this.body = make("div", "swnb-rows", { role: "rowgroup" });
    const head = make("div", "", { role: "rowgroup" });
    head.append(this.headline);
    this.grid.append(head, this.body);
    this.tall = make("div", "swnb-tall");
    this.tall.append(this.grid);
    this.empty = make("div", "swnb-empty");
    this.port = make("div", "swnb-port", { tabindex: "-1" });
    this.port.append(this.tall);
    this.note = make("div", "swnb-foot");
    this.problem = make("div", "swnb-problem", { role: "alert" });
    this.root.append(bar, this.menu, this.port, this.empty, this.note, this.problem);
  }

  /** Lab leaves the keys of the panel's lists and sliders to them. (It looks for this mark no further up than the
   * element that its own rule fits, which is the focused one.) */
  keepKeys() {
    const mark = (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true");
    const placed = new ResizeObserver(() => {
      const panel = this.root.closest(".swnb-panel");
      panel?.addEventListener("focusin", mark);
      if (panel) placed.disconnect();
    });
    placed.observe(this.root);
  }

  listen() {
    this.keepKeys();
    this.watched = {
      "change:_twins": () => this.takeTwins(),
      "change:_head": () => this.takeHead(),
      "change:_body": () => this.takeBody(),
      "change:_picks": () => this.askMarks(),
      "change:caption change:note change:_problem": () => this.takeLabels(),
      "msg:custom": (message) => this.hear(message),
    };
    for (const [event, call] of Object.entries(this.watched)) this.model.on(event, call);
    this.search.addEventListener("input", () => this.find());
    this.chooser.addEventListener("click", () => this.toggleMenu());
    this.menu.addEventListener("change", () => this.choose());
    this.menu.addEventListener("keydown", (event) => event.key === "Escape" && this.toggleMenu());
    this.port.addEventListener("scroll", () => this.scrolled());
    this.port.addEventListener("keydown", (event) => this.key(event));
    this.port.addEventListener("focusin", (event) => this.focused(event));
    this.headline.addEventListener("pointerdown", (event) => this.resize(event));
    this.headline.addEventListener("click", (event) => this.clickHead(event));
    this.body.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault()); // no text marked
    this.body.addEventListener("click", (event) => this.click(event));
    this.body.addEventListener("dblclick", (event) => this.opensOnClick || this.open(this.placeOf(event.target)));
    this.body.addEventListener("pointerover", (event) => this.explain(event.target.closest(".swnb-cell")));
  }

  close() {
    clearTimeout(this.typing);
    for (const [event, call] of Object.entries(this.watched)) this.model.off(event, call);
    this.root.remove();
    this.shade.remove();
  }

  // -- talking with the kernel

  send(kind, more = {}) {
    const id = `${this.who}-${++this.turn}`;
    this.model.send({ kind, id, ...more });
    return id;
  }

  hear(message) {
    if (!String(message.id).startsWith(`${this.who}-`)) return;
    if (message.kind === "rows") this.takeRows(message);
    else if (message.kind === "marks") this.takeMarks(message);
    else if (message.kind === "full" && this.explained?.id === message.id) this.explained.cell.title = message.text;
  }

  /** Ask for the rows about those in view that are not here; one request at a time. */
  ask() {
    if (this.flight) return;
    const [first, last] = this.span();
    const shown = this.now.shown;
    const missing = (low, high) => {
      const places = [];
      for (let at = Math.max(low, 0); at < Math.min(high, shown); at++) if (!this.rows.has(at)) places.push(at);
      return places;
    };
    if (!this.old && !missing(first - NEAR, last + NEAR).length) return;
    const places = missing(first - SPARE, last + SPARE);
    const from = this.old ? Math.max(first - SPARE, 0) : places[0];
    const until = this.old ? last + SPARE : places[places.length - 1] + 1;
    this.flight = this.send("rows", { first: from, count: until - from, anchor: this.anchor() });
  }

  /** After an update: the row that shall stay where it is, the focused one or the first in view. */
  anchor() {
    if (!this.old) return null;
    const [first, last] = this.span();
    const active = this.body.contains(document.activeElement);
    const place = active && this.focus.place >= first && this.focus.place < last ? this.focus.place : Math.ceil(this.top / ROW);
    const row = (active || this.top > 0) && this.old.rows.get(place);
    return row ? { at: row[0], data: this.old.data, place } : null;
  }

  takeRows(message) {
    if (message.id !== this.flight) return;
    this.flight = null;
    if (message.version !== this.now.version) return this.ask();
    message.rows.forEach((row, at) => this.rows.set(message.first + at, row));
    const follows = this.old && message.shift;
    this.old = null;
    if (follows) {
      if (this.focus.place >= 0) this.focus.place = clamp(this.focus.place + message.shift, 0, this.now.shown - 1);
      if (this.top > 0) return this.scrollTo(this.top + message.shift * ROW, true);
    }
    this.paint(Boolean(follows));
  }

  askMarks() {
    this.takeCounts();
    const at = [...this.rows.values()].map((row) => row[0]);
    this.marking = { id: this.send("marks", { at, data: this.now.data }), at: new Set(at) };
  }

  takeMarks(message) {
    if (message.id !== this.marking.id || message.data !== this.now.data) return;
    const marks = new Set(message.marks);
    for (const row of this.rows.values()) { // rows that came meanwhile brought their own mark
      if (this.marking.at.has(row[0])) row[1] = Number(marks.has(row[0]));
    }
    this.paint();
  }

  // -- what the kernel says

  /** The static twins of this grid, and of a panel around it, are for when it has gone. */
  takeTwins() {
    const ids = this.model.get("_twins").filter((id) => /^\w+$/.test(id));
    this.shade.textContent = ids.map((id) => `[data-swnb-twin="${id}"] { display: none !important; }`).join("\n");
  }

  takeLabels() {
    const caption = this.model.get("caption");
    this.caption.textContent = caption;
    this.grid.setAttribute("aria-label", caption || "Table");
    this.note.textContent = this.model.get("note");
    this.problem.textContent = this.model.get("_problem");
  }

  takeHead() {
    this.head = this.model.get("_head");
    if (document.activeElement !== this.search) this.search.value = this.head.search;
    this.paintMenu();
    const same = this.headline.childElementCount === this.head.columns.length &&
      this.head.columns.every(([, label, kind], at) => {
        const { dataset } = this.headline.children[at];
        return dataset.label === label && dataset.kind === kind;
      });
    if (!same) {
      this.buildHead();
      if (this.now) this.takeBody(); // which of the two comes first when both change is chance
    }
    this.head.columns.forEach(([column], at) => this.paintSort(this.headline.children[at], column));
    this.grid.setAttribute("aria-colcount", this.head.columns.length);
  }

  buildHead() {
    this.measure();
    this.focus.column = clamp(this.focus.column, 0, this.head.columns.length - 1);
    this.headline.replaceChildren(...this.head.columns.map(([, label, kind], at) => {
      const cell = make("div", `swnb-cell swnb-${kind}`, { role: "columnheader", tabindex: "-1", title: label, "aria-colindex": at + 1 });
      cell.dataset.label = label;
      cell.dataset.kind = kind;
      cell.style.setProperty("--w", `var(--w${at})`);
      const text = make("span", "");
      text.textContent = label;
      cell.append(text, make("span", "swnb-arrow", { "aria-hidden": "true" }), make("span", "swnb-grip", { "aria-hidden": "true" }));
      return cell;
    }));
    this.body.replaceChildren();
    this.lines.clear();
    this.rows.clear(); // their cells belong to other columns
    this.old = null;
  }

  paintSort(cell, column) {
    const at = this.head.sort.findIndex(([other]) => other === column);
    const up = at >= 0 && this.head.sort[at][1];
    cell.setAttribute("aria-sort", at < 0 ? "none" : up ? "ascending" : "descending");
    const number = this.head.sort.length > 1 ? at + 1 : "";
    cell.querySelector(".swnb-arrow").textContent = at < 0 ? "" : `${up ? "▲" : "▼"}${number}`;
  }

  /** A width for each label not seen before, from the texts of the first rows. */
  measure() {
    const rows = this.model.get("_body").rows;
    this.head.columns.forEach(([, label, kind], at) => {
      const texts = rows.map((row) => cellText(row[2][at]));
      const broken = kind === "number" && texts.some((text) => text.includes(".")) ? 11 : 0; // as -0.00123457 needs
      const sign = kind === "status" ? 3 : 0;
      const longest = Math.max(label.length + 3, broken, ...texts.map((text) => text.length + sign));
      const width = clamp(Math.round(longest * 7.4) + 22, 56, 340);
      if (!this.widths.has(label) && rows.length) this.widths.set(label, width);
      this.root.style.setProperty(`--w${at}`, `${this.widths.get(label) ?? width}px`);
    });
  }

  takeBody() {
    const before = this.now;
    this.now = this.model.get("_body");
    const reset = before && before.reset !== this.now.reset;
    if (before && !reset && !this.old) this.old = { rows: this.rows, data: before.data };
    if (reset) this.old = null;
    this.flight = null;
    this.rows = new Map(this.now.rows.map((row, at) => [at, row]));
    if (this.head.columns.some(([, label]) => !this.widths.has(label))) this.measure();
    const active = this.body.contains(document.activeElement);
    if (this.top === 0 && !active) this.old = null;
    if (reset) this.focus.place = Math.min(this.focus.place, 0);
    this.focus.place = clamp(this.focus.place, -1, Math.max(this.now.shown - 1, 0));
    this.takeCounts();
    this.layout();
    this.scrollTo(reset ? 0 : this.top);
  }

  takeCounts() {
    const { shown, total } = this.now;
    const say = (number) => number.toLocaleString("en-US");
    const text = shown === total ? `${say(total)} rows` : `${say(shown)} of ${say(total)} rows`;
    if (this.status.textContent !== text) this.status.textContent = text;
    const hidden = this.head.menu.length - this.head.columns.length;
    const picks = this.model.get("_picks").count;
    this.picked.textContent = (hidden ? ` · ${this.head.columns.length} of ${this.head.menu.length} columns` : "") +
      (picks ? ` · ${say(picks)} selected` : "");
    this.empty.textContent = total ? "No rows match" : "No rows";
    this.empty.hidden = shown > 0;
    this.grid.setAttribute("aria-rowcount", shown + 1);
  }

  // -- the box and what is in view

  layout() {
    const view = Math.min(this.now.shown, this.height) * ROW;
    const full = this.now.shown * ROW;
    const box = Math.min(full, TALL);
    this.maxTop = full - view;
    this.scale = box > view ? this.maxTop / (box - view) : 1;
    this.grid.style.height = `${HEAD + view}px`;
    this.tall.style.height = `${HEAD + box}px`;
    this.port.style.height = "";
    // A horizontal scrollbar takes its height from the rows unless the box grows by it.
    this.port.style.maxHeight = full > view ? `${HEAD + view + this.port.offsetHeight - this.port.clientHeight}px` : "";
  }

  span() {
    const first = Math.floor(this.top / ROW);
    const count = Math.min(this.now.shown, this.height);
    return [first, Math.min(this.now.shown, Math.ceil(this.top / ROW) + count)];
  }

  scrolled() {
    const seen = this.port.scrollTop;
    if (Math.abs(seen - this.expected) < 1) return; // our own doing; scaled, it is coarser than `top`
    this.top = clamp(seen * this.scale, 0, this.maxTop);
    this.expected = seen;
    this.paint();
  }

  scrollTo(top, refocus = false) {
    this.top = clamp(top, 0, this.maxTop);
    this.expected = this.top / this.scale;
    this.port.scrollTop = this.expected;
    this.expected = this.port.scrollTop;
    this.paint(refocus);
  }

  paint(refocus = false) {
    const [first, last] = this.span();
    this.body.style.transform = `translateY(${first * ROW - this.top}px)`;
    const lost = refocus || this.body.contains(document.activeElement);
    for (const [place, line] of this.lines) {
      if (place < first || place >= last) { line.remove(); this.lines.delete(place); }
    }
    let next = this.body.firstChild;
    for (let place = first; place < last; place++) {
      const line = this.lines.get(place) ?? this.makeLine(place);
      if (line === next) next = next.nextSibling;
      else this.body.insertBefore(line, next);
      this.paintLine(line, place);
    }
    for (const place of this.rows.keys()) if (place < first - KEEP || place > last + KEEP) this.rows.delete(place);
    this.roam(lost);
    this.ask();
  }

  makeLine(place) {
    const line = make("div", `swnb-line${place % 2 ? " swnb-odd" : ""}`, { role: "row", "aria-rowindex": place + 2 });
    line.place = place;
    this.head.columns.forEach(([, , kind], at) => {
      const cell = make("div", `swnb-cell swnb-${kind}`, { role: "gridcell", tabindex: "-1", "aria-colindex": at + 1 });
      cell.style.setProperty("--w", `var(--w${at})`);
      line.append(cell);
    });
    this.lines.set(place, line);
    return line;
  }

  paintLine(line, place) {
    const row = this.rows.get(place) ?? this.old?.rows.get(place);
    line.setAttribute("aria-selected", String(Boolean(row?.[1])));
    line.toggleAttribute("aria-busy", !row);
    [...line.children].forEach((cell, at) => this.paintCell(cell, this.head.columns[at][2], row && (row[2][at] ?? null)));
  }

  /** Only what has changed is touched, so an update neither flickers nor takes the focus. */
  paintCell(cell, kind, value) {
    const key = JSON.stringify(value);
    if (cell.key === key) return;
    cell.key = key;
    const text = cellText(value);
    cell.textContent = text;
    cell.removeAttribute("title");
    if (Array.isArray(value) && value[1] !== 1) cell.title = value[1];
    if (value === null) cell.setAttribute("aria-label", "missing");
    else cell.removeAttribute("aria-label");
    cell.classList.toggle("swnb-nan", text === "NaN" && kind === "number");
    if (kind !== "status" || !text) return;
    const known = SIGNS[text] ? text : "unknown";
    const sign = make("span", `swnb-sign swnb-${known}`, { "aria-hidden": "true" });
    sign.textContent = SIGNS[known];
    cell.prepend(sign);
  }

  // -- focus and keys

  cellAt({ place, column }) {
    return (place < 0 ? this.headline : this.lines.get(place))?.children[column];
  }

  /** Exactly one stop for the Tab key: the focused cell, or the box when that cell is scrolled away. */
  roam(refocus) {
    const cell = this.cellAt(this.focus);
    if (this.stop !== cell) this.stop?.setAttribute("tabindex", "-1");
    cell?.setAttribute("tabindex", "0");
    this.stop = cell;
    this.port.setAttribute("tabindex", cell ? "-1" : "0");
    if (refocus) (cell ?? this.port).focus({ preventScroll: true });
  }

  focused(event) {
    if (event.target === this.port && !event.relatedTarget?.closest?.(".swnb-rows")) return;
    const cell = event.target.closest(".swnb-cell");
    if (!cell) return;
    this.focus = { place: cell.parentElement.place ?? -1, column: [...cell.parentElement.children].indexOf(cell) };
    this.roam(false);
    this.explain(cell);
  }

  move(place, column) {
    this.focus = { place: clamp(place, -1, this.now.shown - 1), column: clamp(column, 0, this.head.columns.length - 1) };
    const y = this.focus.place * ROW;
    const view = Math.min(this.now.shown, this.height) * ROW;
    const top = y < 0 ? this.top : clamp(this.top, y + ROW - view, y);
    if (top === this.top) this.roam(true);
    else this.scrollTo(top, true);
    this.showColumn(this.cellAt(this.focus));
  }

  showColumn(cell) {
    if (!cell) return;
    const right = cell.offsetLeft + cell.offsetWidth - this.port.clientWidth;
    this.port.scrollLeft = clamp(this.port.scrollLeft, Math.min(right, cell.offsetLeft), cell.offsetLeft);
  }

  key(event) {
    const { place, column } = this.focus;
    const far = event.ctrlKey || event.metaKey;
    const page = Math.max(this.height - 1, 1);
    const steps = {
      ArrowUp: [place - 1, column], ArrowDown: [place + 1, column],
      ArrowLeft: [place, column - 1], ArrowRight: [place, column + 1],
      PageUp: [Math.max(place - page, 0), column], PageDown: [place + page, column],
      Home: [far ? 0 : place, 0], End: [far ? this.now.shown - 1 : place, this.head.columns.length - 1],
    };
    if (steps[event.key]) {
      this.move(...steps[event.key]);
      if (event.shiftKey && this.focus.place !== place) this.select("range", this.focus.place);
    } else if (event.key === " ") this.press(event, event.shiftKey ? "range" : "toggle");
    else if (event.key === "Enter") this.press(event, "open");
    else if (event.key === "a" && far) this.select("all");
    else if (event.key === "Escape") this.select("none");
    else return;
    event.preventDefault();
  }

  press(event, what) {
    if (this.focus.place < 0) this.sort(this.focus.column, event.shiftKey);
    else if (what === "open") this.open(this.focus.place);
    else this.select(what, this.focus.place);
  }

  // -- what the user does

  placeOf(target) {
    return target.closest(".swnb-line")?.place;
  }

  row(place) {
    return (this.old?.rows ?? this.rows).get(place) ?? this.rows.get(place);
  }

  where(row) {
    return { at: row[0], data: this.old?.data ?? this.now.data };
  }

  click(event) {
    const place = this.placeOf(event.target);
    if (place === undefined) return;
    const cell = event.target.closest(".swnb-cell");
    this.move(place, cell ? [...cell.parentElement.children].indexOf(cell) : this.focus.column);
    const adds = event.ctrlKey || event.metaKey;
    this.select(event.shiftKey ? "range" : adds ? "toggle" : "only", place);
    if (this.opensOnClick && !event.shiftKey && !adds) this.open(place);
  }

  select(how, place) {
    const row = this.row(place);
    if (!row && how !== "all" && how !== "none") return;
    if (how !== "range" && !this.old) this.foresee(how, row);
    this.send("select", row ? { how, ...this.where(row) } : { how });
  }

  /** Mark at once what the kernel will confirm. */
  foresee(how, chosen) {
    for (const row of this.rows.values()) {
      if (how === "toggle") row[1] = Number(row === chosen ? !row[1] : row[1]);
      else row[1] = Number(how === "all" || row === chosen);
    }
    this.paint();
  }

  open(place) {
    const row = this.row(place);
    if (row) this.send("open", this.where(row));
  }

  clickHead(event) {
    const cell = event.target.closest(".swnb-cell");
    if (!cell || event.target.classList.contains("swnb-grip")) return;
    const column = [...this.headline.children].indexOf(cell);
    this.move(-1, column);
    this.sort(column, event.shiftKey);
  }

  sort(column, add) {
    this.send("sort", { column: this.head.columns[column][0], add });
  }

  find() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.send("search", { text: this.search.value }), 150);
  }

  /** The whole text of a cut cell, fetched when somebody looks at it. */
  explain(cell) {
    const at = cell ? [...cell.parentElement.children].indexOf(cell) : -1;
    const row = cell && this.row(cell.parentElement.place);
    if (!row || row[2][at]?.[1] !== 1 || cell.title) return;
    this.explained = { cell, id: this.send("full", { column: this.head.columns[at][0], ...this.where(row) }) };
  }

  toggleMenu() {
    this.menu.hidden = !this.menu.hidden;
    this.chooser.setAttribute("aria-expanded", String(!this.menu.hidden));
    (this.menu.hidden ? this.chooser : this.menu.querySelector("input"))?.focus();
  }

  paintMenu() {
    const boxes = this.menu.children;
    if (boxes.length !== this.head.menu.length) this.menu.replaceChildren(...this.head.menu.map(() => this.makeBox()));
    this.head.menu.forEach(([label, shown], at) => {
      boxes[at].firstChild.checked = Boolean(shown);
      boxes[at].lastChild.textContent = label;
    });
  }

  makeBox() {
    const label = make("label", "");
    label.append(make("input", "", { type: "checkbox" }), make("span", ""));
    return label;
  }

  choose() {
    const wanted = [...this.menu.querySelectorAll("input")].flatMap((box, at) => (box.checked ? [at] : []));
    if (wanted.length) this.send("columns", { columns: wanted });
    else this.paintMenu(); // a table without columns cannot be asked for another
  }

  resize(event) {
    if (!event.target.classList.contains("swnb-grip")) return;
    event.preventDefault();
    const cells = [...this.headline.children];
    const at = cells.indexOf(event.target.parentElement);
    const sizes = cells.map((cell) => cell.offsetWidth);
    const set = (column, width) => {
      this.widths.set(this.head.columns[column][1], width);
      this.root.style.setProperty(`--w${column}`, `${width}px`);
    };
    sizes.forEach((width, column) => set(column, width)); // from now on columns stay as wide as they are
    this.root.style.setProperty("--grow", "0");
    const drag = (move) => set(at, Math.max(40, sizes[at] + move.clientX - event.clientX));
    const ends = new AbortController();
    event.target.setPointerCapture(event.pointerId);
    event.target.addEventListener("pointermove", drag, { signal: ends.signal });
    event.target.addEventListener("lostpointercapture", () => ends.abort(), { signal: ends.signal });
  }
}

export default {
  render({ model, el }) {
    const view = new GridView(model, el);
    return () => view.close();
  },
};
