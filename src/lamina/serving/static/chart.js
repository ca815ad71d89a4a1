// Elements, numbers and lines.
const SVG = "http://www.w3.org/2000/svg";

export function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

// A number to show, with a minus sign instead of a hyphen.
export function format(value, nDigits = 4) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const isExtreme = size >= 1e9 || size < 1e-4;
  const maximumSignificantDigits = size >= 1000 ? 6 : nDigits;
  const text = isExtreme ? value.toExponential(2) : value.toLocaleString("en", { maximumSignificantDigits });
  return text.replace("-", "\u2212");
}

export function limits(rows) {
  let [low, high] = [Infinity, -Infinity];
  for (const row of rows) {
    for (const value of row) {
      if (value === null || Number.isNaN(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return [0, 1];
  const margin = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - margin, high + margin];
}

// The path of values from step `start` on, in a chart of `n` steps.
export function line(chart, values, { low, high, n, start = 0, name = "" }) {
  const { width, height } = chart.viewBox.baseVal;
  let path = "", isDrawing = false;
  values.forEach((value, i) => {
    if (value === null || Number.isNaN(value)) {
      isDrawing = false;
      return;
    }
    const x = ((start + i) / Math.max(n - 1, 1)) * width;
    const y = height - ((value - low) / (high - low)) * height;
    path += `${isDrawing ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    isDrawing = true;
  });
  return addPath(chart, path, name);
}

export function band(chart, lower, upper, { low, high, n, start }) {
  const { width, height } = chart.viewBox.baseVal;
  const point = (value, i) =>
    `${(((start + i) / Math.max(n - 1, 1)) * width).toFixed(1)} ${(height - ((value - low) / (high - low)) * height).toFixed(1)}`;
  const forth = upper.map(point), back = lower.map(point).reverse();
  return addPath(chart, `M${[...forth, ...back].join("L")}Z`, "band");
}

function addPath(chart, d, name) {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", d);
  if (name) path.setAttribute("class", name);
  chart.append(path);
  return path;
}

export function newChart(label) {
  const chart = document.createElementNS(SVG, "svg");
  chart.setAttribute("class", "chart");
  chart.setAttribute("viewBox", "0 0 600 200");
  chart.setAttribute("preserveAspectRatio", "none");
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", label);
  return chart;
}
