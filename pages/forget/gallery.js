// A grid of thumbnails from one sprite sheet with multiple selection.
//
// Streamlit calls the default function whenever `data` changes, with the same parent element, so the selection
// is stored in a Gallery per element. Python's selection has a version and is applied only if the version is
// new; every selection sent back has the version it started from, so that Python can ignore outdated ones.

const galleries = new WeakMap();
const DEBOUNCE_MS = 150;
const FOOT_PX = 44;

// A thousand cells with a data URI of a megabyte each block the browser for seconds.
function shortUrl(dataUri) {
  const [head, body] = dataUri.split(",");
  const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: head.slice("data:".length, head.indexOf(";")) }));
}

class Gallery {
  constructor(root) {
    this.grid = root.querySelector(".grid");
    this.count = root.querySelector(".count");
    this.clearButton = root.querySelector(".clear");
    this.caption = root.querySelector(".caption");
    this.selected = new Set();
    this.ids = [];
    this.version = null;
    this.anchor = 0;
    this.focused = 0;
    this.timer = null;
    this.listen();
    // Its own height changes with it: a second call sets the same one.
    new ResizeObserver(() => this.fit()).observe(this.grid.parentElement);
  }

  // As high as the window leaves it below what stands above, so that the count is seen without scrolling.
  fit() {
    const scrolled = document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0;
    const top = this.grid.getBoundingClientRect().top + scrolled;
    this.grid.style.setProperty("--above", Math.round(top) + FOOT_PX);
  }

  listen() {
    const grid = this.grid;
    grid.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
    grid.addEventListener("click", (event) => this.onClick(event));
    grid.addEventListener("keydown", (event) => this.onKey(event));
    grid.addEventListener("mouseover", (event) => this.describe(this.positionOf(event.target)));
    grid.addEventListener("focusin", (event) => this.describe(this.positionOf(event.target)));
    // The last click must be sent before any other interaction, such as the Forget button.
    grid.addEventListener("mouseleave", () => this.flush());
    grid.addEventListener("focusout", (event) => grid.contains(event.relatedTarget) || this.flush());
    this.clearButton.addEventListener("click", () => {
      this.selected.clear();
      this.changed();
      this.flush();
    });
  }

  update(data, send) {
    this.send = send;
    if (data.selection.version !== this.version) {
      this.version = data.selection.version;
      this.selected = new Set(data.selection.ids);
      clearTimeout(this.timer);
      this.timer = null;
    }
    if (data.sprite !== this.sprite || data.ids.join() !== this.ids.join()) {
      this.draw(data);
    }
    this.paint();
    this.fit();
  }

  draw(data) {
    this.dropSheet();
    this.sprite = data.sprite;
    this.sheetUrl = shortUrl(data.sprite);
    this.ids = data.ids;
    this.labels = data.labels;
    this.anchor = this.focused = 0;
    const { style, dataset } = this.grid;
    const rows = Math.ceil(data.ids.length / data.columns);
    style.setProperty("--sprite", `url(${this.sheetUrl})`);
    style.setProperty("--sheet", `${data.columns * data.size}px ${rows * data.size}px`);
    style.setProperty("--size", data.size);
    style.setProperty("--wrong", data.wrong_colour);
    dataset.empty = data.empty;
    const wrong = new Set(data.wrong);
    const cells = data.ids.map((id, position) => {
      const cell = document.createElement("div");
      const x = (position % data.columns) * data.size;
      const y = Math.floor(position / data.columns) * data.size;
      cell.className = wrong.has(id) ? "cell wrong" : "cell";
      cell.style.backgroundPosition = `-${x}px -${y}px`;
      cell.dataset.position = position;
      cell.dataset.id = id;
      cell.tabIndex = position === 0 ? 0 : -1;
      cell.setAttribute("role", "option");
      cell.setAttribute("aria-label", data.labels[position]);
      return cell;
    });
    this.grid.replaceChildren(...cells);
    this.grid.scrollTop = 0;
    this.caption.textContent = "";
  }

  dropSheet() {
    URL.revokeObjectURL(this.sheetUrl);
  }

  paint() {
    let shown = 0;
    for (const cell of this.grid.children) {
      const on = this.selected.has(Number(cell.dataset.id));
      shown += on;
      cell.setAttribute("aria-selected", on);
    }
    const hidden = this.selected.size - shown;
    this.count.textContent = `${this.selected.size} selected` + (hidden ? ` (${hidden} not shown)` : "");
    this.clearButton.hidden = this.selected.size === 0;
  }

  positionOf(target) {
    const cell = target.closest(".cell");
    return cell ? Number(cell.dataset.position) : null;
  }

  describe(position) {
    if (position !== null) this.caption.textContent = this.labels[position].replaceAll(", ", " · ");
  }

  onClick(event) {
    const position = this.positionOf(event.target);
    if (position === null) return;
    if (event.shiftKey) this.selectRange(this.anchor, position);
    else this.toggle(position);
    this.focus(position);
  }

  onKey(event) {
    const last = this.ids.length - 1;
    const columns = getComputedStyle(this.grid).gridTemplateColumns.split(" ").length;
    const moves = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns,
      PageUp: -4 * columns, PageDown: 4 * columns, Home: -last, End: last,
    };
    if (event.key in moves) {
      const position = Math.min(last, Math.max(0, this.focused + moves[event.key]));
      if (event.shiftKey) this.selectRange(this.anchor, position);
      else this.anchor = position;
      this.focus(position);
    } else if (event.key === " " || event.key === "Enter") {
      this.toggle(this.focused);
    } else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
      this.ids.forEach((id) => this.selected.add(id));
      this.changed();
    } else if (event.key === "Escape") {
      this.selected.clear();
      this.changed();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  toggle(position) {
    const id = this.ids[position];
    if (!this.selected.delete(id)) this.selected.add(id);
    this.anchor = position;
    this.changed();
  }

  selectRange(from, to) {
    for (let i = Math.min(from, to); i <= Math.max(from, to); i++) this.selected.add(this.ids[i]);
    this.changed();
  }

  focus(position) {
    const cells = this.grid.children;
    if (cells[this.focused]) cells[this.focused].tabIndex = -1;
    this.focused = position;
    cells[position].tabIndex = 0;
    cells[position].focus();
  }

  changed() {
    this.paint();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), DEBOUNCE_MS);
  }

  flush() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.timer = null;
    this.send("selected", { version: this.version, ids: [...this.selected] });
  }
}

export default function ({ data: [data], parentElement, setStateValue, setTriggerValue }) {
  if (!galleries.has(parentElement)) galleries.set(parentElement, new Gallery(parentElement));
  const gallery = galleries.get(parentElement);
  gallery.update(data, setStateValue);
  // After the frame in which the browser draws them.
  if (data.tell) requestAnimationFrame(() => setTimeout(() => setTriggerValue("drawn", true)));
  return () => {
    gallery.dropSheet();
    galleries.delete(parentElement);
  };
}
