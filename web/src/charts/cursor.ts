// The tip beside a chart's cursor, and the cursor by keyboard.
import type uPlot from "uplot";
import type { ChartProps } from "./chart";
import { day, clock } from "../lib/format";
import { ink } from "./palette";

const MOST_ROWS = 12;

export class Tip {
  private element: HTMLDivElement;

  constructor(private box: HTMLElement) {
    box.querySelector(".tip")?.remove();
    this.element = document.createElement("div");
    this.element.className = "tip";
    this.element.hidden = true;
    box.append(this.element);
  }

  follow(u: uPlot, props: ChartProps): void {
    const i = u.cursor.idx;
    const left = u.cursor.left ?? -1;
    const mine = this.box.matches(":hover") || this.box.contains(document.activeElement);
    if (i === null || i === undefined || left < 0 || !mine) {
      this.element.hidden = true;
      return;
    }
    const at = props.times[i];
    if (at === undefined) return;
    const title = document.createElement("b");
    title.textContent = `${day(at)} ${clock(at, at % 60e3 !== 0)}`;
    const rows: Node[] = [title];
    for (const line of props.lines) {
      if (line.silent || rows.length > MOST_ROWS) continue;
      const value = (line.tip ?? line.values)[i];
      if (value === undefined || (value === null && line.dots)) continue;
      rows.push(this.row(line.label, props.show(value), ink(line.ink)));
    }
    this.element.replaceChildren(...rows);
    this.element.hidden = false;
    this.place(u, left);
  }

  private row(name: string, value: string, colour: string): HTMLElement {
    const row = document.createElement("div");
    const dot = document.createElement("i");
    dot.style.background = colour;
    const label = document.createElement("span");
    label.textContent = name;
    const number = document.createElement("em");
    number.textContent = value;
    row.append(dot, label, number);
    return row;
  }

  private place(u: uPlot, left: number): void {
    const x = u.over.offsetLeft + left;
    const width = this.element.offsetWidth;
    const toRight = x + 14 + width <= this.box.clientWidth;
    this.element.style.left = `${Math.max(0, toRight ? x + 14 : x - width - 14)}px`;
    this.element.style.top = `${u.over.offsetTop + 6}px`;
  }
}

// Left and right move the cursor by a step, with Shift by ten; Escape hides it.
export function attachKeys(box: HTMLElement, of: () => uPlot | undefined): () => void {
  const press = (e: KeyboardEvent) => {
    const u = of();
    const times = u?.data[0];
    if (!u || !times || times.length === 0) return;
    if (e.key === "Escape") u.setCursor({ left: -10, top: -10 });
    const by = e.key === "ArrowLeft" ? -1 : e.key === "ArrowRight" ? 1 : 0;
    if (by === 0) return;
    e.preventDefault();
    const now = u.cursor.idx ?? times.length - 1;
    const next = Math.min(times.length - 1, Math.max(0, now + by * (e.shiftKey ? 10 : 1)));
    u.setCursor({ left: u.valToPos(times[next]!, "x"), top: 0 });
  };
  const leave = () => of()?.setCursor({ left: -10, top: -10 });
  box.addEventListener("keydown", press);
  box.addEventListener("blur", leave);
  return () => {
    box.removeEventListener("keydown", press);
    box.removeEventListener("blur", leave);
  };
}
