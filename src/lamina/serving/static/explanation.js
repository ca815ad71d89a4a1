// An answer of /explain for the first sample.
import { element, format } from "./chart.js";

const N_BARS = 8;
const note = document.getElementById("why-note");
const details = document.getElementById("why-details");

// In place of the explanation of an earlier input.
export function showWaiting() {
  note.textContent = "The explanation is being computed.";
  details.replaceChildren();
}

export function showExplanation(content) {
  const reason = content.problem ?? content.reason;
  if (reason) {
    note.textContent = reason;
    return details.replaceChildren();
  }
  const [explanation] = content.explanations;
  const { output_name: name, base_value: base, output } = explanation;
  note.textContent = `From ${format(base)} (baseline) to ${format(output)}, the ${name}.`;
  if (explanation.picture) {
    const alt = `What contributed to the ${name}`;
    return details.replaceChildren(element("img", { src: explanation.picture, alt }));
  }
  details.replaceChildren(explanation.pieces ? words(explanation.pieces) : bars(explanation.values));
}

// The text, each word on the colour of what it added.
function words(pieces) {
  const most = Math.max(...pieces.map(([, value]) => Math.abs(value ?? 0)), 1e-300);
  const spans = pieces.map(([text, value]) => {
    if (value === null) return text;
    const span = element("mark", { textContent: text, title: format(value, 3) });
    span.className = value < 0 ? "against" : "";
    span.style.setProperty("--strength", `${Math.round((60 * Math.abs(value)) / most)}%`);
    return span;
  });
  return element("p", { className: "words" }, ...spans);
}

function bars(values) {
  const order = Object.entries(values).sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const rows = order.slice(0, order.length > N_BARS ? N_BARS - 1 : N_BARS);
  const others = order.slice(rows.length);
  if (others.length) {
    rows.push([`${others.length} other columns`, others.reduce((sum, [, value]) => sum + value, 0)]);
  }
  const most = Math.max(...rows.map(([, value]) => Math.abs(value)), 1e-300);
  const items = rows.map(([name, value]) => {
    const bar = element("span", { className: value < 0 ? "bar against" : "bar" });
    const size = (50 * Math.abs(value)) / most;
    bar.style.inlineSize = `${size}%`;
    bar.style.insetInlineStart = `${value < 0 ? 50 - size : 50}%`;
    const text = `${value > 0 ? "+" : ""}${format(value, 3)}`;
    return element("li", {},
      element("span", { className: "label", textContent: name }),
      element("span", { className: "track" }, bar),
      element("span", { className: "value", textContent: text }));
  });
  return element("ol", { className: "bars signed" }, ...items);
}
