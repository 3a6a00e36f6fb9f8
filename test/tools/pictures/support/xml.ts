/** Reads XML strictly, as a parser that stops at the first fault would: enough to know that an SVG is one. */

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

const TOKEN = /<\?xml[^?]*\?>|<(\/?)([\w:.-]+)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>|[^<>]+|[<>]/gy;
const ENTITY = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i;

export function parseXml(source: string): Element {
  const top: Element = { name: "", attributes: {}, children: [], text: "" };
  const open = [top];
  let at = 0;
  for (const m of source.matchAll(TOKEN)) {
    if (m.index !== at || m[0] === "<" || m[0] === ">") break;
    at += m[0].length;
    if (ENTITY.test(m[0])) throw new Error(`an & that is no entity: ${m[0]}`);
    const [, closing, name, list, alone] = m;
    const element = open.at(-1)!;
    if (name === undefined) {
      element.text += m[0].startsWith("<?") ? "" : m[0];
    } else if (closing === "/") {
      if (element.name !== name) throw new Error(`</${name}> ends <${element.name}>`);
      open.pop();
    } else {
      const child: Element = { name, attributes: attributes(list!), children: [], text: "" };
      element.children.push(child);
      if (alone !== "/") open.push(child);
    }
  }
  if (at !== source.length) throw new Error(`not XML: ${source.slice(at, at + 60)}`);
  if (open.length > 1) throw new Error(`<${open.at(-1)!.name}> is not closed`);
  if (top.children.length !== 1) throw new Error("one element is the root");
  return top.children[0]!;
}

function attributes(list: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, value] of list.matchAll(/([\w:.-]+)="([^"]*)"/g)) {
    if (name! in found) throw new Error(`${name} stands there twice`);
    found[name!] = value!;
  }
  return found;
}

export function* descendants(element: Element): Generator<Element> {
  for (const child of element.children) {
    yield child;
    yield* descendants(child);
  }
}
