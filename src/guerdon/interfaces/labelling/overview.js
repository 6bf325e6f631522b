"use strict";
// The owner's page: asks every few seconds how the labelling goes, and shows it.
(() => {
  const $ = (id) => document.getElementById(id);
  let shown = "";
  function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    Object.assign(made, properties);
    made.append(...children);
    return made;
  }
  const percent = (x) => `${Math.round(100 * x)} %`;
  const share = (of) => (of ? [percent(of.share), element("small", {}, `of ${of.count}, ${percent(of.low)} to ${percent(of.high)}`)] : ["–"]);
  const tile = (figure, ...texts) => element("div", { className: "card tile" }, element("div", { className: "figure" }, figure), ...texts.map((text) => element("p", {}, text)));
  function table(place, heads, rows) {
    $(place).replaceChildren(element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((cell) => (cell instanceof Node ? cell : element("td", {}, ...[cell].flat())))))));
  }
  function show(found) {
    $("count").replaceChildren(element("b", {}, String(found.settled)), ` of ${found.items} rows done · ${found.kind}`);
    $("progress").setAttribute("aria-valuemax", found.items);
    $("progress").setAttribute("aria-valuenow", found.settled);
    $("progress").firstElementChild.style.width = `${(100 * found.settled) / found.items}%`;
    $("soft").hidden = !found.soft;
    const alphas = Object.entries(found.alpha);
    $("tiles").replaceChildren(
      tile(String(found.labels), found.labels === 1 ? "label" : "labels", `${found.labelled} of ${found.items} rows, ${found.shared} by more than one`),
      ...(alphas.length ? alphas : [["", { alpha: null, units: 0 }]]).map(([scale, of]) => tile(of.alpha === null ? "–" : of.alpha.toFixed(2),
        `Krippendorff's alpha${alphas.length > 1 ? `: ${scale}` : ""}`, of.units ? `of ${of.units} that more than one judged; 1 agree, 0 as by chance` : "needs rows that more than one labelled (--each 2)")),
      tile(String(found.differ), found.differ === 1 ? "row on which they differ" : "rows on which they differ"));
    $("people").hidden = !found.annotators.length;
    table("annotators", ["", "labels", "skipped", "undone", "seconds each", "right on gold", "as the others", "first one preferred"], found.annotators.map((one) =>
      [element("td", {}, element("b", {}, one.annotator)), String(one.labels), String(one.skipped), String(one.undone), one.seconds === null ? "–" : one.seconds.toFixed(1), share(one.gold), share(one.agrees), share(one.first)]));
    $("differ").hidden = !found.disputes.length;
    table("disputes", ["row", "about", "what they said", ""], found.disputes.map((one) => [String(one.row), element("td", { className: "free" }, one.about),
      element("td", { className: "free" }, ...Object.entries(one.answers).map(([who, said]) => element("span", { className: "said" }, `${who}: ${said}`))), one.waiting ? "another is asked" : "asked of enough"]));
    $("noted").hidden = !found.remarks.length;
    table("remarks", ["row", "who", ""], found.remarks.map((one) => [one.item, one.annotator, element("td", { className: "free" }, one.what === "skip" ? `skipped${one.note ? `: ${one.note}` : ""}` : one.note)]));
  }
  async function look() {
    try {
      const answer = await fetch("/api/overview"), found = await answer.json();
      if (!answer.ok) throw new Error(answer.status === 401 ? "Open the owner's link that the command printed." : found.error.message);
      if (shown !== JSON.stringify(found)) show(found);
      shown = JSON.stringify(found);
      $("say").textContent = "";
    } catch (error) {
      $("say").textContent = error instanceof TypeError ? "The server does not answer." : error.message;
    }
    setTimeout(look, 3000);
  }
  const export_ = (query) => () => { location.href = `/api/export${query}`; };
  $("majority").onclick = export_("");
  $("by-annotator").onclick = export_("?by_annotator=true");
  $("soft").onclick = export_("?soft=true");
  look();
})();
