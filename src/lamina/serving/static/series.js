// A series that is pasted, or drawn.
import { element, format, limits, line } from "./chart.js";

export function setUp(form, changed) {
  const area = form.querySelector("#steps");
  const chart = form.querySelector("#chart");
  const future = form.querySelector("#future");
  const channels = JSON.parse(area.dataset.channels);
  const example = JSON.parse(area.dataset.example);
  let range = [0, 1];

  function show() {
    const rows = parsed(area.value);
    range = limits(rows);
    const [low, high] = range;
    chart.replaceChildren();
    channels.forEach((_, k) => {
      const values = rows.map((row) => row[k] ?? null);
      line(chart, values, { low, high, n: rows.length, name: `c${Math.min(k, 5)}` });
    });
    const names = channels.length > 1 ? channels.map((name, k) =>
      element("span", { className: `name c${Math.min(k, 5)}`, textContent: name })) : [];
    form.querySelector("#legend").replaceChildren(
      element("span", { textContent: `${rows.length} steps` }),
      ...names,
      element("span", { textContent: `${format(low)} to ${format(high)}` }));
  }

  function write(rows) {
    area.value = rows.map((row) => [row].flat().map((v) => v ?? "nan").join(", ")).join("\n");
    show();
    changed();
  }

  // Set the steps between the last point of the pointer and this one.
  let last = null;
  function draw(event) {
    const rows = parsed(area.value);
    if (rows.length < 2) return;
    const box = chart.getBoundingClientRect(), [low, high] = range;
    const inside = (value) => Math.max(0, Math.min(1, value));
    const step = Math.round(inside((event.clientX - box.left) / box.width) * (rows.length - 1));
    const value = Number((low + inside(1 - (event.clientY - box.top) / box.height) * (high - low)).toPrecision(4));
    const k = Number(form.querySelector("#channel")?.value ?? 0);
    const [from, start] = last ?? [step, value];
    const n = Math.abs(step - from);
    for (let i = 0; i <= n; i += 1) {
      const part = n ? i / n : 1;
      rows[from + Math.sign(step - from) * i][k] = Number((start + part * (value - start)).toPrecision(4));
    }
    last = [step, value];
    const kept = range;
    write(rows);
    range = kept; // the scale does not change under the pointer
  }
  chart.addEventListener("pointerdown", (event) => {
    chart.setPointerCapture(event.pointerId);
    last = null;
    draw(event);
  });
  chart.addEventListener("pointermove", (event) => {
    if (event.buttons) draw(event);
  });
  chart.addEventListener("pointerup", show);

  area.addEventListener("input", () => {
    show();
    changed();
  });
  future?.addEventListener("input", changed);
  form.querySelector("#example").addEventListener("click", () => write(example));
  write(example);

  return () => {
    const rows = parsed(area.value);
    if (!rows.length) return null;
    const flat = (all) => all.map((row) => (row.length === 1 ? row[0] : row));
    const input = { samples: [flat(rows)] };
    if (future?.value.trim()) input.future = [flat(parsed(future.value))];
    return input;
  };
}

// Lines with numbers that are separated by commas, semicolons, tabs or spaces.
function parsed(text) {
  const lines = text.split("\n").map((each) => each.trim()).filter(Boolean);
  const rows = lines.map((each) => each.split(/[\s,;]+/).filter(Boolean).map(number));
  const isHeading = rows.length > 1 && rows[0].every((value) => value === null) && !/nan/i.test(lines[0]);
  return isHeading ? rows.slice(1) : rows;
}

function number(text) {
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}
