/** Helpers for the DOM. Text goes in as text only: NodeIDs are untrusted bytes. */

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element "${id}"`);
  return element as T;
}

export function make(tag: string, className = "", ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children);
  return element;
}

/** Sets the text if it is another one, so that a value that stays the same costs no layout. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets a text in which names of flags, such as `--source-rate`, are set as code and not broken between lines. */
export function setProse(element: Element, text: string): void {
  if (element.textContent === text) return;
  const parts = text.split(/(--[a-z][a-z-]*[a-z])/);
  element.replaceChildren(...parts.map((part, i) => (i % 2 === 1 ? make("code", "", part) : part)));
}

/** A part of a list or table that shows one item. */
export interface Row<T> {
  readonly element: HTMLElement;
  show(item: T): void;
}

/** The rows of a list or table. Rows are made once and then used again. */
export class Rows<T> {
  readonly #parent: HTMLElement;
  readonly #make: () => Row<T>;
  readonly #rows: Row<T>[] = [];

  constructor(parent: HTMLElement, make: () => Row<T>) {
    this.#parent = parent;
    this.#make = make;
  }

  show(items: readonly T[]): void {
    while (this.#rows.length < items.length) {
      const row = this.#make();
      this.#rows.push(row);
      this.#parent.append(row.element);
    }
    for (const { element } of this.#rows.splice(items.length)) element.remove();
    for (const [i, item] of items.entries()) this.#rows[i]!.show(item);
  }
}
