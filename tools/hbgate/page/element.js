// Makes and keeps DOM. Data only ever becomes text here: nothing parses markup.

// Attributes: "on…" listens, true is an empty attribute, false and null leave it out.
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function drawing(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) {
      node.addEventListener(name.slice(2), value);
    } else {
      setAttribute(node, name, value);
    }
  }
  node.append(...children);
  return node;
}

// What is already so is not touched: a selection in the text survives, and a screen reader is not
// told again.
export function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

export function setAttribute(node, name, value) {
  if (value === false || value === null || value === undefined) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value === true ? "" : value)) {
    node.setAttribute(name, value === true ? "" : value);
  }
}

const keys = new WeakMap();

// Makes the children of `parent` be one per item, in order. A child whose key is there still is
// updated, not made anew, so focus and selection stay where they are.
export function reconcile(parent, items, keyOf, create, update) {
  const focused = document.activeElement;
  const before = new Map(Array.from(parent.children, (node) => [keys.get(node), node]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let node = before.get(key);
    if (node) {
      before.delete(key);
    } else {
      node = create(item);
      keys.set(node, key);
    }
    update(node, item);
    if (node === place) {
      place = place.nextElementSibling;
    } else {
      parent.insertBefore(node, place);
    }
  }
  before.forEach((node) => node.remove());
  if (focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}
