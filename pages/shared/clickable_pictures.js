// Captioned pictures as toggle buttons: a click sends the picture's id.
//
// Streamlit calls the default function whenever `data` changes, with the same parent element: what stands there
// is only marked anew where the pictures are the same, so that the keyboard's focus stays.

const drawn = new WeakMap();

function button(one, send) {
  const made = document.createElement("button");
  made.type = "button";
  made.dataset.id = one.id;
  const picture = document.createElement("img");
  picture.src = one.picture;
  picture.alt = "";
  const words = document.createElement("span");
  words.textContent = one.words;
  const small = document.createElement("span");
  small.className = "dim";
  small.textContent = one.small;
  made.append(picture, words, small);
  made.addEventListener("click", () => send("clicked", one.id));
  return made;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".clickable");
  root.style.maxHeight = data.height ? `${data.height}px` : "none";
  const shown = JSON.stringify(data.pictures.map((one) => [one.id, one.words, one.small, one.picture.length]));
  if (drawn.get(parentElement) !== shown) {
    drawn.set(parentElement, shown);
    root.replaceChildren(...data.pictures.map((one) => button(one, setTriggerValue)));
  }
  const on = new Set(data.followed);
  for (const made of root.children) made.setAttribute("aria-pressed", on.has(Number(made.dataset.id)));
}
