// How the operator's page makes elements: no text ever becomes markup.

// h makes an element: h("p", {class: "soft", onclick: f}, "text", h("b", {}, "more")). What is null or false is left out.
export function h(name, attributes = {}, ...inside) {
  const e = document.createElement(name);
  set(e, attributes);
  e.append(...inside.flat(9).filter((x) => x !== null && x !== undefined && x !== false));
  return e;
}

// s makes an element of a drawing.
export function s(name, attributes = {}, ...inside) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  set(e, attributes);
  e.append(...inside.flat(9).filter(Boolean));
  return e;
}

function set(e, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? "" : value);
  }
}

// fill replaces what is inside an element, and leaves the keyboard where it was: elements that can have it carry a
// data-key.
export function fill(e, ...inside) {
  const held = e.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  e.replaceChildren(...inside.flat(9).filter((x) => x !== null && x !== undefined && x !== false));
  if (held) e.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
}

export const $ = (id) => document.getElementById(id);
