// Shows the picture of the dot under the mouse, for a Plotly chart elsewhere on the page.
//
// The chart is another Streamlit element, which may replace its drawing at any time: so the drawing is polled,
// and each gets its listeners once.

const LOOK_AGAIN_MS = 400;
const watchers = new WeakMap();

class Watcher {
  constructor(root) {
    this.card = root.querySelector(".card");
    this.heard = new WeakSet();
    this.timer = setInterval(() => this.look(), LOOK_AGAIN_MS);
  }

  update(data) {
    this.data = data;
    this.places = new Map(data.ids.map((id, place) => [id, place]));
    const rows = Math.ceil(data.ids.length / data.columns);
    this.card.style.backgroundImage = `url(${data.sprite})`;
    this.card.style.backgroundSize = `${data.columns * data.side}px ${rows * data.side}px`;
    this.card.style.width = this.card.style.height = `${data.side}px`;
    this.look();
  }

  look() {
    const drawing = document.querySelector(`.st-key-${this.data.chart} .js-plotly-plot`);
    if (!drawing || this.heard.has(drawing) || !drawing.on) return;
    this.heard.add(drawing);
    drawing.on("plotly_hover", (event) => this.show(event));
    drawing.on("plotly_unhover", () => this.hide());
  }

  show(event) {
    const place = this.places.get(event.points[0].customdata);
    if (place === undefined) return this.hide();
    const { columns, side } = this.data;
    const mouse = event.event;
    this.card.style.backgroundPosition = `-${(place % columns) * side}px -${Math.floor(place / columns) * side}px`;
    this.card.style.left = `${mouse.clientX - side - 18}px`;
    this.card.style.top = `${mouse.clientY - side / 2}px`;
    this.card.hidden = false;
  }

  hide() {
    this.card.hidden = true;
  }
}

export default function ({ parentElement, data }) {
  let watcher = watchers.get(parentElement);
  if (!watcher) {
    watcher = new Watcher(parentElement);
    watchers.set(parentElement, watcher);
  }
  watcher.update(data);
  return () => {
    clearInterval(watcher.timer);
    watcher.hide();
    watchers.delete(parentElement);
  };
}
