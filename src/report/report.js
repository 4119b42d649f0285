"use strict";
// Filters the fields and folds them. The page is complete without it: everything is there and open.
(() => {
  const byId = (id) => document.getElementById(id);
  const matrix = byId("matrix");
  if (!matrix) return;

  const words = byId("words");
  const which = byId("which");
  const impact = byId("impact");
  const cpu = byId("cpu");  // not there when all hosts have one
  const printAll = byId("print-all");
  const ruleBoxes = [...document.querySelectorAll('#controls input[name="rule"]')];
  const hostColumns = [...matrix.tHead.rows[0].cells].findIndex((cell) => cell.classList.contains("host"));

  // The names and CPUs of each column's hosts, the words in lower case, from the table of inputs.
  const namesOf = new Map();
  const cpusOf = new Map();
  for (const row of document.querySelectorAll("#hosts tr[data-group]")) {
    const group = Number(row.dataset.group);
    const names = [".names", ".cpu"].map((cell) => row.querySelector(cell).textContent.toLowerCase()).join("\n");
    namesOf.set(group, (namesOf.get(group) || "") + "\n" + names);
    cpusOf.set(group, (cpusOf.get(group) || new Set()).add(row.dataset.cpu));
  }

  // A field: its two rows, and what the filter asks of it.
  const fields = [...matrix.tBodies].map((body) => {
    const panel = body.querySelector(".panel > td > div");
    const said = [...panel.querySelectorAll("dl > dd")].filter((dd) => !dd.classList.contains("have"));
    return {
      body,
      panel,
      button: null,
      rule: body.dataset.rule,
      impact: body.dataset.impact,
      text: [body.querySelector("th"), ...said].map((part) => part.textContent).join("\n").toLowerCase(),
      decidedBy: [...body.rows[0].querySelectorAll(".limits")].map((cell) => cell.cellIndex - hostColumns + 1),
    };
  });

  const open = (field, isOpen) => {
    field.button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) field.panel.removeAttribute("hidden");
    else field.panel.setAttribute("hidden", "until-found");
  };
  const isOpen = (field) => field.button.getAttribute("aria-expanded") === "true";

  // A field's name becomes the button that opens it.
  for (const field of fields) {
    const name = field.body.querySelector(".field");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "field";
    button.textContent = name.textContent;
    button.setAttribute("aria-controls", field.panel.id);
    name.replaceWith(button);
    field.button = button;
    button.addEventListener("click", () => open(field, !isOpen(field)));
    field.panel.addEventListener("beforematch", () => open(field, true));  // the browser's own search found it
    open(field, false);
  }

  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const groups = wanted.map((word) => new Set([...namesOf].filter(([, names]) => names.includes(word)).map(([group]) => group)));
    const rules = new Set(ruleBoxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    for (const field of fields) {
      const hasWords = wanted.every((word, i) => field.text.includes(word) || field.decidedBy.some((group) => groups[i].has(group)));
      const hasRule = rules.size === 0 || rules.has(field.rule);
      const isOfKind = which.value === "all" || field.body.classList.contains(which.value);
      const hasImpact = impact.value === "" || field.impact === impact.value;
      const hasCpu = !cpu || cpu.value === "" || field.decidedBy.some((group) => cpusOf.get(group)?.has(cpu.value));
      field.body.hidden = !(hasWords && hasRule && isOfKind && hasImpact && hasCpu);
      if (!field.body.hidden) shown += 1;
    }
    document.documentElement.classList.toggle("filtered", shown < fields.length);
    byId("shown").textContent = `${shown} of ${fields.length} fields shown`;
  };

  words.addEventListener("input", filter);
  for (const choice of [which, impact, cpu]) choice?.addEventListener("change", filter);
  printAll.addEventListener("change", () => document.documentElement.classList.toggle("print-all", printAll.checked));
  for (const box of ruleBoxes) box.addEventListener("change", filter);
  byId("open-all").addEventListener("click", () => fields.forEach((field) => open(field, true)));
  byId("fold-all").addEventListener("click", () => fields.forEach((field) => open(field, false)));

  // A link to a field opens it, and takes away a filter that hides it.
  const follow = () => {
    const field = fields.find((candidate) => "#" + candidate.body.id === location.hash);
    if (!field) return;
    if (field.body.hidden) {
      words.value = "";
      which.value = "all";
      impact.value = "";
      if (cpu) cpu.value = "";
      for (const box of ruleBoxes) box.checked = false;
      filter();
    }
    open(field, true);
    field.body.scrollIntoView({ block: "start" });
    field.button.focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) follow();  // the same link once more changes no hash
  });

  document.documentElement.classList.add("scripted");
  byId("controls").hidden = false;
  filter();
  follow();
})();
