// A field for each column of a table.
export function setUp(form, changed) {
  const fields = [...form.querySelectorAll(".field")];
  for (const field of fields) {
    const other = field.querySelector(".other");
    field.querySelector("select")?.addEventListener("change", (event) => {
      other.hidden = event.target.value !== "other";
      if (!other.hidden) other.focus();
    });
  }
  form.addEventListener("input", changed);
  return () => {
    const row = fields.map((field) => [field.dataset.key, valueOf(field)]);
    return { samples: [Object.fromEntries(row)] };
  };
}

function valueOf(field) {
  const select = field.querySelector("select");
  if (select) {
    if (select.value === "missing") return null;
    return select.value === "other" ? field.querySelector(".other").value || null : select.value.slice(1);
  }
  const { value } = field.querySelector("input, textarea");
  if (value === "") return null;
  if (field.dataset.kind === "date") return value + (field.dataset.zone ?? "");
  return ["number", "duration"].includes(field.dataset.kind) ? Number(value) : value;
}
