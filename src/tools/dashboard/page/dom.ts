/** Elements, made and changed with few words; text is always text, never markup. */

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  if (text !== "") element.textContent = text;
  return element;
}

export function add<K extends keyof HTMLElementTagNameMap>(
  host: Element,
  tag: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const element = make(tag, className, text);
  host.append(element);
  return element;
}

export function button(
  host: Element,
  className: string,
  text: string,
  onClick: () => void,
): HTMLButtonElement {
  const element = add(host, "button", className, text);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

/** The page is not touched where nothing changed. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setClass(node: Element, className: string): void {
  if (node.className !== className) node.className = className;
}

const SVG = "http://www.w3.org/2000/svg";

export function addSvg(
  host: Element,
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  text = "",
): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  if (text !== "") element.textContent = text;
  host.append(element);
  return element;
}

/** A colour of the theme in force. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
