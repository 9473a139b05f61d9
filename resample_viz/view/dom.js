// What the parts of the stage share: making nodes, changing them only where something changed, and
// drawing rectangles.

export function element(tag, classes = "", attributes = {}) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A rectangle that stands out on any picture: white on black. */
export function outline(pen, [x, y, w, h], ratio, dashes) {
  const grow = Math.max(0, 5 * ratio - w) / 2;
  const rect = [x - grow, y - grow, w + 2 * grow, h + 2 * grow];
  pen.setLineDash([]);
  pen.lineWidth = 4 * ratio;
  pen.strokeStyle = "#000";
  pen.strokeRect(...rect);
  pen.setLineDash(dashes);
  pen.lineWidth = 2 * ratio;
  pen.strokeStyle = "#fff";
  pen.strokeRect(...rect);
}
