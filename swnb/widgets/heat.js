// Appended to grid.js: numbers get a background by where they lie in their column (the third part of a cell). The
// colour is one hue over the theme's own background, so the text on it reads in light and in dark pages.

const paintPlain = GridView.prototype.paintCell;

GridView.prototype.paintCell = function paintCell(cell, kind, value) {
  const shade = Array.isArray(value) ? value[2] : undefined;
  paintPlain.call(this, cell, kind, value);
  const share = typeof shade === "number" ? Math.round(6 + 34 * Math.min(Math.max(shade, 0), 1)) : 0;
  cell.style.background = share ? `color-mix(in srgb, #0072b2 ${share}%, transparent)` : "";
};

