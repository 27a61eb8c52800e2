// Appended to grid.js: views say when they come and when they go, and numbers get a background by where they lie in
// their column (the third part of a cell). The colour is one hue over the theme's own background, so the text on it
// reads in light and in dark pages.

const paintPlain = GridView.prototype.paintCell;

GridView.prototype.paintCell = function paintCell(cell, kind, value) {
  const shade = Array.isArray(value) ? value[2] : undefined;
  paintPlain.call(this, cell, kind, value);
  const share = typeof shade === "number" ? Math.round(6 + 34 * Math.min(Math.max(shade, 0), 1)) : 0;
  cell.style.background = share ? `color-mix(in srgb, #0072b2 ${share}%, transparent)` : "";
};

const listenPlain = GridView.prototype.listen;
const closePlain = GridView.prototype.close;

/** Whether this view is looked at: without any the kernel stops asking. A model whose kernel has gone takes nothing. */
GridView.prototype.tell = function tell(on) {
  try {
    this.model.send({ kind: "view", id: this.who, on });
  } catch { /* nobody is there to be told */ }
};

GridView.prototype.listen = function listen() {
  listenPlain.call(this);
  this.leaves = () => this.tell(false);
  this.comes = (event) => event.persisted && this.tell(true);
  window.addEventListener("pagehide", this.leaves);
  window.addEventListener("pageshow", this.comes);
  this.tell(true);
};

GridView.prototype.close = function close() {
  window.removeEventListener("pagehide", this.leaves);
  window.removeEventListener("pageshow", this.comes);
  closePlain.call(this);
  this.tell(false);
};
