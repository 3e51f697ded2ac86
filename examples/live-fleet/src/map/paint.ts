/** Draws the map: what stands still into one picture, what happens on top of it. */

import type { Disc, Layout, Point } from './layout';

export interface Palette {
  readonly ground: string;
  readonly line: string;
  readonly ink: string;
  readonly quiet: string;
  readonly disc: string;
  readonly connected: string;
  readonly disconnected: string;
  readonly flash: string;
}

/** The colours of the style sheet, so that the map follows the theme. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: colour('map-ground'),
    line: colour('map-line'),
    ink: colour('map-ink'),
    quiet: colour('map-quiet'),
    disc: colour('map-disc'),
    connected: colour('connected'),
    disconnected: colour('disconnected'),
    flash: colour('flash'),
  };
}

/** About how far apart the lines of the grid are. */
const LINES_PIXELS = 130;
/** What is left free of names: the labels of the grid, and the legend on top. */
const [LEFT_LABELS, LEGEND] = [60, 34];
const FLASH_PICTURES = 24;
const FONT = '500 11px ui-sans-serif, system-ui, sans-serif';

/** The ground, the places, and the things at them. */
export function paintStill(pen: CanvasRenderingContext2D, layout: Layout, palette: Palette, size: Point): void {
  pen.fillStyle = palette.ground;
  pen.fillRect(0, 0, size.x, size.y);
  pen.font = FONT;
  if (layout.discs.length === 0 && layout.travellers.size === 0) {
    paintNothing(pen, palette, size);
    return;
  }
  paintGrid(pen, layout, palette, size);
  for (const disc of layout.discs) {
    pen.beginPath();
    pen.arc(disc.x, disc.y, disc.radius, 0, 2 * Math.PI);
    pen.fillStyle = palette.disc;
    pen.fill();
    if (disc.isSite) {
      pen.strokeStyle = palette.line;
      pen.lineWidth = 1;
      pen.stroke();
    }
  }
  const radius = layout.dotRadius;
  pen.fillStyle = palette.connected;
  for (const dot of layout.dots) if (dot.connected) paintDot(pen, dot, radius);
  pen.strokeStyle = palette.disconnected;
  pen.lineWidth = Math.min(1.4, radius * 0.6);
  for (const dot of layout.dots) {
    if (dot.connected) continue;
    pen.beginPath();
    pen.arc(dot.x, dot.y, radius - pen.lineWidth / 2, 0, 2 * Math.PI);
    pen.stroke();
  }
  paintNames(pen, layout.discs, palette, size);
  paintScale(pen, layout, palette, size);
}

function paintNothing(pen: CanvasRenderingContext2D, palette: Palette, size: Point): void {
  pen.fillStyle = palette.quiet;
  pen.textAlign = 'center';
  pen.fillText('Nothing of this has a place.', size.x / 2, size.y / 2);
  pen.textAlign = 'left';
}

