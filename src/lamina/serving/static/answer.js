// An answer of /predict for the first sample, by the kind of the answer.
import { band, element, format, limits, line, newChart } from "./chart.js";

const N_BARS = 8;
const SMALL = 0.0005; // a probability that would be shown as 0.0 %
const LONG = 60; // characters from which an answer is set smaller
const prediction = document.getElementById("prediction");
const details = document.getElementById("details");

export function showAnswer(kind, answer, input) {
  KINDS[kind](answer, input);
}

const KINDS = {
  ClassifierAnswer(answer) {
    const [best] = answer.predictions;
    const [probabilities] = answer.probabilities;
    if (Array.isArray(answer.labels[0])) {
      say(best.join(", "));
      const lists = answer.labels.map((labels, k) => bars(labels, probabilities[k]));
      details.replaceChildren(...lists);
    } else if (Array.isArray(best)) {
      const chosen = answer.labels.filter((_, k) => best[k]);
      say(chosen.length ? chosen.join(", ") : "no label");
      details.replaceChildren(bars(answer.labels, probabilities));
    } else {
      say(String(best));
      details.replaceChildren(bars(answer.labels, probabilities));
    }
  },

  RegressorAnswer(answer) {
    const values = [answer.predictions[0]].flat(2);
    if (!answer.levels.length || values.length === 1) {
      say(values.map((value) => format(value)).join(", "));
      return details.replaceChildren();
    }
    const middle = answer.levels.reduce(
      (best, level, k) => (Math.abs(level - 0.5) < Math.abs(answer.levels[best] - 0.5) ? k : best), 0);
    say(format(values[middle]));
    const rows = answer.levels.map((level, k) => [`${level * 100} %`, format(values[k])]);
    details.replaceChildren(table(["quantile", "value"], rows));
  },

  ForecastAnswer(answer, input) {
    const [median] = answer.predictions, [quantiles] = answer.quantiles;
    const past = input.samples[0].map((step) => (Array.isArray(step) ? step[0] : step)).slice(-3 * median.length);
    const end = median.length > 1 ? `, ${format(median.at(-1))} after ${median.length} steps` : "";
    say(`${format(median[0])} next${end}`);
    const [low, high] = limits([past, median, ...quantiles]);
    const scale = { low, high, n: past.length + median.length, start: past.length };
    const chart = newChart(`Forecast of ${median.length} steps`);
    if (quantiles.length) {
      band(chart, quantiles.map((q) => Math.min(...q)), quantiles.map((q) => Math.max(...q)), scale);
    }
    line(chart, past, { ...scale, start: 0, name: "past" });
    line(chart, [past.at(-1), ...median], { ...scale, start: past.length - 1 });
    const names = ["step", "median", ...answer.levels.map((level) => `${level * 100} %`)];
    const rows = median.map((value, k) => [String(k + 1), format(value), ...(quantiles[k] ?? []).map((q) => format(q))]);
    details.replaceChildren(chart, element("div", { className: "scroll", tabIndex: 0 }, table(names, rows)));
  },

  TaggerAnswer(answer, input) {
    const [labels] = answer.predictions;
    const steps = tokensOf(input.samples[0], labels.length);
    say(labels.join(", "));
    const items = labels.map((label, k) =>
      element("li", {}, String(steps[k]), element("small", { textContent: String(label) })));
    details.replaceChildren(element("ul", { className: "tags" }, ...items));
  },

  LanguageAnswer(answer, input) {
    const text = input.samples[0];
    prediction.classList.add("long");
    prediction.replaceChildren(
      text, element("span", { className: "written", textContent: answer.continuations[0] }));
    details.replaceChildren(bars(answer.units[0].map(visible), answer.probabilities[0]));
  },

  TextAnswer(answer) {
    say(answer.predictions[0] || "no text");
    details.replaceChildren();
  },
};

function say(text) {
  prediction.textContent = text;
  prediction.classList.toggle("long", text.length > LONG);
}

function bars(labels, probabilities) {
  const order = labels.map((_, k) => k).sort((a, b) => probabilities[b] - probabilities[a]);
  const shown = order.slice(0, N_BARS).filter((k, rank) => rank < 2 || probabilities[k] >= SMALL);
  const items = shown.map((k, rank) => {
    const bar = element("span", { className: "bar" });
    bar.style.inlineSize = `${100 * probabilities[k]}%`;
    const value = `${(100 * probabilities[k]).toFixed(1)} %`;
    return element("li", { className: rank ? "" : "first" },
      element("span", { className: "label", textContent: String(labels[k]) }),
      element("span", { className: "track" }, bar),
      element("span", { className: "value", textContent: value }));
  });
  const list = element("ol", { className: "bars" }, ...items);
  const rest = order.length - items.length;
  if (rest <= 0) return list;
  return element("div", {}, list, element("p", { className: "note", textContent: `and ${rest} other${rest > 1 ? "s" : ""}` }));
}

function table(names, rows) {
  const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col", textContent: name })));
  const lines = rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", { textContent: cell }))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
}

// The words of a text, as the server divides it, or the values of a series.
function tokensOf(sample, n) {
  if (typeof sample !== "string") return sample.map((step) => [step].flat().map((value) => format(value)).join(", "));
  const tokens = sample.match(/[\p{L}\p{N}_]+(?:['’-][\p{L}\p{N}_]+)*|[^\p{L}\p{N}_\s]/gu) ?? [];
  return tokens.length === n ? tokens : Array.from({ length: n }, (_, k) => tokens[k] ?? "");
}

function visible(unit) {
  return unit.replaceAll(" ", "␣").replaceAll("\n", "⏎") || "␣";
}
