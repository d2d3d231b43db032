// What a page shows that is cut off, as sentences: text wider or higher than its box, boxes beyond the window or
// beyond a parent that hides or scrolls sideways, what reaches beyond its row and stands on what follows, and text of
// charts outside their SVG.
() => {
  const TOLERANCE = 1;
  const GAP = 12; // Between two rows, at least: less than that stands on nothing.
  const BOXES =
    "label, button, summary, h1, h2, h3, h4, h5, h6, [role=tab], [data-testid=stMetric], " +
    "[data-testid=stPageLink-NavLink], [data-testid=stTopNavLink]";
  const UNSEEN = "style, script, noscript";
  const isIcon = (element) => getComputedStyle(element).fontFamily.includes("Material Symbols");
  const sidebar = document.querySelector("[data-testid=stSidebar]");
  const folded = sidebar && sidebar.getBoundingClientRect().right <= 0 ? sidebar : null;
  const faults = new Set();

  function* everything(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* everything(element.shadowRoot);
    }
  }
  const parentOf = (element) => element.parentElement ?? element.getRootNode().host ?? null;
  const holdsText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
  const describe = (element) => {
    const words = (element.textContent || element.getAttribute("aria-label") || "").trim().slice(0, 60);
    const marked = element.closest("[class*=st-key-], [data-testid]");
    const key = marked && /st-key-[\w:-]+/.exec(marked.getAttribute("class") ?? "");
    return `${element.tagName.toLowerCase()} "${words}" (${key ? key[0] : marked?.dataset.testid ?? "no key"})`;
  };
  const isSeen = (element) => {
    // Text that only a screen reader is told has a box of one pixel.
    const box = element.getBoundingClientRect();
    return box.width > 2 && box.height > 2 && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  };

  function checkOwnBox(element) {
    if (!element.clientWidth) return; // Inline text has no box of its own.
    const style = getComputedStyle(element);
    const scrolls = (overflow) => overflow === "auto" || overflow === "scroll";
    if (element.scrollWidth > element.clientWidth + TOLERANCE)
      faults.add(`${describe(element)}: ${element.scrollWidth} px wide in ${element.clientWidth}`);
    if (element.scrollHeight > element.clientHeight + TOLERANCE && !scrolls(style.overflowY))
      faults.add(`${describe(element)}: ${element.scrollHeight} px high in ${element.clientHeight}`);
  }

  function checkSides(element) {
    // What the keyboard too can scroll sideways can be seen whole.
    if (element.closest("[role=region][tabindex='0']")) return;
    const box = element.getBoundingClientRect();
    const beyond = (left, right) => box.left < left - TOLERANCE || box.right > right + TOLERANCE;
    if (beyond(0, innerWidth)) return faults.add(`${describe(element)}: beyond the window`);
    for (let outer = parentOf(element); outer && outer !== document.body; outer = parentOf(outer)) {
      if (getComputedStyle(outer).overflowX === "visible") continue;
      const limits = outer.getBoundingClientRect();
      if (limits.width > 2 && beyond(limits.left, limits.right))
        return faults.add(`${describe(element)}: cut off by ${outer.dataset.testid ?? outer.className}`);
    }
  }

  for (const scrolling of [document.documentElement, document.querySelector("[data-testid=stMain]")])
    if (scrolling.scrollWidth > scrolling.clientWidth)
      faults.add(`the page: ${scrolling.scrollWidth} px wide in ${scrolling.clientWidth}`);
  for (const element of everything(document.body)) {
    if (!(element instanceof HTMLElement) || !(element.matches(BOXES) || holdsText(element))) continue;
    if (element.closest(UNSEEN) || folded?.contains(element) || !isSeen(element) || isIcon(element)) continue;
    checkOwnBox(element);
    checkSides(element);
  }
  for (const inRow of document.querySelectorAll("[data-testid=stHorizontalBlock] > [data-testid=stElementContainer]")) {
    const limit = inRow.parentElement.getBoundingClientRect().bottom;
    if (isSeen(inRow) && inRow.getBoundingClientRect().bottom > limit + GAP)
      faults.add(`${describe(inRow)}: stands on what follows its row`);
  }
  for (const text of document.querySelectorAll(".js-plotly-plot svg text")) {
    if (!isSeen(text)) continue;
    const box = text.getBoundingClientRect();
    const limits = text.closest("svg.main-svg").getBoundingClientRect();
    const inside =
      box.left >= limits.left - TOLERANCE && box.right <= limits.right + TOLERANCE &&
      box.top >= limits.top - TOLERANCE && box.bottom <= limits.bottom + TOLERANCE;
    if (!inside) faults.add(`text "${text.textContent}" of a chart: outside its SVG`);
  }
  return [...faults];
}