function paintDot(pen: CanvasRenderingContext2D, { x, y }: Point, radius: number): void {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

function paintGrid(pen: CanvasRenderingContext2D, { projection }: Layout, palette: Palette, size: Point): void {
  const step = niceStep(((projection.east - projection.west) * LINES_PIXELS) / size.x);
  pen.strokeStyle = palette.line;
  pen.fillStyle = palette.quiet;
  pen.lineWidth = 1;
  pen.setLineDash([1, 4]);
  for (let degree = Math.ceil(projection.south / step) * step; degree < projection.north; degree += step) {
    const { y } = projection.toPoint({ latitude: degree, longitude: projection.west });
    paintLine(pen, { x: 0, y: Math.round(y) + 0.5 }, { x: size.x, y: Math.round(y) + 0.5 });
    if (y > 40 && y < size.y - 30) pen.fillText(degrees(degree, 'N', 'S'), 8, y - 4);
  }
  for (let degree = Math.ceil(projection.west / step) * step; degree < projection.east; degree += step) {
    const { x } = projection.toPoint({ latitude: projection.south, longitude: degree });
    paintLine(pen, { x: Math.round(x) + 0.5, y: 0 }, { x: Math.round(x) + 0.5, y: size.y });
    if (x > 40 && x < size.x - 160) pen.fillText(degrees(degree, 'E', 'W'), x + 4, size.y - 8);
  }
  pen.setLineDash([]);
}

function paintLine(pen: CanvasRenderingContext2D, from: Point, to: Point): void {
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  pen.lineTo(to.x, to.y);
  pen.stroke();
}

function degrees(value: number, above: string, below: string): string {
  return `${Math.abs(value).toFixed(2)}° ${value < 0 ? below : above}`;
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return (rough / power >= 5 ? 5 : rough / power >= 2 ? 2 : 1) * power;
}

/** The names of the largest places first: below the disc, above it or beside it, or nowhere when all of that is taken. */
function paintNames(pen: CanvasRenderingContext2D, discs: readonly Disc[], palette: Palette, size: Point): void {
  const taken: Box[] = [];
  pen.textAlign = 'center';
  pen.lineWidth = 3;
  pen.lineJoin = 'round';
  for (const disc of [...discs].sort((one, other) => other.count - one.count)) {
    const half = pen.measureText(disc.name).width / 2 + 3;
    const box = [
      { x: disc.x, y: disc.y + disc.radius + 9, half },
      { x: disc.x, y: disc.y - disc.radius - 9, half },
      { x: disc.x + disc.radius + half + 2, y: disc.y, half },
      { x: disc.x - disc.radius - half - 2, y: disc.y, half },
    ].find(
      (box) =>
        box.x - half > LEFT_LABELS &&
        box.y > LEGEND &&
        box.x + half < size.x &&
        taken.every((other) => Math.abs(other.y - box.y) > 13 || Math.abs(other.x - box.x) > other.half + half) &&
        discs.every((other) => other === disc || !isOver(box, other)),
    );
    if (box === undefined) continue;
    taken.push(box);
    pen.strokeStyle = palette.ground;
    pen.strokeText(disc.name, box.x, box.y + 4);
    pen.fillStyle = disc.isSite ? palette.ink : palette.quiet;
    pen.fillText(disc.name, box.x, box.y + 4);
  }
  pen.textAlign = 'left';
}

/** A name around its middle. */
interface Box extends Point {
  readonly half: number;
}

function isOver(box: Box, disc: Disc): boolean {
  const [dx, dy] = [Math.max(0, Math.abs(disc.x - box.x) - box.half), Math.max(0, Math.abs(disc.y - box.y) - 6)];
  return Math.hypot(dx, dy) < disc.radius + 1;
}

function paintScale(pen: CanvasRenderingContext2D, { projection }: Layout, palette: Palette, size: Point): void {
  const kilometres = niceStep(120 / projection.pixelsPerKilometre);
  const [right, y] = [size.x - 14, size.y - 14];
  const left = right - kilometres * projection.pixelsPerKilometre;
  pen.strokeStyle = palette.quiet;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(left, y - 5);
  pen.lineTo(left, y);
  pen.lineTo(right, y);
  pen.lineTo(right, y - 5);
  pen.stroke();
  pen.fillStyle = palette.quiet;
  pen.textAlign = 'center';
  pen.fillText(`${kilometres} km`, (left + right) / 2, y - 6);
  pen.textAlign = 'left';
}

/** A thing on its way: its trail, and an arrowhead in the direction that it came. */
export function paintTraveller(
  pen: CanvasRenderingContext2D,
  trail: readonly Point[],
  connected: boolean,
  size: number,
  palette: Palette,
): void {
  const [here, before] = [trail.at(-1), trail.at(-2)];
  if (here === undefined) return;
  pen.strokeStyle = connected ? palette.connected : palette.disconnected;
  pen.lineWidth = 1.5 * size;
  pen.globalAlpha = 0.35;
  pen.beginPath();
  for (const { x, y } of trail) pen.lineTo(x, y);
  pen.stroke();
  pen.globalAlpha = 1;
  pen.save();
  pen.translate(here.x, here.y);
  pen.rotate(before === undefined ? 0 : Math.atan2(here.y - before.y, here.x - before.x) + Math.PI / 2);
  pen.scale(size, size);
  pen.beginPath();
  pen.moveTo(0, -7);
  pen.lineTo(5, 5);
  pen.lineTo(0, 2.5);
  pen.lineTo(-5, 5);
  pen.closePath();
  pen.fillStyle = connected ? palette.connected : palette.ground;
  pen.lineWidth = connected ? 3 : 1.4;
  pen.strokeStyle = connected ? palette.ground : palette.disconnected;
  pen.stroke();
  pen.fill();
  pen.restore();
}

/** The pictures of a report around a dot of this radius, as it fades: made once, since thousands are drawn in a second. */
export function flashPictures(radius: number, palette: Palette, ratio: number): readonly HTMLCanvasElement[] {
  return Array.from({ length: FLASH_PICTURES }, (_, step) => {
    const age = step / FLASH_PICTURES;
    const half = flashReach(radius);
    const picture = document.createElement('canvas');
    picture.width = picture.height = Math.ceil(2 * half * ratio);
    const pen = picture.getContext('2d');
    if (pen === null) return picture;
    pen.scale(picture.width / 2 / half, picture.height / 2 / half);
    pen.fillStyle = palette.flash;
    pen.strokeStyle = palette.flash;
    pen.globalAlpha = 1 - age ** 2;
    paintDot(pen, { x: half, y: half }, radius);
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.arc(half, half, radius + 1.5 + Math.min(9, 3 * radius) * age, 0, 2 * Math.PI);
    pen.stroke();
    return picture;
  });
}

/** Half of the width of such a picture. */
function flashReach(radius: number): number {
  return radius + 3 + Math.min(9, 3 * radius);
}

/** `age` runs from 0, at the report, to 1. */
export function paintFlash(
  pen: CanvasRenderingContext2D,
  { x, y }: Point,
  radius: number,
  age: number,
  pictures: readonly HTMLCanvasElement[],
): void {
  const [picture, half] = [pictures[Math.floor(age * pictures.length)], flashReach(radius)];
  if (picture !== undefined) pen.drawImage(picture, x - half, y - half, 2 * half, 2 * half);
}

export function paintChoice(pen: CanvasRenderingContext2D, { x, y }: Point, radius: number, palette: Palette): void {
  pen.strokeStyle = palette.ink;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(x, y, radius + 3.5, 0, 2 * Math.PI);
  pen.stroke();
}
