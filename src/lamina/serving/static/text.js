// A text as it is typed.
export function setUp(form, changed) {
  const area = form.querySelector("#text");
  area.addEventListener("input", changed);
  return () => (area.value.trim() ? { samples: [area.value] } : null);
}
